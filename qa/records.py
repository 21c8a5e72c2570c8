"""Releases and passages as JSON-ready records, and back."""

from __future__ import annotations

import datetime
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

from qa.dates import DateSource
from qa.passages import Passage
from qa.people import Mention
from qa.release import Kind, Paragraph, Part, PartKind, Provenance, Release, web_link

LONGEST_LINE = 32 * 2**20  # characters of a record on its line: of the longest release that is read, ten to twenty millions
_TEXTS = ("id", "title", "text", "page", "source")
_TEXTS_OR_NONE = ("url", "board", "subtitle")
_ENCODER = json.JSONEncoder(ensure_ascii=True, sort_keys=True)
_PART_KINDS = get_args(PartKind)
_CHOICES = {"kind": get_args(Kind), "provenance": get_args(Provenance), "date_source": get_args(DateSource)}


def record_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, as they are: `dataclasses.asdict` copies all within and takes five times as long."""
    return {
        name: getattr(value, name) for name in value.__dataclass_fields__
    }  # `dataclasses.fields` goes through them each time


def release_record(release: Release) -> dict[str, Any]:
    record = record_of(release)
    record["date"] = release.date.isoformat() if release.date else None
    record["days"] = [day.isoformat() for day in release.days]
    record["paragraphs"] = [record_of(paragraph) for paragraph in release.paragraphs]
    return record


def release_from(record: dict[str, Any]) -> Release:
    """The release that `release_record` made this of. Raises `KeyError`, `TypeError` or `ValueError` for anything else.

    A record comes out of a file that may be another's: no field is of another type, no paragraph outside the text, and the
    link is one that `read_release` could have given.
    """
    record = dict(record)
    texts = [record[name] for name in _TEXTS] + [record[name] for name in _TEXTS_OR_NONE if record[name] is not None]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text of a release is none")
    if any(record[name] not in known for name, known in _CHOICES.items()):
        raise ValueError("a release is of no known kind")
    record["url"] = web_link(record["url"])
    record["date"] = datetime.date.fromisoformat(record["date"]) if record["date"] else None
    record["days"] = tuple(map(datetime.date.fromisoformat, record["days"]))
    record["people"] = tuple(_person(each, len(record["title"]) + 1 + len(record["text"])) for each in record["people"])
    record["paragraphs"] = tuple(map(_paragraph, record["paragraphs"]))
    if not _in_order(record["paragraphs"], 0, len(record["text"])):
        raise ValueError("the paragraphs of a release do not lie in its text")
    return Release(**record)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def line_of(record: Mapping[str, Any]) -> str:
    return _ENCODER.encode(record) + "\n"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        while line := file.readline(LONGEST_LINE):
            yield json.loads(line)


def passage_from(record: dict[str, Any], releases: Mapping[str, Release]) -> Passage:
    """The passage that `passage_record` made this of. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    release, number = releases[record["release_id"]], record["paragraph"]
    start, end = record["start"], record["end"]
    if {type(start), type(end), type(record["part"]), type(record["parts"])} != {int}:
        raise TypeError("a number of a passage is none")
    if not isinstance(record["id"], str) or not isinstance(number, str | None):
        raise TypeError("a name of a passage is none")
    first = bisect_right(release.paragraphs, start, key=lambda each: each.end)
    held = list(takewhile(lambda each: each.start < end, release.paragraphs[first:]))
    if not held or not held[0].start <= start < end <= held[-1].end or {each.number for each in held} != {number}:
        raise ValueError(f"{record['id']} is no passage of its release")
    return Passage(text=release.text[start:end], **record)


def passage_record(passage: Passage) -> dict[str, Any]:
    record = record_of(passage)
    del record["text"]  # stored once, in the release, and sliced out of it: a passage cannot differ from its release
    return record


def _paragraph(told: Mapping[str, Any]) -> Paragraph:
    made = Paragraph(told["number"], told["start"], told["end"], tuple(Part(*part) for part in told["parts"]))
    if not isinstance(made.number, str | None) or not _in_order(made.parts, made.start, made.end):
        raise ValueError("the parts of a paragraph do not lie in it")
    for kind, _, _, of in made.parts:
        if kind not in _PART_KINDS or (of is not None and of not in range(len(made.parts))):
            raise ValueError("a part of a paragraph is of no known kind")
    return made


def _person(told: Sequence[Any], end: int) -> Mention:
    made = Mention(*told)
    if made.kind != "person" or not _in_order([made], 0, end):
        raise ValueError("a person of a release is named nowhere in it")
    if not all(isinstance(text, str) for text in (made.name, made.rank, made.land or "")) or type(made.sure) is not bool:
        raise TypeError("a name of a person is none")
    return made


def _in_order(spans: Sequence[Paragraph | Part | Mention], first: int, last: int) -> bool:
    """Whether there are spans, and they follow one another between two places, without any that overlap."""
    for span in spans:
        if type(span.start) is not int or type(span.end) is not int or not first <= span.start <= span.end:
            return False
        first = span.end
    return bool(spans) and first <= last
