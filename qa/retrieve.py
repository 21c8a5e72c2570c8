"""Retrieval: the passages that may answer a question, nearest first, each published passage once, its answer marked."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from embeddings.encoder import Encoder, load_encoder
from embeddings.search import Found
from qa.answer import Answer, Hit
from qa.confidence import calibration, features
from qa.errors import BadQuestion, IndexUnusable, QuoteMismatch
from qa.index import Index, current_generation, load_index
from qa.names import Names
from qa.passages import Passage, context
from qa.period import Period, days_mentioned
from qa.places import default_index
from qa.question import Question, is_korean, understand
from qa.quotes import find_quotes
from qa.release import Release

TWIN_DAYS = 7  # the same text on two boards came 1 to 3 days apart; older repeats are positions held on
TWIN_LIKENESS = 0.8  # Jaccard likeness of word triples from which two passages are one
# An opening paragraph names everybody and everything of its title, and so resembles any question about the release; what is
# asked stands further down, unless it is where or when. Measured on the tune split: R@1 0.63 without, 0.67 with it.
OPENING = 0.93
_ASKS_OPENING = re.compile(r"\b(?:when|where|venue|what (?:day|date|time))\b|언제|어디|며칠|장소", re.IGNORECASE)
# Of a follow-up's own words in its score; the rest is theirs and the earlier question's together. "And about tourism?" says
# what it asks about, "When was it held?" does not.
OWN_SHARE, OWN_SHARE_POINTING = 0.5, 0.1
OUTSIDE, OLDEST = 0.2, 0.2  # lost by a score outside the period asked about, and by the oldest release's for "the latest"
MAX_K = 100
_LOADING = Lock()
_LOADED: dict[Path, tuple[str, Retriever]] = {}


class Retriever:
    """One loaded index and its model. Safe to share between threads."""

    def __init__(self, index: Index, encoder: Encoder) -> None:
        self.index = index
        self.encoder = encoder
        self.names = Names(index.releases.values())

    @classmethod
    def load(cls, folder: Path | None = None, *, encoder: Encoder | None = None) -> Retriever:
        """Load the index in `folder`, by default the one `qa rebuild` writes, and the model it was built with.

        Raises `IndexMissing`, or `IndexUnusable` when it is damaged or `encoder` is another model than the index's.
        """
        folder = default_index() if folder is None else folder
        index = load_index(folder)
        encoder = load_encoder(index.manifest.model) if encoder is None else encoder
        if encoder.fingerprint != index.manifest.fingerprint:
            raise IndexUnusable(folder, f"it was built with another model than {encoder.name!r} is now")
        return cls(index, encoder)

    def retrieve(
        self,
        question: str | Question,
        k: int = 5,
        *,
        history: Sequence[str] = (),
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
    ) -> list[Hit]:
        """The hits of `ask`, whether they answer or are only the nearest."""
        return list(self.ask(question, k, history=history, since=since, until=until).hits)

    def ask(
        self,
        question: str | Question,
        k: int = 5,
        *,
        history: Sequence[str] = (),
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
    ) -> Answer:
        """The k passages nearest to the question, best first, and whether they answer it.

        Fewer than k where fewer lie within the dates. `history` is the questions before this one, oldest first. Raises
        `BadQuestion` for a question, date or k that cannot be used.
        """
        if not 1 <= k <= MAX_K:
            raise BadQuestion(f"k is {k}; ask for 1 to {MAX_K} passages")
        if isinstance(question, str):
            question = understand(question, history=history, since=since, until=until, names=self.names)
        rows = self._rows_within(question)
        if rows is not None and not len(rows):
            return Answer(question, False, 0.0, "no release lies within these dates", ())
        # What is carried over helps to find the passage; which it is, and which sentence answers, the question itself says.
        own = question.spelled(question.text)
        vectors = self.encoder.encode([question.searched, own] if question.carried else [own], "query")
        weights, favoured = self._weights(question, rows)
        search = self.index.search
        found = search.search(
            question.searched, vectors.pooled[0], vectors.tokens[0], rows=rows, favoured=favoured, weights=weights
        )
        if question.carried:
            share = OWN_SHARE_POINTING if question.points_back else OWN_SHARE
            found = search.blend(found, own, vectors.tokens[-1], share, weights)
        hits = tuple(
            self._hit(question, rank, found, at, also, vectors.tokens[-1])
            for rank, (at, also) in enumerate(self._without_twins(found, k), 1)
        )
        evidence = features(found.best[0], float(found.words[0]), is_korean(question.text))
        confidence = calibration().confidence(evidence)
        reason = None if confidence >= calibration().operating_point else "the nearest passages speak of something else"
        if question.period is not None and not any(self._fits(question.period).values()):
            confidence, reason = 0.0, f"no release is of this time ({question.period.said})"
        return Answer(question, reason is None, confidence, reason, hits, evidence)

    def release_of(self, passage: Passage) -> Release:
        return self.index.releases[passage.release_id]

    def _rows_within(self, question: Question) -> npt.NDArray[np.int64] | None:
        """The rows whose release lies within the question's dates; None where it has none."""
        if question.since is None and question.until is None:
            return None
        first, last = question.since or datetime.date.min, question.until or datetime.date.max
        days = ((row, self.release_of(passage).date) for row, passage in enumerate(self.index.passages))
        return np.array([row for row, day in days if day is not None and first <= day <= last], dtype=np.int64)

    def _weights(
        self, question: Question, rows: npt.NDArray[np.int64] | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64] | None]:
        """What each row's score is multiplied with, and, of `rows`, those that fit the period asked about best.

        A score loses for opening its release, for lying outside the period, and for being old where the latest is asked for.
        """
        passages = self.index.passages
        weights = np.ones(len(passages), dtype=np.float32)
        if not _ASKS_OPENING.search(question.text):
            weights[self._openings] = OPENING
        period = question.period
        if period is None:
            return weights, None
        dates = {release.id: release.date for release in self.index.releases.values()}
        shares = {key: 1 - OUTSIDE * (1 - fit) for key, fit in self._fits(period).items()}
        if period.latest:
            order = sorted({date for date in dates.values() if date is not None and period.holds(date)})
            age = {date: 1 - place / max(len(order) - 1, 1) for place, date in enumerate(order)}
            for key, date in dates.items():
                shares[key] *= 1 - OLDEST * (age.get(date, 1.0) if date is not None else 1.0)
        timely = np.array([shares[passage.release_id] for passage in passages], dtype=np.float32)
        pool = np.arange(len(passages)) if rows is None else rows
        return weights * timely, pool[timely[pool] == timely[pool].max(initial=0)]

    @cached_property
    def _openings(self) -> npt.NDArray[np.int64]:
        """The rows that open a release of several passages."""
        firsts: dict[str, int] = {}
        count = Counter(passage.release_id for passage in self.index.passages)
        for row, passage in enumerate(self.index.passages):
            firsts.setdefault(passage.release_id, row)
        return np.array([row for key, row in firsts.items() if count[key] > 2], dtype=np.int64)

    def _fits(self, period: Period) -> dict[str, float]:
        return {key: period.fit(release.date, self._days[key]) for key, release in self.index.releases.items()}

    @cached_property
    def _days(self) -> dict[str, tuple[datetime.date, ...]]:
        return {release.id: days_mentioned(release) for release in self.index.releases.values()}

    def _without_twins(self, found: Found, k: int) -> list[tuple[int, tuple[str, ...]]]:
        """The first k places of `found`, each with the ids of releases whose like passages were folded into it."""
        kept: list[tuple[int, set[str]]] = []
        for at, row in enumerate(found.rows.tolist()):
            twin = next((also for first, also in kept if self.are_twins(int(found.rows[first]), row)), None)
            if twin is not None:
                twin.add(self.index.passages[row].release_id)
            elif len(kept) < k:
                kept.append((at, set()))
        return [(at, tuple(sorted(also))) for at, also in kept]

    def are_twins(self, one: int, other: int) -> bool:
        """Whether two rows of the index are one text, published twice within a week."""
        first, second = self.index.passages[one], self.index.passages[other]
        if first.release_id == second.release_id:
            return False
        days = [self.release_of(passage).date for passage in (first, second)]
        if days[0] is None or days[1] is None or abs((days[0] - days[1]).days) > TWIN_DAYS:
            return False
        return _likeness(_triples(first.text), _triples(second.text)) >= TWIN_LIKENESS

    def _hit(
        self, question: Question, rank: int, found: Found, at: int, also: tuple[str, ...], tokens: npt.NDArray[np.float32]
    ) -> Hit:
        row = int(found.rows[at])
        passage = self.index.passages[row]
        release = self.release_of(passage)
        stored = self.index.search.tokens
        quotes = find_quotes(
            question.text, passage.text, stored.similarities(tokens, row), stored.spans(row), len(context(release))
        )
        if release.text[passage.start : passage.end] != passage.text or any(
            passage.text[quote.start : quote.end] != quote.text for quote in quotes
        ):
            raise QuoteMismatch(passage.id)
        return Hit(
            rank=rank,
            passage_id=passage.id,
            release_id=release.id,
            title=release.title,
            date=release.date,
            url=release.url,
            provenance=release.provenance,
            kind=release.kind,
            paragraph=passage.paragraph,
            text=passage.text,
            start=passage.start,
            end=passage.end,
            quotes=quotes,
            score=float(found.score[at]),
            scores={"late": float(found.late[at]), "words": float(found.words[at]), "dense": float(found.dense[at])},
            also=also,
        )


def default_retriever(folder: Path) -> Retriever:
    """The retriever of a folder: loaded once in a process however many threads ask for it, and again after a rebuild."""
    with _LOADING:
        generation = current_generation(folder)
        loaded = _LOADED.get(folder)
        if loaded is None or loaded[0] != generation:
            loaded = _LOADED[folder] = (generation, Retriever.load(folder))
        return loaded[1]


def _triples(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset([tuple(words)])


def _likeness(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)
