"""Thumbs and remarks, kept in a file of this machine."""

from __future__ import annotations

import streamlit as st

from page.conversation import Turn
from page.markup import plain
from page.words import error_words, say
from qa import Feedback, Hit, QaError, default_feedback, keep_feedback


def ask_for(turn: Turn, hit: Hit | None) -> None:
    """Thumbs on a passage, or on an abstention, and a remark once there is one."""
    name = f"{turn.number}-{hit.rank if hit else 'none'}"
    st.feedback("thumbs", key=f"thumb-{name}", on_change=keep, args=(turn, hit, name), width="content")
    if st.session_state.get(f"thumb-{name}") is None:
        return
    st.text_input(
        say("A remark, for who looks after the releases"),
        key=f"remark-{name}",
        max_chars=1000,
        on_change=keep,
        args=(turn, hit, name),
        placeholder=say("Kept. A remark?"),
        label_visibility="collapsed",
    )
    failed = st.session_state.get(f"failed-{name}")
    if failed:
        st.error(plain(error_words(failed)))


def keep(turn: Turn, hit: Hit | None, name: str) -> None:
    thumb = st.session_state[f"thumb-{name}"]
    if thumb is None or turn.answer is None:
        return
    carried = turn.answer.question.carried
    told = Feedback(
        id=f"{st.session_state['session']}-{name}",
        question=turn.answer.question.text,
        history=(carried,) if carried else (),
        release=hit.release_id if hit else None,
        sentence=hit.quotes[0].text if hit and hit.quotes else None,
        up=bool(thumb),
        remark=st.session_state.get(f"remark-{name}") or "",
    )
    st.session_state[f"failed-{name}"] = None
    try:
        keep_feedback(default_feedback(), told)
    except QaError as error:
        st.session_state[f"failed-{name}"] = str(error)
