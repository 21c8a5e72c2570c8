"""Twins: the same text published twice, on two boards, within days."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

TWIN_DAYS = 7  # the same text on two boards came 1 to 3 days apart; older repeats are positions held on
TWIN_LIKENESS = 0.8  # Jaccard likeness of word triples from which two texts are one


def are_twins(one: str, one_date: datetime.date | None, other: str, other_date: datetime.date | None) -> bool:
    """Whether two texts are one, published twice; of unknown dates they are not."""
    if one_date is None or other_date is None or abs((one_date - other_date).days) > TWIN_DAYS:
        return False
    first, second = _triples(one), _triples(other)
    return len(first & second) >= TWIN_LIKENESS * len(first | second)


@lru_cache(maxsize=500)  # of one question's candidates each is compared with several
def _triples(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset([tuple(words)])
