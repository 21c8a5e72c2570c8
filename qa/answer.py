"""An answer: the passages that answer a question, or the plain word that no release does, and why."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from qa.abstention import Abstention
from qa.question import Question
from qa.quotes import Quote
from qa.release import Kind, Provenance


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found, as it is shown. `text` is `release.text[start:end]`, and each quote slices out of `text`.

    `score` is 0 to 1 and falls with `rank` (1 is nearest). `scores` names what it was made of: "late", weighted mean best
    cosine of the question's tokens, -1 to 1; "words", BM25 as a share of the most it could be, 0 to 1; and "dense", cosine
    of the pooled vectors, -1 to 1, which proposes candidates. The score is less where no single sentence holds all that is
    asked, where the passage opens its release or lies outside the period asked about, and more where it holds the act that is
    asked for; a reranker gives another. `also` holds the ids of releases that published the same passage; `permalink` names the
    passage for good (`qa.permalinks`).
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
    permalink: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the first hits answer the question; where `answered` is False they are only the nearest.

    `confidence` is the calibrated probability, 0 to 1, that a shown passage answers, made of `evidence`, the features named in
    `qa.confidence.FEATURES`. `abstention` says why there is no answer, None where there is one.
    """

    question: Question
    confidence: float
    abstention: Abstention | None
    hits: tuple[Hit, ...]
    evidence: tuple[float, ...] = ()

    @property
    def answered(self) -> bool:
        return self.abstention is None

    @property
    def reason(self) -> str | None:
        return self.abstention.text if self.abstention else None

    @property
    def in_time(self) -> tuple[Hit, ...]:
        """The hits in the order of their dates, those without one last; of a day, the nearest first."""
        return tuple(sorted(self.hits, key=lambda hit: (hit.date is None, hit.date or datetime.date.min, hit.rank)))

    def record(self) -> dict[str, Any]:
        """The answer as JSON-ready values, the form that `qa ask --json` prints."""
        return {
            "question": self.question.text,
            "answered": self.answered,
            "confidence": round(self.confidence, 4),
            "reason": self.reason,
            "why": self.abstention.why if self.abstention else None,
            "missing": list(self.abstention.missing) if self.abstention else [],
            "understood": self.question.understood(),
            "hits": [hit_record(hit) for hit in self.hits],
            "in_time": [hit.rank for hit in self.in_time],
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
        "quotes": [quote_record(quote) for quote in hit.quotes],
        "score": round(hit.score, 6),
        "scores": {name: round(value, 4) for name, value in hit.scores.items()},
        "also": list(hit.also),
        "permalink": hit.permalink,
    }


def quote_record(quote: Quote) -> dict[str, Any]:
    """A quote as JSON-ready values; speaker, side, act and to (whom) are null where the release does not tell."""
    said = quote.statement
    return {
        "text": quote.text,
        "start": quote.start,
        "end": quote.end,
        "speaker": said.speaker if said else None,
        "side": said.side if said else None,
        "act": said.act if said else None,
        "to": said.to if said else None,
    }
