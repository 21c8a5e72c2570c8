"""The states of the index that a visit finds: none yet, building, there, stale, unusable; each with its way out."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

import streamlit as st

from embeddings.errors import EmbeddingsError
from page.markup import plain
from page.words import error_words, say
from qa import (
    Changes,
    Corpus,
    QaError,
    RebuildReport,
    Retriever,
    changes_in,
    default_corpus,
    default_index,
    default_own,
    read_corpus,
    rebuild,
)
from qa.errors import IndexMissing, IndexUnusable

_BUILDING = Lock()  # of this process: a second visit waits for the first one's index instead of building its own


def is_public() -> bool:
    """Whether `QA_PUBLIC` says that visitors are not to add releases or to rebuild."""
    return os.environ.get("QA_PUBLIC", "").strip().lower() not in ("", "0", "no", "off", "false")


def sources() -> list[Path]:
    """Where the releases of this installation are: its corpus, and what was added on the page."""
    own = default_own()
    return [default_corpus(), *([own] if own.is_dir() else [])]


def open_retriever() -> Retriever | None:
    """The retriever; on the first visit its index is built, with progress. None, and a word on the page, when neither works."""
    try:
        try:
            with st.spinner(say("Opening the index …")):
                return Retriever.current(default_index())
        except IndexMissing:
            build(say("First visit"))
            return Retriever.current(default_index())
    except (QaError, EmbeddingsError, OSError) as error:
        st.error(plain(error_words(str(error))))
        if isinstance(error, IndexUnusable) and not is_public():
            offer_rebuild("unusable")
        return None


def build(when: str) -> RebuildReport | None:
    """Build the index with progress on the page; the report, None where another visit has just built it.

    Raises what `rebuild` raises.
    """
    bar = st.progress(0.0, plain(say("{when}: loading the model …", when=when)))

    def show(done: int, total: int) -> None:
        words = say("{when}: {done} of {total} passages encoded", when=when, done=done, total=total)
        bar.progress(done / total, plain(words))

    try:
        waited = not _BUILDING.acquire(blocking=False)
        if waited:
            bar.progress(0.0, plain(say("{when}: another visit is building the index …", when=when)))
            _BUILDING.acquire()
        try:
            return None if waited else rebuild(sources(), progress=show)
        finally:
            _BUILDING.release()
    finally:
        bar.empty()


def offer_rebuild(key: str) -> None:
    """A button that rebuilds, and what came of it."""
    if st.button(say("Rebuild the index"), key=f"rebuild-{key}", icon=":material/refresh:"):
        try:
            report = build(say("Rebuild"))
        except (QaError, EmbeddingsError, OSError) as error:
            st.error(plain(error_words(str(error))))
            return
        st.session_state["report"] = report
        st.rerun()


def show_report() -> None:
    """What the last rebuild made of the releases, told once it is over."""
    report: RebuildReport | None = st.session_state.pop("report", None)
    if report is None:
        return
    words = say("{releases} releases, {passages} passages", releases=report.releases, passages=report.passages)
    st.success(plain(say("Rebuilt: {what}.", what=words)))
    for error in report.left_out:
        st.warning(plain(say("Left out: {what}", what=error)))


def show_stale(retriever: Retriever) -> None:
    """How many releases the index does not know yet, and the button that brings them in."""
    waits = waiting(retriever)
    newer = len(waits.new) + len(waits.changed)
    if not newer:
        return
    st.info(plain(say("{count} releases are newer than the index.", count=newer)))
    if is_public():
        return
    offer_rebuild("stale")


def waiting(retriever: Retriever) -> Changes:
    """How the releases of the sources differ from those of the index."""
    files = sorted(
        (str(file), file.stat().st_mtime_ns, file.stat().st_size)
        for source in sources()
        for file in ([source] if source.is_file() else source.rglob("*"))
        if file.is_file()
    )
    return changes_in(_read(tuple(files)), retriever.index)


@st.cache_resource(show_spinner=False, max_entries=1)
def _read(files: tuple[tuple[str, int, int], ...]) -> Corpus:  # noqa: ARG001  (what it is cached by)
    """The corpus, read again only when one of its files was touched."""
    return read_corpus(sources())
