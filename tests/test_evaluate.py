from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa import evaluate
from qa.answer import Hit
from qa.confidence import FEATURES, Calibration
from qa.errors import BadQuestion, QaError
from qa.evaluate import DEPTH, NOISE, SHOWN, LabelledQuestion, check, digest, fit, pin, read_questions
from qa.measure import Figure, figures
from qa.quotes import Quote
from qa.retrieve import Retriever
from tests.library import (
    GRAIN,
    RECORDS,
    SEOUL_PORT,
    UNRELATED,
    VISA,
    outcome,
    question_line,
    record,
    retriever_over,
    write_lines,
)

HARBOUR = "Who agreed to widen the harbour of Busan?"
WIDEN, PARADE = "The two ministers agreed to widen the harbour of Busan.", "They thanked the mayor for her lantern parade."
LINES = [
    question_line("a", HARBOUR, [(1, WIDEN)], language="en", history=["Which talks were held?"], about=["m_5676-1"]),
    question_line("b", UNRELATED, [], split="tune", kind="unanswerable"),
]


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return retriever_over(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "questions.jsonl", LINES)


# reading questions


def test_a_question_file_is_read_whole_or_one_split_of_it(questions: Path) -> None:
    first = LabelledQuestion("a", "test", "fact", ("Which talks were held?",), HARBOUR, (("m_5676-1", WIDEN),))
    second = LabelledQuestion("b", "tune", "unanswerable", (), UNRELATED, ())
    assert read_questions(questions) == [first, second]
    assert read_questions(questions, "tune") == [second]


def test_what_a_line_leaves_out_is_a_test_question_without_history(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "q.jsonl", [{"id": 7, "question": HARBOUR, "answers": []}])
    assert read_questions(path) == [LabelledQuestion("7", "test", "question", (), HARBOUR, ())]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        '"text"',
        '{"id": "a", "answers": []}',
        '{"id": "a", "question": "Who?"}',
        '{"question": "Who?", "answers": []}',
        '{"id": "a", "question": "Who?", "answers": ["m_5676-1"]}',
        '{"id": "a", "question": "Who?", "answers": [{"release": "m_5676-1"}]}',
        '{"id": "a", "question": "Who?", "answers": null}',
        '{"id": "a", "question": "Who?", "answers": [], "history": "Which talks?"}',
    ],
)
def test_a_line_of_another_form_is_named(questions: Path, line: str) -> None:
    questions.write_text(f"{questions.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    with pytest.raises(
        BadQuestion, match=r"questions\.jsonl:4 is not of the form \{\"id\", \"question\", \"answers\": \[\.\.\.\]\}"
    ):
        read_questions(questions)


@pytest.mark.parametrize("line", ["not json", "[" * 100_000])
def test_a_line_that_is_not_json_is_named(questions: Path, line: str) -> None:
    questions.write_text(f"{questions.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    with pytest.raises(BadQuestion, match=r"questions\.jsonl:4 is not JSON"):
        read_questions(questions)


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0c"])
def test_only_a_newline_ends_a_line(tmp_path: Path, separator: str) -> None:
    path = write_lines(tmp_path / "q.jsonl", [question_line("a", f"Who{separator}met?", []), LINES[1]])
    assert [asked.id for asked in read_questions(path)] == ["a", "b"]


def test_a_file_with_a_byte_order_mark_is_read(questions: Path) -> None:
    questions.write_bytes(b"\xef\xbb\xbf" + questions.read_bytes())
    assert [asked.id for asked in read_questions(questions)] == ["a", "b"]


def test_a_file_that_is_not_utf8_is_our_error(questions: Path) -> None:
    questions.write_bytes('{"id": "한국"}'.encode("cp949"))
    with pytest.raises(BadQuestion, match=r"questions\.jsonl"):
        read_questions(questions)


def test_no_question_of_the_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match="holds no question of the split 'tune'"):
        read_questions(write_lines(tmp_path / "q.jsonl", LINES[:1]), "tune")
    with pytest.raises(BadQuestion, match=r"holds no question$"):
        read_questions(write_lines(tmp_path / "q.jsonl", []))


# running them


def asked(question: str, *answers: tuple[str, str], history: tuple[str, ...] = ()) -> LabelledQuestion:
    return LabelledQuestion("q", "test", "fact", history, question, answers)


def test_an_outcome_says_what_came_of_the_question(retriever: Retriever) -> None:
    one = evaluate.run(retriever, [asked(HARBOUR, ("m_5676-1", WIDEN))])[0]
    answer = retriever.ask(HARBOUR, DEPTH)
    assert (one.id, one.kind, one.answerable, one.shown) == ("q", "fact", True, SHOWN)
    assert (one.answered, one.confidence) == (answer.answered, answer.confidence)
    assert (one.ranks, one.relevant, one.quoted) == ((1,), 1, True)
    assert one.read == len(WIDEN)
    assert 0 < one.seconds < 5


def test_a_quote_of_another_sentence_is_not_right_though_the_passage_is(retriever: Retriever) -> None:
    one = evaluate.run(retriever, [asked(HARBOUR, ("m_5676-1", PARADE))])[0]
    assert (one.ranks, one.quoted) == ((1,), False)
    assert one.read == len(SEOUL_PORT)


def test_the_same_sentence_of_another_release_is_no_answer(retriever: Retriever) -> None:
    one = evaluate.run(retriever, [asked(HARBOUR, ("m_5676-2", "The grain leaves from the port of Odesa."))])[0]
    rank = [hit.release_id for hit in retriever.retrieve(HARBOUR)].index("m_5676-2") + 1
    assert rank > 1
    assert (one.ranks, one.quoted) == ((rank,), False)
    before = sum(len(hit.text) for hit in retriever.retrieve(HARBOUR)[: rank - 1])
    assert one.read == before + len(GRAIN)


def test_a_question_without_an_answer_has_no_ranks(retriever: Retriever) -> None:
    one = evaluate.run(retriever, [asked(HARBOUR)])[0]
    assert (one.answerable, one.ranks, one.relevant, one.read, one.quoted) == (False, (), 0, None, False)


def test_what_was_asked_before_is_asked_with(retriever: Retriever) -> None:
    follow_up = asked("And who?", ("m_5676-3", "The waiver starts on Monday."), history=("Which orchard visas are waived?",))
    assert evaluate.run(retriever, [follow_up])[0].ranks == (1,)


def test_an_answering_sentence_in_no_passage_is_an_error_that_asks_for_the_corpus(retriever: Retriever) -> None:
    with pytest.raises(QaError, match="question q: no passage of the index holds its answering sentence"):
        evaluate.run(retriever, [asked(HARBOUR, ("m_5676-2", WIDEN))])


@pytest.fixture
def twice(tmp_path: Path) -> Retriever:
    return retriever_over(tmp_path, [*RECORDS, record(9, "Harbour Talks Held", "2022-03-01", SEOUL_PORT)])


@pytest.mark.parametrize("seq", [1, 9])
def test_an_answer_in_a_folded_twin_is_found_under_either_name(twice: Retriever, seq: int) -> None:
    one = evaluate.run(twice, [asked(HARBOUR, (f"m_5676-{seq}", WIDEN))])[0]
    assert (one.ranks, one.quoted) == ((1,), True)


def test_answers_in_both_twins_are_one_perfect_answer(twice: Retriever) -> None:
    one = evaluate.run(twice, [asked(HARBOUR, ("m_5676-1", WIDEN), ("m_5676-9", WIDEN))])[0]
    assert figures([one])["all"]["nDCG@10"].value == pytest.approx(1)


def hit(rank: int, text: str, *quotes: tuple[int, int]) -> Hit:
    quoted = tuple(Quote(text[start:end], start, end) for start, end in quotes)
    return Hit(rank, "a#1", "a", "", None, None, "official", "news", None, text, 0, len(text), quoted, 0.5, {}, (), "")


@pytest.mark.parametrize(
    ("start", "end", "right"), [(0, 23, True), (0, 49, True), (5, 20, True), (24, 49, False), (20, 49, False)]
)
def test_a_quote_is_right_when_it_holds_the_sentence_or_is_part_of_it(start: int, end: int, right: bool) -> None:
    text = "Ministers met in Seoul. They widened the harbour."
    told = asked("Who?", ("a", "Ministers met in Seoul."))
    assert evaluate._quotes(hit(1, text, (start, end)), told) is right


def test_reading_stops_at_the_end_of_the_earliest_answering_sentence() -> None:
    hits = [hit(1, "Nothing here."), hit(2, "Ministers met. They ate. They left.")]
    assert evaluate._read(hits, asked("Who?", ("a", "They left."), ("a", "They ate."))) == 13 + 24
    assert evaluate._read(hits, asked("Who?", ("a", "They sang."))) is None
    assert evaluate._read(hits, asked("Who?", ("b", "They ate."))) is None


# floors


def table(**values: float) -> dict[str, dict[str, Figure]]:
    row = {"R@5": 0.9, "risk-coverage area": 0.2, "AUROC": 0.8, "p50 ms": 40.0, **values}
    return {"all": {name: Figure(value, value - 0.1, value + 0.1, 100) for name, value in row.items()}}


@pytest.fixture
def floors(tmp_path: Path, questions: Path) -> Path:
    path = tmp_path / "floors.json"
    pin(questions, path, "test", table())
    return path


def test_floors_stand_beside_the_digest_of_their_questions_and_leave_out_times(questions: Path, floors: Path) -> None:
    assert json.loads(floors.read_text(encoding="utf-8")) == {
        "questions": digest(questions),
        "split": "test",
        "floors": {"R@5": 0.9, "risk-coverage area": 0.2, "AUROC": 0.8},
    }


def test_the_digest_is_of_the_files_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest(tmp_path / "abc") == "ba7816bf8f01cfea"  # SHA-256's own test vector


@pytest.mark.parametrize(
    ("values", "fallen"),
    [
        ({}, []),
        ({"R@5": 0.9 - NOISE + 0.001, "risk-coverage area": 0.2 + NOISE - 0.001}, []),
        ({"R@5": 1.0, "risk-coverage area": 0.0}, []),
        ({"R@5": 0.9 - NOISE - 0.001}, ["R@5 is 0.879, its floor is 0.900"]),
        ({"risk-coverage area": 0.2 + NOISE + 0.001}, ["risk-coverage area is 0.221, its floor is 0.200"]),
        ({"R@5": 0.5, "AUROC": 0.5}, ["R@5 is 0.500, its floor is 0.900", "AUROC is 0.500, its floor is 0.800"]),
        ({"AUROC": math.nan}, ["AUROC is nan, its floor is 0.800"]),
        ({"p50 ms": 9000.0}, []),
    ],
)
def test_a_figure_falls_when_it_is_worse_than_its_floor_by_more_than_noise(
    questions: Path, floors: Path, values: dict[str, float], fallen: list[str]
) -> None:
    assert check(questions, floors, "test", table(**values)) == fallen


def test_other_questions_are_not_compared(questions: Path, floors: Path) -> None:
    questions.write_text(questions.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(QaError, match=r"was pinned for other questions; .* qa evaluate --pin"):
        check(questions, floors, "test", table())


def test_another_split_is_not_compared(questions: Path, floors: Path) -> None:
    with pytest.raises(QaError, match="was pinned for other questions"):
        check(questions, floors, "tune", table())


def test_no_floors_name_the_command_that_pins_them(questions: Path, tmp_path: Path) -> None:
    with pytest.raises(QaError, match="is not there; pin the figures first: qa evaluate --pin"):
        check(questions, tmp_path / "none.json", "test", table())


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', '{"questions": "x", "split": "test"}'])
def test_damaged_floors_are_our_error(questions: Path, floors: Path, content: str) -> None:
    floors.write_text(content, encoding="utf-8")
    with pytest.raises(QaError, match=r"floors\.json"):
        check(questions, floors, "test", table())


def test_floors_without_a_figure_are_our_error(questions: Path, floors: Path) -> None:
    floors.write_text(json.dumps({"questions": digest(questions), "split": "test"}), encoding="utf-8")
    with pytest.raises(QaError, match=r"floors\.json"):
        check(questions, floors, "test", table())


def test_a_floor_of_a_figure_that_is_gone_is_our_error(questions: Path, floors: Path) -> None:
    shrunk = table()
    del shrunk["all"]["AUROC"]
    with pytest.raises(QaError, match="AUROC"):
        check(questions, floors, "test", shrunk)


@pytest.mark.parametrize("values", [{"R@5": 0.899}, {"risk-coverage area": 0.201}, {"R@5": 1.0, "AUROC": 0.7}])
def test_a_floor_is_never_lowered_unasked(questions: Path, floors: Path, values: dict[str, float]) -> None:
    before = floors.read_bytes()
    with pytest.raises(QaError, match=r"would be lowered from 0\.\d+ to 0\.\d+; say --lower to do so"):
        pin(questions, floors, "test", table(**values))
    assert floors.read_bytes() == before


def test_a_floor_is_raised_unasked_and_lowered_when_told_to(questions: Path, floors: Path) -> None:
    pin(questions, floors, "test", table(**{"R@5": 0.95, "risk-coverage area": 0.1}))
    raised = json.loads(floors.read_text(encoding="utf-8"))["floors"]
    assert (raised["R@5"], raised["risk-coverage area"]) == (0.95, 0.1)
    pin(questions, floors, "test", table(**{"R@5": 0.5}), lower=True)
    assert json.loads(floors.read_text(encoding="utf-8"))["floors"]["R@5"] == 0.5


def test_floors_of_other_questions_make_way(questions: Path, floors: Path) -> None:
    write_lines(questions, LINES[:1])
    pin(questions, floors, "test", table(**{"R@5": 0.1}))
    assert check(questions, floors, "test", table(**{"R@5": 0.1})) == []


# fitting the confidence


def tune_lines() -> Iterator[dict[str, Any]]:
    sentences = {seq: text.split(". ") for seq, text in ((1, SEOUL_PORT), (2, GRAIN), (3, VISA))}
    for seq, (first, second) in sentences.items():
        for at, sentence in enumerate((first + ".", second)):
            words = sentence.rstrip(".").split()
            for cut in range(3):
                yield question_line(f"{seq}{at}{cut}", " ".join(words[cut : cut + 6]), [(seq, sentence)], split="tune")
    for at, odd in enumerate(
        ("Zebras juggle umbrellas", "Quiet violins melt", "Purple tractors sing", "Seven owls bake cakes")
    ):
        yield question_line(f"n{at}", f"{odd} somewhere {at}", [], split="tune")
    yield question_line("t", UNRELATED, [], split="test")


def log_loss(calibration: Calibration, evidence: list[tuple[float, ...]], right: list[bool]) -> float:
    chances = [calibration.confidence(features) for features in evidence]
    return -sum(math.log(chance if own else 1 - chance) for chance, own in zip(chances, right, strict=True)) / len(right)


def test_a_fit_is_written_and_explains_its_questions_better_than_their_share_right(
    retriever: Retriever, tmp_path: Path
) -> None:
    path, target = write_lines(tmp_path / "questions.jsonl", [*tune_lines()]), tmp_path / "confidence.json"
    written = fit(retriever, path, target)
    assert json.loads(target.read_text(encoding="utf-8")) == written
    assert list(written["weights"]) == list(FEATURES)
    assert written["operating_point"] == 0.5
    assert written["fitted_on"] == f"22 questions, SHA-256 of the file {digest(path)}"
    fitted = Calibration(tuple(written["weights"].values()), written["bias"], 0.5, "")
    tune = read_questions(path, "tune")
    outcomes = evaluate.run(retriever, tune)
    right = [any(rank <= SHOWN for rank in one.ranks) for one in outcomes]
    assert 0 < sum(right) < len(right)
    evidence = [retriever.ask(one.question).evidence for one in tune]
    share = sum(right) / len(right)
    base = Calibration((0.0,) * len(FEATURES), math.log(share / (1 - share)), 0.5, "")
    assert log_loss(fitted, evidence, right) < 0.5 * log_loss(base, evidence, right)


def test_a_fit_does_not_see_the_test_split(retriever: Retriever, tmp_path: Path) -> None:
    path, target = write_lines(tmp_path / "questions.jsonl", [*tune_lines()]), tmp_path / "confidence.json"
    first = fit(retriever, path, target)
    write_lines(path, [*tune_lines(), *(question_line(f"x{i}", HARBOUR, [], split="test") for i in range(30))])
    second = fit(retriever, path, target)
    assert (first["weights"], first["bias"]) == (second["weights"], second["bias"])


def test_a_fit_on_questions_that_are_all_answered_is_our_error_and_writes_nothing(retriever: Retriever, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "questions.jsonl", [line for line in tune_lines() if line["answers"]])
    with pytest.raises(QaError):
        fit(retriever, path, tmp_path / "confidence.json")
    assert not (tmp_path / "confidence.json").exists()


def test_an_outcome_is_of_the_hits_a_reader_sees_and_ranks_go_deeper() -> None:
    assert (SHOWN, DEPTH) == (5, 10)
    assert dataclasses.replace(outcome(ranks=(6,)), shown=SHOWN).right is False
