from __future__ import annotations

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
from page.own import place_for
from qa.errors import QuoteMismatch
from qa.feedback import feedback_questions, read_feedback
from qa.rebuild import rebuild
from qa.retrieve import Retriever
from tests.conftest import ROOT, FakeEncoder
from tests.library import (
    GRAIN,
    SEOUL_PORT,
    UNRELATED,
    VISA,
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
    monkeypatch.setenv("QA_OWN", str(tmp_path / "own"))
    monkeypatch.setenv("QA_FEEDBACK", str(tmp_path / "feedback.sqlite"))
    monkeypatch.delenv("QA_PUBLIC", raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()


def visit() -> AppTest:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not page.exception
    return page


def ask(page: AppTest, question: str) -> AppTest:
    page.chat_input[0].set_value(question).run()
    assert not page.exception
    return page


def shown(page: AppTest, message: int) -> list[Shown]:
    """What was asked, for an even message; for an odd one, each passage."""
    bodies = [element.proto.body for element in page.chat_message[message].get("html")]
    return [Shown(body) for body in bodies if message % 2 == 0 or body.startswith("<article")]


def html_of(page: AppTest) -> str:
    """The words of all HTML of the page but its styles and script."""
    bodies = [element.proto.body for element in page.get("html")]
    return "\n".join(Shown(body).text for body in bodies if not body.startswith(("<style", "<script")))


def release_of(page: AppTest) -> Shown:
    """The text of the release that is open."""
    bodies = [element.proto.body for element in page.get("html") if 'class="release"' in element.proto.body]
    return Shown(bodies[0][bodies[0].index('<div class="release"') :])


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Every word of Streamlit's own elements, Markdown's escapes taken away."""
    elements: list[Any] = [*page.error, *page.warning, *page.info, *page.success, *page.caption, *page.markdown, *page.title]
    return re.sub(r"\\([^\w\s]|_)", r"\1", "\n".join(str(element.value) for element in elements))


def test_the_first_visit_builds_the_index_and_invites_a_question(place: Path) -> None:
    page = visit()
    assert not page.error
    assert page.title[0].value == "Ask the releases"
    assert "Every word in quotes is a release's. Nothing is generated." in words(page)
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
    assert [(share, text.replace("\\", "")) for share, text in told] == [
        (0.0, "First visit: loading the model …"),
        (1.0, "First visit: 3 of 3 passages encoded"),
        (-1, "gone"),
    ]


def test_a_later_visit_opens_the_index_that_is_there(place: Path) -> None:
    retriever_over(place)
    before = (place / "index" / "CURRENT").read_bytes(), (place / "index" / "CURRENT").stat().st_mtime_ns
    ask(visit(), HARBOUR)
    assert ((place / "index" / "CURRENT").read_bytes(), (place / "index" / "CURRENT").stat().st_mtime_ns) == before


def test_a_question_shows_the_quote_its_passage_source_and_link() -> None:
    page = ask(visit(), HARBOUR)
    assert [message.name for message in page.chat_message] == ["user", "assistant"]
    assert shown(page, 0)[0].text == HARBOUR
    first, *others = shown(page, 1)
    assert first.text.startswith(WIDEN)
    assert "agreedHarbour Talks Held28 February 2022 · paragraph 1 · outcome of a meeting or call" in first.text
    assert first.text.endswith(SEOUL_PORT)
    assert first.marks == [WIDEN]
    assert [len(other.marks) for other in others] == [1, 1]
    assert links_of(page)[0] == f"{LINK}#:~:text=The%20two%20ministers%20agreed%20to%20widen%20the%20harbour%20of%20Busan."
    assert "No release answers this" not in html_of(page)


def links_of(page: AppTest) -> list[str]:
    return [link for element in page.get("html") for link in Shown(element.proto.body).links if link.startswith("http")]


def test_a_digest_says_so_and_is_linked_without_a_sentence_that_is_not_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        f"Digest, not the ministry's words. Official release: {LINK}\n\nHarbour Talks\n\nDate\n2022-02-28\n\n1. {SEOUL_PORT}\n"
    )
    (place / "page.txt").write_text(text, encoding="utf-8")
    monkeypatch.setenv("QA_CORPUS", str(place / "page.txt"))
    page = ask(visit(), HARBOUR)
    assert shown(page, 1)[0].text.endswith("Digest: our summary, not the ministry's words")
    assert links_of(page)[0] == LINK


def test_a_point_is_counted_and_its_note_stands_below_the_quote(place: Path) -> None:
    text = "1. It rained.\n2. They met.\n° Snow fell on Jeju.\n° The harbour of Busan is widened.\n* It was opened in 1876."
    write_corpus(place / "corpus", [record(1, "Talks", "2022-02-28", text)])
    first = shown(ask(visit(), "Is the harbour of Busan widened?"), 1)[0]
    assert first.text.startswith("The harbour of Busan is widened.* It was opened in 1876.")
    assert "paragraph 2, second point" in first.text


def test_a_release_without_date_or_address_says_so_and_links_nowhere(place: Path) -> None:
    bare = {"title": "Harbour", "date": None, "url": None, "text": SEOUL_PORT}
    write_corpus(place / "corpus", [bare])
    page = ask(visit(), HARBOUR)
    assert "Harbourdate unknown" in shown(page, 1)[0].text
    assert links_of(page) == []


def test_a_passage_published_twice_is_shown_once_and_names_the_other(place: Path) -> None:
    write_corpus(place / "corpus", [record(1, "Talks", "2022-02-28", SEOUL_PORT), record(9, "Talks", "2022-03-01", SEOUL_PORT)])
    passages = shown(ask(visit(), HARBOUR), 1)
    assert len(passages) == 1
    assert re.search(r"Also published on Press Releases, (28 February|1 March) 2022$", passages[0].text)


HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> **bold** $x^2$ [a](javascript:alert(3)) '
    "</div><mark>&lt;b&gt; `code`"
)


def test_whatever_stands_in_a_release_is_shown_as_text(place: Path) -> None:
    text = f"The two ministers agreed to widen the harbour of Busan {HOSTILE} together. It rained {HOSTILE} all day."
    hostile = {"title": f"Harbour {HOSTILE}", "date": "2022-02-28", "url": 'https://example.org/?a="><script>b', "text": text}
    write_corpus(place / "corpus", [hostile])
    page = ask(visit(), f"{HARBOUR} {HOSTILE}")
    first = shown(page, 1)[0]
    assert set(first.tags) == {"article", "blockquote", "p", "span", "cite", "div", "mark"}
    assert f"Harbour {HOSTILE}28 February 2022" in first.text
    assert text in first.text
    assert first.marks == [text.partition(" It rained")[0]]
    assert links_of(page)[0].startswith("https://example.org/?a=%22%3E%3Cscript%3Eb#:~:text=")
    press(page, "open-1-1")
    release = release_of(page)
    assert set(release.tags) == {"div", "section", "p", "mark"}
    assert release.text == text


def test_whatever_is_typed_is_shown_as_text() -> None:
    page = ask(visit(), f"{HARBOUR} {HOSTILE}")
    asked = shown(page, 0)[0]
    assert (asked.tags, asked.text) == (["h2"], f"{HARBOUR} {HOSTILE}")
    for popover in page.get("popover"):
        assert re.search(r"(?<!\\)(?:\\\\)*[<>`*_$\[\]]", popover.proto.popover.label) is None


def test_no_element_of_the_page_lets_markdown_or_html_through_unescaped(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_CORPUS", str(place / HOSTILE.replace("/", "|")))
    page = visit()
    value = page.error[0].value
    assert HOSTILE.replace("/", "|") in words(page)
    assert re.search(r"(?<!\\)(?:\\\\)*[<>`*_$\[\]]", value) is None


def test_an_abstention_says_what_is_missing_what_is_searched_and_what_to_ask_instead() -> None:
    page = ask(visit(), UNRELATED)
    told = html_of(page)
    assert "No release answers this." in told
    assert "do not mention “Zebras”, “quietly”, “juggle”." in told
    assert "3 releases are searched, 28 February 2022 to 26 November 2023." in told
    assert "The nearest passages, which do not answer it" in told
    assert len(shown(page, 1)) == 3
    offer = page.button(key="instead-1-0")
    assert re.fullmatch(r"What do the releases say about “.* .*”\\\?|What do the releases say about “.*”\?", offer.label)
    press(page, "instead-1-0")
    assert [message.name for message in page.chat_message] == ["user", "assistant"] * 2


def test_dates_in_the_sidebar_bound_what_is_found() -> None:
    page = visit()
    since, until = page.sidebar.date_input
    assert (since.label, until.label) == ("From", "To")
    assert "3 releases, 28 February 2022 – 26 November 2023" in words(page)
    since.set_value(since.max).run()
    ask(page, HARBOUR)
    assert ["Orchard Visas Waived" in passage.text for passage in shown(page, 1)] == [True]


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
    assert "No passage is left within the filters." in html_of(page)
    assert "The nearest" not in html_of(page)
    assert shown(page, 1) == []
    press(page, "instead-1-0")
    assert len(shown(page, 3)) == 3


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
    titles = ("Grain Assistance Decided", "Grain Assistance Decided", "Harbour Talks Held")
    assert [title in shown(page, at)[0].text for at, title in zip((1, 3, 5), titles, strict=True)] == [True] * 3
    carried = [turn.answer.question.carried for turn in turns_of(page)]
    assert carried == [None, "How much grain will Korea give to Kenya?", None]
    assert shown(page, 3)[0].marks == [GRAIN.partition(". ")[2]]


def turns_of(page: AppTest) -> list[Any]:
    conversations = page.session_state["conversations"]
    return list(conversations[page.session_state["current"]].turns)


def test_a_new_conversation_forgets_the_old_one_which_can_be_gone_back_to() -> None:
    page = ask(visit(), "How much grain will Korea give to Kenya?")
    press(page, "new")
    assert [*page.chat_message] == []
    ask(page, "And when?")
    assert len(page.chat_message) == 2
    assert turns_of(page)[0].answer.question.carried is None
    press(page, "conversation-0")
    assert [turn.request.text for turn in turns_of(page)] == ["How much grain will Korea give to Kenya?"]
    assert page.query_params["q"] == "How much grain will Korea give to Kenya?"


def test_leaving_out_what_was_carried_over_asks_again_in_place() -> None:
    page = ask(ask(visit(), "How much grain will Korea give to Kenya?"), "And when?")
    press(page, "carried-out-2")
    first, second = turns_of(page)
    assert (first.number, second.number) == (1, 3)
    assert second.answer.question.carried is None


def test_a_period_is_left_out_or_changed_and_the_link_says_so() -> None:
    page = ask(visit(), "Who agreed to widen the harbour of Busan in 2022?")
    assert turns_of(page)[0].answer.question.period.said == "2022"
    press(page, "period-out-1")
    assert turns_of(page)[0].answer.question.period is None
    assert page.query_params["aside"] == "period"
    press(page, "new")
    ask(page, "Who agreed to widen the harbour of Busan in 2022?")
    press(page, "days-again-3")
    question = turns_of(page)[0].answer.question
    assert (str(question.since), str(question.until), question.period) == ("2022-01-01", "2022-12-31", None)


def test_a_country_is_changed_in_the_question() -> None:
    page = ask(visit(), "How much grain will Korea give to Kenya?")
    page.text_input(key="name-34-other-1").set_value("Chile").run()
    press(page, "name-34-again-1")
    assert turns_of(page)[0].request.text == "How much grain will Korea give to Chile?"


def test_a_speaker_is_asked_for_only_and_the_filter_is_left_out_again() -> None:
    page = ask(visit(), "What did the two ministers agree?")
    press(page, "asked-again-1")
    assert turns_of(page)[0].request.filters == {"speaker": "the two sides", "side": "both", "act": "agreed"}
    press(page, "said-out-2")
    assert turns_of(page)[0].request.filters == {}


def test_a_link_asks_again_with_its_filters_and_what_it_follows() -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params.update({"q": "And when?", "after": HARBOUR, "since": "2022-02-01", "act": "agreed"})
    page.run()
    assert not page.exception
    turn = turns_of(page)[0]
    assert (turn.answer.question.carried, str(turn.answer.question.since)) == (HARBOUR, "2022-02-01")
    assert turn.request.parameters(HARBOUR) == {"q": "And when?", "after": HARBOUR, "since": "2022-02-01", "act": "agreed"}


@pytest.mark.parametrize(
    "days", [{"since": "0001-01-01"}, {"until": "9999-12-31"}, {"since": "1900-01-01", "until": "2999-12-31"}]
)
def test_a_link_with_days_far_from_any_release_is_asked_and_can_be_changed(days: dict[str, str]) -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params.update({"q": HARBOUR, **days})
    page.run()
    assert not page.exception
    assert {name: str(page.date_input(key=f"{name}-1").value) for name in days} == days


def come_back(page: AppTest, address: dict[str, str]) -> AppTest:
    """What a browser does on Back: it runs the page again with an earlier address."""
    page.query_params.clear()
    page.query_params.update(address)
    page.run()
    assert not page.exception
    return page


def test_the_browser_s_back_leads_to_the_question_before_and_forward_to_the_next() -> None:
    page = ask(ask(visit(), HARBOUR), "How much grain will Korea give to Kenya?")
    come_back(page, {"q": HARBOUR})
    assert (page.session_state["newest"], len(turns_of(page))) == (1, 2)
    come_back(page, {"q": "How much grain will Korea give to Kenya?"})
    assert (page.session_state["newest"], len(turns_of(page))) == (2, 2)
    come_back(page, {})
    assert [*page.chat_message] == []
    come_back(page, {"q": HARBOUR})
    assert [turn.request.text for turn in turns_of(page)] == [HARBOUR, "How much grain will Korea give to Kenya?"]


def test_the_browser_s_back_undoes_a_change_to_a_question() -> None:
    page = ask(visit(), "Who agreed to widen the harbour of Busan in 2022?")
    press(page, "period-out-1")
    come_back(page, {"q": "Who agreed to widen the harbour of Busan in 2022?"})
    assert [turn.answer.question.period.said for turn in turns_of(page)] == ["2022"]


@pytest.mark.parametrize("wrong", [{"since": "yesterday"}, {"act": "sang"}, {"side": "mine"}, {"q": "???"}])
def test_a_link_that_is_not_one_is_an_error_in_the_conversation(wrong: dict[str, str]) -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params.update({"q": HARBOUR, **wrong})
    page.run()
    assert not page.exception
    assert len(page.error) == 1


def test_a_release_is_opened_at_the_sentence_and_closed() -> None:
    page = press(ask(visit(), HARBOUR), "open-1-1")
    release = release_of(page)
    assert release.marks == [WIDEN]
    assert release.text == SEOUL_PORT
    press(page, "close")
    assert not [element for element in page.get("html") if 'class="release"' in element.proto.body]


TALKS = "Outcome of Korea-Spain Foreign Ministers' Meeting"


def two_talks(place: Path) -> None:
    later = "The two ministers agreed to widen the harbour of Busan. They agreed to plant orchards."
    write_corpus(place / "corpus", [record(1, TALKS, "2022-02-28", SEOUL_PORT), record(2, TALKS, "2023-02-28", later)])


def test_a_series_leads_from_release_to_release_and_to_what_changed(place: Path) -> None:
    two_talks(place)
    page = ask(visit(), "Did they agree to plant orchards?")
    press(page, "open-1-1")
    assert "2 of 2 in its series" in html_of(page)
    press(page, "compare")
    table = next(Shown(element.proto.body).text for element in page.get("html") if 'class="pairs"' in element.proto.body)
    assert "1 new · 1 repeated · 1 dropped" in table
    assert "NewThey agreed to plant orchards." in table
    assert "DroppedThey thanked the mayor for her lantern parade." in table
    press(page, "back")
    press(page, "series-m_5676-1")
    assert "1 of 2 in its series" in html_of(page)


def test_a_topic_is_told_through_time_and_a_year_asks_within_it(place: Path) -> None:
    two_talks(place)
    page = press(ask(visit(), HARBOUR), "time-1")
    assert "28 February 2022" in html_of(page)
    assert [page.button(key=f"year-1-{year}").label for year in (2022, 2023)] == ["2022 (1)", "2023 (1)"]
    assert "1 repeated" in html_of(page)
    press(page, "year-1-2023")
    assert turns_of(page)[1].request.filters == {"since": "2023-01-01", "until": "2023-12-31"}
    assert page.session_state["sheet"] is None


def test_a_thumb_and_a_remark_are_kept_and_make_a_question(place: Path) -> None:
    page = ask(visit(), HARBOUR)
    page.feedback(key="thumb-1-1").set_value(1).run()
    page.text_input(key="remark-1-1").set_value("=good").run()
    page.feedback(key="thumb-1-2").set_value(0).run()
    assert not page.exception
    assert [(told.up, told.remark) for told in read_feedback(place / "feedback.sqlite")] == [(True, "=good"), (False, "")]
    [question] = feedback_questions(place / "feedback.sqlite")
    assert (question.question, question.answers) == (HARBOUR, (("m_5676-1", WIDEN),))


def test_the_interface_is_korean_where_that_is_chosen() -> None:
    page = visit()
    page.session_state["language"] = "ko"
    ask(page.run(), HARBOUR)
    assert page.title[0].value == "보도자료에 묻기"
    assert "2022년 2월 28일 · 1번 단락" in shown(page, 1)[0].text
    assert shown(page, 1)[0].marks == [WIDEN]


def test_one_s_own_text_is_shown_as_understood_added_and_found_after_a_rebuild(place: Path) -> None:
    page = press(visit(), "own")
    page.text_area(key="own-text").set_value("Lantern Parade Held\n\n1. Lanterns lit the river of Jeonju.\n").run()
    assert "Lantern Parade Held" in html_of(page)
    press(page, "add")
    assert [file.name for file in (place / "own").iterdir()] == ["lantern-parade-held.txt"]
    assert "1 release is newer than the index." in words(page)
    press(page, "rebuild-stale")
    assert "Rebuilt: 4 releases, 4 passages." in words(page)
    assert "newer than the index" not in words(page)
    ask(page, "What lit the river of Jeonju?")
    assert shown(page, 1)[0].text.startswith("Lanterns lit the river of Jeonju.")


def test_two_pages_of_one_name_are_both_kept(place: Path) -> None:
    folder = place / "own"
    folder.mkdir()
    for content in (b"<p>one</p>", b"<p>two</p>", b"<p>one</p>"):
        place_for(folder, "view.html", content).write_bytes(content)
    assert sorted(file.read_bytes() for file in folder.iterdir()) == [b"<p>one</p>", b"<p>two</p>"]
    assert {file.suffix for file in folder.iterdir()} == {".html"}


def test_an_answer_stays_as_it_was_when_its_release_is_changed_or_gone(place: Path) -> None:
    page = ask(visit(), HARBOUR)
    before = shown(page, 1)[0].text
    write_corpus(place / "corpus", [record(3, "Orchard Visas Waived", "2023-11-26", VISA)])
    rebuild([place / "corpus"], place / "index", encoder=FakeEncoder("e5"))
    page.run()
    assert not page.exception
    assert shown(page, 1)[0].text == before
    press(page, "open-1-1")
    assert "This release is no longer in the index." in words(page)
    ask(page, HARBOUR)
    assert [passage.text.startswith(WIDEN) for passage in shown(page, 3)] == [False]


def test_a_public_installation_offers_no_rebuild_and_takes_no_release(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever_over(place)
    write_corpus(place / "corpus" / "more", [record(8, "Snow", None, "Snow fell.")])
    monkeypatch.setenv("QA_PUBLIC", "1")
    page = visit()
    assert "1 release is newer than the index." in words(page)
    assert not [button for button in page.button if button.key in ("own", "rebuild-stale")]


def test_suggested_questions_are_answered_and_of_the_titles(place: Path) -> None:
    two_talks(place)
    page = visit()
    labels = [
        re.sub(r"\\([^\w\s])", r"\1", button.label) for button in page.button if (button.key or "").startswith("suggested-")
    ]
    assert all("Korea-Spain Foreign Ministers' Meeting" in label for label in labels)


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


def test_the_only_script_holds_numbers_and_a_language_and_no_word_of_anybody() -> None:
    page = ask(visit(), f"{HARBOUR} {HOSTILE}")
    scripts = [element.proto for element in page.get("html") if element.proto.unsafe_allow_javascript]
    assert len(scripts) == 1
    assert re.search(r"const told = (\{.*?\});", scripts[0].body)[1] == '{"language": "en", "turn": 1, "sheet": 0}'  # type: ignore[index]
