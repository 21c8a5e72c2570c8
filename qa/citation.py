"""Citations: where in its release a quote stands, the notes that qualify it, how it is linked to and cited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

from qa.release import Release

_MINISTRY = "Ministry of Foreign Affairs of the Republic of Korea"
_WORDS_IN_LINK = 6  # of the start and the end of a sentence that a text fragment names; shorter ones are named whole
_BIBTEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


@dataclass(frozen=True, slots=True)
class Place:
    """`number` is the paragraph's as printed, None where it has none, `paragraph` its count from 1; `point` the count of the
    point under it, `notes` the words, verbatim, that qualify the quote or are the quote's own note."""

    number: str | None
    paragraph: int
    point: int | None
    notes: tuple[str, ...]


def place_of(release: Release, start: int, end: int) -> Place:
    """The place of `release.text[start:end]`, a sentence of it. Raises `ValueError` for characters of no paragraph."""
    for count, paragraph in enumerate(release.paragraphs, 1):
        if not paragraph.start <= start < end <= paragraph.end:
            continue
        at = max(i for i, part in enumerate(paragraph.parts) if i == 0 or part.start <= start)
        points = [i for i, part in enumerate(paragraph.parts) if part.kind == "point" and i <= at]
        point = len(points) if points and paragraph.parts[at].kind != "text" else None
        notes = [part for part in paragraph.parts if part.kind == "note" and part.of == at]
        return Place(paragraph.number, count, point, tuple(release.text[part.start : part.end] for part in notes))
    raise ValueError(f"{release.id} has no paragraph at characters {start} to {end}")


def link_to(release: Release, sentence: str) -> str | None:
    """The official page, opened at the sentence by a text fragment; a digest's sentence is not there to be opened at."""
    if release.url is None or release.provenance == "digest":
        return release.url
    words = sentence.split()
    if len(words) <= 2 * _WORDS_IN_LINK:
        ends = [" ".join(words)]
    else:
        ends = [" ".join(words[:_WORDS_IN_LINK]), " ".join(words[-_WORDS_IN_LINK:])]
    fragment = ",".join(percent_encoded(end, safe="").replace("-", "%2D") for end in ends)
    return f"{release.url.partition('#')[0]}#:~:text={fragment}"


def cite(release: Release, sentence: str, place: Place | None) -> str:
    """The citation of a sentence in one line."""
    day = f"{release.date.day} {release.date:%B %Y}" if release.date else "n.d."
    where = f", paragraph {place.number or place.paragraph}" if place else ""
    whose = " [digest, not the ministry's words]" if release.provenance == "digest" else ""
    link = f" {release.url}" if release.url else ""
    return f"“{sentence}”{whose} {publisher(release)}, “{release.title}”, {day}{where}.{link}"


def bibtex(release: Release) -> str:
    """A release as a BibTeX entry."""
    fields = {"title": f"{{{_tex(release.title)}}}", "author": f"{{{_tex(publisher(release))}}}"}
    if release.date:
        fields |= {"year": f"{release.date:%Y}", "month": f"{release.date:%b}".lower(), "day": str(release.date.day)}
    if release.url:
        fields["url"] = re.sub(r"[{}\\%]", lambda match: f"%{ord(match[0]):02X}" if match[0] != "%" else "%", release.url)
    if release.provenance == "digest":
        fields["note"] = "Digest, not the ministry's words"
    lines = "".join(f"  {name} = {value if name == 'month' else '{' + value + '}'},\n" for name, value in fields.items())
    return f"@misc{{{re.sub(r'[^A-Za-z0-9_-]', '-', release.id)},\n{lines}}}"


def publisher(release: Release) -> str:
    """Who published a release: the ministry on its boards, else the host of its page."""
    if release.board:
        return _MINISTRY
    return (urlsplit(release.url).hostname if release.url else None) or "unknown publisher"


def _tex(text: str) -> str:
    return "".join(f"\\{char}" if char in "#$%&_" else _BIBTEX.get(char, char) for char in text)
