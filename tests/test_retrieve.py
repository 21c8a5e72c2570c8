from __future__ import annotations

import dataclasses
import datetime
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa
from embeddings.encoder import Encoder
from embeddings.search import LATE_SHARE, Found, Query
from qa.errors import BadQuestion, IndexMissing, IndexUnusable, QuoteMismatch
from qa.period import Period
from qa.question import Question
from qa.retrieve import MAX_K, OLDEST, SCATTERED, Retriever
from qa.twins import TWIN_DAYS
from tests.conftest import FakeEncoder
from tests.library import (
    GRAIN,
    RECORDS,
    SEOUL_PORT,
    UNRELATED,
    VISA,
    record,
    retriever_over,
    use_calibration,
    use_fake_encoder,
)

HARBOUR = "Who agreed to widen the harbour of Busan?"
MORE = "Lanterns were lit on every pier while twelve rowing clubs raced one another around the old lighthouse until midnight."
ANYTHING = "What was decided and who was there that day?"


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return retriever_over(tmp_path_factory.mktemp("three"))


def test_the_nearest_passage_comes_with_all_that_is_known_of_it(retriever: Retriever) -> None:
    hit = retriever.retrieve(HARBOUR, 1)[0]
    assert (hit.rank, hit.passage_id, hit.release_id) == (1, "m_5676-1#p1", "m_5676-1")
    assert (hit.title, hit.date) == ("Harbour Talks Held", datetime.date(2022, 2, 28))
    assert hit.url == "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=1"
    assert (hit.provenance, hit.kind, hit.paragraph) == ("official", "outcome", None)
    assert (hit.text, hit.start, hit.end) == (SEOUL_PORT, 0, len(SEOUL_PORT))
    assert [quote.text for quote in hit.quotes] == ["The two ministers agreed to widen the harbour of Busan."]
    assert hit.also == ()


def test_the_score_mixes_late_interaction_and_words_less_what_no_sentence_holds(
    retriever: Retriever,
) -> None:
    assert 0 < LATE_SHARE < 1
    [query] = Query.encode(["harbour of Busan"], retriever.encoder)
    rows = {passage.id: row for row, passage in enumerate(retriever.index.passages)}
    for hit in retriever.retrieve("harbour of Busan"):
        mixed = LATE_SHARE * hit.scores["late"] + (1 - LATE_SHARE) * hit.scores["words"]
        lost = SCATTERED * (hit.scores["late"] - retriever._best_sentence(query, rows[hit.passage_id]))
        assert lost >= 0
        assert hit.score == pytest.approx(max(0, mixed - lost), abs=1e-5)
        assert set(hit.scores) == {"late", "words", "dense"}
        assert -1 <= hit.scores["dense"] <= 1


@given(st.text(min_size=1, max_size=60), st.integers(1, 4))
def test_every_hit_is_verbatim_and_hits_descend(retriever: Retriever, question: str, k: int) -> None:
    try:
        hits = retriever.retrieve(question, k)
    except BadQuestion:
        return
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    for hit in hits:
        assert retriever.index.releases[hit.release_id].text[hit.start : hit.end] == hit.text
        assert [hit.text[quote.start : quote.end] for quote in hit.quotes] == [quote.text for quote in hit.quotes]
        assert 1 <= len(hit.quotes) <= 2


@pytest.mark.parametrize("text", [SEOUL_PORT, GRAIN, VISA])
def test_a_passage_finds_itself_first(retriever: Retriever, text: str) -> None:
    assert retriever.retrieve(text, 1)[0].text == text


def test_an_answer_is_given_at_the_operating_point_and_a_reason_under_it(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = use_calibration(monkeypatch)
    near, far = retriever.ask(HARBOUR), retriever.ask(UNRELATED)
    assert near.confidence >= made.operating_point > far.confidence
    assert (near.answered, near.reason) == (True, None)
    assert (far.answered, far.reason) == (False, "no release mentions “Zebras”, “quietly”, “juggle”")
    assert len(far.hits) == 3  # what was rejected is kept
    assert near.confidence == made.confidence(near.evidence)
    assert far.confidence == made.confidence(far.evidence)


def test_a_passage_one_sentence_of_which_answers_comes_before_one_that_only_holds_the_words(tmp_path: Path) -> None:
    scattered = "1. The harbour was calm. Busan welcomed a delegation. Kites were widened."
    gathered = "1. The harbour of Busan was widened. A delegation was welcomed. Kites were calm."
    records = [record(1, "Talks Held", "2022-02-28", scattered), record(2, "Talks Held", "2023-02-28", gathered)]
    retriever = retriever_over(tmp_path, records)
    first, second = retriever.retrieve("harbour Busan widened")
    assert first.scores["late"] == pytest.approx(second.scores["late"], abs=1e-2)
    assert (first.release_id, second.release_id) == ("m_5676-2", "m_5676-1")
    assert first.score > second.score + 0.1


def test_a_confidence_at_the_operating_point_itself_answers(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    confidence = use_calibration(monkeypatch).confidence(retriever.ask(HARBOUR).evidence)
    use_calibration(monkeypatch, operating_point=confidence)
    assert retriever.ask(HARBOUR).answered
    use_calibration(monkeypatch, operating_point=confidence + 1e-9)
    assert not retriever.ask(HARBOUR).answered


def test_the_evidence_is_of_the_first_hit_and_of_the_language(retriever: Retriever) -> None:
    answer = retriever.ask(HARBOUR)
    assert answer.evidence[0] == pytest.approx(answer.hits[0].scores["late"])
    assert answer.evidence[2] == pytest.approx(answer.hits[0].scores["dense"])
    assert answer.evidence[3] == 0.0
    assert retriever.ask("부산 항구를 넓히기로 누가 합의했나요?").evidence[3] == 1.0


def test_a_word_that_the_nearest_passages_lack_lowers_the_confidence(retriever: Retriever) -> None:
    said, unsaid = retriever.ask(HARBOUR), retriever.ask(HARBOUR.replace("harbour", "harbour with zeppelins"))
    assert said.evidence[1] == 1.0
    assert unsaid.evidence[1] < 1.0
    carried = retriever.ask(HARBOUR, history=["Who bought zeppelins?"])
    assert carried.evidence[1] == 1.0  # only the question's own words are looked for


def test_ask_and_retrieve_give_the_same_hits(retriever: Retriever) -> None:
    assert retriever.retrieve(HARBOUR, 2, until="2022-12-31") == list(retriever.ask(HARBOUR, 2, until="2022-12-31").hits)


def test_a_question_already_understood_is_taken_as_it_is(retriever: Retriever) -> None:
    question = Question(HARBOUR, since=datetime.date(2022, 3, 1))
    answer = retriever.ask(question)
    assert answer.question is question
    assert {hit.release_id for hit in answer.hits} == {"m_5676-2", "m_5676-3"}


# follow-ups


def test_what_is_carried_over_finds_the_passage_and_the_question_itself_marks_the_sentence(retriever: Retriever) -> None:
    answer = retriever.ask("And from which port of Odesa leaves it?", 1, history=["How much grain will Korea give to Kenya?"])
    assert answer.question.carried == "How much grain will Korea give to Kenya?"
    assert answer.hits[0].release_id == "m_5676-2"
    assert answer.hits[0].quotes[0].text == "The grain leaves from the port of Odesa."


# dates


@pytest.mark.parametrize(
    ("since", "until", "ids"),
    [
        ("2022-02-28", None, {"m_5676-1", "m_5676-2", "m_5676-3"}),
        ("2022-03-01", None, {"m_5676-2", "m_5676-3"}),
        (None, "2022-03-10", {"m_5676-1", "m_5676-2"}),
        (None, "2022-03-09", {"m_5676-1"}),
        ("2022-03-10", "2022-03-10", {"m_5676-2"}),
        (datetime.date(2022, 3, 11), datetime.date(2023, 11, 26), {"m_5676-3"}),
    ],
)
def test_since_and_until_are_both_included(
    retriever: Retriever, since: datetime.date | str | None, until: datetime.date | str | None, ids: set[str]
) -> None:
    assert {hit.release_id for hit in retriever.retrieve(ANYTHING, since=since, until=until)} == ids


def test_a_date_filter_finds_a_passage_that_all_others_are_nearer_than(tmp_path: Path) -> None:
    near = [record(seq, f"Harbour {seq}", "2022-01-01", f"{SEOUL_PORT} Item {seq} of {seq * 7}.") for seq in range(100, 230)]
    retriever = retriever_over(tmp_path, [*near, record(1, "Visas", "2023-05-05", VISA)])
    assert [hit.release_id for hit in retriever.retrieve(SEOUL_PORT, since="2023-01-01")] == ["m_5676-1"]


def test_a_release_of_unknown_date_is_outside_any_bound_and_inside_none(tmp_path: Path) -> None:
    retriever = retriever_over(tmp_path, [*RECORDS, record(4, "Lanterns", None, "Lanterns were hung in the harbour.")])
    assert retriever.index.releases["m_5676-4"].date is None
    assert "m_5676-4" in {hit.release_id for hit in retriever.retrieve(HARBOUR)}
    assert "m_5676-4" not in {hit.release_id for hit in retriever.retrieve(HARBOUR, since="1900-01-01")}
    assert "m_5676-4" not in {hit.release_id for hit in retriever.retrieve(HARBOUR, until="2999-01-01")}


def test_dates_without_a_release_are_an_abstention_that_says_so(retriever: Retriever) -> None:
    answer = retriever.ask(HARBOUR, since="2024-01-01")
    assert (answer.answered, answer.confidence, answer.hits) == (False, 0.0, ())
    assert answer.reason == "no release lies within these dates"


# twins


def twins(tmp_path: Path, days: int, other: str = SEOUL_PORT) -> list[qa.Hit]:
    second = (datetime.date(2022, 2, 28) + datetime.timedelta(days)).isoformat()
    records = [*RECORDS[:2], record(9, "Harbour Talks Held", second, other)]
    return retriever_over(tmp_path, records).retrieve(HARBOUR)


@pytest.mark.parametrize("days", [0, 1, TWIN_DAYS, -TWIN_DAYS])
def test_a_passage_published_twice_within_seven_days_is_one_hit_that_names_both(tmp_path: Path, days: int) -> None:
    hits = twins(tmp_path, days)
    assert {hit.release_id for hit in hits} in ({"m_5676-1", "m_5676-2"}, {"m_5676-9", "m_5676-2"})
    harbour = next(hit for hit in hits if hit.release_id != "m_5676-2")
    assert {harbour.release_id, *harbour.also} == {"m_5676-1", "m_5676-9"}
    assert next(hit for hit in hits if hit.release_id == "m_5676-2").also == ()


@pytest.mark.parametrize("days", [TWIN_DAYS + 1, -TWIN_DAYS - 1, 365])
def test_the_same_words_beyond_seven_days_are_a_position_held_on_and_stay_two_hits(tmp_path: Path, days: int) -> None:
    hits = twins(tmp_path, days)
    assert {hit.release_id for hit in hits} == {"m_5676-1", "m_5676-2", "m_5676-9"}
    assert all(hit.also == () for hit in hits)


def test_a_twin_may_differ_in_a_word_and_in_case_but_not_in_a_sentence(tmp_path: Path) -> None:
    long = f"{SEOUL_PORT} {GRAIN} {VISA}"
    near, far = long.replace("Kenya.", "KENYA today."), f"{long} {MORE}"
    for text, folded in ((near, True), (far, False)):
        records = [record(1, "Talks", "2022-02-28", long), record(2, "Talks", "2022-03-01", text)]
        hits = retriever_over(tmp_path / str(folded), records).retrieve(HARBOUR)
        assert len(hits) == (1 if folded else 2)


def test_like_passages_of_one_release_are_never_folded(tmp_path: Path) -> None:
    text = f"1. {SEOUL_PORT}\n\n2. {SEOUL_PORT}"
    hits = retriever_over(tmp_path, [record(1, "Harbour Talks", "2022-02-28", text)]).retrieve(HARBOUR)
    assert sorted(hit.passage_id for hit in hits) == ["m_5676-1#1", "m_5676-1#2"]


def test_a_twin_of_unknown_date_is_not_folded(tmp_path: Path) -> None:
    hits = retriever_over(tmp_path, [RECORDS[0], record(9, "Harbour Talks Held", None, SEOUL_PORT)]).retrieve(HARBOUR)
    assert {hit.release_id for hit in hits} == {"m_5676-1", "m_5676-9"}


def test_a_folded_twin_takes_no_place_of_the_k(tmp_path: Path) -> None:
    records = [*(record(seq, "Harbour Talks Held", "2022-02-28", SEOUL_PORT) for seq in (11, 12, 13)), *RECORDS[1:]]
    hits = retriever_over(tmp_path, records).retrieve(HARBOUR, 2)
    assert [len(hit.also) for hit in hits] == [2, 0]
    assert {hits[0].release_id, *hits[0].also} == {"m_5676-11", "m_5676-12", "m_5676-13"}


# bounds


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1])
def test_a_k_out_of_bounds_is_refused(retriever: Retriever, k: int) -> None:
    with pytest.raises(BadQuestion, match=f"k is {k}; ask for 1 to 100 passages"):
        retriever.ask(HARBOUR, k)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (2, 2), (3, 3), (MAX_K, 3)])
def test_k_hits_come_or_as_many_as_there_are(retriever: Retriever, k: int, count: int) -> None:
    assert len(retriever.retrieve(HARBOUR, k)) == count


@pytest.mark.parametrize("question", ["", " ", "?!", "_", "1", "²", "\x00\x1b", "\ud800", "x" * 2001])
def test_a_question_that_cannot_be_asked_is_our_error(retriever: Retriever, question: str) -> None:
    with pytest.raises(BadQuestion):
        retriever.ask(question)


@pytest.mark.parametrize("question", ["x" * 2000, "harbour " * 250, "가" * 2000, "har\x00bour\ud800", "ㅤ"])
def test_an_odd_question_is_answered_or_not_but_never_fails(retriever: Retriever, question: str) -> None:
    answer = retriever.ask(question)
    assert [hit.rank for hit in answer.hits] == [1, 2, 3]
    assert answer.answered is (answer.reason is None)
    assert 0 <= answer.confidence <= 1


def test_a_lone_surrogate_or_control_character_changes_no_hit(retriever: Retriever) -> None:
    plain, odd = retriever.ask(HARBOUR), retriever.ask("\ud83d" + HARBOUR.replace(" ", "\x00 "))
    assert odd.question.text == HARBOUR
    assert odd == plain


# what must not be shown


def test_a_stored_passage_that_was_tampered_with_is_never_shown(tmp_path: Path) -> None:
    retriever = retriever_over(tmp_path)
    passages = tuple(
        dataclasses.replace(passage, text=passage.text.replace("widen", "close")) for passage in retriever.index.passages
    )
    changed = Retriever(dataclasses.replace(retriever.index, passages=passages), retriever.encoder)
    with pytest.raises(QuoteMismatch, match=r"m_5676-1#p1 is not word for word in its release\. .* qa rebuild") as caught:
        changed.retrieve(HARBOUR)
    assert caught.value.passage_id == "m_5676-1#p1"


# loading


def test_no_index_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=f"qa rebuild --index {tmp_path / 'none'}"):
        Retriever.load(tmp_path / "none", encoder=FakeEncoder())


def test_an_index_of_another_model_is_refused(tmp_path: Path) -> None:
    retriever_over(tmp_path)
    with pytest.raises(IndexUnusable, match=r"it was built with another model than 'fake' is now.*qa rebuild"):
        Retriever.load(tmp_path / "index", encoder=FakeEncoder(dimension=48))


def test_the_model_of_the_index_is_loaded_where_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use_fake_encoder(monkeypatch)
    retriever_over(tmp_path)
    monkeypatch.setenv("QA_INDEX", str(tmp_path / "index"))
    assert Retriever.load().retrieve(HARBOUR, 1)[0].release_id == "m_5676-1"
    assert asked == ["fake"]


def test_the_functions_of_the_package_are_those_of_the_retriever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_encoder(monkeypatch)
    own = retriever_over(tmp_path)
    assert qa.retrieve(HARBOUR, 2, index=tmp_path / "index") == own.retrieve(HARBOUR, 2)
    assert (
        qa.ask(HARBOUR, until="2022-12-31", index=tmp_path / "index").record() == own.ask(HARBOUR, until="2022-12-31").record()
    )
    assert (
        qa.ask(HARBOUR, since="2022-03-01", index=tmp_path / "index").record() == own.ask(HARBOUR, since="2022-03-01").record()
    )
    monkeypatch.setenv("QA_INDEX", str(tmp_path / "index"))
    history = ["How much grain will Korea give to Kenya?"]
    assert qa.retrieve("And when?", 1, history=history) == own.retrieve("And when?", 1, history=history)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What was decided in 2022?", ["m_5676-1", "m_5676-2"]),
        ("What was decided since 2023?", ["m_5676-3"]),
        ("What was decided at the meeting of 2022?", ["m_5676-1", "m_5676-2", "m_5676-3"]),
        ("What was decided in 1999?", ["m_5676-1", "m_5676-2", "m_5676-3"]),
    ],
)
def test_only_a_period_that_binds_leaves_releases_out(retriever: Retriever, question: str, found: list[str]) -> None:
    assert sorted(hit.release_id for hit in retriever.retrieve(question)) == found


def test_of_near_passages_the_latest_comes_first_by_however_few_days(tmp_path: Path) -> None:
    days = ["2022-03-01", "2022-03-02", *(f"{year}-01-01" for year in range(2010, 2026))]
    retriever = retriever_over(tmp_path, [record(at, "Visas", day, f"{VISA} {at}") for at, day in enumerate(days)])
    row = {passage.release_id: row for row, passage in enumerate(retriever.index.passages)}
    score = np.array([0.5, 0.41, 0.39], dtype=np.float32)  # the last is too far from the first to be meant
    near = Found(np.array([row[f"m_5676-{at}"] for at in (0, 1, 17)]), score, score, score, score, score[:, None])
    found = retriever._latest(Period(None, None, True, "latest"), near)
    assert found.rows.tolist() == near.rows[[1, 0, 2]].tolist()
    assert found.score.tolist() == pytest.approx([0.41, 0.5 * (1 - OLDEST), 0.39 * (1 - OLDEST)])


def test_a_period_that_binds_and_bounds_that_exclude_it_leave_the_bounds(retriever: Retriever) -> None:
    hits = retriever.retrieve("What was decided in 2022?", since="2023-01-01")
    assert [hit.release_id for hit in hits] == ["m_5676-3"]


# generations


def test_the_current_retriever_takes_up_a_rebuild_with_the_model_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = use_fake_encoder(monkeypatch)
    retriever_over(tmp_path)
    first = Retriever.current(tmp_path / "index")
    assert Retriever.current(tmp_path / "index") is first
    retriever_over(tmp_path, RECORDS[:2])
    second = Retriever.current(tmp_path / "index")
    assert (len(first.index.releases), len(second.index.releases)) == (3, 2)
    assert second.encoder is first.encoder
    assert asked == ["fake"]


def test_while_a_new_generation_is_loaded_others_go_on_with_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_encoder(monkeypatch)
    retriever_over(tmp_path)
    old = Retriever.current(tmp_path / "index")
    retriever_over(tmp_path, RECORDS[:2])
    module = importlib.import_module("qa.retrieve")
    load, loading, go_on = module.open_index, threading.Event(), threading.Event()

    def slow(folder: Path) -> qa.index.Index:
        loading.set()
        assert go_on.wait(20)
        return load(folder)  # type: ignore[no-any-return]

    monkeypatch.setattr(module, "open_index", slow)
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(Retriever.current, tmp_path / "index")
        assert loading.wait(20)
        assert Retriever.current(tmp_path / "index") is old
        go_on.set()
        assert len(renewed.result(20).index.releases) == 2
    assert Retriever.current(tmp_path / "index") is renewed.result()


# threads


def test_eight_threads_that_ask_first_load_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use_fake_encoder(monkeypatch)
    retriever_over(tmp_path)
    start = threading.Barrier(8)

    def load(_: int) -> Retriever:
        start.wait()
        return Retriever.current(tmp_path / "index")

    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(load, range(8)))
    assert asked == ["fake"]
    assert all(each is loaded[0] for each in loaded)


def in_eight_threads(retriever: Retriever, questions: list[str]) -> list[list[list[qa.Hit]]]:
    start = threading.Barrier(8)

    def ask(_: int) -> list[list[qa.Hit]]:
        start.wait()
        return [retriever.retrieve(question) for question in questions]

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(8)))


def test_eight_threads_get_the_hits_that_one_gets(retriever: Retriever) -> None:
    questions = [HARBOUR, ANYTHING, GRAIN, VISA, "orchard", "항구"] * 3
    alone = [retriever.retrieve(question) for question in questions]
    assert in_eight_threads(retriever, questions) == [alone] * 8


@pytest.mark.model
def test_eight_threads_get_the_hits_that_one_gets_from_the_model(shipped: Retriever) -> None:
    questions = ["Who met in Busan?", "한국은 얼마를 지원하나요?", "What did Korea and China agree on supply chains and when?"]
    alone = [shipped.retrieve(question) for question in questions]
    assert in_eight_threads(shipped, questions) == [alone] * 8


# the corpus that ships, through the model


@pytest.mark.model
def test_the_supply_chains_are_found_in_both_meetings_with_china(shipped: Retriever) -> None:
    first, second = shipped.retrieve("What did Korea and China agree on supply chains?", 2)
    assert (first.passage_id, first.date) == ("m_5676-322376#3", datetime.date(2023, 11, 26))
    assert first.provenance == "digest"
    assert any("how important it is that supply chains be managed stably" in quote.text for quote in first.quotes)
    assert second.passage_id == "m_5676-322008#2"
    decided = "The two sides decided that substantive cooperation would go on being expanded"
    assert any(quote.text.startswith(decided) for quote in second.quotes)


@pytest.mark.model
def test_a_question_in_korean_finds_the_english_paragraph(shipped: Retriever) -> None:
    hits = shipped.retrieve("한중 외교장관은 공급망에 대해 무엇을 합의했나요?", 3)
    assert "m_5676-322376#3" in [hit.passage_id for hit in hits]


@pytest.mark.model
def test_every_passage_that_ships_is_found_by_its_own_text(shipped: Retriever) -> None:
    asked = shipped.index.passages[::30]
    assert [shipped.retrieve(passage.text[:1500], 1)[0].passage_id for passage in asked] == [passage.id for passage in asked]


def takes(encoder: Encoder) -> str:
    return encoder.name


def test_the_fake_encoder_of_these_tests_is_an_encoder() -> None:
    assert takes(FakeEncoder()) == "fake"
