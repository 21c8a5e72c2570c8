"""Passages: what is retrieved and shown, one per outcome paragraph, with its points and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from qa.release import Paragraph, Release
from qa.sentences import sentences

JOIN_BELOW = 240  # characters: unnumbered lines shorter than this, a speech's for example, share a passage with the next

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Passage:
    """`text` is `release.text[start:end]`, verbatim.

    `id` is the release's id and the paragraph: "m_5676-322004#2"; "#p3" the third stretch of an unnumbered release; "#2-2"
    where a number was printed twice; "/2" at the end for the second part of a paragraph that the encoder cannot read whole.
    """

    id: str
    release_id: str
    paragraph: str | None
    part: int
    parts: int
    start: int
    end: int
    text: str


def split_release(release: Release, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """The passages of a release, in order, each short enough to be read whole with `context` in front.

    A paragraph over `max_tokens` is cut before a point, and where one point alone is over, before a sentence; a single
    sentence is never cut.
    """
    passages = []
    names: dict[str, int] = {}
    for number, start, end, cuts in _stretches(release):
        names[number or "p"] = count = names.get(number or "p", 0) + 1
        name = f"p{count}" if number is None else number if count == 1 else f"{number}-{count}"
        pieces = _cut(release, start, end, cuts, count_tokens, max_tokens)
        for part, (piece_start, piece_end) in enumerate(pieces, 1):
            passages.append(
                Passage(
                    id=f"{release.id}#{name}" + (f"/{part}" if len(pieces) > 1 else ""),
                    release_id=release.id,
                    paragraph=number,
                    part=part,
                    parts=len(pieces),
                    start=piece_start,
                    end=piece_end,
                    text=release.text[piece_start:piece_end],
                )
            )
    return passages


def context(release: Release) -> str:
    """What is embedded in front of a passage's text: a paragraph may name neither country nor day."""
    day = f" ({release.date.day} {release.date:%B %Y})" if release.date is not None else ""
    subtitle = f" {release.subtitle}" if release.subtitle else ""
    return f"{release.title}{day}{subtitle}\n"


def _stretches(release: Release) -> Iterator[tuple[str | None, int, int, list[int]]]:
    """Number, start, end and places to cut of each numbered paragraph, and of unnumbered ones joined to a sensible size."""
    for numbered, group in groupby(release.paragraphs, key=lambda paragraph: paragraph.number is not None):
        if numbered:
            for paragraph in group:
                yield paragraph.number, paragraph.start, paragraph.end, _part_starts(paragraph)
            continue
        stretches: list[list[Paragraph]] = [[]]
        for paragraph in group:
            if stretches[-1] and stretches[-1][-1].end - stretches[-1][0].start >= JOIN_BELOW:
                stretches.append([])
            stretches[-1].append(paragraph)
        if len(stretches) > 1 and stretches[-1][-1].end - stretches[-1][0].start < JOIN_BELOW / 3:
            short = stretches.pop()  # "Thank you." answers nothing by itself
            stretches[-1] += short
        yield from map(_joined, stretches)


def _joined(paragraphs: list[Paragraph]) -> tuple[str | None, int, int, list[int]]:
    starts = [start for paragraph in paragraphs for start in _part_starts(paragraph)]
    return None, paragraphs[0].start, paragraphs[-1].end, starts


def _part_starts(paragraph: Paragraph) -> list[int]:
    """Where a paragraph may be cut: before a part that is not the note or dash of another."""
    return [part.start for part in paragraph.parts if part.kind in ("text", "point")]


def _cut(
    release: Release, start: int, end: int, cuts: list[int], count_tokens: CountTokens, max_tokens: int
) -> list[tuple[int, int]]:
    front = context(release)

    def fits(piece_start: int, piece_end: int) -> bool:
        return count_tokens([front + release.text[piece_start:piece_end]])[0] <= max_tokens

    if fits(start, end):
        return [(start, end)]
    edges = [start, *(cut for cut in cuts if start < cut < end), end]
    units: list[tuple[int, int]] = []
    for unit_start, unit_end in pairwise(edges):
        if fits(unit_start, unit_end):
            units.append((unit_start, unit_end))
        else:
            units += [(unit_start + a, unit_start + b) for a, b in sentences(release.text[unit_start:unit_end])]
    pieces = [units[0]]
    for unit_start, unit_end in units[1:]:
        if fits(pieces[-1][0], unit_end):
            pieces[-1] = (pieces[-1][0], unit_end)
        else:
            pieces.append((unit_start, unit_end))
    return [_trimmed(release.text, *piece) for piece in pieces]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
