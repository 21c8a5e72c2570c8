"""To whom a sentence is said: named by it, or the other of two that meet; and where that is not told."""

from __future__ import annotations

import pytest
from hypothesis import given

from qa.acts import Side
from qa.addressees import counterparts
from qa.speakers import Speakers
from qa.statements import read_statements
from tests.conftest import needs_official, official_releases
from tests.talks import MET, SPEAKERS, TEXTS, release

TALKS = "Outcome of Korea-Spain Foreign Ministers’ Meeting"
ORCHARD = "Orchard Day Held"
PEOPLE: list[tuple[Side | None, str | None]] = [("ours", "Lee Dal-ho"), ("theirs", "Marta Soler")]


def told_to(sentence: str, title: str = TALKS) -> str | None:
    """Whom the sentence is said to, in a release that introduces the ministers of Korea and Spain."""
    whole = release(MET + sentence, title)
    return read_statements(whole, len(whole.text) - len(sentence), len(whole.text), SPEAKERS)[0].to


@pytest.mark.parametrize(
    ("sentence", "to"),
    [
        ("Minister Lee called on Japan to dredge the harbour.", "Japan"),
        ("Minister Lee requested that Spain open its orchards.", "Spain"),
        ("Minister Soler thanked Minister Lee for the ferries.", "Lee Dal-ho"),
        ("Minister Lee told Minister Soler that tides rise.", "Marta Soler"),
        ("Minister Soler expressed her gratitude to the Korean government for the lanterns.", "Korea"),
        ("Minister Lee invited Minister Soler to the lantern parade.", "Marta Soler"),
    ],
)
@pytest.mark.parametrize("title", [TALKS, ORCHARD])
def test_a_sentence_names_whom_it_is_said_to(sentence: str, to: str, title: str) -> None:
    assert told_to(sentence, title) == to


@pytest.mark.parametrize(
    ("sentence", "to"),
    [
        ("Minister Soler stressed that tides rise.", "Korea"),  # two of Korea's are introduced
        ("Minister Lee pledged three ferries.", "Marta Soler"),
        ("Vice Minister Oh requested cheaper ferries.", "Marta Soler"),
    ],
)
def test_in_a_meeting_of_two_a_side_speaks_to_the_other(sentence: str, to: str) -> None:
    assert told_to(sentence) == to
    assert told_to(sentence, ORCHARD) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "The two sides agreed to dredge the harbour.",
        "Minister Lee condemned the theft of lanterns.",
        "Minister Lee announced that the pier is open.",
        "The Korean government will plant pears.",
        "Minister Lee called on the relevant parties to dredge the harbour.",
        "Minister Lee extended condolences to the families of the sailors.",
        "Minister Lee told reporters that tides rise.",
        "Minister Lee expressed gratitude to Chile, Kenya and Peru for the ferries.",
    ],
)
def test_what_is_said_to_nobody_to_many_or_elsewhere_has_no_addressee(sentence: str) -> None:
    assert told_to(sentence) is None


@pytest.mark.parametrize(
    "title",
    [
        "Outcome of Korea-Spain-Chile Ministers’ Meeting",
        "Minister of Foreign Affairs Lee Dal-ho Meets with Ambassador of Spain and the Arab Diplomatic Corps",
        "MOFA Spokesperson’s Statement on Spain",
    ],
)
def test_only_the_report_of_a_meeting_of_two_tells_counterparts(title: str) -> None:
    assert counterparts(release(MET, title), PEOPLE, "Korea") == {}


def test_with_someone_of_a_third_country_there_is_no_counterpart() -> None:
    assert counterparts(release(MET, TALKS), PEOPLE, "Korea") == {"ours": "Marta Soler", "theirs": "Lee Dal-ho"}
    assert counterparts(release(MET, TALKS), [*PEOPLE, (None, "Ana")], "Korea") == {}


@given(TEXTS)
def test_nobody_speaks_to_themselves(text: str) -> None:
    whole = release(MET + text, TALKS)
    for said in read_statements(whole, 0, len(whole.text), SPEAKERS):
        assert said.to is None or said.to != said.speaker


@needs_official
def test_the_official_releases_tell_who_spoke_to_whom() -> None:
    releases = official_releases()
    call = releases["m_5676-322009"]
    found = read_statements(call, 0, len(call.text), Speakers(releases.values()))
    told = {(said.speaker, said.to) for said in found if said.to}
    assert told == {
        ("Chung Eui-yong", "Dmytro Kuleba"),
        ("Dmytro Kuleba", "Chung Eui-yong"),
        ("Dmytro Kuleba", "Korea"),
    }
