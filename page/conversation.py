"""Conversations of a session: what was asked and answered, the current one, and what is opened beside it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Literal

import streamlit as st

from embeddings.errors import EmbeddingsError
from page.request import Request, request_from
from qa import Answer, QaError, Retriever

SHOWN = 5  # passages of an answer


@dataclass(slots=True)
class Turn:
    """One question and its answer, or the error that came instead. `number` is its own in the session."""

    number: int
    request: Request
    answer: Answer | None
    error: str | None
    seconds: float


@dataclass(slots=True)
class Conversation:
    turns: list[Turn] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.turns[0].request.text if self.turns else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands beside the conversation: a release at `start` to `end`, two compared, a topic through time, one's own."""

    kind: Literal["release", "comparison", "time", "own"]
    release: str = ""
    start: int = 0
    end: int = 0
    earlier: str = ""
    turn: int = 0


def begin(retriever: Retriever) -> None:
    """Set up a session at its first run; ask what its link asks."""
    state = st.session_state
    if "conversations" in state:
        return
    state["conversations"], state["current"], state["asked"], state["sheet"] = [Conversation()], 0, 0, None
    state["session"] = secrets.token_hex(8)
    request = request_from(st.query_params.to_dict())
    if request is not None:
        ask(retriever, request)


def conversations() -> list[Conversation]:
    return list(st.session_state["conversations"])


def current() -> Conversation:
    conversation: Conversation = st.session_state["conversations"][st.session_state["current"]]
    return conversation


def ask(retriever: Retriever, request: Request, instead_of: Turn | None = None) -> None:
    """Ask, and put the answer at the end of the conversation, or in the place of an earlier one."""
    state = st.session_state
    state["asked"] += 1
    started = time.perf_counter()
    answer, error = None, None
    try:
        answer = retriever.ask(request.understood(retriever), SHOWN)
    except (QaError, EmbeddingsError) as caught:
        error = str(caught)
    turn = Turn(state["asked"], request, answer, error, time.perf_counter() - started)
    turns = current().turns
    at = next((i for i, each in enumerate(turns) if each is instead_of), len(turns))
    turns[at : at + 1] = [turn]
    state["newest"] = turn.number
    if state["sheet"] is not None and state["sheet"].kind == "time":
        state["sheet"] = None
    st.query_params.from_dict(request.parameters(answer.question.carried if answer else None))


def follow_up(retriever: Retriever, request: Request) -> None:
    """Ask after all that was asked in the conversation."""
    ask(retriever, replace(request, history=tuple(turn.request.text for turn in current().turns)))


def start_anew() -> None:
    """A new conversation; an empty one there is already will do."""
    state = st.session_state
    if current().turns:
        empty = [at for at, each in enumerate(state["conversations"]) if not each.turns]
        if not empty:
            state["conversations"].append(Conversation())
        state["current"] = empty[0] if empty else len(state["conversations"]) - 1
    state["sheet"], state["newest"] = None, 0
    st.query_params.clear()


def go_back_to(at: int) -> None:
    """An earlier conversation, at its last answer."""
    st.session_state["current"], st.session_state["sheet"] = at, None
    turn = current().turns[-1]
    st.session_state["newest"] = turn.number
    st.query_params.from_dict(turn.request.parameters(turn.answer.question.carried if turn.answer else None))


def open_beside(sheet: Sheet | None) -> None:
    st.session_state["sheet"] = sheet


def beside() -> Sheet | None:
    sheet: Sheet | None = st.session_state["sheet"]
    return sheet
