from __future__ import annotations

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa.errors import BadQuestion, NotFound, QaError
from qa.rebuild import rebuild
from qa.retrieve import Retriever
from qa.standing import SURE, Report, forget, keep, kept_news, look, remember, standing_questions
from tests.conftest import FakeEncoder
from tests.library import RECORDS, Record, record, use_calibration, write_corpus

HARBOUR = "Who agreed to widen the harbour of Busan?"
GRAIN = "How many dollars for grain to Kenya will Korea give?"
AGAIN = record(6, "Harbour Talks Resumed", "2024-02-28", "The two ministers agreed to widen the harbour of Busan for ferries.")
OTHER = record(7, "Lanterns Lit", "2024-03-01", "A kite maker of Jeonju lit seven lanterns at dusk.")


@pytest.fixture(autouse=True)
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    use_calibration(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "standing.sqlite"


def over(folder: Path, records: Sequence[Record], model: str = "fake") -> Retriever:
    """A retriever over the index in `folder`, rebuilt from these records."""
    encoder = FakeEncoder(model)
    rebuild([write_corpus(folder / "corpus", records)], folder / "index", encoder=encoder)
    return Retriever.load(folder / "index", encoder=encoder)


def told(reports: Sequence[Report]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The questions with their news, as (change, release)."""
    return [(each.question.text, [(news.change, news.hit.release_id) for news in each.news]) for each in reports]


def reported(path: Path, retriever: Retriever) -> list[tuple[str, list[tuple[str, str]]]]:
    reports = look(path, retriever)
    keep(path, reports)
    return told(reports)


def test_a_release_that_newly_answers_is_news_once(path: Path, tmp_path: Path) -> None:
    for question in (HARBOUR, GRAIN):
        remember(path, question, over(tmp_path, RECORDS).index)
    later = over(tmp_path, [*RECORDS, AGAIN, OTHER])
    assert told(look(path, later)) == [(HARBOUR, [("new", "m_5676-6")]), (GRAIN, [])]
    assert reported(path, later) == [(HARBOUR, [("new", "m_5676-6")]), (GRAIN, [])]  # a look alone tells nobody
    assert reported(path, later) == [(HARBOUR, []), (GRAIN, [])]


def test_every_release_that_answers_by_itself_is_news(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    more = [record(seq, f"Talks {seq}", f"20{seq}-01-28", f"{AGAIN['text']} Day {seq}.") for seq in range(25, 60)]
    [(_, news)] = told(look(path, over(tmp_path, [*RECORDS, OTHER, *more])))
    assert sorted(news) == [("new", f"m_5676-{seq}") for seq in range(25, 60)]


def test_one_that_is_less_than_sure_to_answer_is_no_news(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    near = record(8, "Ferry Talks", "2024-02-28", "The harbour of Busan is old and grey.")
    retriever = over(tmp_path, [*RECORDS, near])
    assert 0.5 <= retriever.ask(HARBOUR, releases=["m_5676-8"]).confidence < SURE
    assert reported(path, retriever) == [(HARBOUR, [])]


def test_an_official_text_that_was_changed_is_news_as_changed(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    changed = {**RECORDS[0], "text": f"{RECORDS[0]['text']} The mayor waved."}
    assert reported(path, over(tmp_path, [changed, *RECORDS[1:]])) == [(HARBOUR, [("changed", "m_5676-1")])]


def test_what_was_removed_and_came_back_is_no_news(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    assert reported(path, over(tmp_path, RECORDS[1:])) == [(HARBOUR, [])]
    assert reported(path, over(tmp_path, RECORDS)) == [(HARBOUR, [])]


def test_neither_another_model_nor_another_folder_makes_old_releases_new(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    assert reported(path, over(tmp_path, RECORDS, "other")) == [(HARBOUR, [])]
    assert reported(path, over(tmp_path / "elsewhere", [*RECORDS, AGAIN])) == [(HARBOUR, [("new", "m_5676-6")])]


def test_the_same_text_on_a_second_board_is_no_news(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    twin = {**RECORDS[0], "date": "2022-03-02", "url": "https://www.mofa.go.kr/eng/brd/m_5674/view.do?seq=9"}
    assert reported(path, over(tmp_path, [*RECORDS, twin])) == [(HARBOUR, [])]
    both = [AGAIN, {**AGAIN, "url": "https://www.mofa.go.kr/eng/brd/m_5674/view.do?seq=8"}]
    [(_, news)] = reported(path, over(tmp_path, [*RECORDS, *both]))
    assert len(news) == 1


def test_a_question_of_a_time_is_not_answered_by_releases_of_another(path: Path, tmp_path: Path) -> None:
    remember(path, "Who agreed to widen the harbour of Busan in 2022?", over(tmp_path, RECORDS).index)
    assert [news for _, news in told(look(path, over(tmp_path, [*RECORDS, AGAIN])))] == [[]]


def test_the_first_report_of_a_question_kept_without_an_index_takes_all_as_known(path: Path, tmp_path: Path) -> None:
    assert remember(path, HARBOUR, None).reported is None
    [report] = look(path, over(tmp_path, RECORDS))
    assert (report.first, report.news, report.record()["releases"]) == (True, (), 3)
    keep(path, [report])
    assert reported(path, over(tmp_path, [*RECORDS, AGAIN])) == [(HARBOUR, [("new", "m_5676-6")])]


def test_a_question_is_kept_once_and_a_second_time_changes_nothing(path: Path, tmp_path: Path) -> None:
    first = remember(path, f"  {HARBOUR}\n", over(tmp_path, RECORDS).index)
    assert first.text == HARBOUR
    assert remember(path, HARBOUR, over(tmp_path, [*RECORDS, AGAIN]).index) == first
    assert standing_questions(path) == [first]
    assert reported(path, over(tmp_path, [*RECORDS, AGAIN])) == [(HARBOUR, [("new", "m_5676-6")])]


def test_a_question_is_forgotten_by_its_number_or_its_words_with_its_news(path: Path, tmp_path: Path) -> None:
    for question in (HARBOUR, GRAIN):
        remember(path, question, over(tmp_path, RECORDS).index)
    reported(path, over(tmp_path, [*RECORDS, AGAIN]))
    assert len(kept_news(path)[1]) == 1
    assert forget(path, "1").text == HARBOUR
    assert kept_news(path)[1] == []
    assert forget(path, f" {GRAIN} ").text == GRAIN
    assert standing_questions(path) == []
    with pytest.raises(NotFound, match="3: no question of this number or wording is kept; qa watch lists"):
        forget(path, "3")


def test_the_news_that_are_kept_say_when_and_to_what_the_latest_first(path: Path, tmp_path: Path) -> None:
    remember(path, HARBOUR, over(tmp_path, RECORDS).index)
    reported(path, over(tmp_path, [*RECORDS, AGAIN]))
    changed = {**AGAIN, "text": f"{AGAIN['text']} A mayor waved."}
    reported(path, over(tmp_path, [*RECORDS, changed]))
    feed, news = kept_news(path)
    assert [(each["question"], each["change"], each["title"]) for each in news] == [
        (HARBOUR, "changed", AGAIN["title"]),
        (HARBOUR, "new", AGAIN["title"]),
    ]
    assert news[0]["link"].startswith(f"{AGAIN['url']}#:~:text=")
    assert all(each["text"][quote["start"] : quote["end"]] == quote["text"] for each in news for quote in each["quotes"])
    assert kept_news(path)[0] == feed


def test_what_cannot_be_asked_is_not_kept(path: Path) -> None:
    for question in ("?", "x" * 1_000_000):
        with pytest.raises(BadQuestion):
            remember(path, question, None)
    assert standing_questions(path) == []


def test_ten_at_once_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(10) as people:
        list(people.map(lambda at: remember(path, f"Who spoke on day {at}?", None), range(30)))
    assert len(standing_questions(path)) == 30


def test_words_of_a_question_are_text_and_no_sql(path: Path) -> None:
    question = "Who'); DROP TABLE questions; --"
    assert remember(path, question, None).text == question
    assert forget(path, question).text == question


def test_a_file_that_is_none_of_ours_is_an_error_that_names_the_way_out(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database, but long enough to be taken for one" * 40)
    for use in (lambda: remember(path, HARBOUR, None), lambda: standing_questions(path), lambda: keep(path, [])):
        with pytest.raises(QaError, match=r"cannot be used for standing questions: .*QA_STANDING"):
            use()


def test_a_question_can_be_kept_to_some_releases(tmp_path: Path) -> None:
    retriever = over(tmp_path, [*RECORDS, AGAIN])
    assert {hit.release_id for hit in retriever.retrieve(HARBOUR, releases=["m_5676-6", "m_5676-2"])} == {
        "m_5676-6",
        "m_5676-2",
    }
    both = retriever.retrieve(HARBOUR, releases=["m_5676-6", "m_5676-2"], until="2023-01-01")
    assert [hit.release_id for hit in both] == ["m_5676-2"]
    assert retriever.retrieve(HARBOUR, releases=[]) == []
    assert importlib.import_module("qa.question").understand(HARBOUR, releases=["m_5676-6"]).releases == {"m_5676-6"}
