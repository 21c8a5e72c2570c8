from __future__ import annotations

from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import IndexDamaged
from embeddings.lexical import LexicalIndex, words

TEXTS = [
    "Sanctions were decided against the port of Nampo.",
    "The port of Busan was opened.",
    "한국과 중국은 공급망을 안정적으로 유지하기로 합의했다.",
    "The minister talked of trade, and of trade again, at length, with many others who had come.",
]
FILES = (
    "data.csc.index.npy",
    "indices.csc.index.npy",
    "indptr.csc.index.npy",
    "params.index.json",
    "times.npy",
    "vocab.index.json",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sanctions sanctioned SANCTION", ["sanction", "sanction", "sanction"]),
        ("What did the ministers agree on?", ["minist", "agre"]),
        ("3.5 million, or 3,500,000 won; 11.", ["3.5", "million", "3,500,000", "won", "11"]),
        ("공급망을", ["공급", "급망", "망을"]),
        ("한", ["한"]),
        ("한국", ["한국"]),
        ("ＦＴＡ ½", ["fta", "1", "2"]),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", ["한국"]),  # the same two syllables in letters, as macOS writes them
        ("Türkiye", ["türkiy"]),
        ("... – ~", []),
        ("", []),
    ],
)
def test_words_are_folded_stemmed_without_stop_words_and_korean_in_pairs(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("particle", ["", "을", "이", "에", "에서의", "으로부터"])
def test_a_korean_noun_is_found_under_any_particle(particle: str) -> None:
    scores = LexicalIndex.build(TEXTS).scores(f"공급망{particle}")
    assert scores.argmax() == 2
    assert scores[2] > 0.07  # a long particle's own pairs lower the share, and find nothing
    assert scores[[0, 1, 3]].tolist() == [0, 0, 0]


def test_a_plural_finds_the_singular() -> None:
    assert LexicalIndex.build(TEXTS).scores("sanction ports").argmax() == 0


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    scores = LexicalIndex.build(["port nampo", "port busan", "port incheon"]).scores("port nampo")
    assert scores[0] > 2 * scores[1]
    assert scores[1] == scores[2] > 0


def test_the_score_is_bm25_as_lucene_computes_it_over_the_most_it_could_be() -> None:
    """Two texts of two words each: a length of 1 the mean, one occurrence, so tf / (tf + 1.5) of the most."""
    scores = LexicalIndex.build(["nampo sanction", "busan opening"]).scores("nampo")
    assert scores.tolist() == pytest.approx([1 / 2.5, 0], abs=1e-6)


def test_words_that_no_text_has_lower_the_share() -> None:
    index = LexicalIndex.build(TEXTS)
    alone, beside = index.scores("Nampo")[0], index.scores("Nampo zeppelin moonbase")[0]
    assert 0 < beside < alone / 2


@pytest.mark.parametrize("question", ["", "what did the", "zeppelin", "?!"])
def test_where_no_word_is_known_every_text_scores_zero(question: str) -> None:
    assert LexicalIndex.build(TEXTS).scores(question).tolist() == [0, 0, 0, 0]


word = st.sampled_from(["korea", "china", "trade", "port", "한국과", "공급망", "the", "1.5", "zeppelin"])
text = st.lists(word, max_size=12).map(" ".join)


@given(st.lists(text, min_size=1, max_size=8), text)
def test_shares_lie_between_0_and_1_and_are_0_exactly_without_a_common_word(texts: list[str], question: str) -> None:
    scores = LexicalIndex.build(texts).scores(question)
    for score, own in zip(scores.tolist(), texts, strict=True):
        assert 0 <= score < 1
        assert (score > 0) == bool(set(words(own)) & set(words(question)))


def test_texts_without_a_single_word_can_be_indexed() -> None:
    assert LexicalIndex.build(["", "the of"]).scores("port").tolist() == [0, 0]


@pytest.mark.parametrize("texts", [TEXTS, [""]])
def test_save_and_load_round_trip(tmp_path: Path, texts: list[str]) -> None:
    built = LexicalIndex.build(texts)
    built.save(tmp_path / "words")
    loaded = LexicalIndex.load(tmp_path / "words", len(texts))
    assert sorted(path.name for path in (tmp_path / "words").iterdir()) == sorted(FILES)
    for question in ("port of Busan", "공급망", "zeppelin port", ""):
        assert loaded.scores(question).tolist() == built.scores(question).tolist()


@pytest.mark.parametrize("content", [None, b"", b"{", b"\x93NUMPY\x01\x00", b"[]", b"\0" * 500])
@pytest.mark.parametrize("name", FILES)
def test_every_damaged_file_is_found(tmp_path: Path, name: str, content: bytes | None) -> None:
    LexicalIndex.build(TEXTS).save(tmp_path / "words")
    (tmp_path / "words" / name).unlink()
    if content is not None:
        (tmp_path / "words" / name).write_bytes(content)
    with pytest.raises(IndexDamaged, match="cannot be read as a BM25 index"):
        LexicalIndex.load(tmp_path / "words", len(TEXTS))


def test_parameters_of_something_else_are_found(tmp_path: Path) -> None:
    LexicalIndex.build(TEXTS).save(tmp_path / "words")
    (tmp_path / "words" / "params.index.json").write_text('{"other": 1}')
    with pytest.raises(IndexDamaged, match="cannot be read as a BM25 index"):
        LexicalIndex.load(tmp_path / "words", len(TEXTS))


def test_a_broken_header_of_an_array_is_found(tmp_path: Path) -> None:
    LexicalIndex.build(TEXTS).save(tmp_path / "words")
    path = tmp_path / "words" / "data.csc.index.npy"
    path.write_bytes(path.read_bytes().replace(b")", b"(", 1))
    with pytest.raises(IndexDamaged):
        LexicalIndex.load(tmp_path / "words", len(TEXTS))


def test_the_words_of_another_number_of_texts_are_refused(tmp_path: Path) -> None:
    LexicalIndex.build(TEXTS).save(tmp_path / "words")
    with pytest.raises(IndexDamaged, match="holds the words of 4 texts, not 5"):
        LexicalIndex.load(tmp_path / "words", 5)


@given(st.lists(text, min_size=1, max_size=6), st.lists(st.integers(-1, 5), min_size=1, max_size=6), st.lists(text, min_size=6))
def test_words_that_are_taken_over_make_the_same_index_as_words_that_are_counted(
    earlier: list[str], rows: list[int], new: list[str]
) -> None:
    before = LexicalIndex.build(earlier)
    rows = [min(row, len(earlier) - 1) for row in rows]
    texts = [earlier[row] if row >= 0 else new[at] for at, row in enumerate(rows)]
    taken, counted = LexicalIndex.build(texts, before, np.array(rows)), LexicalIndex.build(texts)
    assert list(taken._bm25.vocab_dict.items()) == list(counted._bm25.vocab_dict.items())
    assert taken._times.tolist() == counted._times.tolist()
    for name in ("data", "indices", "indptr"):
        assert taken._bm25.scores[name].tobytes() == counted._bm25.scores[name].tobytes()


@pytest.mark.parametrize("times", [0, -7])
def test_counts_that_are_none_are_counted_anew(times: int) -> None:
    before = LexicalIndex.build(TEXTS)
    before._times = np.full_like(before._times, times)
    taken = LexicalIndex.build(TEXTS, before, np.arange(len(TEXTS)))
    assert taken.scores("port of Busan").tolist() == LexicalIndex.build(TEXTS).scores("port of Busan").tolist()


def test_the_scores_are_those_of_bm25s() -> None:
    own, theirs = LexicalIndex.build(TEXTS), bm25s.BM25(method="lucene")
    theirs.index([words(each) for each in TEXTS], show_progress=False)
    for word in own._bm25.vocab_dict:
        expected = theirs.get_scores([word])
        assert own._bm25.get_scores_from_ids([own._bm25.vocab_dict[word]]).tolist() == pytest.approx(
            expected.tolist(), rel=1e-6
        )
