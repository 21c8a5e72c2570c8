"""Whose people act for which country, what a question asks for, and which statement that is."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given

from qa.acts import Act, Asked, Side, Statement
from qa.period import Period
from qa.speakers import Speakers
from tests.conftest import needs_official, official_releases, release_of
from tests.talks import SPEAKERS, TEXTS, US_SPEAKERS


def test_the_publisher_is_the_government_on_whose_host_most_releases_are() -> None:
    assert (US_SPEAKERS.publisher, SPEAKERS.publisher) == ("United States", "Korea")


def test_without_a_host_the_publisher_is_who_is_named_in_most_releases() -> None:
    texts = [
        "Peruvian Foreign Minister Ada Luna spoke.",
        "Peruvian Foreign Minister Ada Luna met Foreign Minister Ben Ode of Ghana.",
    ]
    assert Speakers(release_of(text, title=f"Day {n}", url=None) for n, text in enumerate(texts)).publisher == "Peru"


@pytest.mark.parametrize(
    ("name", "country"),
    [("Lee Dal-ho", "Korea"), ("Marta Soler", "Spain"), ("KIM Noru", "Korea"), ("Kang Mi-rae", "Korea"), ("Nobody", None)],
)
def test_people_are_known_with_their_countries(name: str, country: str | None) -> None:
    assert SPEAKERS.country(name) == country


@pytest.mark.parametrize(
    ("name", "rank", "full"),
    [
        ("Soler", "", "Marta Soler"),
        ("soler, marta", "", "Marta Soler"),
        ("Lee", "Minister", "Lee Dal-ho"),
        ("Lee", "Vice Minister", None),
        ("Noru", "", "KIM Noru"),
        ("Nobody", "", None),
        ("", "", None),
    ],
)
def test_a_name_is_of_the_one_person_who_holds_the_office(name: str, rank: str, full: str | None) -> None:
    assert SPEAKERS.full_name(name, rank) == full


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What did Marta Soler say about ferries?", Asked("Marta Soler", "theirs", None)),
        ("What did Minister Soler request?", Asked("Marta Soler", "theirs", "requested")),
        ("What did Korea ask Spain for?", Asked("Korea", "ours", "requested")),
        ("How did the Spanish government respond?", Asked("Spain", "theirs", None)),
        ("What has the foreign minister promised?", Asked(None, "ours", "promised")),
        ("What did Korea and Spain agree on pears?", Asked("the two sides", "both", "agreed")),
        ("What did the two ministers discuss?", Asked("the two sides", "both", "discussed")),
        ("Who condemned the theft?", Asked(None, None, "condemned")),
        ("What was requested by the Spanish side?", Asked("Spain", "theirs", "requested")),
        ("What is Korea's position on lanterns?", Asked("Korea", "ours", None)),
        ("Marta Soler 장관은 뭐라고 했나요?", Asked("Marta Soler", "theirs", None)),
        ("Korea 는 Spain 에 무엇을 요청했나요?", Asked("Korea", "ours", "requested")),
        ("한국은 무엇을 약속했나", Asked("Korea", "ours", "promised")),
        ("양측은 무엇을 합의했나요?", Asked("the two sides", "both", "agreed")),
        ("한국과 스페인이 합의한 내용은?", Asked("the two sides", "both", "agreed")),
        ("누가 규탄했나요?", Asked(None, None, "condemned")),
    ],
)
def test_a_question_asks_for_a_speaker_and_an_act(question: str, asked: Asked) -> None:
    assert SPEAKERS.asked(question) == asked


@pytest.mark.parametrize(
    "question",
    [
        "When was the pier built?",
        "How many pears did Korea harvest?",
        "What was Spain asked to open?",
        "Harbour agreement",
        "부두는 언제 지어졌나요?",
        "항구 반환 합의",
        "",
    ],
)
def test_a_question_for_no_ones_act_asks_for_none(question: str) -> None:
    assert SPEAKERS.asked(question) is None


@pytest.mark.parametrize(
    ("side", "speaker", "act", "asked", "fits"),
    [
        ("theirs", "Marta Soler", "requested", Asked("Marta Soler", "theirs", None), True),
        ("theirs", "Marta Soler", "requested", Asked("Spain", "theirs", "requested"), True),
        ("theirs", "Marta Soler", "stated", Asked("Spain", "theirs", "requested"), False),
        ("theirs", "Marta Soler", "requested", Asked("Chile", "theirs", "requested"), False),
        ("ours", "Lee Dal-ho", "requested", Asked("Korea", "ours", "requested"), True),
        ("ours", "Korea", "requested", Asked("Lee Dal-ho", "ours", "requested"), False),
        ("both", "the two sides", "agreed", Asked("Korea", "ours", "agreed"), True),
        ("ours", "Lee Dal-ho", "requested", Asked("ROK", None, None), True),
        ("theirs", "Marta Soler", "requested", Asked("soler", None, None), True),
        ("both", "the two sides", "condemned", Asked("Korea", "ours", "condemned"), False),
        ("both", "the two sides", "agreed", Asked("the two sides", "both", "agreed"), True),
        ("ours", "Korea", "condemned", Asked(None, None, "condemned"), True),
        (None, None, None, Asked("Korea", "ours", None), False),
        (None, None, None, Asked(None, "ours", None), False),
    ],
)
def test_a_statement_fits_what_is_asked_for(
    side: Side | None, speaker: str | None, act: Act | None, asked: Asked, fits: bool
) -> None:
    assert SPEAKERS.fits(Statement(0, 1, side, speaker, act), asked) is fits


@given(TEXTS)
def test_any_question_is_understood_or_left(question: str) -> None:
    asked = SPEAKERS.asked(question)
    assert asked is None or asked != Asked(None, None, None)


@needs_official
def test_the_official_releases_tell_whose_minister_a_counterpart_is() -> None:
    speakers = Speakers(official_releases().values())
    assert speakers.publisher == "Korea"
    assert speakers.country("Wang Yi") == "China"


def holders() -> Speakers:
    """Two foreign ministers of Korea, one after the other, and one of Peru."""
    told = [
        ("2022-02-01", "Minister of Foreign Affairs Oh Dan-bi met Peruvian Foreign Minister Ada Luna."),
        ("2022-05-20", "Minister of Foreign Affairs Seo Jin-u spoke."),
        ("2023-05-20", "Minister of Foreign Affairs Seo Jin-u met Peruvian Foreign Minister Ada Luna."),
    ]
    url = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq={}"
    return Speakers(release_of(text, title="Talks", date=day, url=url.format(n)) for n, (day, text) in enumerate(told))


@pytest.mark.parametrize(
    ("question", "since", "until", "asked"),
    [
        ("What did the foreign minister promise?", None, None, Asked(None, "ours", "promised")),
        ("What did the foreign minister promise?", "2023-01-01", "2023-12-31", Asked("Seo Jin-u", "ours", "promised")),
        ("What did the foreign minister promise?", "2022-01-01", "2022-03-01", Asked("Oh Dan-bi", "ours", "promised")),
        ("What did the foreign minister promise?", "2022-01-01", "2022-12-31", Asked(None, "ours", "promised")),
        (
            "What did the Peruvian foreign minister promise?",
            "2022-01-01",
            "2022-12-31",
            Asked("Ada Luna", "theirs", "promised"),
        ),
        ("What did the foreign minister promise?", "2020-01-01", "2020-12-31", Asked(None, "ours", "promised")),
        ("What did the government promise?", "2023-01-01", "2023-12-31", Asked(None, "ours", "promised")),
    ],
)
def test_an_office_means_the_one_who_held_it_then(question: str, since: str | None, until: str | None, asked: Asked) -> None:
    first, last = (datetime.date.fromisoformat(day) if day else None for day in (since, until))
    assert holders().asked(question, Period(first, last, latest=False, said="then")) == asked
