"""Comparison: what is new, repeated and dropped between two releases of a series, sentence by sentence, both verbatim."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.lexical import words
from qa.errors import BadQuestion, NotFound, QuoteMismatch
from qa.index import Index
from qa.layout import MARKER
from qa.passages import context
from qa.release import Provenance, Release
from qa.sentences import sentences

Change = Literal["new", "repeated", "dropped"]

# Measured on 84 hand-labelled sentences of ten pairs of official releases: with shares of 0 to 0.6 the best thresholds differ
# by one sentence; token vectors alone find 11 of the 18 repetitions, with the words 15.
TOKEN_SHARE = 0.3  # of the token vectors in the likeness of two sentences; the rest is their words'
REPEATED = 0.48  # likeness from which a sentence repeats another: the middle of 0.46 to 0.50, where nothing changes

_POINT = re.compile(rf"{MARKER}\s*")  # of a point or note: no part of its sentence
_FIGURE = re.compile(r"\d[\d,.]*\d|\d")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is `release.text[start:end]`."""

    release_id: str
    passage_id: str
    paragraph: str | None
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence, or two of one position. `likeness` is 0 to 1 and 1 for the same words; 0 where there is only one."""

    change: Change
    earlier: Sentence | None
    later: Sentence | None
    likeness: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every sentence of both releases in one pair: in the later one's order, what was dropped after what it stood after."""

    earlier_id: str
    earlier_title: str
    earlier_date: datetime.date | None
    earlier_provenance: Provenance
    later_id: str
    later_title: str
    later_date: datetime.date | None
    later_provenance: Provenance
    pairs: tuple[Pair, ...]

    def record(self) -> dict[str, Any]:
        """The fields as JSON-ready values; dates as YYYY-MM-DD."""
        return dict(json.loads(json.dumps(asdict(self), default=str)))


class _Read(NamedTuple):
    sentence: Sentence
    words: frozenset[str]
    figures: frozenset[str]
    vectors: npt.NDArray[np.float32]  # (its tokens, dimension)


def compare(index: Index, earlier: str, later: str) -> Comparison:
    """The comparison of two releases, by id; the earlier is the one of the earlier date, as given where these are no help.

    Raises `NotFound` for an unknown id, `BadQuestion` for one that is given twice, `QuoteMismatch` for a sentence not in
    its release.
    """
    one, other = release_named(index, earlier), release_named(index, later)
    if one.id == other.id:
        raise BadQuestion(f"{one.id} is given twice; name two releases")
    if one.date is not None and other.date is not None and one.date > other.date:
        one, other = other, one
    before, after = _read(index, one), _read(index, other)
    pairs = _paired([each.sentence for each in before], [each.sentence for each in after], _likeness(before, after))
    sides = (one.id, one.title, one.date, one.provenance, other.id, other.title, other.date, other.provenance)
    return Comparison(*sides, pairs)


def release_named(index: Index, key: str) -> Release:
    if key in index.releases:
        return index.releases[key]
    names = {release.title: release.id for release in index.releases.values()} | {known: known for known in index.releases}
    near = dict.fromkeys(names[name] for name in get_close_matches(key, names, n=3, cutoff=0.0))
    named = "; ".join(f"{each} ({index.releases[each].title})" for each in near)
    raise NotFound(repr(key), f"no release has this id; the nearest: {named}")


def _read(index: Index, release: Release) -> list[_Read]:
    """The sentences of a release in order, each with the vectors of its own tokens, those of the context in front left out."""
    read = []
    front = len(context(release))  # characters embedded before the passage
    for row, passage in enumerate(index.passages):
        if passage.release_id != release.id:
            continue
        vectors, spans = index.search.tokens.vectors(row), index.search.tokens.spans(row)
        for begin, end in sentences(passage.text):
            marker = _POINT.match(passage.text, begin, end)
            start = marker.end() if marker and marker.end() < end else begin
            text, place = passage.text[start:end], (passage.start + start, passage.start + end)
            if release.text[slice(*place)] != text:
                raise QuoteMismatch(passage.id)
            sentence = Sentence(release.id, passage.id, passage.paragraph, text, *place)
            own = vectors[(spans[:, 1] > start + front) & (spans[:, 0] < end + front)]
            read.append(_Read(sentence, frozenset(words(text)), frozenset(_FIGURE.findall(text)), own))
    return read


def _likeness(before: list[_Read], after: list[_Read]) -> npt.NDArray[np.float64]:
    """(before, after), 0 to 1: MaxSim of their tokens in both directions and their shared words, the rarer the weightier.

    0 where each has a figure that the other lacks: another sum or another day is another position.
    """
    frequency = Counter(word for each in (*before, *after) for word in each.words)
    rarity = {word: math.log(1 + (len(before) + len(after)) / count) for word, count in frequency.items()}

    def in_words(one: _Read, other: _Read) -> float:
        most = sum(rarity[word] for own in (one.words, other.words) for word in own)
        return 2 * sum(rarity[word] for word in one.words & other.words) / most if most else 0.0

    likeness = np.zeros((len(before), len(after)))
    vectors = np.concatenate([each.vectors for each in after])
    places = np.cumsum([len(each.vectors) for each in after])[:-1]
    for i, one in enumerate(before):
        for j, (other, cosines) in enumerate(zip(after, np.split(one.vectors @ vectors.T, places, axis=1), strict=True)):
            if one.sentence.text == other.sentence.text:
                likeness[i, j] = 1
            elif one.figures <= other.figures or other.figures <= one.figures:
                in_tokens = (cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2 if cosines.size else 0.0
                likeness[i, j] = TOKEN_SHARE * in_tokens + (1 - TOKEN_SHARE) * in_words(one, other)
    return likeness.clip(0, 1)


def _paired(before: list[Sentence], after: list[Sentence], likeness: npt.NDArray[np.float64]) -> tuple[Pair, ...]:
    from scipy.optimize import linear_sum_assignment  # at the top it was a third of what `qa --help` takes

    # The same words count double: never given up for two pairs that are only like.
    gain = np.where(likeness == 1, 2, np.where(likeness < REPEATED, 0, likeness))
    later_of = {int(i): int(j) for i, j in zip(*linear_sum_assignment(gain, maximize=True), strict=True) if gain[i, j]}
    placed = {(j, 0): Pair("new", None, sentence, 0.0) for j, sentence in enumerate(after)}
    at = -1  # the last sentence that was kept
    for i, sentence in enumerate(before):
        at = later_of.get(i, at)
        if i in later_of:
            placed[at, 0] = Pair("repeated", sentence, after[at], float(likeness[i, at]))
        else:
            placed[at, i + 1] = Pair("dropped", sentence, None, 0.0)
    return tuple(placed[place] for place in sorted(placed))
