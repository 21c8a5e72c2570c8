"""The sidebar: conversations, filters, taking along, language, the releases."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from page import conversation, states, take_along
from page.chips import shortened
from page.conversation import Sheet
from page.markup import plain
from page.words import LANGUAGES, act_words, day_words, say, side_words
from qa import ACTS, SIDES, Retriever


def show_sidebar(retriever: Retriever) -> None:
    with st.sidebar:
        st.button(say("New conversation"), key="new", icon=":material/add:", on_click=conversation.start_anew, width="stretch")
        earlier()
        choose_filters(retriever)
        take_along.show_export(conversation.current())
        st.subheader(say("Releases"))
        span = retriever.timeline.span
        words = say("{count} releases", count=len(retriever.index.releases))
        st.caption(plain(f"{words}, {day_words(span[0])} – {day_words(span[1])}" if span else words))
        sheet = conversation.beside()
        if sheet is None or sheet.kind != "own":  # which says it itself
            states.show_report()
            states.show_stale(retriever)
        if not states.is_public():
            st.button(
                say("Add a release"),
                key="own",
                type="tertiary",
                icon=":material/upload_file:",
                on_click=conversation.open_beside,
                args=(Sheet("own"),),
            )


def choose_language() -> None:
    """English or Korean; the browser's first."""
    with st.sidebar:
        st.segmented_control(
            "Language · 언어", list(LANGUAGES), format_func=LANGUAGES.__getitem__, key="language", required=True
        )


def earlier() -> None:
    """The other conversations of this session."""
    kept = [(at, each) for at, each in enumerate(conversation.conversations()) if each.turns]
    others = [(at, each) for at, each in kept if each is not conversation.current()]
    if not others:
        return
    st.subheader(say("Earlier conversations"))
    for at, each in others:
        st.button(
            plain(shortened(each.name)),
            key=f"conversation-{at}",
            type="tertiary",
            on_click=conversation.go_back_to,
            args=(at,),
        )


def choose_filters(retriever: Retriever) -> None:
    """Days of publication, and whose statement of what kind."""
    days = retriever.timeline.span
    bounds: dict[str, Any] = {"min_value": days[0], "max_value": days[1]} if days else {}
    st.subheader(say("Search only"))
    st.date_input(say("From"), value=None, format="YYYY-MM-DD", key="filter-since", **bounds)
    st.date_input(say("To"), value=None, format="YYYY-MM-DD", key="filter-until", **bounds)
    with st.expander(say("Who says what")):
        st.text_input(say("Speaker"), key="filter-speaker", placeholder=say("a name or a country"))
        st.selectbox(
            say("Whose side"), [None, *SIDES], format_func=lambda each: side_words(each) or say("any"), key="filter-side"
        )
        st.selectbox(
            say("Kind of act"), [None, *ACTS], format_func=lambda each: act_words(each) or say("any"), key="filter-act"
        )


def chosen_filters() -> dict[str, Any]:
    """The filters for the next question, by name; days as YYYY-MM-DD, None where nothing is chosen."""
    chosen = {name: st.session_state[f"filter-{name}"] for name in ("since", "until", "speaker", "side", "act")}
    days = {name: str(chosen[name]) if isinstance(chosen[name], date) else None for name in ("since", "until")}
    return {**chosen, **days, "speaker": chosen["speaker"].strip() or None}
