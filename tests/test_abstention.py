from __future__ import annotations

import datetime

import pytest

from embeddings.lexical import words
from qa.abstention import missing_from, nothing_left, out_of_time
from qa.period import Period
from qa.timeline import Timeline

NEAREST = ["Grain Assistance Decided (10 March 2022)\nKorea will give three million dollars for grain to Kenya."]
KNOWN = {word for text in (*NEAREST, "Minister Han visited Japan in 2019.") for word in words(text)}


def missing(question: str) -> tuple[str, tuple[str, ...], str]:
    found = missing_from(question, NEAREST, KNOWN.__contains__)
    return found.why, found.missing, found.text


def test_a_word_in_no_release_is_named_as_the_question_writes_it() -> None:
    assert missing("How many Tanks did Korea send to Kenya with the zeppelins?") == (
        "something is missing",
        ("Tanks", "send", "zeppelins"),
        "no release mentions “Tanks”, “send”, “zeppelins”",
    )


def test_a_name_or_year_of_other_releases_is_missing_from_the_nearest() -> None:
    assert missing("How much grain will Korea give to Japan in 2019?") == (
        "something is missing",
        ("Japan", "2019"),
        "the nearest passages do not mention “Japan”, “2019”",
    )


@pytest.mark.parametrize("question", ["Grain to Kenya from Korea?", "곡물을 주나요?", "?", "visited the minister"])
def test_where_nothing_named_is_missing_the_nearest_speak_of_something_else(question: str) -> None:
    assert missing(question) == ("nothing near", (), "the nearest passages speak of something else")


def test_a_time_without_a_release_is_told_with_the_span_of_the_releases() -> None:
    period = Period(datetime.date(2019, 1, 1), datetime.date(2019, 12, 31), False, "in 2019")
    assert out_of_time(period, Timeline([], {})).text == "no release is of this time (in 2019)"
    assert out_of_time(period, Timeline([], {})).missing == ("in 2019",)


def test_filters_that_leave_nothing_are_the_reason() -> None:
    assert nothing_left(said=False).text == "no release lies within these dates"
    assert nothing_left(said=True).text == "no passage within these dates holds such a statement"
