"""An index on a Milvus server: built in a mirror of it on this machine and pushed, or pulled into one and asked there.

The mirror is a folder for each address with two folders of generations: `built`, where rebuilds of this machine go on from, and
`read`, what its readers have pulled. `PUSHED` has the digest of what this machine pushed last.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.milvus import Engine
from embeddings.models import cache_folder
from embeddings.pieces import Table
from embeddings.there import MilvusIndex
from qa.corpus import Corpus
from qa.errors import IndexMissing, IndexUnusable
from qa.generations import CURRENT, LISTED_TO, MANIFEST, building, current_generation, locked, publish, read_manifest, sha256
from qa.index import FORMAT, Index, Manifest, build_index, load_index
from qa.ledger import LEDGER, Changes
from qa.places import Address, IndexPlace

_PUSHED = "PUSHED"
UNDATED = 0  # a day before any other: `datetime.date.toordinal` counts from 1


def mirror_of(address: Address) -> Path:
    return cache_folder() / "mirrors" / f"{address.host}-{address.port}-{address.collection}"


def folder_of(place: IndexPlace) -> Path:
    """The folder that an index at `place` is read from on this machine."""
    return place if isinstance(place, Path) else mirror_of(place) / "read"


def built_in(place: IndexPlace) -> Path:
    """The folder on this machine in which rebuilds of an index at `place` go on."""
    return place if isinstance(place, Path) else mirror_of(place) / "built"


@cache
def engine_at(address: Address) -> Engine:
    """The server at `address`, connected once."""
    return Engine.connect(address.host, address.port, address.collection)


def current_name(place: IndexPlace) -> str:
    """What `place` answers from: another name after every rebuild. Raises `IndexMissing` where there is nothing."""
    if isinstance(place, Path):
        return current_generation(place)
    digest = engine_at(place).current()
    if digest is None:
        raise IndexMissing(place)
    return f"{place.collection}_{digest}"


def open_index(place: IndexPlace) -> Index:
    """`load_index`; of an address, with the files that are missing here pulled first, and the search left to the server.

    Raises as `load_index` does, and the errors of an engine.
    """
    if isinstance(place, Path):
        return load_index(place)
    engine, folder = engine_at(place), folder_of(place)
    try:
        return _opened(place, engine, folder)
    except IndexUnusable:  # here: what the server has may still be whole
        (folder / CURRENT).unlink(missing_ok=True)
    try:
        return _opened(place, engine, folder)
    except IndexUnusable as error:
        raise IndexUnusable(place, error.reason) from error


def _opened(address: Address, engine: Engine, folder: Path) -> Index:
    while True:
        digest = _pull(address, engine, folder)
        engine.load(digest)
        index = load_index(folder)
        if _digest(folder) == digest:
            break  # else another reader has just pulled a later one
    dimension, count = engine.dimension(digest), engine.count(digest)
    if (dimension, count) != (index.manifest.dimension, index.manifest.passages):
        told = f"{index.manifest.passages} of {index.manifest.dimension}"
        raise IndexUnusable(address, f"the server has {count} vectors of {dimension} components, not {told}")
    dense = MilvusIndex(engine, digest, index.search.dense.vectors, _days(index))
    return replace(index, generation=f"{address.collection}_{digest}", search=replace(index.search, dense=dense))


def build_there(
    corpus: Corpus,
    encoder: Encoder,
    address: Address,
    progress: Progress | None = None,
    waiting: Callable[[str], None] | None = None,
    before: Index | None = None,
) -> tuple[Manifest, Changes]:
    """`build_index`, for an address: built in the mirror, from what the server has, and pushed when it is whole.

    A push that is cut off leaves readers with the generation before; the next rebuild of the same corpus encodes nothing
    again and sends what is missing.
    """
    mirror, built = mirror_of(address), built_in(address)
    engine = engine_at(address)
    with locked(mirror, waiting):
        there = engine.current()
        if there is not None and there != _pushed(mirror):  # pushed by another machine
            with suppress(IndexUnusable):  # of another format, or damaged: then everything is built anew
                _pull(address, engine, built)
        manifest, changes = build_index(corpus, encoder, built, progress, before=before)
        digest = _push(engine, built)
        (mirror / _PUSHED).write_text(digest, encoding="ascii")
    return manifest, changes


def _push(engine: Engine, folder: Path) -> str:
    index, table = load_index(folder), _table(folder)
    places = {path: _place(folder, path) for path, _, _ in table.files}
    engine.push(table, places, [passage.id for passage in index.passages], _days(index), index.search.dense.vectors)
    return table.digest


def _pull(address: Address, engine: Engine, folder: Path) -> str:
    """Have in `folder` what the server has, as its current generation, and the ledger; its digest."""
    digest = engine.current()
    if digest is None:
        raise IndexMissing(address)
    if _digest(folder) == digest:
        return digest
    with building(folder) as scratch:
        if _digest(folder) == digest:
            return digest  # another reader was first
        engine.load(digest)
        try:
            table = engine.table(digest)
            manifest = _manifest(address, engine, table)
            _pull_files(address, engine, table, scratch)
            if any(path == LEDGER for path, _, _ in table.files):
                os.replace(scratch / LEDGER, folder / LEDGER)
        except IndexDamaged as error:
            raise IndexUnusable(address, str(error)) from error
        publish(scratch, folder, manifest)
        if _digest(folder) != digest:
            raise IndexUnusable(address, "its files are not those of its manifest")
    return digest


def _manifest(address: Address, engine: Engine, table: Table) -> dict[str, str | int]:
    """The manifest that the server has, without its files."""
    size = next((size for path, size, _ in table.files if path == MANIFEST), LISTED_TO + 1)
    if size > LISTED_TO:
        raise IndexUnusable(address, f"{MANIFEST} is missing or too long")
    try:
        told = json.loads(b"".join(engine.file(table, MANIFEST)))
        del told["files"]
        known = told["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IndexUnusable(address, f"{MANIFEST} is missing or damaged") from error
    if known != FORMAT:
        raise IndexUnusable(address, f"it has format {known!r:.20}, this version reads {FORMAT}")
    if not all(isinstance(value, str | int) for value in told.values()):  # a list might hold lists a thousand deep
        raise IndexUnusable(address, f"{MANIFEST} is damaged")
    return dict(told)


def _pull_files(address: Address, engine: Engine, table: Table, scratch: Path) -> None:
    """Have all files of a table but the manifest in `scratch`, those that are in the mirror already from there."""
    files, here = [each for each in table.files if each[0] != MANIFEST], _files_here(mirror_of(address))
    if sum(size for _, size, _ in files) > shutil.disk_usage(scratch).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(scratch))
    for path, size, hashed in files:
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        known = here.get((size, hashed))
        if known is not None and sha256(known) == hashed:
            shutil.copyfile(known, scratch / path)
        else:
            with (scratch / path).open("wb") as file:
                file.writelines(engine.file(table, path))


def _files_here(mirror: Path) -> dict[tuple[int, str], Path]:
    """The files of the generations in a mirror, by size and SHA-256."""
    found = {}
    for folder in (mirror / "built", mirror / "read"):
        for path, size, digest in _table(folder).files if _digest(folder) else ():
            if (place := _place(folder, path)).is_file():
                found[size, digest] = place
    return found


def _digest(folder: Path) -> str | None:
    """The digest under which a push of the current generation of `folder` goes; None where there is none to push."""
    try:
        return _table(folder).digest
    except (IndexMissing, IndexUnusable):
        return None


def _table(folder: Path) -> Table:
    """What a push of the current generation of `folder` holds, its ledger included."""
    files = read_manifest(folder, current_generation(folder), FORMAT)["files"]
    for path in (MANIFEST, LEDGER):
        place = _place(folder, path)
        if place.is_file():
            files[path] = (place.stat().st_size, sha256(place))
    return Table(tuple((path, size, digest) for path, (size, digest) in sorted(files.items())))


def _place(folder: Path, path: str) -> Path:
    return folder / path if path == LEDGER else folder / current_generation(folder) / path


def _pushed(mirror: Path) -> str | None:
    try:
        return (mirror / _PUSHED).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _days(index: Index) -> npt.NDArray[np.int64]:
    """The day of publication of each passage, as `datetime.date.toordinal` counts, or `UNDATED`."""
    dates = [index.releases[passage.release_id].date for passage in index.passages]
    return np.array([UNDATED if date is None else date.toordinal() for date in dates], dtype=np.int64)
