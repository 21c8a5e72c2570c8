"""Generations: a folder that is always answered from as a whole, whatever happens while it is written anew.

`generation-<digest>/` holds the files of one generation and `manifest.json`, which names each with size and SHA-256; the
digest is the manifest's. `CURRENT` names the generation that counts. A new one is written beside it, made durable, read
back, and then `CURRENT` is replaced in one step: killed at any instant, the folder goes on with the old or the new one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qa.errors import IndexMissing, IndexUnusable

CURRENT, MANIFEST = "CURRENT", "manifest.json"
NAME = re.compile(r"generation-([0-9a-f]{16})(-\d+)?")  # the first digits of its manifest's SHA-256
NAMED_TO, LISTED_TO = 2**13, 2**20  # bytes of CURRENT and of a manifest that are read: ours have 30 and some 4,000
HASHED_AT_LOAD = 64 * 2**20  # bytes: larger files are compared by size when loaded; `qa doctor` hashes all
_SCRATCH, _LOCK, _HOLDER = ".building-generation", ".lock", ".lock.holder"
Files = dict[str, tuple[int, str]]  # size and SHA-256 of each file, by its path within the generation


def current_generation(folder: Path) -> str:
    """The name of the generation that `folder` answers from. Raises `IndexMissing` where there is none."""
    before = None
    while True:
        try:
            name = read_bounded(folder / CURRENT, NAMED_TO).decode("utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise IndexMissing(folder) from None
        except (OSError, UnicodeDecodeError) as error:
            raise IndexUnusable(folder, f"{CURRENT} cannot be read ({error})") from error
        if NAME.fullmatch(name) and (folder / name).is_dir() and not (folder / name).is_symlink():
            return name
        if name == before:
            raise IndexUnusable(folder, f"{CURRENT} names {name!r}, which is not there")
        before = name  # else a rebuild may just have replaced it


@contextmanager
def locked(folder: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold `folder`, for one builder at a time. Where another holds it, `waiting` is told which, and this one waits for it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is not None:
            waiting(holder(folder))
        lock.acquire()
    try:
        (folder / _HOLDER).write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        (folder / _HOLDER).unlink(missing_ok=True)
        lock.release()


@contextmanager
def building(folder: Path, waiting: Callable[[str], None] | None = None) -> Iterator[Path]:
    """An empty folder to write the files of a new generation into, for one builder at a time, as with `locked`.

    What a killed build left is cleared away first.
    """
    with locked(folder, waiting):
        for stale in folder.glob(".building-*"):
            shutil.rmtree(stale, ignore_errors=True)
        scratch = folder / _SCRATCH
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def being_built(folder: Path) -> bool:
    """Whether somebody builds in `folder` at this moment."""
    lock = FileLock(folder / _LOCK)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a file system that is read-only, on which nobody builds
        return False


def holder(folder: Path) -> str:
    """Who builds in `folder`, as a builder says it of itself."""
    try:
        return read_bounded(folder / _HOLDER, NAMED_TO).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return "another process"


def publish(
    scratch: Path, folder: Path, manifest: Mapping[str, Any], linked: Mapping[int, tuple[int, str]] | None = None
) -> None:
    """Make what was written into `scratch` the current generation, and clear the others away.

    `manifest` goes into its file together with "files". Nothing is replaced before every file is on the disk and reads back;
    only those that are `linked` from the generation before, as `linkable` tells them, were so already.
    """
    linked = linked or {}
    found = files_of(scratch, linked)
    for name in found:
        if (scratch / name).stat().st_ino not in linked:
            _sync(scratch / name)
    if files_of(scratch, linked) != found:
        raise OSError(f"what was written to {scratch} reads back otherwise; look at the disk")
    _write(scratch / MANIFEST, json.dumps({**manifest, "files": found}, indent=1, sort_keys=True) + "\n")
    for inner in {(scratch / name).parent for name in found} | {scratch}:
        _sync(inner)
    digest = sha256(scratch / MANIFEST)[:16]
    names = (f"generation-{digest}" + (f"-{again}" if again else "") for again in itertools.count())
    generation = next(name for name in names if not (folder / name).exists())
    os.replace(scratch, folder / generation)
    _sync(folder)
    _write(folder / f".{CURRENT}", generation + "\n")
    os.replace(folder / f".{CURRENT}", folder / CURRENT)
    _sync(folder)
    for other in folder.glob("generation-*"):
        if other.name != generation:
            shutil.rmtree(other, ignore_errors=True)


def read_manifest(folder: Path, name: str, known_format: int) -> dict[str, Any]:
    """The manifest of a generation, "files" as `Files`. Raises `IndexUnusable` when it is not the one that was published."""
    try:
        written = read_bounded(folder / name / MANIFEST, LISTED_TO)
        record = json.loads(written)
        found = record["format"]  # before the rest: another format may have other fields
        if found == known_format:
            record["files"] = {path: (int(size), str(digest)) for path, (size, digest) in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise IndexUnusable(folder, f"{MANIFEST} is missing or damaged") from error
    if found != known_format:
        raise IndexUnusable(folder, f"it has format {found}, this version reads {known_format}")
    if not name.startswith(f"generation-{hashlib.sha256(written).hexdigest()[:16]}"):
        raise IndexUnusable(folder, f"{MANIFEST} is missing or damaged")
    return dict(record)


def check_files(folder: Path, name: str, files: Files, *, hashed_to: float = HASHED_AT_LOAD) -> None:
    """Raises `IndexUnusable` naming the first file that is not as the manifest says; up to `hashed_to` bytes all is read.

    A file that is not one of the generation's own, by its name or as a link, counts as missing; nor may a link, pipe or device
    that a loader might open lie beside those that are named.
    """
    generation = (folder / name).resolve()
    for found in generation.rglob("*"):
        if not (stat.S_ISREG(mode := found.lstat().st_mode) or stat.S_ISDIR(mode)):
            raise IndexUnusable(folder, f"{found.relative_to(generation).as_posix()} is missing: what has its name is no file")
    for path, (size, digest) in files.items():
        file = generation / path
        if not file.is_file() or file.resolve() != file or not file.is_relative_to(generation):
            raise IndexUnusable(folder, f"{path} is missing")
        if file.stat().st_size != size or (size <= hashed_to and sha256(file) != digest):
            raise IndexUnusable(folder, f"{path} is damaged")


def linkable(folder: Path, name: str, files: Files) -> dict[int, tuple[int, str]]:
    """Size and SHA-256 of the files of a generation by inode, by which they are known again where they are linked."""
    return {(folder / name / path).stat().st_ino: told for path, told in files.items()}


def files_of(folder: Path, linked: Mapping[int, tuple[int, str]]) -> Files:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): linked.get(path.stat().st_ino) or (path.stat().st_size, sha256(path))
        for path in found
    }


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file. Raises `OSError` where it is a pipe or a device, or longer than `limit`."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        raise OSError(f"{path.name} is no file of up to {limit} bytes")
    return path.read_bytes()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk; Windows keeps folders by itself."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
