"""Passages: one an outcome paragraph, verbatim, never longer than the encoder reads unless one sentence is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import UnreadableSource
from qa.passages import JOIN_BELOW, Passage, context, split_release
from qa.release import Release
from qa.sentences import sentences
from tests.conftest import FakeEncoder, needs_official, official_releases, release_of


def split(release: Release, max_tokens: int = 512) -> list[Passage]:
    return split_release(release, FakeEncoder().count_tokens, max_tokens)


def tokens(release: Release, text: str) -> int:
    return FakeEncoder().count_tokens([context(release) + text])[0]


def test_a_passage_is_a_paragraph_with_its_points_and_notes() -> None:
    release = release_of("1. Met.\n° Ate* fish.\n* Ate: at noon\n2. Left.", title="Talks", name="talks")
    assert split(release) == [
        Passage("talks#1", "talks", "1", 1, 1, 3, 35, "Met.\n° Ate* fish.\n* Ate: at noon"),
        Passage("talks#2", "talks", "2", 1, 1, 40, 45, "Left."),
    ]


def test_a_number_printed_twice_gives_two_ids() -> None:
    release = release_of("Met first.\n1. Met.\n2. Ate.\n2. Left.\n2.1 Slept.", title="Talks", name="talks")
    assert [(passage.id, passage.paragraph) for passage in split(release)] == [
        ("talks#p1", None),
        ("talks#1", "1"),
        ("talks#2", "2"),
        ("talks#2-2", "2"),
        ("talks#2.1", "2.1"),
    ]


def test_short_lines_of_a_speech_share_a_passage_of_a_sensible_size() -> None:
    lines = [f"Sentence number {number} of the speech is of forty letters." for number in range(10)] + ["Thank you."]
    release = release_of("\n".join(lines), title="Opening Remarks by a Guest", name="speech")
    found = split(release)
    assert [passage.id for passage in found] == ["speech#p1", "speech#p2"]
    assert found[0].text == "\n\n".join(lines[:5])
    assert found[1].text == "\n\n".join(lines[5:])
    assert all(len(passage.text) >= JOIN_BELOW for passage in found)


def test_a_long_unnumbered_paragraph_is_a_passage_of_its_own() -> None:
    long = "The ports of the bay will be opened to every ship that asks for it. " * 4
    release = release_of(f"{long}\n\n{long}\n\n{long}", title="Talks")
    assert [passage.text for passage in split(release)] == [long.strip()] * 3


def test_a_paragraph_too_long_is_cut_before_a_point_and_notes_stay_with_theirs() -> None:
    words = "one two three four five six seven eight"
    release = release_of(f"1. {words}.\n° {words}.\n* note: {words}\n° {words}.\n2. Left.", title="Talks", name="talks")
    found = split(release, 20)
    assert [(passage.id, passage.part, passage.parts) for passage in found] == [
        ("talks#1/1", 1, 3),
        ("talks#1/2", 2, 3),
        ("talks#1/3", 3, 3),
        ("talks#2", 1, 1),
    ]
    assert [passage.text for passage in found] == [f"{words}.", f"° {words}.\n* note: {words}", f"° {words}.", "Left."]
    assert {passage.paragraph for passage in found[:3]} == {"1"}


def test_a_point_too_long_is_cut_before_a_sentence_and_a_sentence_never() -> None:
    short, long = "Four short words here.", "This " + "very " * 30 + "long sentence."
    release = release_of(f"1. {short} {long} {short} {short}", title="Talks")
    assert [passage.text for passage in split(release, 15)] == [short, long, f"{short} {short}"]


@pytest.mark.parametrize(
    ("title", "date", "subtitle", "expected"),
    [
        ("Harbour Talks", "2021-05-03", "", "Harbour Talks (3 May 2021)\n"),
        ("Harbour Talks", None, "", "Harbour Talks\n"),
        ("Harbour Talks", "2021-05-13", "- Cranes -\n", "Harbour Talks (13 May 2021) - Cranes -\n"),
    ],
)
def test_title_date_and_subtitle_are_embedded_in_front(title: str, date: str | None, subtitle: str, expected: str) -> None:
    assert context(release_of(f"{subtitle}1. Met.", title=title, date=date)) == expected


def test_the_context_counts_towards_the_limit() -> None:
    release = release_of("1. One two three. Four five six.", title="Harbour Talks")
    assert [passage.text for passage in split(release, 10)] == ["One two three. Four five six."]
    assert [passage.text for passage in split(release, 9)] == ["One two three.", "Four five six."]


def test_thanks_after_one_long_paragraph_are_joined_to_it() -> None:
    long = "The ports of the bay will be opened to every ship that asks for it. " * 4
    release = release_of(f"{long}\nThank you.", title="Talks")
    assert [passage.text for passage in split(release)] == [f"{long.strip()}\n\nThank you."]


OPENINGS = st.sampled_from(["1. ", "2. ", "2. ", "3. ", "° ", "- ", "* ", "※ ", "", ""])
LONG = "a stretch of words of some length that goes on " * 3
WORDS = st.lists(st.sampled_from(["port", "crane*", "Mr.", "end.", "The", "U.S.", "so!", "5", "항만.", LONG]), max_size=20).map(
    " ".join
)
SPEECHES = st.lists(st.sampled_from([LONG, LONG * 2, "Thank you.", "* Long: a word", "Friends of the port,"]), min_size=1).map(
    "\n\n".join
)
TEXTS = SPEECHES | st.lists(st.tuples(OPENINGS, WORDS).map("".join), max_size=12).map("\n".join) | st.text()


@given(text=TEXTS, max_tokens=st.integers(4, 40))
def test_passages_are_slices_in_order_that_hold_every_word_once_and_fit(text: str, max_tokens: int) -> None:
    try:
        release = release_of(text, title="Harbour Talks")
    except UnreadableSource:
        return
    found = split(release, max_tokens)
    assert len({passage.id for passage in found}) == len(found)
    before = 0
    for passage in found:
        assert passage.text == release.text[passage.start : passage.end] == passage.text.strip() != ""
        between = release.text[before : passage.start].strip()
        assert between in ("", f"{passage.paragraph}."), "only printed numbers stand between passages"
        assert tokens(release, passage.text) <= max_tokens or len(sentences(passage.text)) == 1
        before = passage.end
    assert before == len(release.text)


@needs_official
def test_the_official_releases_make_241_passages_and_none_is_cut() -> None:
    found = [passage for release in official_releases().values() for passage in split(release)]
    assert len(found) == 241
    assert {passage.parts for passage in found} == {1}
    assert len({passage.id for passage in found}) == 241


@needs_official
@pytest.mark.parametrize(
    ("release", "count", "first", "last"),
    [
        (
            "korea-china-virtual-meeting",
            4,
            ("1", "Minister of Foreign Affairs Chung Eui-yong had", "communication", "regular basis."),
            ("4", "The two sides exchanged views on global affairs", "UN Charter", "China will play a constructive role."),
        ),
        (
            "korea-china-busan-meeting",
            9,
            ("1", "Minister of Foreign Affairs Park Jin had a meeting", "10:40 a.m.", "regional and global affairs."),
            ("9", "The reciprocal visits by the two Foreign Ministers", "Qingdao", "Foreign Ministers in the future."),
        ),
        (
            "m_5676-322612",
            6,
            ("1", "The REAIM regional workshop for Africa", "Nairobi", "Thursday, June 6."),
            ("6", "The REAIM Summit is global dialogue", "The Hague", "September 9 to 10 this year."),
        ),
        (
            "m_5676-322676",
            7,
            (None, "The REAIM Summit 2024, co-organized", "roundtable", "international cooperation."),
            (None, "The Korean government, as a global", "Building on", "discourse on AI."),
        ),
        (
            "m_5689-319654",
            9,
            (None, "Good afternoon everyone.", "great to see you", ""),
            (None, "", "brighter", "Cheers!"),
        ),
    ],
)
def test_first_and_last_passage_of_official_releases(
    release: str, count: int, first: tuple[str | None, str, str, str], last: tuple[str | None, str, str, str]
) -> None:
    found = split(official_releases()[release])
    assert len(found) == count
    for passage, (number, opening, inside, ending) in ((found[0], first), (found[-1], last)):
        assert passage.paragraph == number
        assert passage.text.startswith(opening)
        assert inside in passage.text
        assert passage.text.endswith(ending)


@needs_official
def test_the_note_of_twelve_countries_is_found_with_its_paragraph() -> None:
    third = split(official_releases()["m_5676-322612"])[2]
    assert third.id == "m_5676-322612#3"
    assert third.text.endswith(
        "\n* Burundi, Cameroon, Egypt, Ethiopia, Ghana, Morocco, Namibia, Rwanda, Senegal, South Africa, Tanzania, Uganda"
    )
