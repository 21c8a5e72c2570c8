from __future__ import annotations

import dataclasses
import datetime
import json

import pytest

from qa.abstention import Abstention
from qa.acts import Statement
from qa.answer import Answer, Hit, hit_record
from qa.question import Question
from qa.quotes import Quote

HIT = Hit(
    rank=1,
    passage_id="m_5676-322004#2",
    release_id="m_5676-322004",
    title="Outcome of the “Talks”",
    date=datetime.date(2022, 2, 28),
    url="https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=322004",
    provenance="official",
    kind="outcome",
    paragraph="2",
    text="They met. They agreed.",
    start=40,
    end=62,
    quotes=(Quote("They agreed.", 10, 22, 0.6, Statement(10, 22, "both", "the two sides", "agreed")),),
    score=0.123456789,
    scores={"late": 0.5, "words": 0.25, "dense": 0.87654321},
    also=("m_5674-1",),
    permalink="m_5676-322004@0123456789ab:40-62",
)
RECORD = {
    "rank": 1,
    "release_id": "m_5676-322004",
    "passage_id": "m_5676-322004#2",
    "title": "Outcome of the “Talks”",
    "date": "2022-02-28",
    "url": "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=322004",
    "provenance": "official",
    "kind": "outcome",
    "paragraph": "2",
    "text": "They met. They agreed.",
    "start": 40,
    "end": 62,
    "quotes": [
        {
            "text": "They agreed.",
            "start": 10,
            "end": 22,
            "speaker": "the two sides",
            "side": "both",
            "act": "agreed",
            "to": None,
        }
    ],
    "score": 0.123457,
    "scores": {"late": 0.5, "words": 0.25, "dense": 0.8765},
    "also": ["m_5674-1"],
    "permalink": "m_5676-322004@0123456789ab:40-62",
}


def test_a_hit_becomes_the_record_of_the_contract() -> None:
    assert hit_record(HIT) == RECORD


def test_what_a_release_does_not_state_is_null_in_the_record() -> None:
    bare = hit_record(dataclasses.replace(HIT, date=None, url=None, paragraph=None))
    assert (bare["date"], bare["url"], bare["paragraph"]) == (None, None, None)


def test_an_answer_becomes_the_record_of_the_contract_and_survives_json() -> None:
    record = Answer(Question("Who agreed?"), 0.876543, None, (HIT,), (0.1, 0.2)).record()
    assert record == {
        "question": "Who agreed?",
        "answered": True,
        "confidence": 0.8765,
        "reason": None,
        "why": None,
        "missing": [],
        "understood": {
            "searched": "Who agreed?",
            "carried": None,
            "since": None,
            "until": None,
            "said": None,
            "period": None,
            "asked": None,
            "development": False,
        },
        "hits": [RECORD],
        "in_time": [1],
    }
    assert json.loads(json.dumps(record)) == record


def test_an_abstention_keeps_its_reason_and_the_hits_it_rejected() -> None:
    why = Abstention("something is missing", ("tanks",), "no release mentions “tanks”")
    record = Answer(Question("Who?"), 0.2, why, (HIT,)).record()
    assert (record["answered"], record["reason"]) == (False, "no release mentions “tanks”")
    assert (record["why"], record["missing"]) == ("something is missing", ["tanks"])
    assert record["hits"] == [RECORD]


def test_an_answer_and_its_hits_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HIT.rank = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Answer(Question("Who?"), 0.2, None, ()).confidence = 1.0  # type: ignore[misc]
