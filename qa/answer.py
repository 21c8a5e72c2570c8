"""An answer: the passages that answer a question, or the plain word that no release does, and why."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from qa.question import Question
from qa.quotes import Quote
from qa.release import Kind, Provenance


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found, as it is shown. `text` is `release.text[start:end]`, and each quote slices out of `text`.

    `score` is 0 to 1 and falls with `rank` (1 is nearest). `scores` names what it was made of: "late", mean best similarity
    of the question's tokens, -1 to 1; "words", BM25 as a share of the most it could be, 0 to 1; and "dense", cosine of the
    pooled vectors, -1 to 1, which proposes candidates. The score is less where the passage opens its release or lies outside
    the period asked about, and a follow-up's own words count in it beside them. `also` holds the
    ids of releases that published the same passage.
    """

    rank: int
    passage_id: str
    release_id: str
    title: str
    date: datetime.date | None
    url: str | None
    provenance: Provenance
    kind: Kind
    paragraph: str | None
    text: str
    start: int
    end: int
    quotes: tuple[Quote, ...]
    score: float
    scores: dict[str, float]
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`answered` says whether the first hits answer the question; where it is False they are only the nearest.

    `confidence` is the calibrated probability, 0 to 1, that a shown passage answers, made of `evidence`, the features named in
    `qa.confidence.FEATURES`. `reason` says why there is no answer, None where there is one.
    """

    question: Question
    answered: bool
    confidence: float
    reason: str | None
    hits: tuple[Hit, ...]
    evidence: tuple[float, ...] = ()

    def record(self) -> dict[str, Any]:
        """The answer as JSON-ready values, the form that `qa ask --json` prints."""
        return {
            "question": self.question.text,
            "answered": self.answered,
            "confidence": round(self.confidence, 4),
            "reason": self.reason,
            "understood": self.question.understood(),
            "hits": [hit_record(hit) for hit in self.hits],
        }


def hit_record(hit: Hit) -> dict[str, Any]:
    """A hit as JSON-ready values; dates as YYYY-MM-DD, `text[start:end]` of a quote is its text."""
    return {
        "rank": hit.rank,
        "release_id": hit.release_id,
        "passage_id": hit.passage_id,
        "title": hit.title,
        "date": hit.date.isoformat() if hit.date else None,
        "url": hit.url,
        "provenance": hit.provenance,
        "kind": hit.kind,
        "paragraph": hit.paragraph,
        "text": hit.text,
        "start": hit.start,
        "end": hit.end,
        "quotes": [{"text": quote.text, "start": quote.start, "end": quote.end} for quote in hit.quotes],
        "score": round(hit.score, 6),
        "scores": {name: round(value, 4) for name, value in hit.scores.items()},
        "also": list(hit.also),
    }
