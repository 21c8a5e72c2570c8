"""A corpus: every release in some files and folders, and a report of what was left out and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qa.errors import UnreadableSource
from qa.release import Release, read_release
from qa.source import SUFFIXES, SourcePage, read_pages, told_apart

_NOT_RELEASES = ("readme", "questions", "floors")  # a corpus folder may explain itself and carry its questions


@dataclass(frozen=True, slots=True)
class Corpus:
    """Releases in the order of their ids, each id once, and what could not be read."""

    releases: tuple[Release, ...]
    left_out: tuple[UnreadableSource, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all releases, the same whatever the files were called or in which order they came."""
        digest = hashlib.sha256()
        for release in self.releases:
            read = (release.title, str(release.date), release.url, release.provenance, release.subtitle, release.text)
            digest.update(told_apart(release.id, *read))
        return digest.hexdigest()


def read_corpus(paths: Sequence[Path], *, known: Mapping[str, Release] | None = None) -> Corpus:
    """Read the releases in `paths`, files or folders of them, folders to any depth.

    What cannot be read is listed and the rest is still read. A release met twice with the same text counts once; with
    another text, the first in the order of file names stands and the other is listed.

    `known` are releases by the digest of the page that each was read from; these pages are not read again.
    """
    releases: dict[str, Release] = {}
    left_out: list[UnreadableSource] = []
    for path in paths:
        for file in _files(path, left_out):
            try:
                pages = list(read_pages(file))
            except UnreadableSource as error:
                left_out.append(error)
                continue
            for page in pages:
                if isinstance(page, UnreadableSource):
                    left_out.append(page)
                    continue
                try:
                    release = _release(page, known or {})
                except UnreadableSource as error:
                    left_out.append(error)
                    continue
                first = releases.setdefault(release.id, release)
                if first.text != release.text or first.title != release.title:
                    left_out.append(
                        UnreadableSource(page.origin, f"{release.id} was read with another text from {first.source}")
                    )
    return Corpus(tuple(releases[key] for key in sorted(releases)), tuple(left_out))


def _release(page: SourcePage, known: Mapping[str, Release]) -> Release:
    release = known.get(page.digest)
    if release is None:
        return read_release(page)
    return release if release.source == page.origin else replace(release, source=page.origin)


def _files(path: Path, left_out: list[UnreadableSource]) -> Iterator[Path]:
    """The files that may hold releases, in the order of their names; hidden ones, READMEs and questions are passed over."""
    if not path.exists():
        left_out.append(UnreadableSource(str(path), "does not exist"))
    elif not path.is_dir():
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path
        else:
            left_out.append(UnreadableSource(str(path), f"is not one of {', '.join(SUFFIXES)}"))
    else:
        root = path.resolve()
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if (
                any(name.startswith(".") for name in inside.parts)
                or file.stem.lower().startswith(_NOT_RELEASES)
                or file.is_dir()
            ):
                continue
            if not file.is_file():
                left_out.append(UnreadableSource(str(file), "is not a regular file"))
            elif not file.resolve().is_relative_to(root):
                left_out.append(UnreadableSource(str(file), "is a link out of the folder"))
            elif file.suffix.lower() not in SUFFIXES:
                left_out.append(UnreadableSource(str(file), f"is not one of {', '.join(SUFFIXES)}"))
            else:
                yield file
