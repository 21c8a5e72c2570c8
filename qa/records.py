"""Releases as JSON-ready records, and back."""

from __future__ import annotations

import datetime
from dataclasses import fields
from typing import Any

from qa.release import Paragraph, Part, Release


def record_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, as they are: `dataclasses.asdict` copies all within and takes five times as long."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def release_record(release: Release) -> dict[str, Any]:
    record = record_of(release)
    record["date"] = release.date.isoformat() if release.date else None
    record["paragraphs"] = [record_of(paragraph) for paragraph in release.paragraphs]
    return record


def release_from(record: dict[str, Any]) -> Release:
    """The release that `release_record` made this of. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    record = dict(record)
    record["date"] = datetime.date.fromisoformat(record["date"]) if record["date"] else None
    record["paragraphs"] = tuple(
        Paragraph(each["number"], each["start"], each["end"], tuple(Part(*part) for part in each["parts"]))
        for each in record["paragraphs"]
    )
    return Release(**record)
