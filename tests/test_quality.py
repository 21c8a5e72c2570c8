from __future__ import annotations

import json

import pytest

from qa import evaluate
from qa.measure import ALL, ANSWERABLE, Figure, figures
from qa.retrieve import Retriever
from tests.conftest import CORPUS

QUESTIONS, FLOORS = CORPUS / "questions.jsonl", CORPUS / "floors.json"


@pytest.fixture(scope="module")
def table(shipped: Retriever) -> dict[str, dict[str, Figure]]:
    return figures(evaluate.run(shipped, evaluate.read_questions(QUESTIONS, "test")))


@pytest.mark.model
def test_no_figure_falls_under_its_floor(table: dict[str, dict[str, Figure]]) -> None:
    assert evaluate.check(QUESTIONS, FLOORS, "test", table) == []


@pytest.mark.model
def test_every_figure_but_the_times_has_a_floor() -> None:
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))["floors"]
    assert set(floors) == {name for name in {**ANSWERABLE, **ALL} if not name.endswith(" ms")}


@pytest.mark.model
def test_the_tune_split_is_answered_by_the_corpus_too(shipped: Retriever) -> None:
    passages = shipped.index.passages
    for asked in evaluate.read_questions(QUESTIONS, "tune"):
        for release, sentence in asked.answers:
            assert any(passage.release_id == release and sentence in passage.text for passage in passages), asked.id


def test_no_release_serves_both_splits() -> None:
    about: dict[str, set[str]] = {"tune": set(), "test": set()}
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        about[record["split"]] |= {answer["release"] for answer in record["answers"]}
    assert about["tune"] & about["test"] == set()
    assert len(about["tune"]) > 20
    assert len(about["test"]) > 20


def test_the_confidence_that_ships_was_fitted_on_these_questions() -> None:
    from qa.confidence import calibration

    tune = evaluate.read_questions(QUESTIONS, "tune")
    assert calibration().fitted_on == f"{len(tune)} questions, SHA-256 of the file {evaluate.digest(QUESTIONS)}"
