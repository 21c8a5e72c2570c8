"""The doctor: what a sceptical operator would check of an index, each fault with its remedy."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement

from embeddings.encoder import Encoder, load_encoder
from embeddings.errors import EmbeddingsError
from embeddings.models import on_this_machine
from embeddings.search import Query
from qa.corpus import read_corpus
from qa.errors import IndexMissing, IndexUnusable, QaError
from qa.generations import NAME, being_built, check_files, current_generation
from qa.index import Index, changes_in, embedded_text
from qa.ledger import LEDGER, events
from qa.mirror import engine_at, folder_of, open_index
from qa.places import IndexPlace, default_corpus, index_place
from qa.readers import CODE
from qa.twins import are_twins

SAMPLED = 24  # passages that must find themselves
LENGTH_ERROR = 0.02  # of a vector that should be of length 1: half precision in the model leaves 0.004
ROOM = 2.0  # times the size of the index: what a rebuild needs beside it, and as much again
PACKAGE = "release-qa"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is empty where there is nothing to do."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(
    index: IndexPlace | str | None = None, corpus: Sequence[Path] | None = None, *, encoder: Encoder | None = None
) -> Iterator[Finding]:
    """Check the index in a folder or at an address, one finding at a time; `corpus` is what it should have been built from.

    Of an address what this machine has pulled is checked, and the self-test asks the server. What rests on a check that
    failed is left out. The model is loaded unless an `encoder` is given.
    """
    place = index_place(index)
    folder, anew = folder_of(place), f"qa rebuild --index {place}"
    yield from _dependencies()
    try:
        if not isinstance(place, Path):
            engine = engine_at(place)
            yield Finding("engine", True, f"Milvus {engine.version} at {place.host}:{place.port}")
        loaded = open_index(place)
        name = current_generation(folder)
    except EmbeddingsError as error:
        yield Finding("engine", False, str(error), "start the server, or name the right address with --index")
        return
    except IndexMissing as error:
        yield Finding("index", False, f"none in {place}", str(error).partition(": ")[2])
        return
    except IndexUnusable as error:
        yield Finding("index", False, error.reason, anew)
        return
    manifest = loaded.manifest
    yield Finding("index", True, f"{name}: {manifest.releases} releases, {manifest.passages} passages")
    yield from _attempt("files", lambda: _files(folder, name, loaded), anew)
    yield _vectors(loaded, anew)
    yield _passages(loaded, anew)
    yield _leftovers(folder, name)
    yield _room(folder, loaded)
    new_ledger = f"move {folder / LEDGER} away; the next rebuild begins a new one"
    yield from _attempt("ledger", lambda: f"{sum(1 for _ in events(folder))} events read back", new_ledger)
    yield _corpus(loaded, list(corpus) if corpus else [default_corpus()], place)
    try:
        encoder = load_encoder(on_this_machine(manifest.model)) if encoder is None else encoder
    except EmbeddingsError as error:
        yield Finding("model", False, str(error), "install release-qa anew, or rebuild with a model that is here")
        return
    same = encoder.fingerprint == manifest.fingerprint
    which = f"{encoder.name}, {encoder.fingerprint}"
    yield Finding("model", same, which if same else f"{which}, but built with {manifest.fingerprint}", "" if same else anew)
    if same:
        yield _self_test(loaded, encoder, anew)


def _attempt(check: str, find: Callable[[], str], remedy: str) -> Iterator[Finding]:
    try:
        yield Finding(check, True, find())
    except (QaError, OSError) as error:
        yield Finding(check, False, error.reason if isinstance(error, IndexUnusable) else str(error), remedy)


def _files(folder: Path, name: str, index: Index) -> str:
    check_files(folder, name, index.manifest.files, hashed_to=math.inf)
    return f"{len(index.manifest.files)} files of {_size(index) / 1e6:.0f} MB are to the byte what was built"


def _size(index: Index) -> int:
    return sum(size for size, _ in index.manifest.files.values())


def _vectors(index: Index, anew: str) -> Finding:
    rows = np.unique(np.linspace(0, len(index.passages) - 1, 2_000).astype(np.int64))
    pooled = np.linalg.norm(index.search.dense.vectors[rows], axis=1)
    tokens = np.concatenate([np.linalg.norm(index.search.tokens.vectors(row), axis=1) for row in rows[:200].tolist()])
    worst = float(max(np.abs(pooled - 1).max(initial=0), np.abs(tokens - 1).max(initial=0)))
    ok = math.isfinite(worst) and worst <= LENGTH_ERROR
    return Finding("vectors", ok, f"lengths differ from 1 by at most {worst:.4f}", "" if ok else anew)


def _passages(index: Index, anew: str) -> Finding:
    held = {passage.release_id for passage in index.passages}
    bare = sorted(key for key, release in index.releases.items() if key not in held and release.text.strip())
    wrong = [p.id for p in index.passages if index.releases[p.release_id].text[p.start : p.end] != p.text]
    twice = len(index.passages) - len({passage.id for passage in index.passages})
    faults = [
        *([f"no passage of {', '.join(bare[:3])}"] if bare else []),
        *([f"{', '.join(wrong[:3])} not word for word in the release"] if wrong else []),
        *([f"{twice} ids are given twice"] if twice else []),
    ]
    return Finding("passages", not faults, "; ".join(faults) or "each is word for word in its release", anew if faults else "")


def _leftovers(folder: Path, name: str) -> Finding:
    if being_built(folder):
        return Finding("leftovers", True, "a build is going on")
    left = [path.name for path in folder.iterdir() if path.name.startswith(".building-")]
    left += [path.name for path in folder.iterdir() if NAME.fullmatch(path.name) and path.name != name]
    remedy = "the next rebuild clears it away, or delete it" if left else ""
    return Finding("leftovers", not left, ", ".join(left) or "nothing of a build that was killed", remedy)


def _room(folder: Path, index: Index) -> Finding:
    free, needed = shutil.disk_usage(folder).free, ROOM * _size(index)
    ok = free > needed
    remedy = "" if ok else f"free at least {needed / 1e6:.0f} MB where {folder} lies: a rebuild writes a second index beside it"
    return Finding("room", ok, f"{free / 1e6:.0f} MB free", remedy)


def _corpus(index: Index, paths: list[Path], place: IndexPlace) -> Finding:
    read = read_corpus(paths)
    named = ", ".join(map(str, paths))
    if not read.releases:
        return Finding("corpus", False, f"no release in {named}", "name the corpus: qa doctor --corpus PATH")
    command = " ".join(["qa rebuild", *(f"--corpus {path}" for path in paths), f"--index {place}"])
    if read.digest == index.manifest.corpus_digest:
        if index.manifest.code == CODE:
            return Finding("corpus", True, f"the index is of {named} as it is")
        return Finding("corpus", False, f"{named} was read by another version of the code", command)
    changes = changes_in(read, index)
    told = f"{len(changes.new)} new, {len(changes.changed)} changed, {len(changes.removed)} removed since the index was built"
    return Finding("corpus", False, f"{named}: {told}", command)


def _dependencies() -> Iterator[Finding]:
    wrong = []
    for line in metadata.requires(PACKAGE) or []:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if found not in needed.specifier:
            wrong.append(f"{needed.name} is {found}, not {needed.specifier}")
    remedy = "pip install the package anew" if wrong else ""
    yield Finding("dependencies", not wrong, "; ".join(wrong) or "as the package asks for", remedy)


def _self_test(index: Index, encoder: Encoder, anew: str) -> Finding:
    """Each sampled passage, asked for in its own words, must come first, or a passage that says the same."""
    rows = np.unique(np.linspace(0, len(index.passages) - 1, SAMPLED).astype(np.int64)).tolist()
    texts = [embedded_text(index.passages[row], index.releases) for row in rows]
    missed = []
    for row, query in zip(rows, Query.encode(texts, encoder), strict=True):
        first = int(index.search.search(query).rows[0])
        if first != row and not _alike(index, first, row):
            missed.append(index.passages[row].id)
    detail = f"{len(rows) - len(missed)} of {len(rows)} sampled passages find themselves"
    return Finding(
        "self-test", not missed, detail + (f", not {', '.join(missed[:3])}" if missed else ""), anew if missed else ""
    )


def _alike(index: Index, one: int, other: int) -> bool:
    first, second = index.passages[one], index.passages[other]
    dates = [index.releases[passage.release_id].date for passage in (first, second)]
    return first.text == second.text or are_twins(first.text, dates[0], second.text, dates[1])
