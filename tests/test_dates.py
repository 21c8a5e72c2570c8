"""Dates read and inferred: a date only where the text fixes one."""

from __future__ import annotations

import datetime
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import MONTHS, Mention, infer_date, mentions, parse_date
from tests.conftest import needs_official, official_releases

MONDAY, TUESDAY, SATURDAY = 0, 1, 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-02-28", date(2022, 2, 28)),
        (" 2022.2.28 ", date(2022, 2, 28)),
        ("2022/02/28", date(2022, 2, 28)),
        ("2022-02-28T09:00:00+09:00", date(2022, 2, 28)),
        ("2022-02-28 09:00", date(2022, 2, 28)),
        ("2024-02-29", date(2024, 2, 29)),
    ],
)
def test_a_date_is_read_as_pages_and_records_write_it(text: str, expected: date) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text", ["", "today", "20220228", "2022-02", "2022-02-30", "2023-02-29", "2022-13-01", "28 February 2022", "--"]
)
def test_anything_else_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("on Monday, February 28, they", Mention(2, 28, MONDAY, None)),
        ("(November 26)", Mention(11, 26, None, None)),
        ("Nov. 26, 2023", Mention(11, 26, None, 2023)),
        ("Sept. 26", Mention(9, 26, None, None)),
        ("September 26", Mention(9, 26, None, None)),
        ("Mon., Sep 26", Mention(9, 26, MONDAY, None)),
        ("20 November 2023", Mention(11, 20, None, 2023)),
        ("Monday, 20 November 2023", Mention(11, 20, MONDAY, 2023)),
        ("the 3rd of May", Mention(5, 3, None, None)),
        ("May 22nd, 2024", Mention(5, 22, None, 2024)),
        ("March 5 (Saturday)", Mention(3, 5, SATURDAY, None)),
        ("August 2, 1999 (Monday)", Mention(8, 2, MONDAY, 1999)),
    ],
)
def test_a_day_is_found_in_each_form(text: str, mention: Mention) -> None:
    assert list(mentions(text)) == [mention]


@pytest.mark.parametrize(
    "text", ["last September", "this year", "Mayor 5", "July 32", "May 0", "March of 300 people", "in 2022"]
)
def test_what_names_no_day_is_no_mention(text: str) -> None:
    assert list(mentions(text)) == []


def test_mentions_come_in_the_order_of_the_text() -> None:
    found = mentions("From March 1 to 3 April; then on Tuesday, May 7, 2024.")
    assert list(found) == [Mention(3, 1, None, None), Mention(4, 3, None, None), Mention(5, 7, TUESDAY, 2024)]


def test_a_full_date_in_the_title_decides() -> None:
    text = "On Monday, February 28, 2022, they met."
    assert infer_date("Briefing (May 2, 2021)", text) == (date(2021, 5, 2), "title")


def test_a_weekday_fixes_the_year_nearest_to_a_year_that_is_mentioned() -> None:
    text = "They spoke on Monday, February 28, four months after the summit of October 2021."
    assert infer_date("Harbour Talks", text) == (date(2022, 2, 28), "weekday")
    assert infer_date("Harbour Talks", text.replace("2021", "2010")) == (date(2011, 2, 28), "weekday")


def test_of_two_years_as_near_the_later_is_taken() -> None:
    # 1 June was a Wednesday in 2016 and in 2022; 2019 is three years from both.
    assert infer_date("Talks", "On Wednesday, June 1, as in 2019.") == (date(2022, 6, 1), "weekday")


def test_a_weekday_speaks_of_the_past_only() -> None:
    today = datetime.date.today()
    for day, source in ((today, "weekday"), (today + datetime.timedelta(days=1), "years mentioned")):
        text = f"They meet on {day:%A}, {MONTHS[day.month - 1]} {day.day}, {day.year}."
        assert infer_date("Talks", text) == (day, source)


@pytest.mark.parametrize("day", range(1, 29))
def test_a_weekday_without_any_year_is_no_date(day: int) -> None:
    assert infer_date("Talks", f"They met on Monday, February {day}.") == (None, "unknown")


def test_a_weekday_that_fits_no_near_year_falls_back_to_the_one_year_mentioned() -> None:
    assert infer_date("Talks", "On Friday, May 7, 2024.") == (date(2024, 5, 7), "years mentioned")


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Talks (May 2)", "The year 2021 was good.", date(2021, 5, 2)),
        ("Talks", "They met on March 17. The plan is of 2020.", date(2020, 3, 17)),
        ("Talks", "They met on March 17, 2020, after the talks of 2018.", date(2020, 3, 17)),
    ],
)
def test_a_day_and_the_only_year_make_a_date(title: str, text: str, expected: date) -> None:
    assert infer_date(title, text) == (expected, "years mentioned")


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Talks (May 2)", "Between 2019 and 2021."),
        ("Talks", "They met on March 17, as in 2019, 2020 and 2021."),
        ("Talks", "Today, as agreed last September."),
        ("Talks", "On February 30, 2022."),
        ("", ""),
    ],
)
def test_no_date_is_better_than_a_wrong_one(title: str, text: str) -> None:
    assert infer_date(title, text) == (None, "unknown")


@given(st.dates(date(1990, 1, 1), date(2025, 12, 31)))
def test_a_day_written_out_with_its_weekday_and_year_is_inferred_as_itself(day: date) -> None:
    text = f"The sides met on {day:%A}, {MONTHS[day.month - 1]} {day.day}, {day.year}."
    assert infer_date("Talks", text) == (day, "weekday")


@given(st.text(), st.text())
def test_any_text_has_a_date_exactly_when_something_told_it(title: str, text: str) -> None:
    found, source = infer_date(title, text)
    assert (found is None) == (source == "unknown")


@needs_official
@pytest.mark.parametrize(
    ("release", "expected"),
    [("korea-china-virtual-meeting", date(2022, 2, 28)), ("korea-china-busan-meeting", date(2023, 11, 26))],
)
def test_the_two_official_page_texts_are_dated_by_their_weekday(release: str, expected: date) -> None:
    found = official_releases()[release]
    assert (found.date, found.date_source) == (expected, "weekday")
