"""Retrieval: the passages that may answer a question, nearest first, each published passage once, its answer marked."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import Unpack

import numpy as np
import numpy.typing as npt

from embeddings.encoder import Encoder, load_encoder
from embeddings.models import on_this_machine
from embeddings.reranker import Reranker
from embeddings.search import CANDIDATES, Found, Query
from qa.abstention import NEAREST, lacking, missing_from, nothing_left, out_of_time
from qa.acts import Asked, Statement
from qa.answer import Answer, Hit
from qa.confidence import calibration, features
from qa.errors import BadQuestion, IndexUnusable, QuoteMismatch
from qa.events import find_event, period_of
from qa.index import Index, embedded_text
from qa.mirror import current_name, open_index
from qa.names import Names
from qa.passages import Passage, context
from qa.period import Period
from qa.permalinks import permalink
from qa.places import IndexPlace, index_place
from qa.question import Options, Question, is_korean, understand
from qa.quotes import find_quotes, sentence_similarities
from qa.release import Release
from qa.sentences import sentences
from qa.speakers import Speakers
from qa.statements import read_statements
from qa.timeline import Timeline
from qa.twins import are_twins

# An opening paragraph names everybody and everything of its title, and so resembles any question about the release; what is
# asked stands further down, unless it is where or when. Of the tune split
# R@1 is 0.75 without and 0.79 with it, on the White House's statements 0.60 and 0.59.
OPENING = 0.95
_ASKS_OPENING = re.compile(r"\b(?:when|where|venue|what (?:day|date|time))\b|언제|어디|며칠|장소", re.IGNORECASE)
# What a follow-up's own words weigh against those carried over. Measured on the follow-ups of the tune split: MRR 0.91 at 1 and
# 0.94 at 3 to 5.
OWN = 3
# Lost by a score outside the period asked about, and, where the latest is asked for, by that of the oldest release, and again
# of the oldest among the passages whose score is this share of the best.
OUTSIDE, OLDEST, NEAR = 0.2, 0.2, 0.8
# Lost by one of the best passages, of what several of its sentences hold of the question, but none alone with the title. R@1
# without it and with it: 0.798 and 0.807 on the tune split, 0.688 and 0.701 on the White House's statements.
SCATTERED = 0.5
LOOKED_AT, ASKED_BONUS = 20, 0.05  # of the best passages, and what one gains where it holds the act that is asked about
MAX_SAID = 1_000  # candidates of each search among which passages with a given statement are looked for
MAX_K = 100
_LOADING = Lock()
_LOADED: dict[IndexPlace, Retriever] = {}


class Retriever:
    """One loaded index and its model. Safe to share between threads."""

    def __init__(self, index: Index, encoder: Encoder, reranker: Reranker | None = None) -> None:
        self.index = index
        self.encoder = encoder
        self.reranker = reranker
        self.names = Names(index.releases.values())
        self.speakers = Speakers(index.releases.values())
        self.timeline = Timeline(index.passages, index.releases)
        self._statements: dict[int, tuple[Statement, ...]] = {}

    @classmethod
    def load(
        cls, index: IndexPlace | str | None = None, *, encoder: Encoder | None = None, reranker: Reranker | None = None
    ) -> Retriever:
        """Load an index, by folder or address, by default the one `qa rebuild` writes, and the model it was built with.

        A `reranker` has the last word on the order of the best passages; none is needed.

        Raises `IndexMissing`, or `IndexUnusable` when it is damaged or `encoder` is another model than the index's.
        """
        place = index_place(index)
        loaded = open_index(place)
        encoder = load_encoder(on_this_machine(loaded.manifest.model)) if encoder is None else encoder
        if encoder.fingerprint != loaded.manifest.fingerprint:
            raise IndexUnusable(place, f"it was built with another model than {encoder.name!r} is now")
        return cls(loaded, encoder, reranker)

    @classmethod
    def current(cls, index: IndexPlace | str | None = None) -> Retriever:
        """The retriever of an index's current generation: loaded once in a process however many threads ask for it.

        After a rebuild one of them loads the new generation, with the model that is there already, while the others go on with
        the old one. Raises as `load` does.
        """
        place = index_place(index)
        name, known = current_name(place), _LOADED.get(place)
        if known is not None and known.index.generation == name:
            return known
        if not _LOADING.acquire(blocking=known is None) and known is not None:
            return known
        try:
            known = _LOADED.get(place)
            if known is None or known.index.generation != name:
                loaded = open_index(place)
                same = known is not None and known.encoder.fingerprint == loaded.manifest.fingerprint
                _LOADED[place] = cls(loaded, known.encoder) if known is not None and same else cls.load(place)
            return _LOADED[place]
        finally:
            _LOADING.release()

    def retrieve(self, question: str | Question, k: int = 5, **options: Unpack[Options]) -> list[Hit]:
        """The hits of `ask`, whether they answer or are only the nearest."""
        return list(self.ask(question, k, **options).hits)

    def ask(self, question: str | Question, k: int = 5, **options: Unpack[Options]) -> Answer:
        """The k passages nearest to the question, best first, and whether they answer it.

        Fewer than k where fewer lie within the dates or hold such a statement. Raises `BadQuestion` for a question, option or k
        that cannot be used.
        """
        if not 1 <= k <= MAX_K:
            raise BadQuestion(f"k is {k}; ask for 1 to {MAX_K} passages")
        if isinstance(question, str):
            question = self.understand(question, **options)
        within = self._within(question)
        rows = self._timely(question, within)
        [query] = Query.encode([question.searched], self.encoder)
        own_start = question.own_start
        own = query.tail(own_start)  # what is carried over finds the passage; the question marks its sentence
        if question.carried:
            query = query.stressed(own_start, OWN)
        found = self._search(question, query, rows)
        if not len(found.rows):
            return Answer(question, 0.0, nothing_left(question.said is not None), ())
        hits = tuple(
            self._hit(question, rank, found, at, also, own)
            for rank, (at, also) in enumerate(self._without_twins(found, k, question.of_development), 1)
        )
        own_text, nearest = question.spelled(question.text), [self._text(int(row)) for row in found.rows[:NEAREST]]
        words = [(own_start + word.start(), own_start + word.end()) for word in lacking(own_text, nearest)]
        evidence = features(query, found, words, is_korean(question.text))
        confidence = calibration().confidence(evidence)
        abstention = None
        period = question.period
        if period and not period.dated_by and not self.timeline.fit(period)[... if within is None else within].any():
            confidence, abstention = 0.0, out_of_time(period, self.timeline)
        elif confidence < calibration().operating_point:
            abstention = missing_from(own_text, nearest, self.index.search.words.knows)
        return Answer(question, confidence, abstention, hits, evidence)

    def understand(self, text: str, **options: Unpack[Options]) -> Question:
        """The question that `ask` makes of a text, with the names, people and events that the releases know.

        Raises `BadQuestion` for one that cannot be used.
        """
        question = understand(text, names=self.names, speakers=self.speakers, **options)
        return question if question.period else replace(question, period=self._period_of_event(question))

    def _period_of_event(self, question: Question) -> Period | None:
        """The period that a question counts from an event ("before Russia invaded"), if a release answers when that was."""
        event = find_event(question.spelled(question.text))
        told = self.ask(Question(event.text)) if event and find_event(event.text) is None else None
        return period_of(event, told.hits) if event and told and told.answered else None

    def _within(self, question: Question) -> npt.NDArray[np.int64] | None:
        """The rows that a question is bound to by `since`, `until` and `releases`; None for all."""
        rows = None
        if question.since is not None or question.until is not None:
            rows = self.timeline.within(question.since, question.until)
        if question.releases is not None:
            theirs = np.array([row for key in question.releases for row in self._rows_of.get(key, ())], dtype=np.int64)
            rows = np.sort(theirs) if rows is None else np.intersect1d(rows, theirs)
        return rows

    def _timely(self, question: Question, within: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64] | None:
        """Those of the rows `within` that a question is bound to by its words too."""
        if question.period is None or not question.period.binds:
            return within
        timely = np.flatnonzero(self.timeline.fit(question.period))
        timely = timely if within is None else np.intersect1d(within, timely)
        return timely if len(timely) else within  # else the nearest of other times are shown, as no answer

    def _search(self, question: Question, query: Query, rows: npt.NDArray[np.int64] | None) -> Found:
        """The candidates, best first: as the search orders them, then as the statements asked for and the reranker do."""
        factors, favoured = self._factors(question, rows)
        candidates = CANDIDATES if question.said is None else MAX_SAID
        found = self.index.search.search(query, rows=rows, favoured=favoured, factors=factors, candidates=candidates)
        if question.said is not None:
            found = found.take(np.array([self._says(int(row), question.said) for row in found.rows], dtype=bool))
        found = self._gathered(query, found)
        if question.period is not None and question.period.latest:
            found = self._latest(question.period, found)
        if question.asked is not None:
            bonus = np.ones(len(found.rows), dtype=np.float32)
            for at, row in enumerate(found.rows[:LOOKED_AT].tolist()):
                bonus[at] += ASKED_BONUS * self._says(row, question.asked)
            found = replace(found, score=np.minimum(found.score * bonus, 1)).ordered()
        return found if self.reranker is None else self._reranked(question.searched, found, self.reranker)

    def _gathered(self, query: Query, found: Found) -> Found:
        """The same, where one of the best passages falls behind for what only several of its sentences hold together."""
        best = found.rows[:LOOKED_AT].tolist()
        lost = np.maximum(found.late[: len(best)] - [self._best_sentence(query, row) for row in best], 0)
        score = found.score - SCATTERED * np.pad(lost, (0, len(found.rows) - len(best)), constant_values=lost.max(initial=0))
        return replace(found, score=np.maximum(score, 0).astype(np.float32)).ordered()

    def _latest(self, period: Period, found: Found) -> Found:
        """The same, where of the passages near enough to be meant the older ones fall behind, by however few days."""
        near = int((found.score[:LOOKED_AT] >= NEAR * found.score[:1]).sum())
        days, place = np.unique(self.timeline.age(period)[found.rows[:near]], return_inverse=True)
        kept = np.full(len(found.rows), 1 - OLDEST, dtype=np.float32)
        kept[:near] = 1 - OLDEST * place / max(len(days) - 1, 1)
        return replace(found, score=found.score * kept).ordered()

    def _best_sentence(self, query: Query, row: int) -> float:
        passage, stored = self.index.passages[row], self.index.search.tokens
        likeness = stored.similarities(query.tokens, row)
        offset = len(context(self.release_of(passage)))
        held = sentence_similarities(sentences(passage.text), likeness, stored.spans(row), offset)
        return float((held @ query.weights).max(initial=-1.0))

    def _reranked(self, question: str, found: Found, reranker: Reranker) -> Found:
        """The best passages as the cross-encoder orders them, in the upper half of the scores; the others in the lower."""
        score = found.score / 2
        best = found.rows[:LOOKED_AT].tolist()
        score[: len(best)] = (1 + reranker.scores(question, [self._text(row) for row in best])) / 2
        return replace(found, score=np.asarray(score, dtype=np.float32)).ordered()

    def statements(self, row: int) -> tuple[Statement, ...]:
        """Who says each sentence of a passage of the index, and what kind of act it is."""
        known = self._statements.get(row)
        if known is None:
            passage = self.index.passages[row]
            known = read_statements(self.release_of(passage), passage.start, passage.end, self.speakers)
            self._statements[row] = known
        return known

    def _says(self, row: int, asked: Asked) -> bool:
        return any(self.speakers.fits(statement, asked) for statement in self.statements(row))

    def _text(self, row: int) -> str:
        """What is embedded of a row."""
        return embedded_text(self.index.passages[row], self.index.releases)

    def release_of(self, passage: Passage) -> Release:
        return self.index.releases[passage.release_id]

    def _factors(
        self, question: Question, rows: npt.NDArray[np.int64] | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64] | None]:
        """What each row's score is multiplied with, and, of `rows`, those that fit the period asked about best.

        A score loses for opening its release, for lying outside the period, and for being old where the latest is asked for.
        """
        factors = np.ones(len(self.index.passages), dtype=np.float32)
        if not _ASKS_OPENING.search(question.text):
            factors[self._openings] = OPENING
        period = question.period
        if period is None:
            return factors, None
        timely = 1 - OUTSIDE * (1 - self.timeline.fit(period))
        if period.latest:
            timely *= 1 - OLDEST * self.timeline.age(period)
        pool = np.arange(len(factors)) if rows is None else rows
        return factors * timely, pool[timely[pool] == timely[pool].max(initial=0)]

    @cached_property
    def _openings(self) -> npt.NDArray[np.int64]:
        """The rows that open a release of several passages."""
        return np.array([rows[0] for rows in self._rows_of.values() if len(rows) > 2], dtype=np.int64)

    @cached_property
    def _rows_of(self) -> dict[str, list[int]]:
        """The rows of each release, by its id."""
        rows: dict[str, list[int]] = {}
        for row, passage in enumerate(self.index.passages):
            rows.setdefault(passage.release_id, []).append(row)
        return rows

    def _without_twins(self, found: Found, k: int, one_each: bool) -> list[tuple[int, tuple[str, ...]]]:
        """The first k places of `found`, each with the ids of releases whose like passages were folded into it.

        With `one_each`, a release has one place: what changed through time, several of them tell.
        """
        kept: list[tuple[int, set[str]]] = []
        shown: set[str] = set()
        for at, row in enumerate(found.rows.tolist()):
            release = self.index.passages[row].release_id
            if one_each and release in shown:
                continue
            twin = next((also for first, also in kept if self.are_twins(int(found.rows[first]), row)), None)
            if twin is not None:
                twin.add(release)
            elif len(kept) < k:
                kept.append((at, set()))
                shown.add(release)
        return [(at, tuple(sorted(also))) for at, also in kept]

    def are_twins(self, one: int, other: int) -> bool:
        """Whether two rows of the index are one text, published twice within a week."""
        first, second = self.index.passages[one], self.index.passages[other]
        if first.release_id == second.release_id:
            return False
        return are_twins(first.text, self.release_of(first).date, second.text, self.release_of(second).date)

    def _hit(self, question: Question, rank: int, found: Found, at: int, also: tuple[str, ...], query: Query) -> Hit:
        row = int(found.rows[at])
        passage = self.index.passages[row]
        release = self.release_of(passage)
        stored = self.index.search.tokens
        likeness = stored.similarities(query.tokens, row)
        statements = self.statements(row)
        asked = question.asked if question.asked and question.asked.speaker and question.asked.side != "both" else None
        quotes = find_quotes(
            question.text,
            passage.text,
            likeness,
            query.weights,
            stored.spans(row),
            len(context(release)),
            statements,
            [self.speakers.fits(each, asked) for each in statements] if asked else None,
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
            permalink=permalink(release, passage.start, passage.end),
        )
