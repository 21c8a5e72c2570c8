"""Collected pages: when the site last showed one, whether it says something else now, and how one takes another's place."""

from __future__ import annotations

import itertools
import os
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from qa.errors import UnreadableSource
from qa.html import HtmlPage, read_html

EARLIER = ".earlier"
KOREA = timezone(timedelta(hours=9))  # the site's days; no summer time since 1988
_GAP = r"\W{0,9}"
_DATE = r"\d{4}[\W년월]{1,3}\d{1,2}[\W년월]{1,3}\d{1,2}일?(?: \d\d:\d\d(?::\d\d)?)?"
_WRITER = r"(?:writer|author|작성자|담당부서)\W{0,9}\S{1,20}(?: \S{1,20}){0,2}?"
_STATED = rf"(?:(?:(?:date|작성일|등록일|게시일){_GAP})?{_DATE}|{_WRITER})"
# The view counter where it stands in the text, alone or among date and writer: "hit 1645", "Writer : Admin Date : D Hit : N".
_HITS = re.compile(
    rf"(?im)^((?:{_STATED}{_GAP}){{0,3}}(?:hits?|views?|read|조회수?)){_GAP}[\d,]+((?:{_GAP}{_STATED}){{0,3}})[^\w\n]{{0,9}}$"
)
# The links to the neighbours, whose titles come and go: "Next: ...", or a label, a title and its date, each on its own line.
_NEIGHBOUR = re.compile(
    r"(?im)^(?:next|prev(?:ious)?|(?:이전|다음) ?글이?)\b(?: (?:article|post|release))?[^\w\n]{0,9}"
    rf"(?:\n.*|.*(?:없습니다\.|(?<![.!?])))$(?:\n{_DATE}$)?"
)
_PARAGRAPH = re.compile(r"(?m)^(?:\d{1,2}\.|[°○ㅇ*※-]|o ).*[.!?\"”]$")  # after the last of them stands what is not the release


def differ(before: HtmlPage, after: HtmlPage) -> bool:
    """Whether the release says something else: another word, title or date; not the view counter, not the line breaks."""
    stated = ((before.title, after.title), (before.date, after.date))
    return _words(before) != _words(after) or any(old != new for old, new in stated if old and new)


def _words(page: HtmlPage) -> list[str]:
    """The words of the release; what the board writes around it, and changes by itself, is none of them."""
    body = max((found.end() for found in _PARAGRAPH.finditer(page.text)), default=0)
    text = page.text[:body] + _NEIGHBOUR.sub("", page.text[body:])
    return _HITS.sub(r"\1\2", text).split()


def fetched_on(path: Path) -> date | None:
    """The day in Korea the site last showed the page as it is here, None if it is not here."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, KOREA).date()
    except FileNotFoundError:
        return None


def page_at(path: Path) -> HtmlPage | None:
    try:
        return read_html(path.read_bytes().decode(), str(path))
    except (FileNotFoundError, UnicodeDecodeError, UnreadableSource):
        return None


def set_aside(path: Path, day: str) -> Path:
    """A copy of the page in `.earlier`. A copy, and before the new page comes: a crash between the two loses neither."""
    content = path.read_bytes()
    for number in itertools.count(1):
        earlier = path.parent / EARLIER / f"{path.stem}.{day}.{number}.html"
        if not earlier.exists():
            write_whole(earlier, content)
            return earlier
        if earlier.read_bytes() == content:
            return earlier
    raise AssertionError("counting does not end")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all; what a crash leaves has a dot before its name and is not read."""
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(exist_ok=True)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
