"""Figures of quality over answered questions: ranking, quotes, abstention, calibration, each with its interval.

Nothing here runs a model: it is arithmetic over `Outcome`s, so that anyone can recompute it from `qa ask --batch --json`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

READING = (500, 1_000, 2_000)  # characters a reader has read
RESAMPLES = 1_000
BINS = 10  # of equal mass, for the calibration error


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question.

    `ranks` are the ranks, from 1, of the hits that hold an answering sentence; `relevant` is how many passages of the index
    do. `read` is the characters of passage text shown until the first answering sentence has been read, None where none is
    shown. `quoted` says whether the first hit's quote is an answering sentence. `shown` is how many hits the reader sees.
    """

    id: str
    kind: str
    answerable: bool
    answered: bool
    confidence: float
    ranks: tuple[int, ...]
    relevant: int
    read: int | None
    quoted: bool
    seconds: float
    shown: int = 5

    @property
    def right(self) -> bool:
        """Whether an answer is among the hits shown: what `confidence` claims."""
        return any(rank <= self.shown for rank in self.ranks)

    @property
    def first(self) -> int | None:
        return min(self.ranks, default=None)


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its bootstrap 95 % interval (percentile, 1,000 resamples of the questions) and how many it rests on."""

    value: float
    low: float
    high: float
    count: int


Measure = Callable[[Sequence[Outcome]], float]


def _share(test: Callable[[Outcome], bool]) -> Measure:
    return lambda outcomes: sum(map(test, outcomes)) / len(outcomes)


def within(k: int) -> Measure:
    """Share of questions with an answering passage among the first k hits (success at k, written R@k)."""
    return _share(lambda outcome: outcome.first is not None and outcome.first <= k)


def reciprocal_rank(outcomes: Sequence[Outcome]) -> float:
    """Mean of 1 / rank of the first answering passage among ten hits, 0 where there is none."""
    return sum(1 / outcome.first if outcome.first else 0.0 for outcome in outcomes) / len(outcomes)


def ndcg(outcomes: Sequence[Outcome]) -> float:
    """nDCG@10 with relevance 0 or 1 (Järvelin and Kekäläinen 2002)."""

    def one(outcome: Outcome) -> float:
        gain = sum(1 / math.log2(1 + rank) for rank in outcome.ranks if rank <= 10)
        ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(outcome.relevant, 10) + 1))
        return gain / ideal if ideal else 0.0

    return sum(map(one, outcomes)) / len(outcomes)


def auroc(outcomes: Sequence[Outcome]) -> float:
    """Probability that an answerable question has the higher confidence than one that is not; NaN without both."""
    positive = np.array([outcome.confidence for outcome in outcomes if outcome.answerable])
    negative = np.array([outcome.confidence for outcome in outcomes if not outcome.answerable])
    if not len(positive) or not len(negative):
        return math.nan
    higher = (positive[:, None] > negative).sum() + 0.5 * (positive[:, None] == negative).sum()
    return float(higher / (len(positive) * len(negative)))


def risk_coverage(outcomes: Sequence[Outcome]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coverage and risk as questions are answered from the most confident down: (n,) each, shares of 0 to 1.

    Risk is the share, of those answered, whose hits do not hold an answer (Geifman and El-Yaniv 2017).
    """
    order = sorted(outcomes, key=lambda outcome: (-outcome.confidence, outcome.id))
    answered = np.arange(1, len(order) + 1)
    return answered / len(order), np.cumsum([not outcome.right for outcome in order]) / answered


def risk_coverage_area(outcomes: Sequence[Outcome]) -> float:
    """Mean risk over all coverages, 0 to 1, lower is better."""
    return float(risk_coverage(outcomes)[1].mean())


def calibration_error(outcomes: Sequence[Outcome]) -> float:
    """Expected calibration error, 0 to 1: over ten bins of equal mass, how far confidence lies from the share right."""
    order = sorted(outcomes, key=lambda outcome: outcome.confidence)
    bins = [group for group in np.array_split(np.arange(len(order)), BINS) if len(group)]
    gaps = [
        len(group) * abs(float(np.mean([order[i].confidence for i in group])) - float(np.mean([order[i].right for i in group])))
        for group in bins
    ]
    return sum(gaps) / len(order)


def _ratio(part: Callable[[Outcome], bool], whole: Callable[[Outcome], bool]) -> Measure:
    def measure(outcomes: Sequence[Outcome]) -> float:
        base = [outcome for outcome in outcomes if whole(outcome)]
        return sum(map(part, base)) / len(base) if base else math.nan

    return measure


def _percentile(share: float) -> Measure:
    return lambda outcomes: 1000 * float(np.percentile([outcome.seconds for outcome in outcomes], share))


ANSWERABLE: Mapping[str, Measure] = {
    "R@1": within(1),
    "R@5": within(5),
    "MRR": reciprocal_rank,
    "nDCG@10": ndcg,
    **{
        f"within {limit}": _share(lambda outcome, limit=limit: outcome.read is not None and outcome.read <= limit)  # type: ignore[misc]
        for limit in READING
    },
    "quote right": _share(lambda outcome: outcome.quoted),
    "quote right where first is": _ratio(lambda outcome: outcome.quoted, lambda outcome: outcome.first == 1),
    "answered": _share(lambda outcome: outcome.answered),
}
ALL: Mapping[str, Measure] = {
    "abstention precision": _ratio(lambda outcome: not outcome.answerable, lambda outcome: not outcome.answered),
    "abstention recall": _ratio(lambda outcome: not outcome.answered, lambda outcome: not outcome.answerable),
    "AUROC": auroc,
    "risk-coverage area": risk_coverage_area,
    "calibration error": calibration_error,
    "p50 ms": _percentile(50),
    "p95 ms": _percentile(95),
}
LOWER_IS_BETTER = frozenset({"risk-coverage area", "calibration error", "p50 ms", "p95 ms"})


def figures(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Figure]]:
    """Every figure, by kind of question and over "all"; ranking is measured on answerable questions only."""
    answerable = [outcome for outcome in outcomes if outcome.answerable]
    table: dict[str, dict[str, Figure]] = {}
    for kind in [*sorted({outcome.kind for outcome in answerable}), "all"]:
        own = [outcome for outcome in answerable if kind in ("all", outcome.kind)]
        if own:
            table[kind] = {name: _figure(measure, own) for name, measure in ANSWERABLE.items()}
    if outcomes:
        table.setdefault("all", {}).update({name: _figure(measure, outcomes) for name, measure in ALL.items()})
    return table


def _figure(measure: Measure, outcomes: Sequence[Outcome]) -> Figure:
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(outcomes), (RESAMPLES, len(outcomes)))
    values = [measure([outcomes[i] for i in row]) for row in drawn]
    known = [value for value in values if not math.isnan(value)]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (math.nan, math.nan)
    return Figure(measure(outcomes), float(low), float(high), len(outcomes))
