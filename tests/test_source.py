"""Source pages: encodings, records, and everything a file can be that is not a release."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qa.source
from qa.errors import UnreadableSource
from qa.release import read_release
from qa.source import SUFFIXES, SourcePage, read_pages

RECORD = {"title": "Harbour Talks", "date": "2021-05-03", "url": "https://example.org/1", "text": "1. The ports reopen."}


def pages(path: Path, data: bytes | str) -> list[SourcePage | UnreadableSource]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read_pages(path))


def refusal(path: Path, data: bytes | str) -> str:
    """Why the file as a whole is refused; the error must name the file."""
    with pytest.raises(UnreadableSource) as caught:
        pages(path, data)
    assert caught.value.origin == str(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def reasons(found: list[SourcePage | UnreadableSource]) -> list[str]:
    return [one.reason if isinstance(one, UnreadableSource) else "read" for one in found]


def test_page_text_keeps_its_lines_and_states_nothing_apart(tmp_path: Path) -> None:
    path = tmp_path / "Harbour Talks (2).TXT"
    assert pages(path, "Harbour Talks\r\n\n1. The ports\r\nreopen.") == [
        SourcePage(str(path), "harbour-talks-2", None, None, None, "Harbour Talks\r\n\n1. The ports\r\nreopen.")
    ]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "항만 회담\n“두 나라”가 합의했다"),
        ("utf-8-sig", "항만 회담\n“두 나라”가 합의했다"),
        ("cp949", "항만 회담\n“두 나라”가 합의했다"),
    ],
)
def test_utf8_with_or_without_bom_and_cp949_give_the_same_text(tmp_path: Path, encoding: str, text: str) -> None:
    (page,) = pages(tmp_path / "a.txt", text.encode(encoding))
    assert isinstance(page, SourcePage)
    assert page.text == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\xc2\xa0\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is binary, not text"),
        ("Harbour".encode("utf-16-le"), "is binary, not text"),
        ("Harbour".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("항만".encode("utf-16-be").join([b"\xfe\xff", b""]), "is UTF-16; save it as UTF-8"),
        ("café à Séoul".encode("latin-1"), "is neither UTF-8 nor CP949; save it as UTF-8"),
        ("grüne Häfen größer".encode("latin-1"), "is neither UTF-8 nor CP949; save it as UTF-8"),
        (b"It\x92s \x93quoted\x94", "is neither UTF-8 nor CP949; save it as UTF-8"),
        (bytes(range(1, 256)), "is neither UTF-8 nor CP949; save it as UTF-8"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_no_text_is_refused_with_the_reason(tmp_path: Path, suffix: str, data: bytes, reason: str) -> None:
    assert refusal(tmp_path / f"page{suffix}", data) == reason


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qa.source, "MAX_BYTES", 3 * 2**20)
    assert refusal(tmp_path / "big.txt", b"a" * (4 * 2**20)) == "4 MB is over the limit of 3 MB; split it"
    assert len(pages(tmp_path / "fits.txt", b"a" * (3 * 2**20))) == 1


def test_the_limit_is_64_mib_and_a_100_mb_file_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.jsonl"
    path.touch()
    os.truncate(path, 100 * 2**20)  # sparse: no room is taken
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("the file was loaded"))
    with pytest.raises(UnreadableSource, match="100 MB is over the limit of 64 MB"):
        list(read_pages(path))


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.txt", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UnreadableSource, match=f"cannot be opened: {reason}"):
            list(read_pages(path))


def test_a_record_states_title_date_and_url(tmp_path: Path) -> None:
    (page,) = pages(tmp_path / "One.json", json.dumps(RECORD))
    assert page == SourcePage(
        f"{tmp_path}/One.json:1",
        "one-18c17418f5",
        "Harbour Talks",
        "2021-05-03",
        "https://example.org/1",
        "1. The ports reopen.",
    )


def test_lines_and_lists_of_records_come_in_order_and_name_their_place(tmp_path: Path) -> None:
    records = [{"text": "first"}, {"text": "second\u2028still second"}]
    lines = "\n\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n"
    by_line, by_item = pages(tmp_path / "a.jsonl", lines), pages(tmp_path / "b.json", json.dumps(records))
    assert [(page.origin, page.text) for page in by_line if isinstance(page, SourcePage)] == [
        (f"{tmp_path}/a.jsonl:1", "first"),
        (f"{tmp_path}/a.jsonl:3", "second\u2028still second"),
    ]
    assert [(page.origin, page.text) for page in by_item if isinstance(page, SourcePage)] == [
        (f"{tmp_path}/b.json:1", "first"),
        (f"{tmp_path}/b.json:2", "second\u2028still second"),
    ]


def test_records_without_a_url_get_names_of_their_own_that_do_not_depend_on_their_order(tmp_path: Path) -> None:
    one, other = '{"title": "A", "text": "x"}', '{"title": "B", "text": "x"}'
    names = [page.name for page in pages(tmp_path / "a.jsonl", f"{one}\n{other}") if isinstance(page, SourcePage)]
    turned = [page.name for page in pages(tmp_path / "a.jsonl", f"{other}\n{one}") if isinstance(page, SourcePage)]
    assert names[0] != names[1]
    assert turned == names[::-1]


def test_a_record_that_cannot_be_read_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    broken: list[object] = [
        3,
        ["text"],
        {"title": "A"},
        {"text": None},
        {"text": " \n"},
        {"text": 7},
        {"title": ["A"], "text": "x"},
        {"date": 2021, "text": "x"},
        {"url": {}, "text": "x"},
        {"text": "an emoji cut in two: \ud83d"},
        {"text": "whole"},
    ]
    expected = [
        "is not a record with title, date, url and text",
        "is not a record with title, date, url and text",
        "the record has no text",
        "the record has no text",
        "the record has no text",
        "the record's text is not a string",
        "the record's title is not a string",
        "the record's date is not a string",
        "the record's url is not a string",
        "the record's text holds half a character, an escape such as \\ud83d by itself",
        "read",
    ]
    assert reasons(pages(tmp_path / "a.json", json.dumps(broken))) == expected
    assert reasons(pages(tmp_path / "a.jsonl", "\n".join(map(json.dumps, broken)))) == expected


@pytest.mark.parametrize(("name", "text"), [("many.json", "[" + "1,\n" * 20_000 + "1]"), ("many.jsonl", "1\n" * 20_000)])
def test_a_file_of_records_that_are_none_is_refused_before_all_of_them_are_told(tmp_path: Path, name: str, text: str) -> None:
    assert refusal(tmp_path / name, text).startswith("has more than 10000 records that cannot be read, one of them ")


def test_json_that_takes_twenty_times_its_length_in_memory_is_not_parsed(tmp_path: Path) -> None:
    lists = "[" + "[]," * 1_000_000 + "[]]"
    assert refusal(tmp_path / "lists.json", lists) == "not JSON: more than 1000000 lists and records"
    assert reasons(pages(tmp_path / "lists.jsonl", lists)) == ["not JSON: more than 1000000 lists and records"]


def test_a_blank_field_counts_as_not_stated(tmp_path: Path) -> None:
    (page,) = pages(tmp_path / "a.json", json.dumps({"title": " ", "date": "", "url": None, "text": "x"}))
    assert isinstance(page, SourcePage)
    assert (page.title, page.date, page.url) == (None, None, None)


@pytest.mark.parametrize("data", ['{"text": "cut of', "text", "[" * 100_000, "1" * 5_000 + "e"])
def test_what_is_not_json_fails_a_file_of_one_and_only_its_line_of_many(tmp_path: Path, data: str) -> None:
    assert refusal(tmp_path / "a.json", data).startswith("not JSON: ")
    bad, good = reasons(pages(tmp_path / "a.jsonl", f'{data}\n{{"text": "x"}}'))
    assert bad.startswith("not JSON: ")
    assert good == "read"


def test_a_saved_page_gives_what_its_markup_states(tmp_path: Path) -> None:
    markup = """<html><head><link rel="canonical" href="https://example.org/9"></head><body><div class="board_detail">
        <h2>Harbour Talks</h2><div class="bo_head">2021.5.3</div><div class="bo_con"><p>1. The ports reopen.</p>
        </div></div></body></html>"""
    for name in ("talks.html", "talks.HTM"):
        assert pages(tmp_path / name, markup) == [
            SourcePage(
                f"{tmp_path}/{name}", "talks", "Harbour Talks", "2021-05-03", "https://example.org/9", "1. The ports reopen."
            )
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytes")


ANY_BYTES = st.binary(max_size=200) | st.text(max_size=200).map(str.encode)
MARKUP = st.lists(
    st.sampled_from(
        ["<html>", "</html>", "<p>", "<td class=detail_body>", "<div class='board_detail'>", "<h2>", "<title>", "View|"]
    )
    | st.sampled_from(
        ["<table>", "<br>", "</p>", "<!--", "<![CDATA[", "&#x110000;", "2021-99-99", "<svg>", "<template>", "\x01"]
    )
    | st.text(max_size=8)
).map(lambda parts: "".join(parts).encode())
RECORDS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "date", "url", "text", "x"]), inner),
).map(lambda record: json.dumps(record).encode())


@given(data=ANY_BYTES | MARKUP | RECORDS, suffix=st.sampled_from(SUFFIXES))
@settings(max_examples=300)
def test_reading_any_bytes_raises_nothing_but_our_own_error(folder: Path, data: bytes, suffix: str) -> None:
    path = folder / f"any{suffix}"
    path.write_bytes(data)
    try:
        found = list(read_pages(path))
    except UnreadableSource as error:
        assert error.origin == str(path)
        return
    for page in found:
        if isinstance(page, SourcePage):
            assert page.text.strip()
            try:
                read_release(page)
            except UnreadableSource as error:
                assert error.origin == page.origin
