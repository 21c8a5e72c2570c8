"""A release: what the ministry published, its structure kept, its text ready to be quoted from."""

from __future__ import annotations

import datetime
import itertools
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit
from urllib.parse import quote as percent_encoded

from qa.dates import DateSource, days_in, infer_date, parse_date
from qa.errors import UnreadableSource
from qa.layout import MARKER, release_lines, split_head
from qa.people import Mention, officers
from qa.source import SourcePage

Kind = Literal["outcome", "aid", "decision", "statement", "joint statement", "speech", "briefing", "news"]
Provenance = Literal["official", "digest"]
PartKind = Literal["text", "point", "dash", "note"]

VOICED = ("speech", "statement", "briefing", "joint statement")  # kinds of release that speak for themselves

_DIGEST = re.compile(r"\s*Digest, not the ministry's words\. Official release: (\S+)\s*", re.IGNORECASE)
_BOARD_PATH = re.compile(r"/brd/(m_\d+)/view\.do$")
_COLLECTED = re.compile(r"(m_\d+)-(\d+)$")  # the file names of `qa collect`
# The longest title and text of the official releases, and of 3,000 statements of another government, have 284 and 19,296
# characters. What is longer is no release, and would be read for minutes.
LONGEST_TITLE, LONGEST_TEXT = 1_000, 1_000_000
YEARS = range(1900, 2100)  # of which dates are read in a text too; a day of year 1 or 9999 is a slip
_LOOK_BACK = 100  # parts above a note among which the one that it qualifies is looked for
_KOREAN_BOARDS = frozenset({"m_4080"})
_PERHAPS_UNSAFE = re.compile(r"[^!#-;=?-\[\]-_a-~]")  # whatever is no printable ASCII, or ends a link
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2})?)\.?\s+(?=\S)")
_SUBTITLE = re.compile(r"[-–—]\s.*\s[-–—]$")
_QUESTION = re.compile(r"(?:<?\s*(?:q|question)\s*\d*\s*[.:)>])", re.IGNORECASE)
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("briefing", r"\bpress briefing\b"),
    ("joint statement", r"\b(joint (press )?(statement|release|communiqu|declaration)|declaration)|^annex\b"),
    ("statement", r"\b(statement|commentary)\b"),
    ("speech", r"^(?!.*\b(delivers|gives|makes|attends|to address)\b).*\b(remarks|speech|address|keynote|toast)\b"),
    ("aid", r"\b(assistance|aid|relief|medical supplies|disaster relief team|to provide|donat)"),
    ("decision", r"\b(decision|sanctions|decides|joins?|to join)\b"),
    (
        "outcome",
        r"\b(outcome|meeting|meets|talks|dialogue|consultation|telephone|phone|call|conversation|summit|forum|committee|held)",
    ),
)


class Part(NamedTuple):
    """A stretch of a release's text: the words of a paragraph, a point under it, a third-level dash, or a note.

    `of` is the index, within the paragraph, of the part that a point, dash or note belongs to or qualifies.
    """

    kind: PartKind
    start: int
    end: int
    of: int | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """An outcome paragraph with its points and notes: `text[start:end]` of its release.

    `number` is what the ministry printed ("3", "2.1"), None where it numbered nothing; `start` comes after it.
    """

    number: str | None
    start: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One release as read. `text` is the page's words with only white space mended; everything else slices it.

    `id` is "board-seq" ("m_5676-322004") where the URL has them, else from the file's name. `date` is the day it was
    published where `date_source` is "stated", else the day inferred of its event, None when that is "unknown". `days` are those
    that it names, its title first, and `people` those whom `front_of` and its text name by office, one after the other on lines
    of their own. `page` is the digest of the source page.
    """

    id: str
    title: str
    date: datetime.date | None
    date_source: DateSource
    url: str | None
    board: str | None
    kind: Kind
    provenance: Provenance
    subtitle: str | None
    text: str
    paragraphs: tuple[Paragraph, ...]
    days: tuple[datetime.date, ...]
    people: tuple[Mention, ...]
    page: str
    source: str


def read_release(page: SourcePage) -> Release:
    """Understand one source page. Raises `UnreadableSource` when it has no title or no words of its own."""
    if len(page.text) > LONGEST_TEXT:
        raise UnreadableSource(
            page.origin, f"has {len(page.text)} characters, more than {LONGEST_TEXT}; split it into its releases"
        )
    body, url, provenance = _provenance(page.text, page.url)
    title, date_text, board = page.title, page.date, None
    if title is None:
        head = split_head(body)
        title, date_text, board, body = head.title, head.date or date_text, head.board, head.body
    if title is None:
        raise UnreadableSource(page.origin, "has no title; put the title on its first line, or save the page as HTML")
    title = " ".join(title.split())
    if len(title) > LONGEST_TITLE:
        raise UnreadableSource(
            page.origin, f"its title has {len(title)} characters, more than {LONGEST_TITLE}; put it on a line of its own"
        )
    stated = parse_date(date_text) if date_text is not None else None
    if date_text is not None and (stated is None or stated.year not in YEARS):
        raise UnreadableSource(page.origin, f"its date {date_text!r} is no YYYY-MM-DD in the years {YEARS[0]} to {YEARS[-1]}")
    collected = _COLLECTED.fullmatch(page.name)
    if collected and _board_and_seq(url) != (collected[1], collected[2]):
        language = "www" if collected[1] in _KOREAN_BOARDS else "eng"
        url = f"https://www.mofa.go.kr/{language}/brd/{collected[1]}/view.do?seq={collected[2]}"
    key = _board_and_seq(url)
    lines = release_lines(body, title)
    subtitles = list(itertools.takewhile(_SUBTITLE.match, lines[:-1]))
    del lines[: len(subtitles)]
    kind = _kind(title, key[0] if key else board)
    text, paragraphs = _structure(lines, kind)
    if not paragraphs:
        raise UnreadableSource(page.origin, "holds no text of a release")
    date, date_source = (stated, "stated") if stated else infer_date(title, text)
    return Release(
        id=f"{key[0]}-{key[1]}" if key else page.name,
        title=title,
        date=date,
        date_source=date_source,
        url=url,
        board=key[0] if key else board,
        kind=kind,
        provenance=provenance,
        subtitle=" ".join(subtitles) or None,
        text=text,
        paragraphs=paragraphs,
        days=days_in(f"{title}\n{text}", date),
        people=tuple(m for m in officers(f"{front_of(title, kind)}\n{text}") if m.name),
        page=page.digest,
        source=page.origin,
    )


def front_of(title: str, kind: Kind) -> str:
    """The title where it names people as the text does: of releases that speak for themselves, and of readouts."""
    return title if kind in VOICED or title.startswith("Readout") else ""


def _provenance(text: str, url: str | None) -> tuple[str, str | None, Provenance]:
    """The text without the line that calls it a digest, its link, and whose words it is."""
    first, _, rest = text.lstrip().partition("\n")
    match = _DIGEST.fullmatch(first)
    if match:
        return rest, web_link(match[1]), "digest"
    return text, web_link(url), "official"


def web_link(url: str | None) -> str | None:
    """A web address that may be shown as a link, with nothing in it that ends one; the ministry's in its shortest form."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    key = _board_and_seq(url)
    if key and (host == "mofa.go.kr" or host.endswith(".mofa.go.kr")):
        url = f"https://www.mofa.go.kr{parts.path}?seq={key[1]}"
    return _PERHAPS_UNSAFE.sub(_encoded, url.strip())


def _encoded(char: re.Match[str]) -> str:
    return char[0] if char[0].isprintable() and char[0] not in ' <>"`\\' else percent_encoded(char[0])


def _board_and_seq(url: str | None) -> tuple[str, str] | None:
    """The two together are the key of a release: `seq` counts per board."""
    if url is None:
        return None
    parts = urlsplit(url)
    board = _BOARD_PATH.search(parts.path)
    seq = parse_qs(parts.query).get("seq", [""])[0]
    return (board[1], seq) if board and seq.isascii() and seq.isdigit() else None


def _kind(title: str, board: str | None) -> Kind:
    if board == "m_5689":
        return "speech"
    return next((kind for kind, pattern in _KINDS if re.search(pattern, title, re.IGNORECASE)), "news")


def _structure(lines: list[str], kind: Kind) -> tuple[str, tuple[Paragraph, ...]]:
    """The release's text, and its paragraphs as slices of it."""
    groups: list[tuple[str | None, list[tuple[PartKind, str]]]] = []
    last: str | None = None
    for line in lines:
        number = None if kind == "speech" else _number(line, last)
        if number is not None:
            last = number
            groups.append((number, [("text", line)]))
            continue
        part = _part_kind(line)
        attaches = part != "text" or (bool(groups) and groups[-1][0] is not None) or _answers(line, groups, kind)
        if groups and attaches:
            groups[-1][1].append((part, line))
        else:
            groups.append((None, [(part, line)]))
    text = ""
    paragraphs = []
    for number, parts in groups:
        text += "\n\n" if text else ""
        printed = _NUMBERED.match(parts[0][1]) if number is not None else None
        start = len(text) + (printed.end() if printed else 0)
        placed: list[Part] = []
        for part, words in parts:
            text += "\n" if placed else ""
            placed.append(Part(part, len(text) if placed else start, len(text) + len(words), _owner(part, text, placed)))
            text += words
        paragraphs.append(Paragraph(number, start, len(text), tuple(placed)))
    return text, tuple(paragraphs)


def _number(line: str, last: str | None) -> str | None:
    """The paragraph number that the line opens with, if it can be one: it opens the count, goes on, or was printed twice."""
    match = _NUMBERED.match(line)
    if match is None or (not match[0].rstrip().endswith(".") and "." not in match[1]):
        return None
    number = match[1]
    major, _, minor = number.partition(".")
    if minor:
        return number if last is not None and last.partition(".")[0] == major else None
    before = int(last.partition(".")[0]) if last is not None else 0
    return number if before <= int(major) <= before + 2 and int(major) > 0 else None


def _part_kind(line: str) -> PartKind:
    if re.match(r"※|\*", line):
        return "note"
    if re.match(r"[-–—]\s", line):
        return "dash"
    return "point" if re.match(rf"{MARKER}|\(\d+\)|\d{{1,2}}\)", line) else "text"


def _answers(line: str, groups: list[tuple[str | None, list[tuple[PartKind, str]]]], kind: Kind) -> bool:
    """Whether the line goes on with the answer to a question asked at a briefing."""
    return kind == "briefing" and bool(groups) and bool(_QUESTION.match(groups[-1][1][0][1])) and not _QUESTION.match(line)


def _owner(kind: PartKind, text: str, before: list[Part]) -> int | None:
    """What a part belongs to: a point to the paragraph's words, a dash to the point or note above, a note to what it
    qualifies: the nearest part above with a starred word, else the nearest above that is no note."""
    if not before or kind == "text":
        return None
    if kind == "point":
        return 0
    if kind == "dash":
        return before[-1].of if before[-1].kind == "dash" else len(before) - 1
    nearest = range(len(before) - 1, max(len(before) - 1 - _LOOK_BACK, -1), -1)
    own = [i for i in nearest if before[i].kind != "note"]
    starred = [i for i in own if re.search(r"\w[\"'”’)]*\*", text[before[i].start : before[i].end])]
    return next(iter(starred or own), 0)
