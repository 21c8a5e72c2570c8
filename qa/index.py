"""The index: releases, passages and their vectors on disk, a generation of `qa.generations`, checked when loaded."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.search import TOKENS, Kept, SearchIndex
from qa.corpus import Corpus
from qa.errors import IndexMissing, IndexUnusable
from qa.generations import (
    HASHED_AT_LOAD,
    MANIFEST,
    Files,
    building,
    check_files,
    current_generation,
    linkable,
    publish,
    read_manifest,
)
from qa.ledger import Changes, changes_between, record_changes
from qa.passages import Passage, context, split_release
from qa.readers import CODE
from qa.records import line_of, passage_from, passage_record, read_lines, release_from, release_record, write_lines
from qa.release import Release

FORMAT = 4
_RELEASES, _PASSAGES = "releases.jsonl", "passages.jsonl"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says of itself.

    `code` is a digest of the code that made releases, passages and words of the corpus; `files` gives size and SHA-256 of every
    other file of the generation.
    """

    format: int
    model: str
    fingerprint: str
    code: str
    dimension: int
    releases: int
    passages: int
    corpus_digest: str
    files: Files


@dataclass(frozen=True, slots=True)
class Index:
    """A loaded generation, by its name. Row i of `search` is `passages[i]`, with its release's title and date in front."""

    generation: str
    manifest: Manifest
    releases: dict[str, Release]
    passages: tuple[Passage, ...]
    search: SearchIndex


def build_index(
    corpus: Corpus,
    encoder: Encoder,
    folder: Path,
    progress: Progress | None = None,
    waiting: Callable[[str], None] | None = None,
    before: Index | None = None,
) -> tuple[Manifest, Changes]:
    """Put the index of a corpus in `folder` as the current generation, and tell what changed; needs no network.

    Only what the generation before does not hold is split, counted and encoded; `before` is that one, as `index_before` loads
    it, where it is loaded already. `progress` is called with passages done and in all, `waiting` with the builder that holds
    the folder. Until the last step the folder keeps answering from the generation it had; an interruption leaves that one
    standing.
    """
    releases = {release.id: release for release in corpus.releases}
    with building(folder, waiting) as scratch:
        if before is None or not _is_current(folder, before):  # another builder's may have come in between
            before = index_before(folder)
        made = list(_passages(corpus.releases, before, encoder))
        texts = _embedded_texts(made, releases)
        kept = _kept(before, encoder, texts)
        write_lines(scratch / _RELEASES, _release_lines(corpus.releases, folder, before))
        write_lines(scratch / _PASSAGES, (line_of(passage_record(passage)) for passage in made))
        SearchIndex.build(texts, encoder, scratch, kept=kept, progress=progress)
        changes = changes_between(before.releases if before else {}, releases)
        record_changes(folder, changes, before.releases if before else {}, releases)
        manifest = {
            "format": FORMAT,
            "model": encoder.name,
            "fingerprint": encoder.fingerprint,
            "code": CODE,
            "dimension": encoder.dimension,
            "releases": len(releases),
            "passages": len(made),
            "corpus_digest": corpus.digest,
        }
        publish(scratch, folder, manifest, linkable(folder, before.generation, before.manifest.files) if before else None)
        encoded = len(texts) if kept is None else int((kept.rows < 0).sum())
        return Manifest(**read_manifest(folder, current_generation(folder), FORMAT)), replace(changes, encoded=encoded)


def _release_lines(releases: Iterable[Release], folder: Path, before: Index | None) -> Iterator[str]:
    """The records of `releases`; of one that was taken over, the line that it has in the generation before."""
    written: dict[str, str] = {}
    if before is not None:
        with (folder / before.generation / _RELEASES).open(encoding="utf-8") as file:
            written = dict(zip(before.releases, file, strict=True))
    for release in releases:
        same = before is not None and before.releases.get(release.id) is release
        yield written[release.id] if same else line_of(release_record(release))


def changes_in(corpus: Corpus, index: Index) -> Changes:
    """What a rebuild from `corpus` would change."""
    return changes_between(index.releases, {release.id: release for release in corpus.releases})


def _passages(releases: Iterable[Release], before: Index | None, encoder: Encoder) -> Iterator[Passage]:
    """The passages of `releases`, those of one that is as it was before taken over where it would be split in the same way."""
    known: dict[str, list[Passage]] = {}
    if before and (before.manifest.fingerprint, before.manifest.code) == (encoder.fingerprint, CODE):
        for passage in before.passages:
            known.setdefault(passage.release_id, []).append(passage)
    for release in releases:
        if before and release.id in known and _is_as_it_was(release, before.releases[release.id]):
            yield from known[release.id]
        else:
            yield from split_release(release, encoder.count_tokens, encoder.max_tokens)


def _is_as_it_was(now: Release, before: Release) -> bool:
    """Whether two readings of a release make the same passages, wherever they were read."""
    return now is before or now == replace(before, page=now.page, source=now.source)


def index_before(folder: Path) -> Index | None:
    """The current generation, None where there is none to build on.

    A damage that loading does not see is not taken over: it is looked for in all that is written anew. Files that are linked
    keep the digest they had, for the doctor.
    """
    try:
        index = load_index(folder)
        unread = {path: told for path, told in index.manifest.files.items() if told[0] > HASHED_AT_LOAD}
        copied = {path: told for path, told in unread.items() if Path(path).parts[0] != TOKENS}
        check_files(folder, index.generation, copied, hashed_to=math.inf)
    except (IndexMissing, IndexUnusable, OSError):
        return None
    return index


def _is_current(folder: Path, index: Index) -> bool:
    try:
        return current_generation(folder) == index.generation
    except (IndexMissing, IndexUnusable):
        return False


def pages_before(before: Index | None) -> dict[str, Release]:
    """The releases of an index by the pages they were read from, those that reading would still make of them.

    A date that was inferred from a weekday lay in the past of that day: it is inferred anew.
    """
    if before is None or before.manifest.code != CODE:
        return {}
    return {each.page: each for each in before.releases.values() if each.date_source in ("stated", "title")}


def _kept(before: Index | None, encoder: Encoder, texts: Sequence[str]) -> Kept | None:
    """Which of `texts` the index before has vectors of, by the same model."""
    if before is None or before.manifest.fingerprint != encoder.fingerprint:
        return None
    rows = {text: row for row, text in enumerate(_embedded_texts(before.passages, before.releases))}
    places = np.array([rows.get(text, -1) for text in texts], dtype=np.int64)
    return Kept(before.search, places, counted=before.manifest.code == CODE)


def embedded_text(passage: Passage, releases: Mapping[str, Release]) -> str:
    """What is encoded of a passage: title and date of its release in front."""
    return context(releases[passage.release_id]) + passage.text


def _embedded_texts(passages: Sequence[Passage], releases: Mapping[str, Release]) -> list[str]:
    fronts = {key: context(release) for key, release in releases.items()}
    return [fronts[passage.release_id] + passage.text for passage in passages]


def load_index(folder: Path) -> Index:
    """Raises `IndexMissing` where there is none, `IndexUnusable` where there is one that must not be answered from."""
    while True:
        name = current_generation(folder)
        try:
            return _load_generation(folder, name)
        except IndexUnusable:
            if current_generation(folder) == name:
                raise  # else a rebuild replaced it while it was being read


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: among so many records that all stay, it takes a quarter of the time of loading them."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _load_generation(folder: Path, name: str) -> Index:
    generation = folder / name
    try:
        manifest = Manifest(**read_manifest(folder, name, FORMAT))
    except TypeError as error:
        raise IndexUnusable(folder, f"{MANIFEST} is missing or damaged") from error
    try:
        check_files(folder, name, manifest.files)
        with _uncollected():
            read = [release_from(record) for record in read_lines(generation / _RELEASES)]
            releases = {release.id: release for release in read}
            passages = tuple(passage_from(record, releases) for record in read_lines(generation / _PASSAGES))
        if (manifest.releases, manifest.passages) != (len(read), len(passages)) or len(read) != len(releases):
            counted = f"{manifest.releases} releases and {manifest.passages} passages"
            raise IndexUnusable(folder, f"{counted} are {len(releases)} and {len(passages)}")
        search = SearchIndex.load(generation, len(passages), manifest.dimension)
    except (IndexDamaged, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise IndexUnusable(folder, str(error) or type(error).__name__) from error
    return Index(name, manifest, releases, passages, search)
