from __future__ import annotations

import html
import importlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from embeddings.errors import ModelUnavailable
from qa.errors import QuoteMismatch
from qa.retrieve import Retriever
from tests.conftest import ROOT
from tests.library import (
    GRAIN,
    SEOUL_PORT,
    UNRELATED,
    record,
    retriever_over,
    use_calibration,
    use_fake_encoder,
    write_corpus,
)

HARBOUR = "Who agreed to widen the harbour of Busan?"
WIDEN = "The two ministers agreed to widen the harbour of Busan."
LINK = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=1"


class Shown(HTMLParser):
    """What a browser makes of a piece of HTML: its text, the text in each <mark>, its tags and its links."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text, self.marks, self.tags, self.links = "", list[str](), list[str](), list[str]()
        self._inside = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag == "mark":
            self._inside = True
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._inside:
            self.marks[-1] += data


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A corpus without an index, an encoder without a model."""
    use_fake_encoder(monkeypatch)
    use_calibration(monkeypatch)
    monkeypatch.setenv("QA_CORPUS", str(write_corpus(tmp_path / "corpus")))
    monkeypatch.setenv("QA_INDEX", str(tmp_path / "index"))
    st.cache_resource.clear()
    yield tmp_path
    st.cache_resource.clear()


def visit() -> AppTest:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not page.exception
    return page


def ask(page: AppTest, question: str) -> AppTest:
    page.chat_input[0].set_value(question).run()
    assert not page.exception
    return page


def shown(page: AppTest, message: int) -> list[Shown]:
    return [Shown(element.proto.body) for element in page.chat_message[message].get("html")]


def words(page: AppTest) -> str:
    """Every word of Streamlit's own elements, Markdown's escapes taken away."""
    elements: list[Any] = [*page.error, *page.caption, *page.markdown, *page.title]
    return re.sub(r"\\([^\w\s]|_)", r"\1", "\n".join(str(element.value) for element in elements))


def test_the_first_visit_builds_the_index_and_invites_a_question(place: Path) -> None:
    page = visit()
    assert not page.error
    assert page.title[0].value == "Ask the releases"
    assert "Every word shown is quoted from a release. Ask in English or Korean." in words(page)
    assert len(Retriever.load(place / "index").index.passages) == 3


def test_the_first_visit_shows_how_far_the_index_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, str]] = []

    class Bar:
        def progress(self, share: float, text: str) -> None:
            told.append((share, text))

        def empty(self) -> None:
            told.append((-1, "gone"))

    def bar(share: float, text: str) -> Bar:
        told.append((share, text))
        return Bar()

    monkeypatch.setattr(st, "progress", bar)
    visit()
    assert told == [(0.0, "First visit: loading the model …"), (1.0, "First visit: 3 of 3 passages encoded"), (-1, "gone")]


def test_a_later_visit_opens_the_index_that_is_there(place: Path) -> None:
    retriever_over(place)
    before = (place / "index" / "CURRENT").read_bytes(), (place / "index" / "CURRENT").stat().st_mtime_ns
    ask(visit(), HARBOUR)
    assert ((place / "index" / "CURRENT").read_bytes(), (place / "index" / "CURRENT").stat().st_mtime_ns) == before


def test_a_question_shows_the_passages_with_title_date_quote_and_link() -> None:
    page = ask(visit(), HARBOUR)
    assert [message.name for message in page.chat_message] == ["user", "assistant"]
    assert shown(page, 0)[0].text == HARBOUR
    first, *others = shown(page, 1)
    assert first.text == f"Harbour Talks Held2022-02-28 · Official page{SEOUL_PORT}"
    assert first.marks == [WIDEN]
    assert first.links == [LINK]
    assert [len(other.marks) for other in others] == [1, 1]
    assert "No release answers this" not in words(page)


def test_a_numbered_paragraph_of_a_digest_says_both(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        f"Digest, not the ministry's words. Official release: {LINK}\n\nHarbour Talks\n\nDate\n2022-02-28\n\n1. {SEOUL_PORT}\n"
    )
    (place / "page.txt").write_text(text, encoding="utf-8")
    monkeypatch.setenv("QA_CORPUS", str(place / "page.txt"))
    first = shown(ask(visit(), HARBOUR), 1)[0]
    assert "2022-02-28 · paragraph 1 · Official page" in first.text
    assert first.text.endswith("Digest: our summary, not the ministry's words")
    assert first.links == [LINK]


def test_a_release_without_date_or_address_says_so_and_links_nowhere(place: Path) -> None:
    bare = {"title": "Harbour", "date": None, "url": None, "text": SEOUL_PORT}
    write_corpus(place / "corpus", [bare])
    first = shown(ask(visit(), HARBOUR), 1)[0]
    assert "Harbourdate unknown" in first.text
    assert first.links == []


def test_a_passage_published_twice_is_shown_once_and_names_the_other(place: Path) -> None:
    write_corpus(place / "corpus", [record(1, "Talks", "2022-02-28", SEOUL_PORT), record(9, "Talks", "2022-03-01", SEOUL_PORT)])
    passages = shown(ask(visit(), HARBOUR), 1)
    assert len(passages) == 1
    assert re.search(r"Also published as m_5676-[19]$", passages[0].text)


HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> **bold** $x^2$ [a](javascript:alert(3)) '
    "</div><mark>&lt;b&gt; `code`"
)


def test_whatever_stands_in_a_release_is_shown_as_text(place: Path) -> None:
    text = f"The two ministers agreed to widen the harbour of Busan {HOSTILE} together. It rained {HOSTILE} all day."
    hostile = {"title": f"Harbour {HOSTILE}", "date": "2022-02-28", "url": 'https://example.org/?a="><script>b', "text": text}
    write_corpus(place / "corpus", [hostile])
    first = shown(ask(visit(), f"{HARBOUR} {HOSTILE}"), 1)[0]
    assert set(first.tags) == {"div", "a", "mark"}
    assert first.text.startswith(f"Harbour {HOSTILE}2022-02-28")
    assert text in first.text
    assert first.marks == [text.partition(" It rained")[0]]
    assert first.links == ['https://example.org/?a="><script>b']


def test_whatever_is_typed_is_shown_as_text() -> None:
    page = ask(visit(), f"{HARBOUR} {HOSTILE}")
    asked = shown(page, 0)[0]
    assert (asked.tags, asked.text) == (["div"], f"{HARBOUR} {HOSTILE}")


def test_no_element_of_the_page_lets_markdown_or_html_through_unescaped(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_CORPUS", str(place / HOSTILE.replace("/", "|")))
    page = visit()
    value = page.error[0].value
    assert HOSTILE.replace("/", "|") in words(page)
    assert re.search(r"(?<!\\)(?:\\\\)*[<>`*_$\[\]]", value) is None


def test_an_abstention_is_said_plainly_and_still_shows_the_nearest() -> None:
    page = ask(visit(), UNRELATED)
    assert "**No release answers this.**" in [element.value for element in page.markdown]
    assert "No release mentions “zebras”, “quietly”, “juggle”. The nearest:" in words(page)
    assert len(shown(page, 1)) == 3


def test_dates_in_the_sidebar_bound_what_is_found() -> None:
    page = visit()
    since, until = page.sidebar.date_input
    assert (since.label, until.label) == ("From", "To")
    assert "3 releases, 2022-02-28 to 2023-11-26" in words(page)
    since.set_value(since.max).run()
    ask(page, HARBOUR)
    assert [passage.text[:20] for passage in shown(page, 1)] == ["Orchard Visas Waived"]


def test_dates_that_exclude_each_other_are_an_error_on_the_page() -> None:
    page = visit()
    page.sidebar.date_input[0].set_value(page.sidebar.date_input[0].max)
    page.sidebar.date_input[1].set_value(page.sidebar.date_input[1].min).run()
    ask(page, HARBOUR)
    assert "since 2023-11-26 is after until 2022-02-28; swap them" in words(page)


def test_dates_without_a_release_are_an_abstention_that_names_no_nearest() -> None:
    page = visit()
    between = page.sidebar.date_input[0].min.replace(day=1, month=4)
    page.sidebar.date_input[0].set_value(between)
    page.sidebar.date_input[1].set_value(between).run()
    ask(page, HARBOUR)
    assert "No release lies within these dates." in words(page)
    assert "The nearest" not in words(page)
    assert shown(page, 1) == []


def test_a_conversation_stands_in_the_order_asked_and_follows_up() -> None:
    page = visit()
    for question in ("How much grain will Korea give to Kenya?", "And from which port of Odesa leaves it?", HARBOUR):
        ask(page, question)
    assert [message.name for message in page.chat_message] == ["user", "assistant"] * 3
    assert [shown(page, at)[0].text for at in (0, 2, 4)] == [
        "How much grain will Korea give to Kenya?",
        "And from which port of Odesa leaves it?",
        HARBOUR,
    ]
    assert [shown(page, at)[0].text.partition("2022")[0] for at in (1, 3, 5)] == [
        "Grain Assistance Decided",
        "Grain Assistance Decided",
        "Harbour Talks Held",
    ]
    carried = [turn.answer.question.carried for turn in page.session_state["turns"]]
    assert carried == [None, "How much grain will Korea give to Kenya?", None]
    assert shown(page, 3)[0].marks == [GRAIN.partition(". ")[2]]


def test_a_new_conversation_forgets_the_old_one() -> None:
    page = ask(visit(), "How much grain will Korea give to Kenya?")
    page.sidebar.button[0].click().run()
    assert [*page.chat_message] == []
    ask(page, "And when?")
    assert len(page.chat_message) == 2
    turn = page.session_state["turns"][0]
    assert turn.answer.question.carried is None


def test_a_question_without_words_is_an_error_in_the_conversation_which_goes_on() -> None:
    page = ask(ask(visit(), "???"), HARBOUR)
    assert [re.sub(r"\\", "", error.value) for error in page.error] == [
        "the question is empty; ask in words, in English or Korean"
    ]
    assert [message.name for message in page.chat_message] == ["user", "assistant"] * 2
    assert shown(page, 3)[0].marks == [WIDEN]


def test_a_passage_that_was_tampered_with_is_an_error_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit()

    def tampered(*_: object, **__: object) -> None:
        raise QuoteMismatch("m_5676-1#p1")

    monkeypatch.setattr(Retriever, "ask", tampered)
    ask(page, HARBOUR)
    assert "passage m_5676-1#p1 is not word for word in its release. Build the index anew: qa rebuild" in words(page)
    assert shown(page, 1) == []


def without_a_trace(page: AppTest, said: str) -> None:
    assert said in words(page)
    assert "Traceback" not in words(page)
    assert len(page.error) == 1
    assert not page.chat_input  # there is nothing to ask


def test_no_corpus_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv("QA_CORPUS", str(place / "none"))
    without_a_trace(visit(), f"no release found in {place / 'none'}")


def test_a_damaged_index_is_an_error_that_names_the_command(place: Path) -> None:
    retriever_over(place)
    next((place / "index").rglob("passages.jsonl")).write_bytes(b"")
    without_a_trace(visit(), f"Build it anew: qa rebuild --index {place / 'index'}")


def test_a_model_that_cannot_be_had_is_an_error_that_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(name: str) -> None:
        raise ModelUnavailable(name, "no route to the hub")

    monkeypatch.setattr(importlib.import_module("qa.rebuild"), "load_encoder", unavailable)
    without_a_trace(visit(), "--model minilm")


def test_a_place_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    (place / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("QA_INDEX", str(place / "file" / "index"))
    without_a_trace(visit(), str(place / "file"))


def test_the_styles_are_the_only_other_html_on_the_page() -> None:
    page = visit()
    bodies = [element.proto.body for element in page.get("html")]
    assert len(bodies) == 1
    assert Shown(bodies[0]).tags == ["style"]
    assert html.unescape(bodies[0]) == bodies[0]
