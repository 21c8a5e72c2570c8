"""Feedback: thumbs and remarks of readers, kept in a SQLite file of this machine, and the questions they make.

A thumb up on a passage says that its quote answers; one on an abstention that no release does. These become questions with
known answers. A thumb down says what is not the answer, and not what is: it waits, with its remark, for somebody to look.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from qa.errors import QaError
from qa.evaluate import LabelledQuestion

_TABLE = """CREATE TABLE IF NOT EXISTS feedback (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, history TEXT NOT NULL, release TEXT, sentence TEXT,
    up INTEGER NOT NULL, remark TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"""
_KEEP = """INSERT INTO feedback (id, question, history, release, sentence, up, remark) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET up = excluded.up, remark = excluded.remark"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader said of one passage, or of an abstention, which has no `release` and no `sentence`.

    `id` is the same when the reader has second thoughts. `history` is the questions before it that were carried over.
    """

    id: str
    question: str
    history: tuple[str, ...]
    release: str | None
    sentence: str | None
    up: bool
    remark: str = ""


def keep_feedback(path: Path, feedback: Feedback) -> None:
    """Keep it in the file, which is made where there is none; a second one of the same id replaces the first.

    Raises `QaError` when the file cannot be written or is none of ours.
    """
    told = feedback
    with _opened(path) as database:
        history = json.dumps(told.history, ensure_ascii=False)
        row = (told.id, told.question, history, told.release, told.sentence, told.up, told.remark)
        with database:
            database.execute(_TABLE)
            database.execute(_KEEP, row)


def read_feedback(path: Path) -> list[Feedback]:
    """All that was kept, oldest first. Raises `QaError` when there is no such file or it is none of ours."""
    if not path.is_file():
        raise QaError(f"{path} is not there; readers' thumbs on the chat page make it")
    with _opened(path) as database:
        rows = database.execute("SELECT id, question, history, release, sentence, up, remark FROM feedback ORDER BY at, rowid")
        return [
            Feedback(key, question, tuple(json.loads(history)), release, sentence, bool(up), remark)
            for key, question, history, release, sentence, up, remark in rows
        ]


def feedback_questions(path: Path) -> list[LabelledQuestion]:
    """The questions with known answers that thumbs up make, each once. Raises `QaError` as above, and for none at all."""
    answers: dict[tuple[str, tuple[str, ...]], dict[tuple[str, str], None]] = {}
    for told in read_feedback(path):
        if told.up:
            known = answers.setdefault((told.question, told.history), {})
            if told.release is not None and told.sentence is not None:
                known[told.release, told.sentence] = None
    if not answers:
        raise QaError(f"{path} holds no thumb up, so no question with a known answer")
    return [
        LabelledQuestion(f"feedback-{number}", "test", "feedback", history, question, tuple(known))
        for number, ((question, history), known) in enumerate(answers.items(), 1)
    ]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=10)) as database:
            yield database
    except (sqlite3.Error, OSError, ValueError) as error:
        raise QaError(f"{path} cannot be used for feedback: {error}; move it, or name another: QA_FEEDBACK") from error
