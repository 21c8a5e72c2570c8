"""Permalinks: a passage by release, version and characters, the same after any rebuild, with any model."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.errors import NotFound
from qa.index import Index
from qa.ledger import earlier_versions, version_of
from qa.release import Release

_FORM = re.compile(r"(?P<release>[^@\s]+)@(?P<version>[0-9a-f]{12}):(?P<start>\d{1,9})-(?P<end>\d{1,9})")


@dataclass(frozen=True, slots=True)
class Cited:
    """`release.text[start:end]`, as the release read when it was cited; `until` is when that was changed or removed."""

    release: Release
    start: int
    end: int
    until: datetime.datetime | None

    @property
    def text(self) -> str:
        return self.release.text[self.start : self.end]

    def record(self) -> dict[str, Any]:
        """JSON-ready; dates as YYYY-MM-DD, `until` with its time, None where the text still stands."""
        release = self.release
        return {
            "release_id": release.id,
            "title": release.title,
            "date": release.date.isoformat() if release.date else None,
            "url": release.url,
            "provenance": release.provenance,
            "text": self.text,
            "until": self.until.isoformat() if self.until else None,
            "permalink": permalink(release, self.start, self.end),
        }


def permalink(release: Release, start: int, end: int) -> str:
    """ "m_5676-322004@<version>:<start>-<end>"."""
    return f"{release.id}@{version_of(release)}:{start}-{end}"


def find_cited(link: str, index: Index, folder: Path) -> Cited:
    """What a permalink, or the id of a release or passage, names: in the index, else among the earlier versions in the ledger
    of `folder`, the one that the index is read from.

    Raises `NotFound` when neither has it.
    """
    match = _FORM.fullmatch(link)
    if match is None:
        passage = next((passage for passage in index.passages if passage.id == link), None)
        if passage is not None:
            return Cited(index.releases[passage.release_id], passage.start, passage.end, None)
        release = index.releases.get(link)
        if release is None:
            raise NotFound(
                link, f"no release has this id; there are {len(index.releases)}, {', '.join(list(index.releases)[:3])} ..."
            )
        return Cited(release, 0, len(release.text), None)
    current = index.releases.get(match["release"])
    if current is not None and version_of(current) == match["version"]:
        return _cited(link, current, match, None)
    for earlier in earlier_versions(folder, match["release"]):
        if earlier.version == match["version"]:
            return _cited(link, earlier.release, match, earlier.until)
    raise NotFound(link, "neither the index nor its ledger knows this version of the release")


def _cited(link: str, release: Release, match: re.Match[str], until: datetime.datetime | None) -> Cited:
    start, end = int(match["start"]), int(match["end"])
    if not 0 <= start < end <= len(release.text):
        raise NotFound(link, f"the release has {len(release.text)} characters")
    return Cited(release, start, end, until)
