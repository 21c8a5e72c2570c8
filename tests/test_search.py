from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.encoder import Encoded, Progress, Role
from embeddings.errors import IndexDamaged
from embeddings.search import LATE_SHARE, LATE_SHARE_KOREAN, Found, Kept, Query, SearchIndex, _highest
from tests.conftest import FakeEncoder

ENCODER = FakeEncoder()
TEXTS = [
    "Korea and China agreed on supply chains",
    "The port of Busan was opened",
    "Grain assistance for Kenya was decided",
    "Korea and Kenya spoke of grain",
    "한국과 중국은 공급망에 합의했다",
]


def index_of(texts: list[str]) -> SearchIndex:
    with TemporaryDirectory() as folder:  # what is mapped stays readable
        return SearchIndex.build(texts, ENCODER, Path(folder))


def query_of(question: str) -> Query:
    return Query.encode([question], ENCODER)[0]


def ask(index: SearchIndex, question: str, rows: list[int] | None = None, candidates: int = 60) -> Found:
    within: npt.NDArray[np.int64] | None = None if rows is None else np.array(rows, np.int64)
    return index.search(query_of(question), rows=within, candidates=candidates)


# Every text has words of its own: no text's words are all among another's.
own_words = st.lists(st.text("abcdefghij", min_size=4, max_size=6), min_size=2, max_size=24, unique=True)


@settings(deadline=None)
@given(own_words, st.lists(st.sampled_from(["korea", "minister", "agreed"]), max_size=3), st.integers(0, 100))
def test_a_texts_own_words_find_itself_first(own: list[str], common: list[str], at: int) -> None:
    texts = [" ".join([*common, *pair]) for pair in zip(own[::2], own[1::2], strict=False)]
    row = at % len(texts)
    found = ask(index_of(texts), texts[row])
    assert found.rows[0] == row
    assert found.late[0] == pytest.approx(1, abs=0.02)
    assert found.dense[0] == pytest.approx(1, abs=1e-4)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["korea", "china", "port", "grain", "trade", "한국", "중국"]), max_size=6),
        min_size=1,
        max_size=12,
    )
)
def test_hits_descend_with_ties_in_row_order_and_scores_in_their_ranges(texts: list[list[str]]) -> None:
    found = ask(index_of([" ".join(each) for each in texts]), "korea grain 중국")
    scores, rows = found.score.tolist(), found.rows.tolist()
    assert all((-ahead, row) < (-behind, after) for (ahead, row), (behind, after) in pairwise(zip(scores, rows, strict=True)))
    assert len(set(rows)) == len(rows)
    assert all(0 <= score <= 1 for score in scores)
    assert all(0 <= share < 1 for share in found.words.tolist())
    assert np.abs(np.concatenate([found.late, found.dense])).max(initial=0) <= 1.02


def test_the_score_is_the_convex_sum_of_late_and_words() -> None:
    found = ask(index_of(TEXTS), "grain for Kenya")
    assert found.rows[0] == 2
    assert found.late.tolist() == pytest.approx(found.best.mean(axis=1).tolist())
    expected = np.clip(LATE_SHARE * found.late + (1 - LATE_SHARE) * found.words, 0, 1)
    assert found.score.tolist() == pytest.approx(expected.tolist())
    assert found.best.shape == (5, 3)


def test_each_figure_belongs_to_its_row() -> None:
    index = index_of(TEXTS)
    question = "supply chains of Korea"
    found, query = ask(index, question), query_of(question)
    words = index.words.scores(question)
    for at, row in enumerate(found.rows.tolist()):
        assert found.words[at] == words[row]
        assert found.best[at] == pytest.approx(index.tokens.maxsim(query.tokens, [row])[0], abs=1e-6)
        assert found.dense[at] == pytest.approx(index.dense.cosines(query.pooled, np.array([row]))[0])


def test_a_questions_token_counts_by_its_weight() -> None:
    index = index_of(TEXTS)
    query = query_of("grain Busan")
    for weights, first in (([1.0, 0.0], (2, 3)), ([0.0, 1.0], (1,))):
        found = index.search(replace(query, text="", weights=np.array(weights, np.float32)))
        assert found.rows[0] in first
        assert found.late.tolist() == pytest.approx((found.best @ np.array(weights, np.float32)).tolist())


def test_the_tail_of_a_query_is_its_last_tokens_and_stress_makes_them_weigh_more() -> None:
    query = query_of("grain for Kenya")
    tail, stressed = query.tail(10), query.stressed(10, 3)
    assert (tail.text, tail.tokens.tolist()) == ("Kenya", query.tokens[2:].tolist())
    assert (tail.weights.tolist(), tail.spans.tolist()) == ([1.0], [[0, 5]])
    assert stressed.weights.tolist() == pytest.approx([0.2, 0.2, 0.6])
    assert stressed.text == "grain for Kenya Kenya Kenya"
    assert stressed.spans.tolist() == query.spans.tolist()
    assert query.tail(0).weights.tolist() == pytest.approx([1 / 3] * 3)


def test_a_korean_question_counts_words_more() -> None:
    found = ask(index_of(TEXTS), "한국과 중국은")
    expected = LATE_SHARE_KOREAN * found.late + (1 - LATE_SHARE_KOREAN) * found.words
    assert found.score.tolist() == pytest.approx(np.clip(expected, 0, 1).tolist())


@pytest.mark.parametrize("rows", [[], [1], [0, 3, 4], [4, 2], [0, 1, 2, 3, 4]])
def test_only_the_rows_named_are_found(rows: list[int]) -> None:
    assert sorted(ask(index_of(TEXTS), "Korea grain", rows).rows.tolist()) == sorted(rows)


def test_rows_left_out_do_not_crowd_out_those_named() -> None:
    texts = ["korea grain"] * 100 + ["port of busan"]
    assert ask(index_of(texts), "korea grain", [100], candidates=2).rows.tolist() == [100]


def test_equal_texts_come_in_row_order() -> None:
    found = ask(index_of(["korea grain"] * 5), "korea")
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert len(set(found.score.tolist())) == 1


def test_each_search_proposes_no_more_than_its_candidates() -> None:
    texts = [f"korea number{i}" for i in range(50)]
    assert 3 <= len(ask(index_of(texts), "korea", candidates=3).rows) <= 6


def test_a_word_proposes_what_the_pooled_vectors_miss() -> None:
    texts = [f"korea china {'grain ' * 30} number{i}" for i in range(20)] + ["port of nampo " + "zeppelin " * 30]
    found = ask(index_of(texts), "korea china grain nampo", candidates=1)
    assert 20 in found.rows.tolist()
    assert found.words[found.rows.tolist().index(20)] > 0


@pytest.mark.parametrize("question", ["", "?", "zeppelin"])
def test_a_question_without_a_known_word_still_gets_the_nearest(question: str) -> None:
    found = ask(index_of(TEXTS), question)
    assert sorted(found.rows.tolist()) == [0, 1, 2, 3, 4]
    assert found.words.tolist() == [0] * 5


def test_progress_counts_all_texts_once() -> None:
    seen: list[tuple[int, int]] = []
    with TemporaryDirectory() as folder:
        SearchIndex.build(["korea"] * 1100, ENCODER, Path(folder), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(512, 1100), (1024, 1100), (1100, 1100)]


def test_save_and_load_round_trip(tmp_path: Path) -> None:
    built = SearchIndex.build(TEXTS, ENCODER, tmp_path)
    loaded = SearchIndex.load(tmp_path, len(TEXTS), ENCODER.dimension)
    assert len(loaded) == len(built) == 5
    for question in (*TEXTS, "grain", ""):
        ours, theirs = ask(built, question), ask(loaded, question)
        assert ours.rows.tolist() == theirs.rows.tolist()
        assert ours.score.tolist() == theirs.score.tolist()
        assert ours.best.tolist() == theirs.best.tolist()


@pytest.mark.parametrize("part", ["dense.faiss", "pooled.npy", "tokens", "words"])
def test_a_part_of_another_index_is_damaged(tmp_path: Path, part: str) -> None:
    for name, texts in (("own", TEXTS), ("other", TEXTS[:4])):
        (tmp_path / name).mkdir()
        SearchIndex.build(texts, ENCODER, tmp_path / name)
    own = tmp_path / "own" / part
    shutil.rmtree(own) if own.is_dir() else own.unlink()
    (tmp_path / "other" / part).rename(own)
    with pytest.raises(IndexDamaged):
        SearchIndex.load(tmp_path / "own", len(TEXTS), ENCODER.dimension)


def test_what_an_earlier_index_holds_is_taken_over_and_only_the_rest_encoded(tmp_path: Path) -> None:
    seen: list[str] = []

    class Counting(FakeEncoder):
        def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
            seen.extend(texts)
            return super().encode(texts, role, progress)

    later = [TEXTS[3], "A new port in Kenya", TEXTS[0]]
    for name in ("earlier", "whole", "kept"):
        (tmp_path / name).mkdir()
    earlier = SearchIndex.build(TEXTS, ENCODER, tmp_path / "earlier")
    SearchIndex.build(later, ENCODER, tmp_path / "whole")
    encoder, shown = Counting(), list[tuple[int, int]]()
    kept = Kept(earlier, np.array([3, -1, 0]))
    SearchIndex.build(later, encoder, tmp_path / "kept", kept=kept, progress=lambda *done: shown.append(done))
    assert seen == ["A new port in Kenya"]
    assert shown == [(3, 3)]
    taken, whole = (SearchIndex.load(tmp_path / name, len(later), ENCODER.dimension) for name in ("kept", "whole"))
    assert taken.dense.vectors.tolist() == whole.dense.vectors.tolist()
    for row in range(3):
        assert [each.tolist() for each in taken.tokens.stored(row)] == [each.tolist() for each in whole.tokens.stored(row)]
    for question in (*later, "grain"):
        assert ask(taken, question).score.tolist() == ask(whole, question).score.tolist()


@pytest.mark.parametrize("count", [1, 3, 10])
def test_of_equal_scores_the_first_rows_are_proposed(count: int) -> None:
    scores = np.array([0, 0.5, 0.2, 0.5, 0.5, 0.9, 0.0], np.float32)
    expected = sorted(np.lexsort((np.arange(7), -scores))[: min(count, 5)].tolist())
    assert sorted(_highest(scores, count, None).tolist()) == expected
    assert sorted(_highest(scores, count, np.arange(7)[::-1]).tolist()) == expected
