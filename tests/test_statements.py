"""Who says a sentence of a release and what kind of act it is, and where neither is told."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given

from qa.acts import ACTS, SIDES, Act, Statement
from qa.speakers import Speakers
from qa.statements import read_statements
from tests.conftest import needs_official, official_releases
from tests.talks import BOARD, MET, SPEAKERS, TEXTS, TITLE, US, US_SPEAKERS, US_TITLE, US_URL, release

NOTHING = (None, None, None)
BOTH = ("both", "the two sides")


def told(
    text: str, title: str = TITLE, url: str | None = f"{BOARD}1", speakers: Speakers = SPEAKERS
) -> list[tuple[object, ...]]:
    """Side, speaker and act of each sentence that `text` adds to a release which introduces two ministers."""
    front = MET if title == TITLE else US if title == US_TITLE else ""
    whole = release(front + text, title, url)
    start = whole.text.index(text.split("\n")[0]) if text else 0
    return [(s.side, s.speaker, s.act) for s in read_statements(whole, start, len(whole.text), speakers)]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The two sides agreed to dredge the harbour.", (*BOTH, "agreed")),
        ("Both ministers exchanged views on ferries.", (*BOTH, "discussed")),
        ("They shared the view that ferries matter.", (*BOTH, "shared a view")),
        ("Minister Lee requested that Spain open its orchards.", ("ours", "Lee Dal-ho", "requested")),
        ("In this regard, Foreign Minister Lee also called for cheaper ferries.", ("ours", "Lee Dal-ho", "requested")),
        ("Foreign Minister Soler strongly condemned the theft of lanterns.", ("theirs", "Marta Soler", "condemned")),
        ("Minister Soler, who had come by ferry, expressed her thanks.", ("theirs", "Marta Soler", "expressed")),
        ("Vice Minister Oh welcomed the new ferries.", ("ours", "Oh Se-rin", "welcomed")),
        ("The Vice Minister explained the tides.", ("ours", "Oh Se-rin", "stated")),
        ("The Spanish Foreign Minister invited the mayor.", ("theirs", "Marta Soler", "invited")),
        ("The Korean government has decided to build a pier.", ("ours", "Korea", "announced")),
        ("The government of the Republic of Korea will plant pears.", ("ours", "Korea", "promised")),
        ("The Spanish side pledged three ferries.", ("theirs", "Spain", "promised")),
        ("Minister Lee and Minister Soler concurred that tides rise.", (*BOTH, "shared a view")),
        ("The new pier was welcomed by Minister Soler.", ("theirs", "Marta Soler", "welcomed")),
    ],
)
def test_the_subject_of_an_act_speaks(sentence: str, expected: tuple[object, ...]) -> None:
    assert told(sentence) == [expected]


@pytest.mark.parametrize(
    ("sentence", "act"),
    [
        ("Minister Lee said that Spain had agreed to dredge the harbour.", "stated"),
        ("Minister Lee said that Spain had condemned the theft and promised lanterns.", "stated"),
        ("Minister Lee stated that the Korean government will plant pears.", "promised"),
        ("Minister Lee stated that Spain will plant pears.", "stated"),
        ("Minister Lee hoped for rain, and urged Spain to share its umbrellas.", "requested"),
        ("Minister Lee said, “Spain condemned the theft,” and thanked the mayor.", "expressed"),
    ],
)
def test_the_act_is_the_speakers_and_not_of_whom_he_reports_on(sentence: str, act: Act) -> None:
    assert told(sentence) == [("ours", "Lee Dal-ho", act)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The meeting was held beside the harbour.",
        "Spain joined the Lantern Convention in March.",
        "Mayor Bonheur and the Guild of Pilots demanded a lighthouse.",
        "Minister Lee met Minister Soler on the pier.",
        "As Spain requested, the ferries were painted.",
        "",
        "* Minister of Nothing In Particular",
    ],
)
def test_what_tells_no_act_of_a_known_speaker_is_left_open(sentence: str) -> None:
    assert set(told(sentence)) <= {NOTHING}


def test_he_and_she_are_the_last_speaker() -> None:
    assert told("Minister Soler praised the pears. She also asked for seeds. Minister Lee agreed. He thanked her.") == [
        ("theirs", "Marta Soler", "welcomed"),
        ("theirs", "Marta Soler", "requested"),
        ("ours", "Lee Dal-ho", "agreed"),
        ("ours", "Lee Dal-ho", "expressed"),
    ]


def test_he_is_no_one_after_a_sentence_whose_subject_is_unknown() -> None:
    assert told("Minister Soler praised the pears. The harbour master arrived. He asked for seeds.")[2][:2] == (None, None)


def test_a_surname_that_two_people_of_the_release_share_names_neither() -> None:
    title = "Outcome of Korea-Peru Talks"
    text = "Minister Kim Ara met Ambassador Kim Bom of Peru, and Ambassador Kim Cha of Chile came. Ambassador Kim urged calm."
    assert told(text, title)[1] == ("theirs", None, "requested")


def test_points_are_of_the_head_that_ends_in_a_colon() -> None:
    text = "The two sides agreed on the following:\n° Wider piers\n° Minister Soler thanked the mayor.\nLonger days"
    assert told(text) == [(*BOTH, "agreed"), (*BOTH, "agreed"), ("theirs", "Marta Soler", "expressed"), NOTHING]


def test_a_passage_that_begins_at_a_point_still_knows_its_head() -> None:
    whole = release(MET + "The two sides agreed on the following:\n° Wider piers\n° Longer days")
    start = whole.text.index("° Longer")
    assert read_statements(whole, start, len(whole.text), SPEAKERS) == (Statement(0, 13, "both", "the two sides", "agreed"),)


def test_a_statement_is_its_governments_and_a_speech_its_speakers() -> None:
    statement = "MOFA Spokesperson’s Statement on U.S. President Hill’s Remarks on Pears"
    assert told("The Korean government deeply regrets the frost. Pears freeze.", statement) == [
        ("ours", "Korea", "expressed"),
        ("ours", "Korea", None),
    ]
    assert told("The government welcomes the plan.", "MOFA Spokesperson’s Statement on the G7 Leaders’ Statement") == [
        ("ours", "Korea", "welcomed")
    ]
    speech = "Opening Remarks by H.E. Lee Dal-ho, Minister of Foreign Affairs of Korea Lantern Summit 2031"
    assert told("I thank the pilots. Lanterns glow. We will light more of them.", speech) == [
        ("ours", "Lee Dal-ho", "expressed"),
        ("ours", "Lee Dal-ho", None),
        ("ours", "Lee Dal-ho", "promised"),
    ]


def test_a_joint_statement_is_of_both() -> None:
    assert told("We commend the pilots. The U.S. thanked the mayor.", "Joint Statement on Ferries") == [
        (*BOTH, "welcomed"),
        ("theirs", "United States", "expressed"),
    ]


def test_a_transcript_is_of_whoever_the_label_names_and_of_no_one_who_is_unknown() -> None:
    text = "MS. HILL: We will plant pears.\n\nQ Why pears?\n\nMR. UNHEARD: I condemn pears.\n\nMS. HILL: I thank you."
    found = [each[:2] for each in told(text, "Press Call by Officials on Pears", US_URL, US_SPEAKERS)]
    assert found == [("ours", "Ann Hill"), (None, None), (None, None), ("ours", "Ann Hill")]


def test_ours_is_the_government_on_whose_host_the_release_is() -> None:
    text = (
        "President Hill thanked Prime Minister Reis. The United States and Brazil agreed to swap pears. "
        "Prime Minister Reis urged haste."
    )
    assert told(text, US_TITLE, US_URL, US_SPEAKERS) == [
        ("ours", "Ann Hill", "expressed"),
        (*BOTH, "agreed"),
        ("theirs", "Paulo Reis", "requested"),
    ]


def test_a_release_that_names_nobody_tells_its_governments_acts() -> None:
    text = "The government decided to plant pears. Pears freeze."
    assert told(text, "Orchard Decision") == [("ours", "Korea", "announced"), NOTHING]


@given(TEXTS)
def test_any_text_is_read_sentence_by_sentence(text: str) -> None:
    whole = release("Pears grow. " + text)
    start = len(whole.text) // 3
    found = read_statements(whole, start, len(whole.text), SPEAKERS)
    for statement in found:
        assert whole.text[start:][statement.start : statement.end].strip()
        assert statement.side in (None, *SIDES)
        assert statement.act in (None, *ACTS)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert len(read_statements(whole, 0, len(whole.text), Speakers([whole]))) >= 1


@needs_official
def test_an_official_meeting_is_told_act_by_act() -> None:
    releases = official_releases()
    meeting = releases["korea-china-busan-meeting"]
    found = read_statements(meeting, 0, len(meeting.text), Speakers(releases.values()))
    assert Counter(s.speaker for s in found if s.act) == {"the two sides": 9, "Park Jin": 9, "Wang Yi": 2}
    assert [(s.side, s.act) for s in found if s.speaker == "Wang Yi"] == [("theirs", "invited"), ("theirs", "promised")]


@needs_official
@pytest.mark.parametrize(
    ("name", "speaker"),
    [("m_5676-322297", "Korea"), ("m_5689-319644", "Cho Tae-yul"), ("m_5679-320053", "Korea")],
    ids=["statement", "speech", "briefing"],
)
def test_an_official_statement_speech_or_briefing_has_one_speaker(name: str, speaker: str) -> None:
    releases = official_releases()
    one = releases[name]
    assert {s.speaker for s in read_statements(one, 0, len(one.text), Speakers(releases.values()))} == {speaker}
