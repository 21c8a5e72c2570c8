"""Source pages: what a file holds before anything is understood of it.

Page text (.txt), saved HTML of the ministry's three page generations (.html, .htm) and records (.json, .jsonl) all become
a `SourcePage`.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.errors import UnreadableSource
from qa.html import read_html

SUFFIXES = (".txt", ".html", ".htm", ".json", ".jsonl")
MAX_BYTES = 64 * 2**20  # the ministry's whole English archive, 11,142 releases in March 2026, is about 35 MB as records
MAX_BAD, MAX_OBJECTS = (
    10_000,
    1_000_000,
)  # of a file that somebody means to be read: the whole archive in one has 11,142 records
_SLUG = re.compile(r"[^\w]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One release as found: `title`, `date` and `url` are None where the source does not state them apart from its text.

    `name` is the id the release gets when its URL gives none. `text` has its lines as they were.
    """

    origin: str
    name: str
    title: str | None
    date: str | None
    url: str | None
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of all that a release is read from."""
        return hashlib.sha256(told_apart(self.name, self.title, self.date, self.url, self.text)).hexdigest()


def told_apart(*fields: str | None) -> bytes:
    """The fields as bytes that no others give: in a tenth of the time that their `repr` takes."""
    return "".join("-" if each is None else f"{len(each)}:{each}" for each in fields).encode("utf-8", "surrogatepass")


def read_pages(path: Path) -> Iterator[SourcePage | UnreadableSource]:
    """The source pages in one file, in order; a record that cannot be read comes as the error that says why.

    Raises `UnreadableSource` when the file as a whole cannot be read: empty, binary, over 64 MiB, of another encoding,
    truncated HTML, malformed JSON, or where thousands of its records cannot.
    """
    text = _decode(path)
    suffix = path.suffix.lower()
    name = _slug(path.stem)
    if suffix in (".jsonl", ".json"):
        bad = 0
        for found in _lines(text, path, name) if suffix == ".jsonl" else _list(text, path, name):
            bad += isinstance(found, UnreadableSource)
            if bad > MAX_BAD:  # each is kept to be told: 64 MiB of them are more than memory holds
                raise UnreadableSource(str(path), f"has more than {MAX_BAD} records that cannot be read, one of them {found}")
            yield found
    elif suffix in (".html", ".htm"):
        page = read_html(text, str(path))
        yield SourcePage(str(path), name, page.title, page.date, page.url, page.text)
    else:
        yield SourcePage(str(path), name, None, None, None, text)


def _lines(text: str, path: Path, name: str) -> Iterator[SourcePage | UnreadableSource]:
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        if not line.strip():
            continue
        try:
            yield _record(_json(line), f"{path}:{number}", name)
        except (ValueError, RecursionError) as error:
            yield UnreadableSource(f"{path}:{number}", f"not JSON: {error}")
        except UnreadableSource as error:
            yield error


def _list(text: str, path: Path, name: str) -> Iterator[SourcePage | UnreadableSource]:
    try:
        content = _json(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(str(path), f"not JSON: {error}") from error
    for number, record in enumerate(content if isinstance(content, list) else [content], 1):
        try:
            yield _record(record, f"{path}:{number}", name)
        except UnreadableSource as error:
            yield error


def _json(text: str) -> Any:
    """Raises `ValueError` for text that is none, or would take twenty times its length in memory."""
    if text.count("[") + text.count("{") > MAX_OBJECTS:
        raise ValueError(f"more than {MAX_OBJECTS} lists and records")
    return json.loads(text)


def _decode(path: Path) -> str:
    """The file's text: UTF-8 with or without BOM, else CP949, the ministry's older encoding."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableSource(str(path), f"{size / 2**20:.0f} MB is over the limit of {MAX_BYTES // 2**20} MB; split it")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableSource(str(path), f"cannot be opened: {error.strerror or error}") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableSource(str(path), "is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise UnreadableSource(str(path), "is binary, not text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _decode_cp949(path, data)
    if not text.strip():
        raise UnreadableSource(str(path), "is empty")
    return text


def _decode_cp949(path: Path, data: bytes) -> str:
    wrong = UnreadableSource(str(path), "is neither UTF-8 nor CP949; save it as UTF-8")
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        raise wrong from None
    # Nearly any bytes decode as CP949; real pages keep to the characters of its older core, EUC-KR.
    foreign = [char for char in text if ord(char) > 127]
    core = sum(len(char.encode("euc_kr", "ignore")) > 0 for char in foreign)
    if core < 0.9 * len(foreign):
        raise wrong
    return text


def _record(record: Any, origin: str, file_name: str) -> SourcePage:
    if not isinstance(record, dict):
        raise UnreadableSource(origin, "is not a record with title, date, url and text")
    fields: dict[str, str | None] = {}
    for key in ("title", "date", "url", "text"):
        value = record.get(key)
        if value is not None and not isinstance(value, str):
            raise UnreadableSource(origin, f"the record's {key} is not a string")
        if value and _SURROGATE.search(value):
            raise UnreadableSource(origin, f"the record's {key} holds half a character, an escape such as \\ud83d by itself")
        fields[key] = value if value and value.strip() else None
    text = fields["text"]
    if text is None:
        raise UnreadableSource(origin, "the record has no text")
    key = hashlib.sha256((fields["url"] or f"{fields['title']} {fields['date']} {text}").encode()).hexdigest()[:10]
    return SourcePage(origin, f"{file_name}-{key}", fields["title"], fields["date"], fields["url"], text)


def _slug(stem: str) -> str:
    return _SLUG.sub("-", stem).strip("-").lower() or "release"
