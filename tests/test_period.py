from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import days_in
from qa.period import MENTIONED, PUBLISHED, Period, find_period
from tests.conftest import release_of

TODAY = datetime.date(2026, 11, 21)


def bounds(question: str) -> tuple[str | None, str | None] | None:
    period = find_period(question, TODAY)
    return None if period is None else (period.record()["since"], period.record()["until"])  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("What happened in October 2023?", "2023-10-01", "2023-10-31"),
        ("Which items went to Ukraine in Feb. 2024?", "2024-02-01", "2024-02-29"),
        ("Statement of March 7, 2022", "2022-03-07", "2022-03-07"),
        ("the call on 7th March 2022", "2022-03-07", "2022-03-07"),
        ("briefing 2022-11-03", "2022-11-03", "2022-11-03"),
        ("What was agreed in 2022?", "2022-01-01", "2022-12-31"),
        ("releases since 2024", "2024-01-01", None),
        ("releases after March 2022", "2022-04-01", None),
        ("releases before 2022", None, "2021-12-31"),
        ("until the end of October 2023", None, "2023-10-31"),
        ("between 2022 and 2023", "2022-01-01", "2023-12-31"),
        ("from March 2022 to May 2022", "2022-03-01", "2022-05-31"),
        ("in the spring of 2024", "2024-03-01", "2024-05-31"),
        ("in late 2023", "2023-01-01", "2023-12-31"),
        ("What was said last year?", "2025-01-01", "2025-12-31"),
        ("in November last year", "2025-11-01", "2025-11-30"),
        ("three years ago", "2023-01-01", "2023-12-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("before the Busan meeting of 2023", None, "2023-12-31"),
        ("since the Rome summit of 2021", "2021-01-01", None),
        ("2023년 11월 회담", "2023-11-01", "2023-11-30"),
        ("2024년 4월 19일 회의", "2024-04-19", "2024-04-19"),
        ("작년 11월", "2025-11-01", "2025-11-30"),
        ("지난해 성명", "2025-01-01", "2025-12-31"),
        ("2022년 이후", "2022-01-01", None),
        ("2022년 이전", None, "2021-12-31"),
        ("2022년 3월까지", None, "2022-03-31"),
        ("지난달 발표", "2026-10-01", "2026-10-31"),
        ("2024년 봄", "2024-03-01", "2024-05-31"),
    ],
)
def test_a_period_is_read_from_the_question(question: str, since: str | None, until: str | None) -> None:
    assert bounds(question) == (since, until)


@pytest.mark.parametrize(
    "question",
    [
        "Who opened the REAIM Summit 2024?",
        "the 2030 World Expo",
        "May I ask?",
        "in February 30, 2023x",
        "since the Busan meeting",
    ],
)
def test_a_year_in_a_name_or_an_event_is_no_period(question: str) -> None:
    assert find_period(question, TODAY) is None


@pytest.mark.parametrize("question", ["the latest statement on Gaza", "most recent talks", "최근 성명", "가장 최근 회담"])
def test_the_latest_binds_no_days_but_asks_for_the_newest(question: str) -> None:
    period = find_period(question, TODAY)
    assert period is not None
    assert (period.since, period.until, period.latest) == (None, None, True)


def test_a_release_fits_when_published_within_and_half_when_it_only_speaks_of_a_day_within() -> None:
    period = Period(datetime.date(2023, 11, 1), datetime.date(2023, 11, 30), latest=False, said="November 2023")
    assert period.fit(datetime.date(2023, 11, 30), ()) == PUBLISHED
    assert period.fit(datetime.date(2023, 12, 1), (datetime.date(2023, 11, 26),)) == MENTIONED
    assert period.fit(datetime.date(2023, 12, 1), (datetime.date(2023, 12, 2),)) == 0
    assert period.fit(None, ()) == 0


def test_a_day_without_a_year_is_of_the_year_nearest_to_the_release() -> None:
    release = release_of(
        "1. They met on December 30 and spoke of October 7, 2020 and of January 2.", title="Talks (January 3, 2024)"
    )
    days = [datetime.date(2024, 1, 3), datetime.date(2023, 12, 30), datetime.date(2020, 10, 7), datetime.date(2024, 1, 2)]
    assert list(release.days) == days


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_the_last_year_of_the_calendar_have_none_beside_them(year: int) -> None:
    today = datetime.date(year, 6, 1)
    before, after = find_period("before this year", today), find_period("after this year", today)
    assert before is not None and before.until == datetime.date(max(year - 1, 1), *((1, 1) if year == 1 else (12, 31)))
    assert after is not None and after.since == datetime.date(min(year + 1, 9999), *((12, 31) if year == 9999 else (1, 1)))
    assert find_period("99 years ago", datetime.date(1, 6, 1)) is None
    assert days_in("on January 3", today) == (datetime.date(year, 1, 3),)


@given(st.text(max_size=80), st.dates())
def test_any_text_has_a_period_or_none_and_never_ends_before_it_begins(question: str, today: datetime.date) -> None:
    period = find_period(question, today)
    assert period is None or period.since is None or period.until is None or period.since <= period.until


@pytest.mark.parametrize(
    ("question", "binds"),
    [
        ("What was agreed in 2022?", True),
        ("What was said of grain last year?", True),
        ("releases since March 2023", True),
        ("aid before 2022", True),
        ("between 2022 and 2023", True),
        ("2022년에 합의한 것은?", True),
        ("2022년 이후 협력", True),
        ("the meeting of November 2023", False),
        ("What came of the talks in October 2023?", False),
        ("last year's agreement", False),
        ("2022년 회담", False),
        ("before the Busan meeting of 2023", False),
        ("the latest statement", False),
    ],
)
def test_a_period_binds_where_the_question_is_of_nothing_else(question: str, binds: bool) -> None:
    period = find_period(question, TODAY)
    assert period is not None
    assert period.binds is binds
