"""Where sentences end, and where a full stop ends none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.sentences import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["They met.", "They parted!", "Will they meet again?", "Perhaps."],
        ["He said “we agree.”", "She nodded.", "(It rained.)", "All left."],
        ["It ended in 2022.", "2023 was calm."],
        ["They agreed.", "“New cranes” come."],
        ["회담이 끝났다.", "양측은 합의했다."],
        ["They met at 3 p.m.", "The talks went on."],
        ["Aid came from the U.S.", "The Minister gave thanks."],
        ["One.", "* A note.", "° A point."],
    ],
)
def test_sentences_end_at_their_stops(parts: list[str]) -> None:
    assert cut(" ".join(parts)) == parts


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Han and Dr. Li met Amb. Kim Gunn.",
        "Lt. Gen. Scott of the U.S. Forces spoke.",
        "The U.N. Charter and J. F. Stone are cited.",
        "At 10:40 a.m. Seoul time the D.P.R.K. Army fired.",
        "No. 7 of Nov. 26 is about 2.5 million vs. 3 million.",
        "Opening Remarks by H.E. Cho",
        "korea.net and e.g. Busan",
    ],
)
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert cut(text) == [text]


def test_a_line_break_ends_a_sentence_and_blanks_are_outside() -> None:
    text = "  The ports \n\n\xa0° open soon  \n"
    assert sentences(text) == [(2, 11), (15, 26)]
    assert cut(text) == ["The ports", "° open soon"]


@pytest.mark.parametrize(
    "text", ["Mr. " * 5_000, "J." * 10_000, "x" * 20_000 + ". A", ". " * 10_000], ids=lambda text: text[:4]
)
def test_a_long_line_without_an_end_is_divided_within_a_second(text: str) -> None:
    started = time.process_time()
    found = sentences(text)
    assert time.process_time() - started < 1
    assert found[-1][1] == len(text.rstrip())


@pytest.mark.parametrize("text", ["", " \n\xa0\n"])
def test_blank_text_has_no_sentence(text: str) -> None:
    assert sentences(text) == []


PIECES = st.sampled_from(
    ["Mr.", "U.S.", "a.m.", "The", "end.", "“So!”", "it?", " ", "\n", "\xa0", "3.", "5", "한국.", ")", "x"]
)


@given(st.text() | st.lists(PIECES, max_size=40).map("".join))
def test_sentences_hold_every_character_but_blanks_once_and_in_order(text: str) -> None:
    at = 0
    for start, end in sentences(text):
        assert at <= start < end <= len(text)
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert "\n" not in text[start:end]
        at = end
    assert not text[at:].strip()
