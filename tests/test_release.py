"""What a source page is understood as: its identity, date and kind, and the structure of its text."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import UnreadableSource
from qa.release import Release, read_release
from qa.source import SourcePage
from tests.conftest import needs_official, official_releases, release_of


def shape(release: Release) -> list[tuple[str | None, list[str]]]:
    """Number and kinds of parts of each paragraph; a point, dash or note with the index it belongs to."""
    return [
        (paragraph.number, [part.kind if part.of is None else f"{part.kind} of {part.of}" for part in paragraph.parts])
        for paragraph in release.paragraphs
    ]


def paragraphs(text: str, title: str = "Harbour Talks") -> list[tuple[str | None, str]]:
    release = release_of(text, title=title)
    return [(paragraph.number, release.text[paragraph.start : paragraph.end]) for paragraph in release.paragraphs]


def parts(text: str, title: str = "Harbour Talks") -> list[tuple[str, str, int | None]]:
    """Kind, words and owner of each part of the only paragraph."""
    release = release_of(text, title=title)
    (paragraph,) = release.paragraphs
    return [(part.kind, release.text[part.start : part.end], part.of) for part in paragraph.parts]


def test_a_whole_page_text_is_read() -> None:
    release = release_of(
        "본문 바로가기\n  1. Ministry of  Foreign Affairs, Republic of Korea youtube\nPress Releases\n\n"
        "Outcome of the  Harbour Talks\nDate\n2021-05-03\nhit\n12\n\n- Cranes for all -\n\n1. They met."
        "\n\n\xa0\n° They ate.\n\n/END/",
        name="harbour",
    )
    assert release == Release(
        id="harbour",
        title="Outcome of the Harbour Talks",
        date=date(2021, 5, 3),
        date_source="stated",
        url=None,
        board="m_5676",
        kind="outcome",
        provenance="official",
        subtitle="- Cranes for all -",
        text="1. They met.\n° They ate.",
        paragraphs=release.paragraphs,
        days=(),
        people=(),
        page=release.page,
        source="harbour.txt",
    )
    assert shape(release) == [("1", ["text", "point of 0"])]


# Numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Met.\n2. Ate.\n3. Left.", [("1", "Met."), ("2", "Ate."), ("3", "Left.")]),
        ("1.\nMet.\n\n2.\n\nAte.", [("1", "Met."), ("2", "Ate.")]),
        ("1.\xa0Met.\n2.  Ate.", [("1", "Met."), ("2", "Ate.")]),
        ("1. Met.\n2. Ate.\n2. Left.\n3. Rested.", [("1", "Met."), ("2", "Ate."), ("2", "Left."), ("3", "Rested.")]),
        ("1. Met.\n3. Left.", [("1", "Met."), ("3", "Left.")]),
        ("1. Aims.\n1.1 Ports.\n1.2. Tugs.\n2. Means.", [("1", "Aims."), ("1.1", "Ports."), ("1.2", "Tugs."), ("2", "Means.")]),
        ("They met.\n\nThey ate.", [(None, "They met."), (None, "They ate.")]),
        ("They met.\n1. Ate.", [(None, "They met."), ("1", "Ate.")]),
    ],
)
def test_paragraphs_have_the_numbers_that_were_printed(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert paragraphs(text) == expected


@pytest.mark.parametrize(
    "line",
    [
        "2018. That was the year.",
        "9. Far ahead of the count.",
        "12 states came.",
        "3.1 of another paragraph.",
        "2.5 million saw it.",
    ],
)
def test_a_line_that_only_looks_like_a_number_goes_on_with_its_paragraph(line: str) -> None:
    assert paragraphs(f"1. Met.\n{line}\n2. Left.") == [("1", f"Met.\n{line}"), ("2", "Left.")]


def test_the_number_stands_in_the_text_as_it_was_printed() -> None:
    assert release_of("1. Aims.\n1.1 Ports.\n1.2. Tugs.", title="Plan").text == "1. Aims.\n\n1.1 Ports.\n\n1.2. Tugs."


def test_headings_of_a_speech_that_look_like_numbers_are_its_words() -> None:
    speech = "Good day.\n1. Peace\nWe want peace.\n2. Trade\nWe trade."
    expected = [(None, line) for line in speech.split("\n")]
    assert paragraphs(speech, title="Welcome Remarks by the Minister") == expected
    at_board = release_of(speech, title="Welcome to the Forum", url="https://www.mofa.go.kr/eng/brd/m_5689/view.do?seq=1")
    assert [paragraph.number for paragraph in at_board.paragraphs] == [None] * 5


@pytest.mark.parametrize("title", ["Meeting Held to Address Famine", "Minister Delivers Keynote Speech at Forum"])
def test_a_report_on_a_speech_keeps_its_numbers(title: str) -> None:
    assert paragraphs("1. Met.\n2. Left.", title=title) == [("1", "Met."), ("2", "Left.")]


@pytest.mark.parametrize(
    ("lines", "subtitle"),
    [
        (["- Cranes for all -"], "- Cranes for all -"),
        (["– Cranes –", "", "- Tugs -"], "– Cranes – - Tugs -"),
        ([], None),
    ],
)
def test_lines_between_dashes_above_the_first_paragraph_are_the_subtitle(lines: list[str], subtitle: str | None) -> None:
    release = release_of("\n".join([*lines, "", "1. Met.", "2. Left."]), title="Talks")
    assert (release.subtitle, release.text) == (subtitle, "1. Met.\n\n2. Left.")


# Points, dashes and notes


@pytest.mark.parametrize("space", [" ", "", "\xa0"])
@pytest.mark.parametrize("marker", ["°", "º", "◦", "o", "O", "о", "ㅇ", "○", "•"])
def test_every_marker_makes_a_point_with_and_without_a_space(marker: str, space: str) -> None:
    printed = f"{marker}{space}They ate.".replace("\xa0", " ")
    assert parts(f"1. Met.\n{marker}{space}They ate.") == [("text", "Met.", None), ("point", printed, 0)]


@pytest.mark.parametrize(
    "line", ["OECD members came.", "ODA rose.", "Only two came.", "our guests left.", "O'Neil spoke.", "однако"]
)
def test_a_word_that_begins_like_a_marker_is_no_point(line: str) -> None:
    assert parts(f"1. Met.\n{line}".replace("\no", "\n\no").replace("\nо", "\n\nо"))[1] == ("text", line, None)


@pytest.mark.parametrize("gap", ["\n", "\n\n", "\n\xa0\n", "\n \n\t\n\u3000\n", "\r\n\r\n"])
def test_blank_lines_part_nothing_from_its_paragraph(gap: str) -> None:
    text = gap.join(["1. Met.", "° Ate.", "- fish", "* Fish: of the bay.", "2. Left."])
    assert shape(release_of(text, title="Talks")) == [("1", ["text", "point of 0", "dash of 1", "note of 2"]), ("2", ["text"])]


def test_a_third_level_dash_belongs_to_the_point_or_note_above() -> None:
    assert parts("1. Met.\n° Ate.\n- fish\n– rice\n° Drank.\n— tea\n※ Costs\n- 3 dollars") == [
        ("text", "Met.", None),
        ("point", "° Ate.", 0),
        ("dash", "- fish", 1),
        ("dash", "– rice", 1),
        ("point", "° Drank.", 0),
        ("dash", "— tea", 4),
        ("note", "※ Costs", 5),
        ("dash", "- 3 dollars", 6),
    ]


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("1. The pact* holds.\n° It is old.\n* Pact: of 1990", 0),
        ("1. The pact holds.\n° The ports* open.\n° Tugs wait.\n* Ports: two", 1),
        ("1. The pact* holds.\n° The “ports”* open.\n* Ports: two", 1),
        ("1. The pact holds.\n° It is old.\n※ Made in 1990", 1),
        ("1. The pact holds.\n※ Made in 1990", 0),
        ("1. The pact holds.\n° It is old.\n- and good\n*Old: of 1990", 2),
    ],
)
def test_a_note_qualifies_the_starred_word_above_or_else_the_nearest_part(text: str, owner: int) -> None:
    kind, _, of = parts(text)[-1]
    assert (kind, of) == ("note", owner)


def test_a_second_note_qualifies_the_same_part_as_the_first() -> None:
    assert shape(release_of("1. Met.\n° The ports* open.\n* Ports: two\n** Both new\n※ By May", title="Talks")) == [
        ("1", ["text", "point of 0", "note of 1", "note of 1", "note of 1"])
    ]


def test_a_note_of_an_unnumbered_release_stays_with_its_paragraph() -> None:
    assert paragraphs("Ten states* came.\n\n* Chad, Mali\n\nThey left.") == [
        (None, "Ten states* came.\n* Chad, Mali"),
        (None, "They left."),
    ]


def test_an_answer_at_a_briefing_stays_with_its_question() -> None:
    text = "Good day.\nQ: Why now?\nBecause of the tide.\nIt is high.\nQ2. And then?\nWe sail."
    assert paragraphs(text, title="Press Briefing (May 2, 2021)") == [
        (None, "Good day."),
        (None, "Q: Why now?\nBecause of the tide.\nIt is high."),
        (None, "Q2. And then?\nWe sail."),
    ]


# Identity


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=400", "m_5676-400"),
        ("http://mofa.go.kr/eng/brd/m_5674/view.do?srchFr=&seq=400&page=1", "m_5674-400"),
        ("https://www.mofa.go.kr/eng/brd/m_5676/list.do?seq=400", "page"),
        ("https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=4x", "page"),
        ("https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=٤", "page"),
        ("https://example.org/", "page"),
        (None, "page"),
    ],
)
def test_board_and_seq_are_the_id_else_the_files_name(url: str | None, identity: str) -> None:
    assert release_of("1. Met.", title="Talks", url=url).id == identity


def test_the_ministrys_link_is_shown_in_its_shortest_form_and_another_as_it_is() -> None:
    long = "http://mofa.go.kr/eng/brd/m_5674/view.do?srchFr=&seq=400&page=1"
    assert release_of("1. Met.", title="T", url=long).url == "https://www.mofa.go.kr/eng/brd/m_5674/view.do?seq=400"
    assert release_of("1. Met.", title="T", url=" https://example.org/a?b=1 ").url == "https://example.org/a?b=1"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "ftp://example.org/", "/eng/a", "https://", "http://[::", "x"]
)
def test_what_is_no_web_link_is_dropped(url: str) -> None:
    assert release_of("1. Met.", title="Talks", url=url).url is None
    assert release_of(f"Digest, not the ministry's words. Official release: {url}\nTalks\n1. Met.").url is None


def test_a_collected_file_is_known_by_its_name() -> None:
    release = release_of("1. Met.", title="Talks", name="m_5676-400")
    assert (release.id, release.url) == ("m_5676-400", "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=400")


def test_a_digest_says_so_and_links_to_the_official_release() -> None:
    first = "Digest, not the ministry's words. Official release: https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=7"
    release = release_of(f"{first}\n\nTalks\n2021-05-03\n\n1. Met.")
    assert (release.provenance, release.id, release.title, release.date) == ("digest", "m_5676-7", "Talks", date(2021, 5, 3))
    assert release.url == "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=7"
    assert release.text == "1. Met."
    assert release_of("Talks\n\n1. Met.").provenance == "official"


def test_twins_on_two_boards_are_two_releases() -> None:
    one = release_of("1. Met.\n2. Left.", title="Talks", url="https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=7")
    other = release_of("Met.\nLeft.", title="Talks", url="https://www.mofa.go.kr/eng/brd/m_5674/view.do?seq=7")
    assert (one.id, other.id) == ("m_5676-7", "m_5674-7")
    assert [paragraph.number for paragraph in (*one.paragraphs, *other.paragraphs)] == ["1", "2", None, None]


# Dates and refusals


@pytest.mark.parametrize(
    ("title", "stated", "text", "expected"),
    [
        ("Talks (May 2, 2021)", "2021-05-03", "1. Met.", (date(2021, 5, 3), "stated")),
        ("Talks (May 2, 2021)", None, "1. Met.", (date(2021, 5, 2), "title")),
        ("Talks", None, "1. Met on Monday, May 3, as in 2020.", (date(2021, 5, 3), "weekday")),
        ("Talks (May 2)", None, "1. The plan of 2021.", (date(2021, 5, 2), "years mentioned")),
        ("Talks", None, "1. Met today, as last September.", (None, "unknown")),
    ],
)
def test_the_date_says_what_told_it(title: str, stated: str | None, text: str, expected: tuple[date | None, str]) -> None:
    release = release_of(text, title=title, date=stated)
    assert (release.date, release.date_source) == expected


@pytest.mark.parametrize(
    ("text", "title", "stated", "reason"),
    [
        ("1. Met.", None, None, "has no title; put the title on its first line, or save the page as HTML"),
        ("바로가기 메뉴\nKOR\n", None, None, "has no title; put the title on its first line, or save the page as HTML"),
        ("Talks\n\n\xa0\n", None, None, "holds no text of a release"),
        ("/END/", "Talks", None, "holds no text of a release"),
        ("1. Met.", "Talks", "May 3", "its date 'May 3' is no YYYY-MM-DD in the years 1900 to 2099"),
        ("1. Met.", "Talks", "0001-01-01", "its date '0001-01-01' is no YYYY-MM-DD in the years 1900 to 2099"),
        ("1. Met.", "Talks", "9999-12-31", "its date '9999-12-31' is no YYYY-MM-DD in the years 1900 to 2099"),
        (
            "Talks\n2021-02-30\n1. Met.",
            None,
            None,
            "its date '2021-02-30' is no YYYY-MM-DD in the years 1900 to 2099",
        ),
    ],
)
def test_a_page_that_is_no_release_is_refused(text: str, title: str | None, stated: str | None, reason: str) -> None:
    with pytest.raises(UnreadableSource) as caught:
        release_of(text, title=title, date=stated)
    assert str(caught.value) == f"page.txt: {reason}"


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Outcome of the Third Harbour Dialogue", "outcome"),
        ("Minister Han Speaks by Telephone with his Counterpart", "outcome"),
        ("Vice Minister to Visit Chile", "news"),
        ("Korea to Send Medical Supplies to Samoa", "aid"),
        ("Korea to Provide Tents", "aid"),
        ("Decision on Export Sanctions", "decision"),
        ("Korea to Join the Tug Initiative", "decision"),
        ("Spokesperson’s Statement on the Strait", "statement"),
        ("Spokesperson’s Commentary on the Remarks of a President", "statement"),
        ("The 9th Harbour Committee (Joint Press Release)", "joint statement"),
        ("Annex Port Statement of Intent", "joint statement"),
        ("Port Declaration", "joint statement"),
        ("Closing Remarks by the Minister at the Forum", "speech"),
        ("Keynote Address at the Port Conference", "speech"),
        ("Meeting Held to Address Famine", "outcome"),
        ("Spokesperson's Press Briefing (May 2, 2021)", "briefing"),
        ("New Ambassador Named", "news"),
    ],
)
def test_the_title_tells_the_kind(title: str, kind: str) -> None:
    assert release_of("Met.", title=title).kind == kind


# Properties

OPENINGS = st.sampled_from(
    ["1. ", "2. ", "2.\n", "2.1 ", "3.", "° ", "o ", "ㅇ", "- ", "* ", "※ ", "Q: ", "\xa0", "", "\r\n", "Words* ", "204\nth "]
)
LINES = st.lists(st.tuples(OPENINGS, st.text(max_size=12)).map("".join), max_size=12).map("\n".join)
TITLES = st.sampled_from(["Harbour Talks", "Opening Remarks by a Guest", "Press Briefing"])


def bare(text: str) -> str:
    return re.sub(r"[\s\u200b\ufeff]", "", text)


@given(text=st.text() | LINES, title=TITLES)
def test_offsets_slice_every_paragraph_and_part_out_of_the_text(text: str, title: str) -> None:
    try:
        release = release_of(text, title=title)
    except UnreadableSource:
        return
    before = 0
    for paragraph in release.paragraphs:
        assert release.text[before : paragraph.start].strip().rstrip(".") == (paragraph.number or "")
        lines = [release.text[part.start : part.end] for part in paragraph.parts]
        assert "\n".join(lines) == release.text[paragraph.start : paragraph.end]
        assert all(line and "\n" not in line and bare(line) in bare(text) for line in lines)
        assert all(part.of is None or part.of < at for at, part in enumerate(paragraph.parts))
        before = paragraph.end
    assert before == len(release.text)


# The official releases


@needs_official
@pytest.mark.parametrize(("release", "count"), [("korea-china-virtual-meeting", 4), ("korea-china-busan-meeting", 9)])
def test_the_two_official_page_texts_have_their_numbers_and_board(release: str, count: int) -> None:
    found = official_releases()[release]
    assert [paragraph.number for paragraph in found.paragraphs] == [str(number) for number in range(1, count + 1)]
    assert (found.board, found.kind, found.provenance) == ("m_5676", "outcome", "official")


@needs_official
def test_the_points_and_notes_of_the_official_page_texts() -> None:
    virtual, busan = (official_releases()[f"korea-china-{where}-meeting"] for where in ("virtual", "busan"))
    assert shape(virtual) == [
        ("1", ["text", "point of 0"]),
        ("2", ["text"] + ["point of 0"] * 4),
        ("3", ["text"] + ["point of 0"] * 2),
        ("4", ["text"] + ["point of 0"] * 2),
    ]
    assert shape(busan)[3] == ("4", ["text", "note of 0"])


@needs_official
def test_points_notes_and_dashes_of_322033() -> None:
    release = official_releases()["m_5676-322033"]
    assert shape(release) == [
        ("1", ["text", "point of 0", "point of 0", "note of 2", "dash of 3", "dash of 3"]),
        ("2", ["text"]),
        ("3", ["text"]),
    ]
    part = release.paragraphs[0].parts[4]
    assert release.text[part.start : part.end] == "- 1st assistance: announced on February 28, worth US$10 million"


@needs_official
def test_the_twelve_countries_stand_in_the_third_paragraph_of_322612() -> None:
    release = official_releases()["m_5676-322612"]
    third = release.paragraphs[2]
    note = third.parts[1]
    assert (third.number, note.kind, note.of) == ("3", "note", 0)
    assert release.text[note.start : note.end].count(",") == 11
    assert release.text[note.start : note.end].startswith("* Burundi, Cameroon")


@needs_official
def test_forms_of_the_official_records() -> None:
    releases = official_releases()
    numbers = {key: [paragraph.number for paragraph in release.paragraphs] for key, release in releases.items()}
    assert numbers["m_5674-321008"] == ["1", "2", "2.1", "2.2", "2.3", "2.4", "2.5", "3"]
    assert numbers["m_5676-322009"] == ["1", "2", "3", "4", "5", "6", "7"]
    assert numbers["m_5676-322676"] == [None] * 8
    assert numbers["m_5676-322586"] == [None] * 2
    assert numbers["m_5676-322004"] == ["1", "2"]
    assert "held the 204th ROK-U.S. Status of Forces" in releases["m_5676-322354"].text
    assert (releases["m_5676-322590"].subtitle or "").startswith("- Discussion on ways")
    assert "repatriration" in releases["korea-china-busan-meeting"].text


@needs_official
def test_official_twins_are_kept_apart() -> None:
    releases = official_releases()
    for one, other in (
        ("m_5676-322424", "m_5674-320949"),
        ("m_5676-322734", "m_5674-321100"),
        ("m_5676-322929", "m_5674-321164"),
    ):
        first, second = releases[one], releases[other]
        assert first.paragraphs[0].number == "1"
        assert second.paragraphs[0].number is None
        assert first.date is not None
        assert second.date is not None
        assert 1 <= (second.date - first.date).days <= 3


def test_the_address_of_a_collected_page_is_that_of_its_file_name_whatever_its_markup_says() -> None:
    page = SourcePage(
        "m_5676-12.html", "m_5676-12", "Talks", "2024-01-02", "https://www.mofa.go.kr/eng/index.do", "1. They met."
    )
    release = read_release(page)
    assert (release.id, release.url) == ("m_5676-12", "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=12")
