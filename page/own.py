"""Bringing one's own: a saved page or a text, shown as it is understood before it is added, and a rebuild."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

import streamlit as st

from page import states
from page.markup import plain, show, tag
from page.words import day_words, kind_words, say
from qa import Corpus, Release, Retriever, default_own, read_corpus

_SUFFIXES = ["txt", "html", "htm", "json", "jsonl"]
_LARGEST = 10  # MB of a file; a saved page has some hundred kB


def show_own(retriever: Retriever) -> None:
    if states.is_public():
        st.info(say("This installation takes no releases from visitors."))
        return
    show(tag("h2", say("Add a release"), "sheet-title"))
    show(tag("p", say("A saved page, a text or records. You see what was understood before it is added."), "fine"))
    dropped = st.file_uploader(say("File"), _SUFFIXES, key="own-file", max_upload_size=_LARGEST)
    typed = st.text_area(say("Or a text, its title on the first line"), key="own-text", height=160)
    if dropped is not None:
        preview(retriever, dropped.name, dropped.getvalue())
    elif typed.strip():
        preview(retriever, f"{typed.strip().splitlines()[0][:60]}.txt", typed.encode("utf-8"))
    states.show_report()
    states.show_stale(retriever)


def preview(retriever: Retriever, name: str, content: bytes) -> None:
    """What was understood of a file, with a button that adds it."""
    read = understood(name, content)
    for error in read.left_out:
        st.warning(plain(say("Left out: {what}", what=error.reason)))
    for release in read.releases:
        show_understood(retriever, release)
    if not read.releases:
        return

    def add() -> None:
        folder = default_own()
        folder.mkdir(parents=True, exist_ok=True)
        place_for(folder, name, content).write_bytes(content)
        st.session_state["own-text"], st.session_state["report"] = "", None
        st.session_state["added"] = len(read.releases)

    st.button(say("Add {count} releases", count=len(read.releases)), key="add", type="primary", on_click=add)


def understood(name: str, content: bytes) -> Corpus:
    """A file as `qa rebuild` would read it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file_name(name)
        path.write_bytes(content)
        return read_corpus([path])


def file_name(name: str) -> str:
    """A name of the file that leaves its folder nowhere."""
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    return (re.sub(r"[^\w-]+", "-", stem).strip("-").lower() or "release") + suffix


def place_for(folder: Path, name: str, content: bytes) -> Path:
    """Where to keep a file; every saved page may be called "view.html", and none takes another's place."""
    path = folder / file_name(name)
    if path.exists() and path.read_bytes() != content:
        return path.with_stem(f"{path.stem}-{hashlib.sha256(content).hexdigest()[:8]}")
    return path


def show_understood(retriever: Retriever, release: Release) -> None:
    known = retriever.index.releases.get(release.id)
    day = say("date unknown") if release.date is None else day_words(release.date)
    if release.date and release.date_source != "stated":
        day += f" ({say('inferred from its text')})"
    points = sum(part.kind == "point" for each in release.paragraphs for part in each.parts)
    notes = sum(part.kind == "note" for each in release.paragraphs for part in each.parts)
    facts = {
        say("Title"): release.title,
        say("Date"): day,
        say("Kind"): kind_words(release.kind),
        say("Official page"): release.url or say("none stated"),
        say("Paragraphs"): say(
            "{paragraphs}, with {points} points and {notes} notes",
            paragraphs=len(release.paragraphs),
            points=points,
            notes=notes,
        ),
    }
    rows = "".join(f"{tag('dt', name, '')}{tag('dd', value, '')}" for name, value in facts.items())
    first = release.paragraphs[0]
    opening = tag("blockquote", release.text[first.start : first.end], "passage")
    show(f'<div class="hit"><dl class="facts">{rows}</dl>{opening}</div>')
    if known is not None and known.text == release.text:
        st.caption(say("The index holds this release already."))
    elif known is not None:
        st.caption(say("The index holds another wording of this release; the first in the order of file names stands."))
