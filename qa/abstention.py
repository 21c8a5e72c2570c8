"""Why no release answers: what a reader can do next depends on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bm25s.stopwords import STOPWORDS_EN_PLUS

from embeddings.lexical import has_hangul, words
from qa.period import Period
from qa.timeline import Timeline

Why = Literal["nothing within the filters", "no release of this time", "something is missing", "nothing near"]
NEAREST = 3  # passages in which the words of a question are looked for
SHOWN = 3  # missing words told, at most
_UNTELLING = frozenset(STOPWORDS_EN_PLUS) | {"many", "much", "long", "far", "often", "any", "some"}
_WORD = re.compile(r"[A-Za-z0-9][\w'’.,]*[A-Za-z0-9]|\d|[가-힣]{2,}")


@dataclass(frozen=True, slots=True)
class Abstention:
    """`missing` holds words of the question that the nearest passages lack, in its order; `text` says it all to a reader."""

    why: Why
    missing: tuple[str, ...]
    text: str


def nothing_left(said: bool) -> Abstention:
    """For filters that leave no passage; `said`, whether a speaker, side or act was among them."""
    what = "no passage within these dates holds such a statement" if said else "no release lies within these dates"
    return Abstention("nothing within the filters", (), what)


def out_of_time(period: Period, timeline: Timeline) -> Abstention:
    """For a period that no release is of, or speaks of."""
    span = timeline.span
    reach = f"; the releases go from {span[0]} to {span[1]}" if span else ""
    return Abstention("no release of this time", (period.said,), f"no release is of this time ({period.said}){reach}")


def lacking(question: str, nearest: Sequence[str]) -> list[re.Match[str]]:
    """The telling words of a question, in its order, that none of its nearest texts holds in any form: where these are English,
    all of its Hangul ones are among them."""
    there = {word for text in nearest for word in words(text)}
    asked = [match for match in _WORD.finditer(question) if match[0].casefold() not in _UNTELLING]
    return [match for match in asked if (stems := words(match[0])) and there.isdisjoint(stems)]


def missing_from(question: str, nearest: Sequence[str], known: Callable[[str], bool]) -> Abstention:
    """For a question whose nearest texts do not answer it. `known` says whether a word, as `words` gives it, is in any text.

    Told are words that no text holds at all, else names and numbers that the nearest lack. Not so Hangul words, which English
    texts say in others.
    """
    missing = list(dict.fromkeys(match[0] for match in lacking(question, nearest) if not has_hangul(match[0])))
    unknown = [word for word in missing if not any(map(known, words(word)))]
    if unknown:
        return _missing("no release mentions", unknown)
    first = _WORD.search(question)
    named = [word for word in missing if word[0].isdigit() or (word[0].isupper() and first and word != first[0])]
    if named:
        return _missing("the nearest passages do not mention", named)
    return Abstention("nothing near", (), "the nearest passages speak of something else")


def _missing(how: str, missing: Sequence[str]) -> Abstention:
    told = tuple(missing[:SHOWN])
    return Abstention("something is missing", told, f"{how} {', '.join(f'“{word}”' for word in told)}")
