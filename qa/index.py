"""The index: releases, passages and their vectors on disk, written whole, checked when loaded.

A folder holds one generation, `generation-<digest>/`, and the file `CURRENT` that names it. A rebuild writes a new
generation beside it and then replaces `CURRENT`, so that at every instant the folder answers from one whole generation.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.search import SearchIndex
from qa.corpus import Corpus
from qa.errors import IndexMissing, IndexUnusable
from qa.passages import Passage, context, split_release
from qa.release import Paragraph, Part, Release

FORMAT = 2
_CURRENT, _MANIFEST = "CURRENT", "manifest.json"
_RELEASES, _PASSAGES = "releases.jsonl", "passages.jsonl"
_GENERATION = re.compile(r"generation-([0-9a-f]{16})(-\d+)?")  # the first digits of its manifest's SHA-256
_HASHED_AT_LOAD = 64 * 2**20  # bytes: larger files are compared by size when loaded


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says of itself. `files` gives size and SHA-256 of every other file of the generation."""

    format: int
    model: str
    fingerprint: str
    dimension: int
    releases: int
    passages: int
    corpus_digest: str
    files: dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Index:
    """A loaded generation. Row i of `search` is `passages[i]`, with its release's title and date in front."""

    manifest: Manifest
    releases: dict[str, Release]
    passages: tuple[Passage, ...]
    search: SearchIndex


def build_index(corpus: Corpus, encoder: Encoder, folder: Path, progress: Progress | None = None) -> Manifest:
    """Encode a corpus and put it in `folder` as the current generation; needs no network.

    `progress` is called with passages done and in all. Until the last step the folder keeps answering from the generation
    it had; an interruption leaves that one standing.
    """
    passages = [
        passage for release in corpus.releases for passage in split_release(release, encoder.count_tokens, encoder.max_tokens)
    ]
    releases = {release.id: release for release in corpus.releases}
    texts = [context(releases[passage.release_id]) + passage.text for passage in passages]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # a second build waits for the first
        for stale in folder.glob(".building-*"):
            shutil.rmtree(stale, ignore_errors=True)
        scratch = folder / ".building-generation"
        scratch.mkdir()
        try:
            _write_lines(scratch / _RELEASES, [_release_record(release) for release in corpus.releases])
            _write_lines(scratch / _PASSAGES, [_passage_record(passage) for passage in passages])
            SearchIndex.build(texts, encoder, progress).save(scratch)
            manifest = Manifest(
                format=FORMAT,
                model=encoder.name,
                fingerprint=encoder.fingerprint,
                dimension=encoder.dimension,
                releases=len(releases),
                passages=len(passages),
                corpus_digest=corpus.digest,
                files=_files(scratch),
            )
            _write(scratch / _MANIFEST, json.dumps(dataclasses.asdict(manifest), indent=1, sort_keys=True) + "\n")
            _put(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def load_index(folder: Path) -> Index:
    """Raises `IndexMissing` where there is none, `IndexUnusable` where there is one that must not be answered from."""
    while True:
        name = current_generation(folder)
        try:
            return _load_generation(folder, name)
        except IndexUnusable:
            if current_generation(folder) == name:
                raise  # else a rebuild replaced it while it was being read


def current_generation(folder: Path) -> str:
    """The name of the generation that `folder` answers from. Raises `IndexMissing` where there is none."""
    try:
        return (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissing(folder) from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexUnusable(folder, f"{_CURRENT} cannot be read ({error})") from error


def _load_generation(folder: Path, name: str) -> Index:
    generation = folder / name
    if not _GENERATION.fullmatch(name) or not generation.is_dir():
        raise IndexUnusable(folder, f"{_CURRENT} names {name!r}, which is not there")
    manifest = _manifest(folder, generation)
    try:
        _check_files(folder, generation, manifest)
        releases = {record["id"]: _release(record) for record in _lines(generation / _RELEASES)}
        passages = tuple(Passage(text=_slice(releases, record), **record) for record in _lines(generation / _PASSAGES))
        search = SearchIndex.load(generation)
    except (IndexDamaged, OSError, ValueError, KeyError, TypeError) as error:
        raise IndexUnusable(folder, str(error)) from error
    for what, count in (("vectors", len(search)), ("passages", manifest.passages)):
        if count != len(passages):
            raise IndexUnusable(folder, f"{count} {what} for {len(passages)} passages")
    if search.dense.dimension != manifest.dimension:
        raise IndexUnusable(folder, f"vectors of dimension {search.dense.dimension}, not {manifest.dimension}")
    return Index(manifest, releases, passages, search)


def _put(scratch: Path, folder: Path) -> None:
    """Make the finished `scratch` the current generation and clear the others away."""
    digest = _sha256(scratch / _MANIFEST)[:16]
    names = (f"generation-{digest}" + (f"-{again}" if again else "") for again in itertools.count())
    generation = next(name for name in names if not (folder / name).exists())
    os.replace(scratch, folder / generation)
    _write(folder / f".{_CURRENT}", generation + "\n")
    os.replace(folder / f".{_CURRENT}", folder / _CURRENT)
    for other in folder.glob("generation-*"):
        if other.name != generation:
            shutil.rmtree(other, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _write_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    _write(path, "".join(json.dumps(record, ensure_ascii=True, sort_keys=True) + "\n" for record in records))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.stat().st_size, _sha256(path)) for path in found}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path, generation: Path) -> Manifest:
    try:
        written = (generation / _MANIFEST).read_bytes()
        record = json.loads(written)
        found = record["format"]  # before the rest: another format may have other fields
        manifest = Manifest(**{**record, "files": _pairs(record["files"])}) if found == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexUnusable(folder, f"{_MANIFEST} is missing or damaged") from error
    if manifest is None:
        raise IndexUnusable(folder, f"it has format {found}, this version reads {FORMAT}")
    if not generation.name.startswith(f"generation-{hashlib.sha256(written).hexdigest()[:16]}"):
        raise IndexUnusable(folder, f"{_MANIFEST} is missing or damaged")
    return manifest


def _pairs(files: dict[str, list[Any]]) -> dict[str, tuple[int, str]]:
    return {name: (int(size), str(digest)) for name, (size, digest) in files.items()}


def _check_files(folder: Path, generation: Path, manifest: Manifest) -> None:
    for name, (size, digest) in manifest.files.items():
        path = generation / name
        if not path.is_file():
            raise IndexUnusable(folder, f"{name} is missing")
        if path.stat().st_size != size or (size <= _HASHED_AT_LOAD and _sha256(path) != digest):
            raise IndexUnusable(folder, f"{name} is damaged")


def _slice(releases: dict[str, Release], record: dict[str, Any]) -> str:
    return releases[record["release_id"]].text[record["start"] : record["end"]]


def _passage_record(passage: Passage) -> dict[str, Any]:
    record = dataclasses.asdict(passage)
    del record["text"]  # stored once, in the release, and sliced out of it: a passage cannot differ from its release
    return record


def _release_record(release: Release) -> dict[str, Any]:
    record = dataclasses.asdict(release)
    record["date"] = release.date.isoformat() if release.date else None
    return record


def _release(record: dict[str, Any]) -> Release:
    record["date"] = datetime.date.fromisoformat(record["date"]) if record["date"] else None
    record["paragraphs"] = tuple(
        Paragraph(each["number"], each["start"], each["end"], tuple(Part(*part) for part in each["parts"]))
        for each in record["paragraphs"]
    )
    return Release(**record)
