"""Releases as JSON-ready records, and back."""

from __future__ import annotations

import datetime
from dataclasses import fields
from itertools import pairwise
from typing import Any, get_args

from qa.dates import DateSource
from qa.release import Kind, Paragraph, Part, PartKind, Provenance, Release, web_link

LONGEST_LINE = 32 * 2**20  # characters of a record on its line: of the longest release that is read, ten to twenty millions
_TEXTS = ("id", "title", "text", "source")
_TEXTS_OR_NONE = ("url", "board", "subtitle")
_CHOICES = {"kind": get_args(Kind), "provenance": get_args(Provenance), "date_source": get_args(DateSource)}


def record_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, as they are: `dataclasses.asdict` copies all within and takes five times as long."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def release_record(release: Release) -> dict[str, Any]:
    record = record_of(release)
    record["date"] = release.date.isoformat() if release.date else None
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
    paragraphs = [
        Paragraph(each["number"], each["start"], each["end"], tuple(Part(*part) for part in each["parts"]))
        for each in record["paragraphs"]
    ]
    record["paragraphs"] = tuple(paragraphs)
    if not _in_order([(each.start, each.end) for each in paragraphs], 0, len(record["text"])):
        raise ValueError("the paragraphs of a release do not lie in its text")
    for each in paragraphs:
        spans = [(part.start, part.end) for part in each.parts]
        if not isinstance(each.number, str | None) or not _in_order(spans, each.start, each.end):
            raise ValueError("the parts of a paragraph do not lie in it")
        owners = [part.of for part in each.parts if part.of is not None]
        if any(part.kind not in get_args(PartKind) for part in each.parts) or any(at not in range(len(spans)) for at in owners):
            raise ValueError("a part of a paragraph is of no known kind")
    return Release(**record)


def _in_order(spans: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether there are spans, and they follow one another between two places, without any that overlap."""
    edges = [first, *(edge for span in spans for edge in span), last]
    return bool(spans) and all(type(edge) is int for edge in edges) and all(one <= other for one, other in pairwise(edges))
