"""Taking it along: a citation to copy, a conversation as Markdown or CSV, a link that asks again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from urllib.parse import quote as percent_encoded
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from page.conversation import Conversation, Turn
from page.markup import markdown
from page.words import say, why_words
from qa import Hit, Place, Release, bibtex, cite, link_to, place_of

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # what spreadsheets take for one: OWASP, CSV Injection
_COLUMNS = ("question", "answered", "confidence", "rank", "title", "date", "paragraph", "quote", "speaker", "to", "act",
            "provenance", "link", "asked again at")  # fmt: skip


def show_citation(release: Release, sentence: str, place: Place | None) -> None:
    """A dialog with the citation, plain and as BibTeX, each with a button that copies it."""

    @st.dialog(say("Cite"))
    def dialog() -> None:
        st.caption(say("Plain"))
        st.code(cite(release, sentence, place), language=None, wrap_lines=True)
        st.caption("BibTeX")
        st.code(bibtex(release), language=None, wrap_lines=True)
        where = link_to(release, sentence)
        if where:
            st.caption(say("Link to the official page"))
            st.code(where, language=None, wrap_lines=True)

    dialog()


def show_export(conversation: Conversation) -> None:
    """The conversation as files, and the link to its last question."""
    turns = [turn for turn in conversation.turns if turn.answer]
    if not turns:
        return
    st.subheader(say("Take along"))
    with st.container(horizontal=True, gap="small", key="export"):
        st.download_button(
            "Markdown", as_markdown(turns), "conversation.md", "text/markdown", key="markdown", on_click="ignore"
        )
        st.download_button("CSV", as_csv(turns), "conversation.csv", "text/csv", key="csv", on_click="ignore")
    with st.popover(say("Link to this question"), key="permalink", type="tertiary"):
        st.caption(say("It asks the last question again, with its filters."))
        st.code(permalink(turns[-1]), language=None, wrap_lines=True)


def permalink(turn: Turn) -> str:
    """The address of the page that asks the question again."""
    parts = urlsplit(str(st.context.url or ""))
    query = urlencode(turn.address, quote_via=percent_encoded)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def as_markdown(turns: list[Turn]) -> str:
    """A conversation to read on: each question with its quotes, verbatim, and their sources."""
    lines = [f"# {say('Ask the releases')}", ""]
    for turn in turns:
        lines += [f"## {markdown(turn.request.text)}", "", f"<{permalink(turn)}>", ""]
        if turn.answer is not None and not turn.answer.answered:
            lines += [f"**{say('No release answers this.')}** {markdown(why_words(turn.answer))}", ""]
        for hit, sentence, link, place in told(turn):
            digest = say("Digest: our summary, not the ministry's words")
            whose = f" *{digest}*" if hit.provenance == "digest" else ""
            paragraph = f", {say('paragraph {number}', number=place.number or place.paragraph)}" if place else ""
            lines += [
                f"> {markdown(sentence)}",
                "",
                f"{markdown(hit.title)}, {hit.date or say('date unknown')}{paragraph}.{whose}",
            ]
            lines += [f"<{link}>" if link else "", ""]
    return "\n".join(lines)


def as_csv(turns: list[Turn]) -> str:
    """A conversation as a table, a row a passage; with a mark that tells spreadsheets it is UTF-8."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(_COLUMNS)
    for turn in turns:
        answer, link = turn.answer, permalink(turn)
        if answer is None:
            continue
        head = [turn.request.text, "yes" if answer.answered else "no", f"{answer.confidence:.2f}"]
        rows: list[list[object]] = []
        for hit, sentence, where, place in told(turn):
            said = hit.quotes[0].statement if hit.quotes else None
            number = (place.number or place.paragraph) if place else ""
            rows.append([hit.rank, hit.title, hit.date or "", number, sentence, (said and said.speaker) or "",
                         (said and said.to) or "", (said and said.act) or "", hit.provenance, where or ""])  # fmt: skip
        for row in rows or [[""] * (len(_COLUMNS) - len(head) - 1)]:
            table.writerow([harmless(str(cell)) for cell in (*head, *row, link)])
    return "\ufeff" + file.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def told(turn: Turn) -> Iterator[tuple[Hit, str, str | None, Place | None]]:
    """Each hit with its quote, the link to it, and its place."""
    for hit in turn.answer.hits if turn.answer else ():
        release = turn.releases[hit.release_id]
        start, end = (hit.start + hit.quotes[0].start, hit.start + hit.quotes[0].end) if hit.quotes else (hit.start, hit.end)
        sentence = release.text[start:end]
        yield hit, sentence, link_to(release, sentence), place_of(release, start, end) if hit.quotes else None
