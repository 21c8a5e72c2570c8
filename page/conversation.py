"""Conversations of a session: what was asked and answered, the current one, and what is opened beside it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Literal

import streamlit as st

from embeddings.errors import EmbeddingsError
from page.request import Request, request_from
from qa import Answer, QaError, Release, Retriever

SHOWN = 5  # passages of an answer


@dataclass(slots=True)
class Turn:
    """One question and its answer, or the error that came instead. `number` is its own in the session.

    `releases` are those of the hits, by id, as they read when it was answered: the index may be another by now.
    """

    number: int
    request: Request
    answer: Answer | None
    error: str | None
    releases: dict[str, Release]

    @property
    def address(self) -> dict[str, str]:
        """What the address of the page holds to ask it again."""
        return self.request.parameters(self.answer.question.carried if self.answer else None)


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
        follow_address(retriever)
        return
    state["conversations"], state["current"], state["asked"], state["sheet"] = [Conversation()], 0, 0, None
    state["session"], state["address"], state["newest"] = secrets.token_hex(8), {}, 0
    request = request_from(st.query_params.to_dict())
    if request is not None:
        ask(retriever, request)


def follow_address(retriever: Retriever) -> None:
    """Go where the browser's Back and Forward lead: to the turn that the address asks, or to an empty conversation.

    A question that is in no conversation any more was changed since; it is asked again in the place of what became of it.
    """
    state, address = st.session_state, st.query_params.to_dict()
    if address == state["address"]:
        return
    request = request_from(address)
    if request is None:
        start_anew()
        return
    for at, each in enumerate(state["conversations"]):
        for turn in reversed(each.turns):
            if turn.address == address:
                show(at, turn)
                return
    ask(retriever, request, instead_of=next((turn for turn in current().turns if turn.number == state["newest"]), None))


def show(at: int, turn: Turn | None) -> None:
    """A conversation at one of its turns, and its address; nothing beside it."""
    state = st.session_state
    state["current"], state["sheet"], state["newest"] = at, None, turn.number if turn else 0
    state["address"] = turn.address if turn else {}
    st.query_params.from_dict(state["address"])


def conversations() -> list[Conversation]:
    return list(st.session_state["conversations"])


def current() -> Conversation:
    conversation: Conversation = st.session_state["conversations"][st.session_state["current"]]
    return conversation


def ask(retriever: Retriever, request: Request, instead_of: Turn | None = None) -> None:
    """Ask, and put the answer at the end of the conversation, or in the place of an earlier one."""
    state = st.session_state
    state["asked"] += 1
    answer, error = None, None
    try:
        answer = retriever.ask(request.understood(retriever), SHOWN)
    except (QaError, EmbeddingsError) as caught:
        error = str(caught)
    known = retriever.index.releases
    releases = {key: known[key] for hit in (answer.hits if answer else ()) for key in (hit.release_id, *hit.also)}
    turn = Turn(state["asked"], request, answer, error, releases)
    turns = current().turns
    at = next((i for i, each in enumerate(turns) if each is instead_of), len(turns))
    turns[at : at + 1] = [turn]
    sheet = state["sheet"]
    show(state["current"], turn)
    if sheet is not None and sheet.kind != "time":
        state["sheet"] = sheet


def follow_up(retriever: Retriever, request: Request) -> None:
    """Ask after all that was asked in the conversation."""
    ask(retriever, replace(request, history=tuple(turn.request.text for turn in current().turns)))


def start_anew() -> None:
    """A new conversation; an empty one there is already will do."""
    kept = st.session_state["conversations"]
    at = next((at for at, each in enumerate(kept) if not each.turns), len(kept))
    if at == len(kept):
        kept.append(Conversation())
    show(at, None)


def go_back_to(at: int) -> None:
    """An earlier conversation, at its last answer."""
    show(at, st.session_state["conversations"][at].turns[-1])


def open_beside(sheet: Sheet | None) -> None:
    st.session_state["sheet"] = sheet


def beside() -> Sheet | None:
    sheet: Sheet | None = st.session_state["sheet"]
    return sheet
