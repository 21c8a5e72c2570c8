"""The chat page: `streamlit run app.py`. It asks the public API and shows what comes back; it decides nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

import page
from page import conversation, own, release, states, through_time
from page.answers import show_turn
from page.behaviour import show_behaviour
from page.conversation import Sheet
from page.markup import plain
from page.request import Request
from page.sidebar import choose_language, chosen_filters, show_sidebar
from page.suggestions import suggested
from page.words import begin_language, say
from qa import Retriever

STYLE = Path(page.__file__).with_name("style.css")


def main() -> None:
    begin_language()
    st.set_page_config(page_title=say("Ask the releases"))  # no page_icon: Streamlit would fetch it from another host
    st.html(STYLE)
    st.title(say("Ask the releases"), anchor=False)
    choose_language()
    retriever = states.open_retriever()
    if retriever is None:
        return
    conversation.begin(retriever)
    typed = st.session_state.get("typed")
    if typed:  # answered before the page is drawn, so that it is drawn once
        conversation.follow_up(retriever, replace(Request(typed), **chosen_filters()))
    show_sidebar(retriever)
    st.chat_input(say("Ask in English or Korean"), key="typed", max_chars=2000)
    sheet = conversation.beside()
    turns = conversation.current().turns
    if not turns:
        show_welcome(retriever)
    for turn in turns:
        show_turn(retriever, turn)
    if sheet is not None:
        show_sheet(retriever, sheet)
    show_behaviour(st.session_state["newest"], hash(sheet) if sheet else 0)


def show_welcome(retriever: Retriever) -> None:
    st.caption(say("Every word in quotes is a release's. Nothing is generated."))
    if any(release.provenance == "digest" for release in retriever.index.releases.values()):
        st.caption(say("Among the releases are digests: our summaries of official ones, marked as such and linked to them."))
    questions = suggested(retriever)
    if not questions:
        return
    st.html(f'<p class="lead">{say("For example")}</p>')
    with st.container(key="suggested"):
        for at, question in enumerate(questions):
            st.button(
                plain(question),
                key=f"suggested-{at}",
                wrap=True,
                on_click=conversation.ask,
                args=(retriever, Request(question)),
            )


def show_sheet(retriever: Retriever, sheet: Sheet) -> None:
    """What stands beside the conversation."""
    with st.container(key="sheet"):
        st.button(say("Close"), key="close", icon=":material/close:", type="tertiary",
                  on_click=conversation.open_beside, args=(None,))  # fmt: skip
        if sheet.kind == "release":
            release.show_release(retriever, sheet)
        elif sheet.kind == "comparison":
            through_time.show_comparison(retriever, sheet)
        elif sheet.kind == "time":
            turn = next((each for each in conversation.current().turns if each.number == sheet.turn), None)
            through_time.show_topic(retriever, turn)
        else:
            own.show_own(retriever)


main()
