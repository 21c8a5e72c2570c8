"""Who is named in a text, by office, name or country, and who is only pointed to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from qa.people import are_one, countries, country_called, joined, mentions, name_words, office_asked, officers, short_names
from tests.talks import TEXTS


@pytest.mark.parametrize(
    ("text", "name", "rank", "land"),
    [
        ("Foreign Minister Lee Dal-ho", "Lee Dal-ho", "Minister", None),
        ("Foreign Minister Marta Soler of Spain", "Marta Soler", "Minister", "Spain"),
        ("Marta Soler, Minister of Foreign Affairs of Spain,", "Marta Soler", "Minister", "Spain"),
        ("Spanish Vice Foreign Minister Marta Soler", "Marta Soler", "Vice Minister", "Spain"),
        ("Spain’s Prime Minister Marta Soler", "Marta Soler", "Prime Minister", "Spain"),
        ("First Vice Minister Lee, Dal-ho spoke", "Lee, Dal-ho", "First Vice Minister", None),
        ("H.E. LEE Dal-ho, Ambassador of Korea to Chile,", "LEE Dal-ho", "Ambassador", "Korea"),
        ("President Ahmad bin Salim Al Noor", "Ahmad bin Salim Al Noor", "President", None),
        ("Minister Soler", "Soler", "Minister", None),
    ],
)
def test_an_officer_has_a_name_a_rank_and_a_country(text: str, name: str, rank: str, land: str | None) -> None:
    (found,) = officers(text)
    assert (found.name, found.rank, found.land) == (name, rank, land)


@pytest.mark.parametrize(
    ("text", "kind", "land"),
    [
        ("the Spanish Foreign Minister", "person", "Spain"),
        ("The two Foreign Ministers", "group", None),
        ("Foreign Minister Monday", "person", None),
    ],
)
def test_an_office_without_a_name_is_a_person_or_a_group(text: str, kind: str, land: str | None) -> None:
    (found,) = mentions(text)
    assert (text[found.start : found.end], found.kind, found.name, found.land) == (
        text.removesuffix(" Monday"),
        kind,
        None,
        land,
    )


def test_an_office_that_is_of_no_state_is_not_sure() -> None:
    assert [m.sure for m in officers("The President of the Guild met Minister Soler.")] == [False, True]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("The Korean government and Spain", [("The Korean government", "government"), ("Spain", "government")]),
        ("The government of Spain thanked us", [("The government of Spain", "government")]),
        ("Both sides met; they parted.", [("Both sides", "group"), ("they", "group")]),
        ("They saw that we met him.", [("They", "group"), ("we", "we")]),
        ("She met Minister Soler of Spain.", [("She", "he"), ("Minister Soler of Spain", "person")]),
        ("한국과 스페인은", [("한국", "government"), ("스페인", "government")]),
    ],
)
def test_of_mentions_that_overlap_the_longer_is_kept_and_they_come_in_order(text: str, spans: list[tuple[str, str]]) -> None:
    assert [(text[m.start : m.end], m.kind) for m in mentions(text)] == spans


def test_bare_names_are_mentions_unless_they_are_part_of_a_longer_name() -> None:
    text = "Mr. Soler came. Port Soler froze. Minister Soler left."
    found = mentions(text, re.finditer(r"(?:Mr\. )?(Soler)", text))
    assert [(text[m.start : m.end], m.name) for m in found] == [("Mr. Soler", "Soler"), ("Minister Soler", "Soler")]


def test_and_joins_mentions_and_commas_join_those_before() -> None:
    text = "Chile said Peru, Spain, and Korea agreed"
    found = mentions(text)
    assert [m.land for m in joined(text, found[-1], found)] == ["Peru", "Spain", "Korea"]
    assert [m.land for m in joined(text, found[1], found)] == ["Peru"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Korea-Spain Talks", {"Korea", "Spain"}),
        ("the Republic of Korea, the DPRK and Seoul", {"Korea", "North Korea"}),
        ("Washington’s and U.S. pears", {"United States"}),
        ("Peruvian, Dutch and Viet Nam’s lanterns", {"Peru", "Netherlands", "Vietnam"}),
        ("우리나라는 미국과", {"Korea", "United States"}),
        ("a japan of pears", set()),
    ],
)
def test_countries_peoples_and_capitals_name_the_country(text: str, named: set[str]) -> None:
    assert countries(text) == named


@pytest.mark.parametrize(
    ("name", "country"), [("ROK", "Korea"), ("Chilean", "Chile"), ("중국", "China"), ("Atlantis", None), ("", None)]
)
def test_a_country_is_called_by_its_names_in_both_languages(name: str, country: str | None) -> None:
    assert country_called(name) == country


@pytest.mark.parametrize(
    ("name", "other", "one"),
    [
        ("Ann Hill", "Ann R. Hill, Jr.", True),
        ("Annie Hill", "ANN HILL", True),
        ("Ann Hill", "Bob Hill", False),
        ("Ann Hill", "Ann Mill", False),
        ("", "Ann Hill", False),
        ("", "", True),
    ],
)
def test_spellings_of_one_person_begin_and_end_alike(name: str, other: str, one: bool) -> None:
    assert are_one(name_words(name), name_words(other)) is one


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Marta Soler", {"Marta Soler", "Soler"}),
        ("Lee, Dal-ho", {"Lee, Dal-ho", "Dal-ho"}),
        ("Wu Li", {"Wu Li"}),
        ("Ann Chad", {"Ann Chad"}),
    ],
)
def test_a_name_is_shortened_to_its_last_word_unless_it_is_short_or_a_country(name: str, short: set[str]) -> None:
    assert short_names(name) == short


@given(TEXTS)
def test_mentions_of_any_text_lie_in_it_and_apart_from_each_other(text: str) -> None:
    at = 0
    for m in mentions(text):
        assert at <= m.start < m.end <= len(text)
        at = m.end


@pytest.mark.parametrize(
    ("question", "rank"),
    [
        ("What did the foreign minister say?", "Minister"),
        ("the first vice minister's trip", "First Vice Minister"),
        ("What did the President ask?", "President"),
        ("the Japanese prime minister", "Prime Minister"),
        ("외교장관은 무엇을 말했나요?", "Minister"),
        ("중국 외교부장", "Minister"),
        ("제1차관 방문", "First Vice Minister"),
        ("총리", "Prime Minister"),
        ("What did Korea say?", None),
    ],
)
def test_the_office_that_a_question_names(question: str, rank: str | None) -> None:
    assert office_asked(question) == rank
