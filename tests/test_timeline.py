from __future__ import annotations

import datetime

import numpy as np
import pytest

from qa.passages import split_release
from qa.period import Period
from qa.release import Release
from qa.timeline import Timeline
from tests.conftest import FakeEncoder, release_of

DAY = datetime.date
TEXTS = {
    "first": ("2022-02-28", "1. They met on March 7.\n2. They agreed to meet on November 26, 2023."),
    "second": ("2023-12-01", "1. The meeting of November 26 was recalled.\n2. Nothing else was."),
    "undated": (None, "1. They spoke."),
}


@pytest.fixture
def timeline() -> Timeline:
    releases: dict[str, Release] = {
        name: release_of(text, title=name.title(), date=day, name=name) for name, (day, text) in TEXTS.items()
    }
    fake = FakeEncoder()
    passages = [each for release in releases.values() for each in split_release(release, fake.count_tokens, fake.max_tokens)]
    assert [passage.release_id for passage in passages] == ["first", "first", "second", "second", "undated"]
    return Timeline(passages, releases)


@pytest.mark.parametrize(
    ("since", "until", "rows"),
    [
        (None, None, [0, 1, 2, 3]),
        (DAY(2022, 2, 28), None, [0, 1, 2, 3]),
        (DAY(2022, 3, 1), None, [2, 3]),
        (None, DAY(2022, 2, 28), [0, 1]),
        (DAY(2022, 2, 28), DAY(2022, 2, 28), [0, 1]),
        (DAY(2022, 3, 1), DAY(2023, 11, 30), []),
    ],
)
def test_bounds_are_included_and_a_release_of_unknown_date_is_outside(
    timeline: Timeline, since: DAY | None, until: DAY | None, rows: list[int]
) -> None:
    assert timeline.within(since, until).tolist() == rows


def test_published_within_fits_whole_and_spoken_of_half(timeline: Timeline) -> None:
    november = Period(DAY(2023, 11, 1), DAY(2023, 11, 30), False, "in November 2023")
    assert timeline.fit(november).tolist() == [0.5, 0.5, 0.5, 0.5, 0]
    year = Period(DAY(2022, 1, 1), DAY(2022, 12, 31), False, "in 2022")
    assert timeline.fit(year).tolist() == [1, 1, 0, 0, 0]
    assert timeline.fit(Period(None, None, True, "latest")).tolist() == [1, 1, 1, 1, 1]


def test_the_latest_is_of_age_0_and_the_first_of_age_1(timeline: Timeline) -> None:
    assert timeline.age(Period(None, None, True, "latest")).tolist() == [1, 1, 0, 0, 1]
    assert timeline.age(Period(None, DAY(2022, 12, 31), True, "the latest of 2022")).tolist() == [1, 1, 1, 1, 1]


def test_the_span_is_of_the_days_of_publication(timeline: Timeline) -> None:
    assert timeline.span == (DAY(2022, 2, 28), DAY(2023, 12, 1))
    assert Timeline([], {}).span is None
    assert np.array_equal(Timeline([], {}).within(None, None), [])
