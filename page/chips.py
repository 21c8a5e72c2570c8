"""Chips: what was understood of a question, each to be changed or left out, which asks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import MAXYEAR, date
from typing import Any

import streamlit as st

from page import conversation
from page.conversation import Turn
from page.markup import plain
from page.request import Request
from page.words import act_words, day_words, say, side_words
from qa import ACTS, SIDES, Answer, Asked, Named, Period, Question, Retriever, named_in


def show_chips(retriever: Retriever, turn: Turn, answer: Answer) -> None:
    """A row of chips; nothing where nothing was understood but the words themselves."""
    question, request = answer.question, turn.request
    names = named_in(question, retriever.speakers)
    said = question.said
    if not (names or question.carried or question.period or question.asked or request.filters):
        return
    with st.container(horizontal=True, gap="small", key=f"chips-{turn.number}"):
        st.html(f'<span class="fine">{say("Understood")}</span>', width="content")
        if question.carried:
            carried_chip(retriever, turn, question.carried)
        if question.period:
            period_chip(retriever, turn, question.period)
        if request.since or request.until:
            days_chip(retriever, turn, question)
        if question.asked:
            asked_chip(retriever, turn, question.asked, of_words=True)
        if said:
            asked_chip(retriever, turn, said, of_words=False)
        for name in names:
            name_chip(retriever, turn, question.text, name)


def again(retriever: Retriever, turn: Turn, request: Request) -> None:
    conversation.ask(retriever, request, instead_of=turn)


def leave_out(retriever: Retriever, turn: Turn, chip: str, request: Request) -> None:
    st.button(
        say("Leave this out and ask again"),
        key=f"{chip}-out-{turn.number}",
        icon=":material/close:",
        on_click=again,
        args=(retriever, turn, request),
    )


def carried_chip(retriever: Retriever, turn: Turn, carried: str) -> None:
    with st.popover(plain(say("Follows: {question}", question=shortened(carried))), key=f"carried-{turn.number}"):
        st.caption(plain(say("This question leans on one before it: “{question}”", question=carried)))
        leave_out(retriever, turn, "carried", replace(turn.request, history=()))


def period_chip(retriever: Retriever, turn: Turn, period: Period) -> None:
    with st.popover(plain(say("Time: {period}", period=period.said)), key=f"period-{turn.number}"):
        first, last = (day_words(day) if day else "…" for day in (period.since, period.until))
        days = f" ({first} – {last})" if period.since or period.until else ""
        st.caption(plain(say("Releases of this time come first: {period}", period=period.said) + days))
        within(retriever, turn, period.since, period.until)
        leave_out(retriever, turn, "period", replace(turn.request, aside=turn.request.aside | {"period"}))


def days_chip(retriever: Retriever, turn: Turn, question: Question) -> None:
    since, until = question.since, question.until
    with st.popover(plain(say("Released: {days}", days=f"{since or '…'} – {until or '…'}")), key=f"days-{turn.number}"):
        st.caption(say("Only releases of these days are searched."))
        within(retriever, turn, since, until)
        leave_out(retriever, turn, "days", replace(turn.request, since=None, until=None))


def within(retriever: Retriever, turn: Turn, since: date | None, until: date | None) -> None:
    """Two days, and a button that asks again within them."""
    bounds = day_bounds(retriever, since, until)
    first = st.date_input(say("From"), value=since, key=f"since-{turn.number}", format="YYYY-MM-DD", **bounds)
    last = st.date_input(say("To"), value=until, key=f"until-{turn.number}", format="YYYY-MM-DD", **bounds)
    days = [str(day) if isinstance(day, date) else None for day in (first, last)]
    request = replace(turn.request, since=days[0], until=days[1], aside=turn.request.aside | {"period"})
    st.button(say("Ask only of these days"), key=f"days-again-{turn.number}", on_click=again, args=(retriever, turn, request))


def day_bounds(retriever: Retriever, *chosen: date | None) -> dict[str, Any]:
    """The first and the last day that can be chosen: wide, since a question's period may reach out of the releases."""
    founded = date(1948, 1, 1)  # the ministry
    days = [founded, date.today(), *(retriever.timeline.span or ()), *filter(None, chosen)]
    return {"min_value": min(days), "max_value": date(min(max(days).year + 1, MAXYEAR), 12, 31)}


def asked_chip(retriever: Retriever, turn: Turn, asked: Asked, *, of_words: bool) -> None:
    """Whose act, or what kind of one, is asked for: by the question's words, which order, or by a filter, which leaves out."""
    parts = [asked.speaker, None if asked.speaker else side_words(asked.side), act_words(asked.act)]
    told = ", ".join(part for part in parts if part)
    request, key = turn.request, ("asked" if of_words else "said")
    label = say("Who and what: {asked}", asked=told) if of_words else say("Only: {asked}", asked=told)
    with st.popover(plain(label), key=f"{key}-{turn.number}"):
        if of_words:
            st.caption(say("Passages with such a statement come first."))
        else:
            st.caption(say("Only passages with such a statement are searched."))
        st.text_input(say("Speaker"), value=asked.speaker or "", key=f"{key}-speaker-{turn.number}")
        choices: Any = (("side", SIDES, asked.side, side_words), ("act", ACTS, asked.act, act_words))
        for name, known, value, words in choices:
            st.selectbox(
                say("Whose side") if name == "side" else say("Kind of act"),
                [None, *known],
                index=known.index(value) + 1 if value else 0,
                format_func=lambda each, words=words: words(each) or say("any"),
                key=f"{key}-{name}-{turn.number}",
            )

        def only() -> None:
            chosen = {name: st.session_state[f"{key}-{name}-{turn.number}"] or None for name in ("speaker", "side", "act")}
            again(retriever, turn, replace(request, aside=request.aside | {"asked"}, **chosen))  # type: ignore[arg-type]

        st.button(say("Ask only for this"), key=f"{key}-again-{turn.number}", on_click=only)
        without = (
            replace(request, aside=request.aside | {"asked"})
            if of_words
            else replace(request, speaker=None, side=None, act=None)
        )
        leave_out(retriever, turn, key, without)


def name_chip(retriever: Retriever, turn: Turn, text: str, name: Named) -> None:
    """A country or person, and others of the kind to ask about instead."""
    written = text[name.start : name.end]
    label = name.meaning if written.endswith(name.meaning) else f"{written} → {name.meaning}"
    key = f"name-{name.start}"
    with st.popover(plain(label), key=f"{key}-{turn.number}"):
        kind = say("Country") if name.kind == "country" else say("Person")
        st.caption(plain(f"{kind}: {label}"))
        st.text_input(say("Ask about another instead"), value=name.meaning, key=f"{key}-other-{turn.number}")

        def other() -> None:
            chosen = st.session_state[f"{key}-other-{turn.number}"].strip()
            again(retriever, turn, replace(turn.request, text=f"{text[: name.start]}{chosen}{text[name.end :]}"))

        st.button(say("Ask again"), key=f"{key}-again-{turn.number}", on_click=other)
        shorter = " ".join(f"{text[: name.start]}{text[name.end :]}".split())
        leave_out(retriever, turn, key, replace(turn.request, text=shorter))


def shortened(text: str, most: int = 48) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
