"""Through time: when the releases speak of a topic, and what is new, repeated and dropped between two of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import altair
import streamlit as st

from page import conversation
from page.conversation import Sheet, Turn
from page.markup import escaped, plain, show, tag
from page.request import Aside
from page.words import day_words, error_words, say
from qa import Hit, Pair, Release, Retriever, compare
from qa.errors import BadQuestion

_LOOKED_AT = 40  # passages; the releases they are of are drawn
_NEAR = 0.6  # of the best score, from which a passage is drawn: a choice, measured by nothing yet


def show_topic(retriever: Retriever, turn: Turn | None) -> None:
    """The releases that speak of what was asked, drawn by year and told in order; a year asks within it."""
    if turn is None or turn.answer is None:
        return
    show(tag("h2", say("Through time"), "sheet-title") + tag("p", turn.request.text, "fine"))
    hits = speaking(retriever, turn)
    dated = [hit for hit in hits if hit.date]
    if not dated:
        st.info(say("None of the releases near this question has a date."))
        return
    years = Counter(str(hit.date.year) for hit in dated if hit.date)
    drawn = st.altair_chart(chart(years), on_select="rerun", key=f"chart-{turn.number}", alt=drawn_words(years))
    chosen = [point["year"] for point in drawn["selection"].get("year", [])]
    if chosen:
        within(retriever, turn, chosen[0])
        st.rerun()
    st.caption(say("Releases with a passage near this question, by year. A year asks again within it."))
    with st.container(horizontal=True, gap="small", key="years"):
        for year in sorted(years):
            st.button(
                f"{year} ({years[year]})", key=f"year-{turn.number}-{year}", on_click=within, args=(retriever, turn, year)
            )
    for hit in sorted(dated, key=lambda hit: str(hit.date)):
        start = hit.start + (hit.quotes[0].start if hit.quotes else 0)
        end = hit.start + (hit.quotes[0].end if hit.quotes else len(hit.text))
        show(
            f'<article class="hit moment">{tag("span", day_words(hit.date) if hit.date else "", "fine")}'
            f"{tag('cite', hit.title, 'title')}{tag('blockquote', hit.quotes[0].text if hit.quotes else '', 'quote')}</article>"
        )
        sheet = Sheet("release", hit.release_id, start, end)
        key = f"moment-{hit.release_id}"
        st.button(say("Open the release"), key=key, type="tertiary", on_click=conversation.open_beside, args=(sheet,))
    choose_two(retriever, dated)


def speaking(retriever: Retriever, turn: Turn) -> list[Hit]:
    """The best passage of each release that speaks of the topic, whenever it was published."""
    if turn.answer is None:
        return []
    question = replace(turn.answer.question, since=None, until=None, period=None)
    hits = retriever.ask(question, _LOOKED_AT).hits
    first: dict[str, Hit] = {}
    for hit in hits:
        if hit.score >= _NEAR * hits[0].score:
            first.setdefault(hit.release_id, hit)
    return list(first.values())


def within(retriever: Retriever, turn: Turn, year: str) -> None:
    aside: frozenset[Aside] = turn.request.aside | {"period"}
    request = replace(turn.request, since=f"{year}-01-01", until=f"{year}-12-31", aside=aside)
    conversation.ask(retriever, request)


def chart(years: Counter[str]) -> altair.Chart:
    """Bars, one a year from the first to the last; a click on one chooses it."""
    span = range(int(min(years)), int(max(years)) + 1)
    rows: list[dict[str, Any]] = [{"year": str(year), "releases": years[str(year)]} for year in span]
    chosen = altair.selection_point(name="year", fields=["year"])
    made: altair.Chart = (
        altair.Chart(altair.Data(values=rows))  # type: ignore[no-untyped-call]
        .mark_bar(size=18, cornerRadius=2, cursor="pointer")
        .encode(
            x=altair.X("year:O", title=None, axis=altair.Axis(labelAngle=0, labelOverlap=True)),
            y=altair.Y("releases:Q", title=say("Releases"), axis=altair.Axis(tickMinStep=1, format="d")),
            tooltip=[altair.Tooltip("year:O", title=say("Year")), altair.Tooltip("releases:Q", title=say("Releases"))],
        )
        .add_params(chosen)
        .properties(height=150)
    )
    return made


def drawn_words(years: Counter[str]) -> str:
    return "; ".join(f"{year}: {count}" for year, count in sorted(years.items()))


def choose_two(retriever: Retriever, hits: list[Hit]) -> None:
    """Two of the passages to set side by side."""
    known = {hit.release_id: hit for hit in sorted(hits, key=lambda hit: str(hit.date))}
    if len(known) < 2:
        return
    show(tag("p", say("Two of them side by side"), "lead"))

    def named(key: str) -> str:
        return f"{known[key].date}  {known[key].title}"

    one = st.selectbox(say("Earlier"), list(known), index=0, format_func=named, key="compare-one")
    other = st.selectbox(say("Later"), list(known), index=len(known) - 1, format_func=named, key="compare-other")
    if one == other:
        st.caption(say("Choose two different releases."))
        return
    show_pairs(retriever, one, other, {known[one].passage_id, known[other].passage_id})


def show_comparison(retriever: Retriever, sheet: Sheet) -> None:
    """Two releases of a series, whole."""
    show(tag("h2", say("What changed"), "sheet-title"))
    release = Sheet("release", sheet.release)
    st.button(say("Back to the release"), key="back", type="tertiary", icon=":material/arrow_back:",
              on_click=conversation.open_beside, args=(release,))  # fmt: skip
    show_pairs(retriever, sheet.earlier, sheet.release, None)


def show_pairs(retriever: Retriever, earlier: str, later: str, passages: set[str] | None) -> None:
    """Sentence by sentence, verbatim, the earlier beside the later; only those of `passages` where these are given."""
    try:
        found = compare(earlier, later, index=retriever.index)
    except BadQuestion as error:
        st.error(plain(error_words(str(error))))
        return
    pairs = [pair for pair in found.pairs if passages is None or _of(pair, passages)]
    counts = Counter(pair.change for pair in pairs)
    told = {
        "new": say("{count} new", count=counts["new"]),
        "repeated": say("{count} repeated", count=counts["repeated"]),
        "dropped": say("{count} dropped", count=counts["dropped"]),
    }
    releases = [retriever.index.releases[key] for key in (found.earlier_id, found.later_id)]
    heads = "".join(f'<th scope="col">{_head(release)}</th>' for release in releases)
    rows = "".join(_row(pair) for pair in pairs)
    show(
        f'<p class="fine">{escaped(" · ".join(told.values()))}</p>'
        f'<table class="pairs"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _of(pair: Pair, passages: set[str]) -> bool:
    return any(side is not None and side.passage_id in passages for side in (pair.earlier, pair.later))


def _head(release: Release) -> str:
    digest = say("Digest: our summary, not the ministry's words") if release.provenance == "digest" else ""
    day = day_words(release.date) if release.date else say("date unknown")
    return tag("span", day, "fine") + tag("span", release.title, "title") + tag("span", digest, "digest")


def _row(pair: Pair) -> str:
    words = {"new": say("New"), "repeated": say("Repeated"), "dropped": say("Dropped")}[pair.change]
    cells = []
    for name, side in (("earlier", pair.earlier), ("later", pair.later)):
        told = name == "later" or pair.change == "dropped"
        cells.append(f"<td>{tag('span', words if told and side else '', 'change')}{escaped(side.text) if side else ''}</td>")
    return f'<tr class="{pair.change}">{"".join(cells)}</tr>'
