"""The release beside the conversation: whole, at the sentence, with its outline and the others of its series."""

from __future__ import annotations

import streamlit as st

from page import conversation
from page.conversation import Sheet
from page.markup import escaped, link, marked, plain, show, tag
from page.words import act_words, board_words, day_words, kind_words, say, side_words
from qa import Paragraph, Release, Retriever, link_to, series

_OUTLINED = 14  # words of a paragraph's start that tell what it is about


def show_release(retriever: Retriever, sheet: Sheet) -> None:
    release = retriever.index.releases.get(sheet.release)
    if release is None:
        st.warning(plain(say("This release is no longer in the index.")))
        return
    facts = [
        day_words(release.date) if release.date else say("date unknown"),
        kind_words(release.kind),
        board_words(release.board) or "",
    ]
    head = tag("h2", release.title, "sheet-title") + tag("p", release.subtitle or "", "fine")
    head += tag("p", " · ".join(filter(None, facts)), "fine")
    if release.provenance == "digest":
        head += tag("p", say("Digest: our summary, not the ministry's words"), "digest")
    if release.url:
        where = link_to(release, release.text[sheet.start : sheet.end]) or release.url
        head += f'<p class="fine">{link(where, say("Official page"))}</p>'
    show(head)
    show_series(retriever, release)
    paragraphs = "".join(paragraph_html(release, each, at, sheet) for at, each in enumerate(release.paragraphs))
    show(f'{outline(retriever, release)}<div class="release">{paragraphs}</div>')


def show_series(retriever: Retriever, release: Release) -> None:
    """The releases before and after it in its series, and what changed since the one before."""
    ids = series(release.id, index=retriever.index)
    at = ids.index(release.id)
    near = [(say("Earlier"), ids[at - 1] if at else None), (say("Later"), ids[at + 1] if at + 1 < len(ids) else None)]
    if not any(key for _, key in near):
        return
    show(f'<p class="lead">{escaped(say("{at} of {count} in its series", at=at + 1, count=len(ids)))}</p>')
    for words, key in near:
        if key is None:
            continue
        other = retriever.index.releases[key]
        st.button(
            plain(f"{words}: {day_words(other.date) if other.date else ''} {other.title}"),
            key=f"series-{key}",
            type="tertiary",
            icon=":material/arrow_back:" if words == say("Earlier") else ":material/arrow_forward:",
            on_click=conversation.open_beside,
            args=(Sheet("release", key),),
        )
    if at:
        st.button(
            say("What changed since the one before"),
            key="compare",
            icon=":material/compare_arrows:",
            on_click=conversation.open_beside,
            args=(Sheet("comparison", release.id, earlier=ids[at - 1]),),
        )


def outline(retriever: Retriever, release: Release) -> str:
    """A line a paragraph, as HTML: its number, who does what in it, and its first words."""
    acts: dict[int, dict[str, None]] = {}
    for row, passage in enumerate(retriever.index.passages):
        if passage.release_id != release.id:
            continue
        for said in retriever.statements(row):
            if said.act in (None, "stated"):
                continue
            start = passage.start + said.start
            at = next(i for i, each in enumerate(release.paragraphs) if each.start <= start < each.end)
            speaker = side_words("both") if said.side == "both" else said.speaker or side_words(said.side)
            acts.setdefault(at, {})[" ".join(filter(None, (speaker, act_words(said.act))))] = None
    lines = []
    for at, paragraph in enumerate(release.paragraphs):
        words = release.text[paragraph.start : paragraph.end].split()
        first = " ".join(words[:_OUTLINED]) + (" …" if len(words) > _OUTLINED else "")
        done = tag("span", "; ".join(acts.get(at, ())), "acts")
        first = escaped(f"{paragraph.number or at + 1}. {first}")
        lines.append(f'<li><a href="#paragraph-{at + 1}">{first}</a>{done}</li>')
    if len(lines) < 2:
        return ""
    return f'<details class="outline"><summary>{escaped(say("Outline"))}</summary><ol>{"".join(lines)}</ol></details>'


def paragraph_html(release: Release, paragraph: Paragraph, at: int, sheet: Sheet) -> str:
    """A paragraph with its points and notes, as HTML, the sentence that was asked for marked."""
    lines = []
    for part in paragraph.parts:
        start, end = max(sheet.start, part.start), min(sheet.end, part.end)
        spans = [(start - part.start, end - part.start)] if start < end else []
        number = tag("span", f"{paragraph.number}. ", "number") if paragraph.number and part is paragraph.parts[0] else ""
        lines.append(f'<p class="{part.kind}">{number}{marked(release.text[part.start : part.end], spans)}</p>')
    return f'<section id="paragraph-{at + 1}">{"".join(lines)}</section>'
