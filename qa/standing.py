"""Standing questions: remembered in a SQLite file of this machine, and asked again of what an index did not hold before.

A release is news to a question when it answers it and, at the last report, was not there or read otherwise: by its id and
version, so that neither another model nor another folder makes old releases new. Each of the releases that are not known is
asked by itself: among all of them, those that answered before would stay in front. The same text on a second board is no news.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from qa.answer import Hit, hit_record
from qa.citation import link_to, publisher
from qa.errors import NotFound, QaError
from qa.index import Index
from qa.ledger import version_of
from qa.question import understand
from qa.release import Release
from qa.retrieve import Retriever
from qa.twins import are_twins

_TABLES = """
CREATE TABLE IF NOT EXISTS questions (
    number INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL, since TEXT NOT NULL, reported TEXT);
CREATE TABLE IF NOT EXISTS known (
    question INTEGER NOT NULL REFERENCES questions ON DELETE CASCADE, release TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (question, release, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS news (
    question INTEGER NOT NULL REFERENCES questions ON DELETE CASCADE, at TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS feed (id TEXT NOT NULL);
"""
# The confidence from which a release is news. Of seven questions and 25 official releases, each asked by itself, 47 pairs were
# answers by the operating point, and 18 by reading them; from 0.8 on 13 of 17 are.
SURE = 0.8
NEAREST = 20  # passages whose releases are asked at a time: some ten releases
IN_FEED = 100  # of the news, the latest: about what feeds hold, and far more than a reader that looks once a week misses


@dataclass(frozen=True, slots=True)
class Standing:
    """A standing question. Times are UTC, ISO 8601; `reported` is the last look, None where no index was there yet."""

    number: int
    text: str
    since: str
    reported: str | None


@dataclass(frozen=True, slots=True)
class News:
    """A release that newly answers, by its nearest passage; `confidence`, 0 to 1, is the answer's."""

    change: Literal["new", "changed"]
    confidence: float
    hit: Hit
    release: Release

    def record(self) -> dict[str, Any]:
        """The news as JSON-ready values: a hit's, and `link`, the official page at the sentence that answers."""
        link = link_to(self.release, self.hit.quotes[0].text) if self.hit.quotes else self.hit.url
        told = {"change": self.change, "confidence": round(self.confidence, 4), "publisher": publisher(self.release)}
        return {**told, "link": link, **hit_record(self.hit)}


@dataclass(frozen=True, slots=True)
class Report:
    """The news to one question, the nearest first. At the first look there are none: what the index holds then is known."""

    question: Standing
    news: tuple[News, ...]
    versions: Mapping[str, str]  # of every release in the index, by its id

    @property
    def first(self) -> bool:
        return self.question.reported is None

    def record(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        question = self.question
        told = {"number": question.number, "question": question.text, "since": question.since, "reported": question.reported}
        return {**told, "first": self.first, "releases": len(self.versions), "news": [each.record() for each in self.news]}


def remember(path: Path, question: str, index: Index | None) -> Standing:
    """Keep a question in the file, once; what an index holds at the time counts as known, where there is one.

    Raises `BadQuestion` for one that cannot be asked, `QaError` as `keep` does.
    """
    text = understand(question).text
    with _opened(path) as database:
        database.execute("INSERT OR IGNORE INTO questions (text, since) VALUES (?, ?)", (text, _now()))
    kept = _of_text(path, text)
    if index is None or kept.reported is not None:
        return kept
    keep(path, [Report(kept, (), _versions(index))])
    return _of_text(path, text)


def _of_text(path: Path, text: str) -> Standing:
    return next(each for each in standing_questions(path) if each.text == text)


def standing_questions(path: Path) -> list[Standing]:
    """All of them, oldest first; none where there is no file. Raises `QaError` as `keep` does."""
    if not path.is_file():
        return []
    with _opened(path) as database:
        rows = database.execute("SELECT number, text, since, reported FROM questions ORDER BY number").fetchall()
    return [Standing(*row) for row in rows]


def forget(path: Path, named: str) -> Standing:
    """Forget the question of this number or text, and its news. Raises `NotFound` for one that does not stand."""
    for question in standing_questions(path):
        if " ".join(named.split()) in (str(question.number), question.text):
            with _opened(path) as database:
                database.execute("DELETE FROM questions WHERE number = ?", (question.number,))
            return question
    raise NotFound(named, "no question of this number or wording is kept; qa watch lists those that are")


def look(path: Path, retriever: Retriever) -> list[Report]:
    """What the index has that is news to each standing question; nothing counts as told before `keep`."""
    questions = standing_questions(path)
    versions = _versions(retriever.index) if questions else {}
    reports = []
    for question in questions:
        with _opened(path) as database:
            known = set(database.execute("SELECT release, version FROM known WHERE question = ?", (question.number,)))
        news = () if question.reported is None else tuple(_news(question.text, retriever, versions, known))
        reports.append(Report(question, news, versions))
    return reports


def _news(text: str, retriever: Retriever, versions: Mapping[str, str], known: set[tuple[str, str]]) -> Iterator[News]:
    """The nearest of the releases that are not known, each asked by itself; further ones while these bring news."""
    releases, question = retriever.index.releases, retriever.understand(text)
    before = {release for release, _ in known}
    left = {release for release, version in versions.items() if (release, version) not in known}
    told = [releases[key] for key in versions.keys() - left]
    while left:
        found = retriever.ask(replace(question, releases=frozenset(left)), NEAREST).hits
        news = False
        for key in dict.fromkeys(hit.release_id for hit in found):
            answer = retriever.ask(replace(question, releases=frozenset([key])), 1)
            release = releases[key]
            if answer.answered and answer.confidence >= SURE and not any(_are_twins(release, other) for other in told):
                yield News("changed" if key in before else "new", answer.confidence, answer.hits[0], release)
                told.append(release)
                news = True
            left.remove(key)
        if not news:
            return


def _are_twins(one: Release, other: Release) -> bool:
    return are_twins(one.text, one.date, other.text, other.date)


def keep(path: Path, reports: list[Report]) -> None:
    """Count what was reported as told, and the news among what a feed shows.

    Raises `QaError` when the file cannot be used or is none of ours.
    """
    at = _now()
    with _opened(path) as database:
        for report in reports:
            number = report.question.number
            database.execute("UPDATE questions SET reported = ? WHERE number = ?", (at, number))
            database.executemany(
                "INSERT OR IGNORE INTO known VALUES (?, ?, ?)", [(number, *version) for version in report.versions.items()]
            )
            lines = [json.dumps({"question": report.question.text, **news.record()}) for news in report.news]
            database.executemany("INSERT INTO news VALUES (?, ?, ?)", [(number, at, line) for line in lines])


def kept_news(path: Path) -> tuple[uuid.UUID, list[dict[str, Any]]]:
    """What the feed of this file is called for good, and its news, the latest first, each with its `question` and `at`."""
    with _opened(path) as database:
        if database.execute("SELECT id FROM feed").fetchone() is None:
            database.execute("INSERT INTO feed VALUES (?)", (str(uuid.uuid4()),))
        [feed] = database.execute("SELECT id FROM feed").fetchone()
        rows = database.execute("SELECT at, record FROM news ORDER BY rowid DESC LIMIT ?", (IN_FEED,)).fetchall()
    return uuid.UUID(feed), [{"at": at, **json.loads(record)} for at, record in rows]


def _versions(index: Index) -> dict[str, str]:
    return {key: version_of(release) for key, release in index.releases.items()}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file in one transaction: all that is done in it counts, or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=10)) as database:
            database.executescript(f"PRAGMA foreign_keys = ON;{_TABLES}")
            with database:
                yield database
    except (sqlite3.Error, OSError) as error:
        raise QaError(
            f"{path} cannot be used for standing questions: {error}; move it, or name another: QA_STANDING"
        ) from error
