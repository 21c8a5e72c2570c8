from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import BadQuestion
from qa.period import find_period
from qa.question import MAX_CHARACTERS, Question, is_korean, understand

SUPPLY = "What did Korea and China agree on supply chains?"


def test_a_question_that_stands_alone_is_searched_as_it_was_asked() -> None:
    question = understand(SUPPLY, history=["Who signed the grain agreement with Kenya?"])
    assert question == Question(SUPPLY, None, None, None)
    assert question.searched == SUPPLY


@pytest.mark.parametrize(
    "follow_up",
    [
        "And when was it held?",
        "What about the second meeting of the year?",
        "How did they describe the outcome of the talks?",
        "Where exactly, please?",
        "그럼 누가 회의에 함께 참석했나요?",
        "일본은요?",
        "그때 두 장관은 무엇을 합의했나요?",
    ],
)
def test_a_question_that_leans_carries_the_one_before_it(follow_up: str) -> None:
    question = understand(follow_up, history=[SUPPLY])
    assert question.carried == SUPPLY
    assert question.searched == f"{SUPPLY} {follow_up}"
    assert question.text == follow_up


@pytest.mark.parametrize(
    "question",
    ["Which minister visited Jeonju?", "누가 작년 제주 포럼에 참석했나요?", "How was grain shared among so many ports?"],
)
def test_a_question_that_is_long_enough_or_names_something_stands_alone(question: str) -> None:
    assert understand(question, history=[SUPPLY]).carried is None


@pytest.mark.parametrize(
    "question", ["visited Jeonju?", "How many countries came?", "Who signed the final document?", "몇 개국이 왔나요?"]
)
def test_a_short_question_leans_and_a_longer_one_that_names_nothing(question: str) -> None:
    assert understand(question, history=[SUPPLY]).carried == SUPPLY


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("and in August?", "2022-08-01", "2022-08-31"),
        ("and on March 7?", "2022-03-07", "2022-03-07"),
        ("3월에는요?", "2022-03-01", "2022-03-31"),
        ("and in August 2023?", "2023-08-01", "2023-08-31"),
        ("and may they meet?", "2022-02-01", "2022-02-28"),
        ("and where?", "2022-02-01", "2022-02-28"),
    ],
)
def test_a_month_without_a_year_is_of_the_year_that_is_carried(question: str, since: str, until: str) -> None:
    period = understand(question, history=["What was agreed in February 2022?"]).period
    assert period is not None
    assert (str(period.since), str(period.until)) == (since, until)


def test_of_several_years_none_tells_that_of_a_month() -> None:
    assert find_period("and in August?", datetime.date(2026, 1, 1)) is None
    between = find_period("between 2021 and 2023", datetime.date(2026, 1, 1))
    assert find_period("and in August?", datetime.date(2026, 1, 1), between) is None


def test_what_is_carried_is_the_last_earlier_question_that_stood_alone() -> None:
    first, second = "Who chaired the SOFA committee in November?", "Which countries joined the grain initiative in Kenya?"
    assert understand("And when?", history=[first, second, "And who else?", "Where?"]).carried == second


def test_what_is_carried_is_the_first_question_when_none_stood_alone() -> None:
    assert understand("And when?", history=["Why?", "Where?"]).carried == "Why?"


@pytest.mark.parametrize("history", [[], ["", " \x00 "]])
def test_a_leaning_question_with_nothing_before_it_carries_nothing(history: list[str]) -> None:
    assert understand("And when was it held?", history=history).carried is None


def test_what_is_carried_is_no_longer_than_a_question_may_be() -> None:
    carried = understand("And when?", history=["a " * MAX_CHARACTERS]).carried
    assert carried is not None
    assert len(carried) == MAX_CHARACTERS


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "?", "…!?", "\x00\x07\x1b", "\ud800", "\ud800 \udfff?"])
def test_a_question_without_a_word_is_refused_and_told_why(text: str) -> None:
    with pytest.raises(BadQuestion, match="the question is empty; ask in words"):
        understand(text)


def test_a_question_of_the_greatest_length_is_taken_and_one_longer_is_refused() -> None:
    assert understand("x" * MAX_CHARACTERS).text == "x" * MAX_CHARACTERS
    with pytest.raises(BadQuestion, match="has 2001 characters, more than 2000; shorten it"):
        understand("x" * (MAX_CHARACTERS + 1))


def test_control_characters_part_words_and_lone_surrogates_are_dropped() -> None:
    assert understand(" Who\x00met\x1b[31m \ud83dPark\udc00?\r\n").text == "Who met [31m Park?"


def test_a_character_outside_the_basic_plane_is_kept() -> None:
    assert understand("Who met 😀 Park?").text == "Who met 😀 Park?"


@given(st.text(st.characters(codec=None, categories=None), max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_a_clean_question_or_our_own_error(text: str, history: list[str]) -> None:
    try:
        question = understand(text, history=history)
    except BadQuestion:
        return
    assert question.text.encode("utf-8").decode("utf-8") == question.text
    assert question.text == " ".join(question.text.split())
    assert understand(question.text, history=history) == question  # cleaning is done after one time


@pytest.mark.parametrize("since", ["2022-02-28", "2022.2.28", datetime.date(2022, 2, 28)])
def test_a_date_is_taken_as_written_or_as_a_date(since: str | datetime.date) -> None:
    question = understand(SUPPLY, since=since, until="2022-03-01")
    assert (question.since, question.until) == (datetime.date(2022, 2, 28), datetime.date(2022, 3, 1))


def test_a_moment_is_taken_as_its_day() -> None:
    question = understand(SUPPLY, since=datetime.datetime(2022, 2, 28, 9), until=datetime.date(2022, 3, 1))
    assert question.since == datetime.date(2022, 2, 28)
    assert question.understood()["since"] == "2022-02-28"


@pytest.mark.parametrize("date", ["", "yesterday", "2022-02-30", "2022", "28-02-2022", "2022-13-01"])
def test_what_is_no_date_is_refused_by_name(date: str) -> None:
    with pytest.raises(BadQuestion, match=r"until .* is not a date; write it as YYYY-MM-DD"):
        understand(SUPPLY, until=date)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"from": "2024-01-01"}, "'from' is no option; there are history, since, until, speaker, side, act, releases, today"),
        ({"history": "Who met whom?"}, "history is one text; give a list of them"),
        ({"releases": "m_5676-1"}, "releases is one text; give a list of them"),
    ],
)
def test_an_option_that_would_be_passed_over_or_read_letter_by_letter_is_refused(options: Any, why: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        understand("Who met whom?", **options)
    assert str(caught.value) == why


def test_dates_that_exclude_each_other_are_refused_and_one_day_is_not() -> None:
    with pytest.raises(BadQuestion, match="since 2022-03-01 is after until 2022-02-28; swap them"):
        understand(SUPPLY, since="2022-03-01", until="2022-02-28")
    assert understand(SUPPLY, since="2022-03-01", until="2022-03-01").since == datetime.date(2022, 3, 1)


def test_understood_shows_what_was_searched_for_in_json_values() -> None:
    assert understand("And when?", history=[SUPPLY], until="2022-03-01").understood() == {
        "searched": f"{SUPPLY} And when?",
        "carried": SUPPLY,
        "since": None,
        "until": "2022-03-01",
        "said": None,
        "period": None,
        "asked": None,
        "development": False,
    }


@pytest.mark.parametrize(
    ("text", "development"),
    [
        ("How did Korea's position on Ukraine change?", True),
        ("how has the dialogue with Viet Nam developed", True),
        ("Changes in the position on Gaza", True),
        ("한중 관계는 어떻게 변했나요?", True),
        ("What did the ministers say on climate change?", False),
        ("How did the minister travel?", False),
    ],
)
def test_a_question_of_what_changed_is_one_of_development(text: str, development: bool) -> None:
    assert understand(text).of_development is development


@pytest.mark.parametrize(("text", "korean"), [("한국은?", True), ("Busan 부산", True), ("Busan", False), ("日本 ㅇ", False)])
def test_a_question_with_a_korean_syllable_is_korean(text: str, korean: bool) -> None:
    assert is_korean(text) is korean
