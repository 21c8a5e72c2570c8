"""Answers: the quote that answers, large, with its passage and source; or the plain word that no release answers."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from page import chips, conversation, feedback, take_along
from page.conversation import Sheet, Turn
from page.markup import escaped, link, marked, plain, show, tag
from page.suggestions import about_release
from page.words import act_words, board_words, day_words, error_words, kind_words, nth, say, side_words, why_words
from qa import Answer, Hit, Place, Quote, Release, Retriever, Statement, link_to, place_of

# Words for a calibrated probability, from the highest floor; the steps are a choice, measured by nothing. What is less than
# the operating point of the confidence is not answered at all.
_SURE = ((0.9, "Very likely an answer"), (0.7, "Likely an answer"), (0.0, "Perhaps an answer"))


def show_turn(retriever: Retriever, turn: Turn) -> None:
    with st.container(key=f"turn-{turn.number}"):
        with st.chat_message("user"):
            show(f"<h2>{escaped(turn.request.text)}</h2>")
        with st.chat_message("assistant", avatar=":material/article:"):
            if turn.error is not None:
                st.error(plain(error_words(turn.error)))
            if turn.answer is None:
                return
            chips.show_chips(retriever, turn, turn.answer)
            if turn.answer.answered:
                show_answer(retriever, turn, turn.answer)
            else:
                show_abstention(retriever, turn, turn.answer)


def show_answer(retriever: Retriever, turn: Turn, answer: Answer) -> None:
    if answer.question.of_development:
        show(f'<p class="lead">{say("What the releases say, in the order of time")}</p>')
        for hit in answer.in_time:
            show_hit(retriever, turn, hit, large=False)
    else:
        first, *others = answer.hits
        show_hit(retriever, turn, first, large=True)
        if others:
            show(f'<p class="lead">{say("More passages")}</p>')
        for hit in others:
            show_hit(retriever, turn, hit, large=False)


def how_sure(turn: Turn, answer: Answer) -> None:
    """The confidence in words, which open their explanation."""
    words = next(words for floor, words in _SURE if answer.confidence >= floor)
    with st.popover(say(words), type="tertiary", key=f"sure-{turn.number}"):
        told = say(
            "Of a hundred questions answered with this confidence, some {share} have their answer among the passages shown. "
            "It was fitted on questions with known answers; read the quote before you use it.",
            share=round(100 * answer.confidence),
        )
        st.caption(plain(told))


def through_time(turn: Turn) -> None:
    st.button(
        say("Through time"),
        key=f"time-{turn.number}",
        type="tertiary",
        on_click=conversation.open_beside,
        args=(Sheet("time", turn=turn.number),),
    )


def show_hit(retriever: Retriever, turn: Turn, hit: Hit, *, large: bool) -> None:
    release = turn.releases[hit.release_id]
    quote = hit.quotes[0] if hit.quotes else None
    start, end = (hit.start + quote.start, hit.start + quote.end) if quote else (hit.start, hit.end)
    place = place_of(release, start, end) if quote else None
    passage = f'<div class="passage">{marked(hit.text, [(each.start, each.end) for each in hit.quotes])}</div>'
    if quote and hit.text == quote.text:
        passage = ""
    elif not large:
        passage = f"<details><summary>{say('The passage around it')}</summary>{passage}</details>"
    quoted = "".join(quote_html(retriever, release, hit, each) for each in hit.quotes)
    show(
        f'<article class="{"hit first" if large else "hit"}">{quoted}<p class="source">{source(hit, place)}</p>{passage}'
        f"{fine(turn, hit)}</article>"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"hit-{turn.number}-{hit.rank}"):
        if hit.url:
            where = link_to(release, quote.text if quote else "") or hit.url
            st.html(link(where, say("Official page"), title=say("Official page: {title}", title=hit.title)), width="content")
        key = f"{turn.number}-{hit.rank}"
        st.button(
            say("Open the release"),
            key=f"open-{key}",
            type="tertiary",
            on_click=conversation.open_beside,
            args=(Sheet("release", hit.release_id, start, end),),
        )
        if st.button(say("Cite"), key=f"cite-{key}", type="tertiary"):
            take_along.show_citation(release, quote.text if quote else hit.text, place)
        if turn.answer and hit is (turn.answer.in_time if turn.answer.question.of_development else turn.answer.hits)[0]:
            through_time(turn)
            if turn.answer.answered:
                how_sure(turn, turn.answer)
        feedback.ask_for(turn, hit)


def quote_html(retriever: Retriever, release: Release, hit: Hit, quote: Quote) -> str:
    """A quote, the notes that qualify it, who says it to whom and what kind of act it is, as HTML."""
    said = quote.statement
    place = place_of(release, hit.start + quote.start, hit.start + quote.end)
    notes = "".join(tag("p", note, "note") for note in place.notes)
    who = [said_by(retriever, release, said), act_words(said.act)] if said else []
    return tag("blockquote", quote.text, "quote") + notes + tag("p", " · ".join(word for word in who if word), "who")


def source(hit: Hit, place: Place | None) -> str:
    """Of which release, where in it and when, as HTML."""
    where = [day_words(hit.date) if hit.date else say("date unknown"), place_words(hit, place), kind_words(hit.kind)]
    return tag("cite", hit.title, "title") + tag("span", " · ".join(word for word in where if word), "fine")


def said_by(retriever: Retriever, release: Release, said: Statement) -> str | None:
    """The speaker and whom they speak to, each with their country; else whose side it is."""
    if said.side == "both" or said.speaker is None:
        return side_words(said.side)
    speakers = retriever.speakers
    home = speakers.publisher_of(release)
    by = with_land(said.speaker, home if said.side == "ours" else speakers.country(said.speaker))
    if said.to is None:
        return by
    return say("{speaker} to {to}", speaker=by, to=with_land(said.to, speakers.country(said.to)))


def with_land(name: str, land: str | None) -> str:
    return f"{name} ({land})" if land and land != name else name


def place_words(hit: Hit, place: Place | None) -> str:
    """The paragraph, as printed or counted, and the point under it."""
    number = hit.paragraph or (str(place.paragraph) if place else None)
    if number is None:
        return ""
    if place is not None and place.point:
        return say("paragraph {number}, {nth} point", number=number, nth=nth(place.point))
    return say("paragraph {number}", number=number)


def fine(turn: Turn, hit: Hit) -> str:
    """What else is to be known of a hit, as HTML."""
    told = []
    if hit.provenance == "digest":
        told.append(tag("p", say("Digest: our summary, not the ministry's words"), "digest"))
    others = [turn.releases[key] for key in hit.also]
    if others:
        places = [
            f"{board_words(other.board) or other.id}{f', {day_words(other.date)}' if other.date else ''}" for other in others
        ]
        links = [link(other.url, place) if other.url else escaped(place) for other, place in zip(others, places, strict=True)]
        told.append(f'<p class="fine">{escaped(say("Also published on"))} {"; ".join(links)}</p>')
    return "".join(told)


def show_abstention(retriever: Retriever, turn: Turn, answer: Answer) -> None:
    told = tag("p", say("No release answers this."), "none") + why(retriever, answer)
    show(f'<div class="abstention" role="note">{told}</div>')
    feedback.ask_for(turn, None)
    instead(retriever, turn, answer)
    if answer.hits:
        show(f'<p class="lead">{say("The nearest passages, which do not answer it")}</p>')
    for hit in answer.hits:
        show_hit(retriever, turn, hit, large=False)


def why(retriever: Retriever, answer: Answer) -> str:
    """What is missing, and what the releases span, as HTML."""
    span = retriever.timeline.span
    reach = say("{count} releases are searched", count=len(retriever.index.releases))
    if span:
        reach += say(", {first} to {last}", first=day_words(span[0]), last=day_words(span[1]))
    return "".join(tag("p", line, "fine") for line in (why_words(answer), f"{reach}."))


def instead(retriever: Retriever, turn: Turn, answer: Answer) -> None:
    """What one might ask instead, each a click."""
    request, question = turn.request, answer.question
    offers = []
    if request.filters:
        bare = replace(request, since=None, until=None, speaker=None, side=None, act=None)
        offers.append((say("Ask without the filters"), bare))
    if question.period:
        offers.append((say("Ask of any time"), replace(request, aside=request.aside | {"period"})))
    if question.asked:
        offers.append((say("Ask whoever says it"), replace(request, aside=request.aside | {"asked"})))
    near = dict.fromkeys(hit.release_id for hit in answer.hits)
    about = dict.fromkeys(about_release(turn.releases[key]) for key in near)
    offers += [(text, replace(request, text=text, history=(), aside=frozenset())) for text in list(about)[:2]]
    if not offers:
        return
    show(f'<p class="lead">{say("One might ask instead")}</p>')
    with st.container(horizontal=True, gap="small", key=f"instead-{turn.number}"):
        for at, (words, changed) in enumerate(offers):
            key = f"instead-{turn.number}-{at}"
            st.button(plain(words), key=key, wrap=True, on_click=conversation.ask, args=(retriever, changed))
