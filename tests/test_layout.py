"""What surrounds a release is cut away, what its page broke is mended, and no word changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.layout import Head, mend, release_lines, split_head

MENU = """바로가기 메뉴
본문 바로가기
주메뉴 바로가기

Ministry of Foreign Affairs REPUBLIC OF KOREA

  1. Ministry of  Foreign Affairs, Republic of Korea facebook
  2. Ministry of  Foreign Affairs, Republic of Korea instagram
  3. Ministry of  Foreign Affairs, Republic of Korea twitter
  4. Ministry of  Foreign Affairs, Republic of Korea youtube
검색창 열기
KOR
SCREEN SIZE
"""


def body(text: str) -> list[str]:
    return release_lines(text, "Harbour Talks")


@pytest.mark.parametrize(
    ("heading", "board"),
    [
        ("Press Releases", "m_5676"),
        ("Ministry News", "m_5674"),
        ("Press Briefings", "m_5679"),
        ("Speeches", "m_5689"),
        ("Minister's Speeches", "m_5689"),
    ],
)
def test_menus_and_social_links_are_cut_and_name_the_board(heading: str, board: str) -> None:
    assert split_head(f"{MENU}\n{heading}\n\nHarbour Talks\n\n1. Met.") == Head("Harbour Talks", None, board, "1. Met.")


def test_the_numbered_social_links_are_no_paragraphs_even_below_the_title() -> None:
    assert body(f"1. Met.\n{MENU}\n2. Parted.") == ["1. Met.", "2. Parted."]


@pytest.mark.parametrize(
    "block",
    [
        "Date\n2020-02-15\nhit\n1645",
        "Date / 2020-02-15 / hit / 1645".replace(" / ", "\n\n"),
        "Date 2020-02-15\nHits 1,645",
        "date: 2020-02-15 10:11:12\nviews: 9",
        "2020-02-15",
        "\n \n\xa0\nDate\n2020-02-15",
    ],
)
def test_a_date_block_below_the_title_states_the_date_and_goes(block: str) -> None:
    assert split_head(f"Harbour Talks\n{block}\n1.\nMet.") == Head("Harbour Talks", "2020-02-15", None, "1.\nMet.")


def test_dots_in_a_date_block_and_text_without_one() -> None:
    assert split_head("Harbour Talks\n2020.2.15\nThey met.").date == "2020.2.15"
    assert split_head("Harbour Talks\nThey met.") == Head("Harbour Talks", None, None, "They met.")


def test_text_that_starts_with_a_paragraph_has_no_title() -> None:
    assert split_head("1. Met.\n2. Parted.") == Head(None, None, None, "1. Met.\n2. Parted.")
    assert split_head("") == Head(None, None, None, "")


@pytest.mark.parametrize(
    "noise",
    [
        "/END/",
        "/end/",
        "/ End /",
        "end/",
        "[Unofficial translation]",
        "[Unofficial Translation]",
        "(Unofficial translation)",
        "* Unofficial translation",
        "PRESIDENTIAL OFFICE",
        "korea.net",
        "KOR",
        "SCREEN SIZE",
        "\u200b",
    ],
)
def test_lines_that_are_none_of_the_release_go(noise: str) -> None:
    assert body(f"1. Met.\n{noise}\n2. Parted.") == ["1. Met.", "2. Parted."]


@pytest.mark.parametrize("end", ["/END/", " /end/", "  / END / "])
def test_an_end_mark_behind_the_last_sentence_goes_and_the_sentence_stays(end: str) -> None:
    assert body(f"1. The fighting must end.{end}") == ["1. The fighting must end."]


@pytest.mark.parametrize(
    "caption",
    [
        "Minister Han (left) greets Minister Li in Busan.",
        "Minister Han (second from left), with guests",
        "Ministers (from left) Han, Li and Ito",
        "The guests (front row) after the toast",
        "Han (right, in blue) and Li (left to right)",
    ],
)
def test_a_photograph_caption_goes(caption: str) -> None:
    assert body(f"{caption}\n1. Met.") == ["1. Met."]


@pytest.mark.parametrize(
    "line",
    [
        "The forum (from May 2 to 4) drew thirty states.",
        "It was the ministers' talk (first since 2019) on cranes.",
        "Partners such as the HD (Centre for Humanitarian Dialogue) came.",
        "They discussed the charter (Right to Food) at length.",
        "2. Minister Han (left on May 3) had met the mayor.",
        "3. Minister Han (left) spoke first.",
        "The hall (left) " + "was full of guests from many a port " * 9,
    ],
)
def test_brackets_in_a_paragraph_make_no_caption_of_it(line: str) -> None:
    assert body(f"1. Met.\n{line}\n") == ["1. Met.", line.strip()]


@pytest.mark.parametrize(
    "footer", ["목록", "List", "이전글", "Next", "첨부파일 talks.pdf", "Copyright (c) MOFA", "Privacy Policy"]
)
def test_what_stands_below_the_release_goes(footer: str) -> None:
    assert body(f"1. Met.\n{footer}\nAnother release") == ["1. Met."]


@pytest.mark.parametrize(
    "signature",
    ["Spokesperson and Deputy Minister", "Han Some-body, Spokesperson of the Ministry of Foreign Affairs", "Office of MOFA"],
)
def test_a_signature_goes(signature: str) -> None:
    assert body(f"1. Met.\n2. Parted.\n\n{signature}") == ["1. Met.", "2. Parted."]


@pytest.mark.parametrize(
    "last", ["° Spokesperson", "The spokesperson thanked the Ministry of Foreign Affairs.", "3. Office of MOFA"]
)
def test_a_last_line_that_says_something_is_no_signature(last: str) -> None:
    assert body(f"1. Met.\n{last}") == ["1. Met.", last]


def test_a_title_said_again_at_the_top_goes_but_not_a_paragraph_of_its_words() -> None:
    assert body("HARBOUR\nTalks\nGood day.") == ["Good day."]
    assert body("1. Harbour talks\nGood day.") == ["1. Harbour talks", "Good day."]


def test_crlf_beside_true_line_breaks_is_a_wrap() -> None:
    assert mend("1. A ferry\r\nwas chartered\r\nby both.\n\n2. It\r\nsailed.") == [
        "1. A ferry was chartered by both.",
        "",
        "2. It sailed.",
    ]


def test_crlf_alone_is_a_line_break() -> None:
    assert mend("Harbour Talks\r\n\r\n1. Met.\r\n2. Parted.") == ["Harbour Talks", "", "1. Met.", "2. Parted."]


def test_text_cut_at_a_fixed_width_is_joined() -> None:
    wrapped = (
        "1. The ministers of the two coastal states met in the port town for\n"
        "Three days and agreed that cranes, tugs and pilots be shared between\n"
        "Both harbours from the coming spring, once the budget has been voted.\n"
        "2. They will meet again in the autumn of the following year to review\n"
        "What was done."
    )
    first, second = mend(wrapped)
    assert first == " ".join(wrapped.split("\n")[:3])
    assert second == " ".join(wrapped.split("\n")[3:])


def test_short_lines_of_a_speech_are_not_taken_for_wraps() -> None:
    speech = ["Excellencies,", "Ladies and Gentlemen,", "Welcome to the port.", "Thank you."]
    assert mend("\n".join(speech)) == speech


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("The 204\nth meeting", "The 204th meeting"),
        ("The 204\nth\nmeeting", "The 204th meeting"),
        ("On May 1\nst, 2\nnd and 3\nrd", "On May 1st, 2nd and 3rd"),
        ("goes on\nin lower case", "goes on in lower case"),
        ("1.\nMet.", "1. Met."),
        ("1.\n\nMet.", "1. Met."),
        ("°\nMet.", "° Met."),
        ("※\n\xa0\nMet.", "※ Met."),
        ("-\nMet.", "- Met."),
        ("two\xa0\xa0million  dollars\t more", "two million dollars more"),
        ("\u200b \xa0Met.\ufeff", "Met."),
    ],
)
def test_a_broken_line_is_made_whole(broken: str, whole: str) -> None:
    assert mend(broken) == [whole]


@pytest.mark.parametrize(
    "lines", [["In 2020", "", "the end"], ["It ended.", "the next"], ["room 20", "", "th"], ["in May", "° point"]]
)
def test_lines_that_belong_apart_stay_apart(lines: list[str]) -> None:
    assert mend("\n".join(lines)) == lines


def test_quotes_and_spelling_slips_stay_as_printed() -> None:
    line = 'Korea’s "plan", China‘s ‘hope’ on “repatriration” ,which — x.'
    assert mend(line) == [line]


PIECES = st.sampled_from(
    ["1.", "2", "th", "°", "o", "-", "*", "※", "Words", "words.", " ", "\xa0", "\n", "\r\n", "\n\n", "\u3000"]
)


@given(st.text() | st.lists(PIECES, max_size=40).map("".join))
def test_mending_moves_nothing_but_white_space(text: str) -> None:
    def bare(anything: str) -> str:
        return re.sub(r"[\s\u200b\ufeff]", "", anything)

    assert bare("".join(mend(text))) == bare(text)
    assert "\n" not in "".join(mend(text))
