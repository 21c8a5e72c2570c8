"""The ledger: what each release said when. A text that was changed or taken away stays to be read.

`ledger.jsonl` lies beside the generations of an index and outlives them: one line an event, oldest first, {"at", "event"
("new", "changed" or "removed"), "release", "version"}, and with the last two the release as it was before, "record".
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.errors import LedgerDamaged
from qa.records import LONGEST_LINE, release_from, release_record
from qa.release import Release

LEDGER = "ledger.jsonl"
_ADDED: dict[str, Any] = {"page": "", "days": (), "people": ()}  # fields that records of older ledgers lack


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of releases, in their order, against the generation before; `encoded` counts the passages that had no vectors yet."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    encoded: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """A release as it once was: seen until `until`, when it was changed or removed."""

    version: str
    until: datetime.datetime
    release: Release


def version_of(release: Release) -> str:
    """Twelve digits of the SHA-256 of title, date and text: another one wherever a reader would read another word."""
    title, date, text = _read_of(release)
    return hashlib.sha256(repr((title, str(date), text)).encode("utf-8")).hexdigest()[:12]


def _read_of(release: Release) -> tuple[str, datetime.date | None, str]:
    return release.title, release.date, release.text


def changes_between(before: Mapping[str, Release], now: Mapping[str, Release]) -> Changes:
    both = sorted(before.keys() & now.keys())
    changed = tuple(key for key in both if _read_of(before[key]) != _read_of(now[key]))
    new, removed = (tuple(sorted(keys)) for keys in (now.keys() - before.keys(), before.keys() - now.keys()))
    return Changes(new, changed, removed, len(both) - len(changed))


def record_changes(folder: Path, changes: Changes, before: Mapping[str, Release], now: Mapping[str, Release]) -> None:
    """Add the events to the ledger of `folder`; those that it ends with for a release already, a build then killed wrote."""
    known = list(events(folder))
    last = {event["release"]: (event["event"], event["version"]) for event in known}
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    added: list[dict[str, Any]] = []
    for kind, keys in (("new", changes.new), ("changed", changes.changed), ("removed", changes.removed)):
        for key in keys:
            version = version_of((before if kind == "removed" else now)[key])
            if last.get(key) != (kind, version):
                event = {"at": at, "event": kind, "release": key, "version": version}
                added.append(event if kind == "new" else {**event, "record": release_record(before[key])})
    if added:
        scratch = folder / f".{LEDGER}"
        with scratch.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(event, ensure_ascii=True, sort_keys=True) + "\n" for event in (*known, *added))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, folder / LEDGER)


def earlier_versions(folder: Path, release_id: str) -> list[Version]:
    """What a release said before it was changed or removed, oldest first."""
    found = []
    for number, event in enumerate(events(folder), 1):
        if event["release"] == release_id and "record" in event:
            try:
                release, until = release_from({**_ADDED, **event["record"]}), datetime.datetime.fromisoformat(event["at"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise LedgerDamaged(folder / LEDGER, number) from error
            found.append(Version(version_of(release), until, release))
    return found


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of the ledger of `folder`, oldest first. Raises `LedgerDamaged` naming the line that is not one."""
    path = folder / LEDGER
    if not path.exists():
        return
    if not path.is_file():
        raise LedgerDamaged(path, 1)
    with path.open(encoding="utf-8") as file:
        for number in itertools.count(1):
            try:
                if not (line := file.readline(LONGEST_LINE)):
                    return
                event = json.loads(line)
                whole = all(isinstance(event[name], str) for name in ("at", "event", "release", "version"))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise LedgerDamaged(path, number) from error
            if not whole:
                raise LedgerDamaged(path, number)
            yield event
