from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from qa.events import Event, find_event
from qa.retrieve import Retriever
from tests.library import record, retriever_over, use_calibration

DAY = datetime.date


@pytest.mark.parametrize(
    ("question", "event"),
    [
        ("What was said of grain before Russia invaded?", Event("before Russia invaded", "Russia invaded", "before")),
        ("What came of it since the Busan meeting?", Event("since the Busan meeting", "the Busan meeting", "after")),
        ("aid following the Kenya flood, and how much", Event("following the Kenya flood", "the Kenya flood", "after")),
        ("Russia가 침공하기 전 입장은?", Event("Russia가 침공하기 전", "Russia가 침공", "before")),
        ("Busan 회담 이후 협력은?", Event("Busan 회담 이후", "Busan 회담", "after")),
    ],
)
def test_the_event_that_time_is_counted_from_is_found(question: str, event: Event) -> None:
    assert find_event(question) == event


@pytest.mark.parametrize(
    "question", ["What did they do after the meeting?", "What was brought before the UN Council?", "오전 회의", "Since when?"]
)
def test_what_names_nothing_or_counts_no_time_is_no_event(question: str) -> None:
    assert find_event(question) is None


RECORDS = (
    record(1, "Grain Talks", "2021-06-01", "They spoke of grain and of the port."),
    record(2, "Zembla Invaded", "2022-03-02", "Zembla invaded Ruritania on February 24."),
    record(3, "Grain Talks Again", "2023-06-01", "They spoke of grain and of the port once more."),
)


@pytest.fixture
def retriever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Retriever:
    use_calibration(monkeypatch, operating_point=0.3)
    return retriever_over(tmp_path, RECORDS)


@pytest.mark.parametrize(
    ("question", "since", "until", "first"),
    [
        ("Who spoke of grain before Zembla invaded Ruritania?", None, DAY(2022, 2, 23), "m_5676-1"),
        ("Who spoke of grain since Zembla invaded Ruritania?", DAY(2022, 2, 24), None, "m_5676-3"),
    ],
)
def test_a_release_tells_the_day_of_the_event_and_the_period_orders(
    retriever: Retriever, question: str, since: datetime.date | None, until: datetime.date | None, first: str
) -> None:
    answer = retriever.ask(question)
    period = answer.question.period
    assert period is not None
    assert (period.since, period.until, period.dated_by, period.binds) == (since, until, "m_5676-2", False)
    talks = [hit.release_id for hit in answer.hits if hit.release_id != "m_5676-2"]
    assert talks[0] == first
    assert len(talks) == 2


def test_an_event_that_no_release_tells_of_makes_no_period(retriever: Retriever) -> None:
    assert retriever.ask("Who spoke of grain before Quux juggled?").question.period is None
