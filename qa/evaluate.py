"""Measure the whole of it on questions with known answers, hold it to floors, and fit the confidence.

A question line is {"id", "split", "kind", "language", "history", "question", "answers": [{"release", "sentence"}], "about"}.
An answer is a sentence, verbatim, of a release; which passage holds it is found, so that questions outlive a change of
chunking. `answers` is empty where the corpus does not answer.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa.answer import Hit
from qa.confidence import FEATURES
from qa.errors import BadQuestion, QaError
from qa.measure import LOWER_IS_BETTER, Figure, Outcome
from qa.question import question_lines
from qa.retrieve import Retriever

DEPTH = 10  # hits asked for: MRR and nDCG look no further
SHOWN = 5  # hits a reader sees, and the confidence speaks of
# A figure may fall this far under its floor before it counts as a regression: on 150 questions one answer is 0.7 points, and
# processors with and without bfloat16 were seen to differ by one or two.
NOISE = 0.02


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with its known answers: (release id, sentence) pairs."""

    id: str
    split: str
    kind: str
    history: tuple[str, ...]
    question: str
    answers: tuple[tuple[str, str], ...]


def read_questions(path: Path, split: str | None = None) -> list[LabelledQuestion]:
    """The questions of a file, or of one split of it. Raises `BadQuestion` naming a line that is not of the form."""
    asked = []
    for number, record in question_lines(path):
        try:
            one = _labelled(record)
        except (KeyError, TypeError) as error:
            raise BadQuestion(f'{path}:{number} is not of the form {{"id", "question", "answers": [...]}}: {error}') from error
        if split is None or one.split == split:
            asked.append(one)
    if not asked:
        raise BadQuestion(f"{path} holds no question" + (f" of the split {split!r}" if split else ""))
    return asked


def _labelled(record: Any) -> LabelledQuestion:
    if not isinstance(record, dict):
        raise TypeError("it is no object")
    history = record.get("history", [])
    if not isinstance(history, list):
        raise TypeError("history is not a list of questions")
    return LabelledQuestion(
        id=str(record["id"]),
        split=str(record.get("split", "test")),
        kind=str(record.get("kind", "question")),
        history=tuple(map(str, history)),
        question=str(record["question"]),
        answers=tuple((str(answer["release"]), str(answer["sentence"])) for answer in record["answers"]),
    )


def run(retriever: Retriever, questions: Sequence[LabelledQuestion]) -> list[Outcome]:
    """Ask every question once, after one to warm up. Raises `QaError` when an answering sentence is in no passage."""
    retriever.ask(questions[0].question, DEPTH, history=questions[0].history)
    return [_outcome(retriever, asked) for asked in questions]


def fit(retriever: Retriever, path: Path, target: Path) -> dict[str, Any]:
    """Fit the confidence on the tune split of `path` and write it to `target`; the record written.

    Logistic regression (scikit-learn, L2, C 1) of whether the first hits hold an answer, on the features of the question and
    its first passage. The operating point is 0.5: an answer is given where one is more likely than not.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    questions = read_questions(path, "tune")
    answers = [retriever.ask(asked.question, SHOWN, history=asked.history) for asked in questions]
    evidence = np.array([answer.evidence for answer in answers])
    right = [any(_holds(hit, asked) for hit in answer.hits) for asked, answer in zip(questions, answers, strict=True)]
    if len(set(right)) < 2:
        raise QaError(f"{path}: to fit the confidence, some questions must be answered and some not; all of these are alike")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(evidence, right)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    record = {
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
        "bias": round(bias, 4),
        "operating_point": 0.5,
        "fitted_on": f"{len(questions)} questions, SHA-256 of the file {digest(path)}",
    }
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def check(path: Path, floors: Path, split: str, table: dict[str, dict[str, Figure]]) -> list[str]:
    """What fell under its floor, in words; empty when nothing did. Raises `QaError` when the questions are not the floors'."""
    pinned = _pinned(floors)
    if pinned["questions"] != digest(path) or pinned["split"] != split:
        raise QaError(f"{floors} was pinned for other questions; look at the figures, then pin anew: qa evaluate --pin")
    fallen = []
    for name, floor in pinned["floors"].items():
        if name not in table["all"]:
            raise QaError(
                f"{floors} has a floor for {name!r}, which is not measured any more; pin anew: qa evaluate --pin --lower"
            )
        value = table["all"][name].value
        holds = value <= floor + NOISE if name in LOWER_IS_BETTER else value >= floor - NOISE
        if not holds:  # NaN neither
            fallen.append(f"{name} is {value:.3f}, its floor is {floor:.3f}")
    return fallen


def pin(path: Path, floors: Path, split: str, table: dict[str, dict[str, Figure]], *, lower: bool = False) -> None:
    """Write the figures as floors. Without `lower`, raises `QaError` rather than lower one that stands for these questions."""
    values = {name: round(figure.value, 3) for name, figure in table["all"].items() if not name.endswith(" ms")}
    if floors.exists() and not lower:
        before = _pinned(floors)
        if before["split"] != split:
            raise QaError(f"{floors} holds the floors of the split {before['split']!r}; say --lower to replace them")
        if before["questions"] == digest(path):
            for name, floor in before["floors"].items():
                value = values.get(name, floor)
                holds = value <= floor if name in LOWER_IS_BETTER else value >= floor
                if not holds:
                    raise QaError(f"{name} would be lowered from {floor} to {value}; say --lower to do so")
    record = {"questions": digest(path), "split": split, "floors": values}
    floors.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _pinned(floors: Path) -> dict[str, Any]:
    try:
        record = json.loads(floors.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise QaError(f"{floors} is not there; pin the figures first: qa evaluate --pin") from None
    except ValueError as error:
        raise QaError(f"{floors} is not JSON: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("floors"), dict) or not {"questions", "split"} <= set(record):
        raise QaError(f"{floors} holds no floors; pin the figures anew: qa evaluate --pin")
    return record


def _outcome(retriever: Retriever, asked: LabelledQuestion) -> Outcome:
    relevant: list[int] = []  # rows, each text once however many boards published it
    for row, passage in enumerate(retriever.index.passages):
        holds = any(passage.release_id == release and sentence in passage.text for release, sentence in asked.answers)
        if holds and not any(retriever.are_twins(row, other) for other in relevant):
            relevant.append(row)
    if asked.answers and not relevant:
        raise QaError(f"question {asked.id}: no passage of the index holds its answering sentence; is it the right corpus?")
    started = time.perf_counter()
    answer = retriever.ask(asked.question, DEPTH, history=asked.history)
    seconds = time.perf_counter() - started
    ranks = tuple(hit.rank for hit in answer.hits if _holds(hit, asked))
    first = answer.hits[0] if answer.hits else None
    return Outcome(
        id=asked.id,
        kind=asked.kind,
        answerable=bool(asked.answers),
        answered=answer.answered,
        confidence=answer.confidence,
        ranks=ranks,
        relevant=len(relevant),
        read=_read(answer.hits, asked),
        quoted=first is not None and _quotes(first, asked),
        seconds=seconds,
        shown=SHOWN,
    )


def _holds(hit: Hit, asked: LabelledQuestion) -> bool:
    return any(release in (hit.release_id, *hit.also) and sentence in hit.text for release, sentence in asked.answers)


def _quotes(hit: Hit, asked: LabelledQuestion) -> bool:
    own = [sentence for release, sentence in asked.answers if release in (hit.release_id, *hit.also)]
    return any(sentence in quote.text or quote.text in sentence for quote in hit.quotes for sentence in own)


def _read(hits: Sequence[Hit], asked: LabelledQuestion) -> int | None:
    """Characters of the passages shown, in order, up to the end of the first answering sentence."""
    before = 0
    for hit in hits:
        if _holds(hit, asked):
            ends = [hit.text.find(sentence) + len(sentence) for _, sentence in asked.answers if sentence in hit.text]
            return before + min(ends)
        before += len(hit.text)
    return None
