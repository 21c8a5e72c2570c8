from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.adapter import unit
from embeddings.errors import IndexDamaged
from embeddings.late import SEGMENTS, StoredTokens, TokenStore

Floats = npt.NDArray[np.float32]
DIMENSION = 16
INT8_ERROR = 0.02  # of one cosine: half a level of at most 1/127 in each of 16 components, before the length is divided out
FILES = ("0/codes.npy", "0/scales.npy", "0/spans.npy", "rows.npy")


def texts_of(lengths: list[int], seed: int = 0) -> list[tuple[Floats, npt.NDArray[np.int32]]]:
    """Random unit token vectors, and spans of three characters."""
    generator = np.random.default_rng(seed)
    found = []
    for length in lengths:
        vectors = generator.standard_normal((length, DIMENSION)).astype(np.float32)
        spans = np.arange(length * 2).reshape(length, 2) * 3
        found.append((unit(vectors), spans.astype(np.int32)))
    return found


def store_of(texts: list[tuple[Floats, npt.NDArray[np.int32]]], folder: Path | None = None) -> TokenStore:
    with TemporaryDirectory() as elsewhere:  # what is mapped stays readable
        return TokenStore.build((StoredTokens.of(*each) for each in texts), DIMENSION, folder or Path(elsewhere) / "tokens")


def exact_maxsim(texts: list[tuple[Floats, npt.NDArray[np.int32]]], question: Floats) -> npt.NDArray[np.float64]:
    """MaxSim in double precision, nothing stored."""
    wide = question.astype(np.float64)
    return np.stack([(wide @ vectors.astype(np.float64).T).max(axis=1) for vectors, _ in texts])


@given(st.lists(st.integers(1, 12), min_size=2, max_size=8), st.integers(0, 10_000))
def test_one_byte_a_component_is_near_to_exact_maxsim(lengths: list[int], seed: int) -> None:
    texts = texts_of(lengths, seed)
    question = texts_of([5], seed + 1)[0][0]
    found = store_of(texts).maxsim(question, range(len(texts)))
    assert np.abs(found - exact_maxsim(texts, question)).max() < INT8_ERROR


def test_a_token_finds_itself_at_one() -> None:
    texts = texts_of([4, 6, 3])
    store = store_of(texts)
    for row, (vectors, _) in enumerate(texts):
        assert store.maxsim(vectors, [row])[0] == pytest.approx(1, abs=INT8_ERROR)
        assert np.diag(store.similarities(vectors, row)) == pytest.approx(1, abs=INT8_ERROR)


def test_stored_vectors_are_of_unit_length() -> None:
    texts = texts_of([4, 6])
    store = store_of(texts)
    assert np.linalg.norm(store.vectors(1), axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(store.vectors(1) - texts[1][0]).max() < INT8_ERROR
    assert store.dimension == DIMENSION


def test_maxsim_is_the_best_similarity_of_each_question_token() -> None:
    store = store_of(texts_of([4, 7, 2]))
    question = texts_of([3], seed=8)[0][0]
    best = store.maxsim(question, np.array([2, 0], np.int64))
    assert best == pytest.approx(np.stack([store.similarities(question, row).max(axis=1) for row in (2, 0)]), abs=1e-6)
    assert store.similarities(question, 1).shape == (3, 7)


def test_a_text_without_tokens_is_as_far_as_can_be() -> None:
    store = store_of(texts_of([3, 0, 2]))
    assert len(store) == 3
    assert store.maxsim(texts_of([2], seed=3)[0][0], [1]).tolist() == [[-1.0, -1.0]]
    assert store.maxsim(np.zeros((0, DIMENSION), np.float32), [0, 1]).shape == (2, 0)
    assert store.spans(1).tolist() == []


def test_spans_are_kept_by_text() -> None:
    texts = texts_of([3, 1, 4])
    store = store_of(texts)
    assert [store.spans(row).tolist() for row in range(3)] == [spans.tolist() for _, spans in texts]


def test_a_zero_vector_is_stored_without_a_warning() -> None:
    store = store_of([(np.zeros((2, DIMENSION), np.float32), np.zeros((2, 2), np.int32))])
    assert np.isfinite(store.maxsim(np.ones((1, DIMENSION), np.float32), [0])).all()


@pytest.mark.parametrize("lengths", [[3, 0, 5, 1], [0], [0, 0, 2]])
def test_save_and_load_round_trip(tmp_path: Path, lengths: list[int]) -> None:
    built = store_of(texts_of(lengths))
    store_of(texts_of(lengths), tmp_path / "tokens")
    loaded = TokenStore.load(tmp_path / "tokens")
    question = texts_of([4], seed=2)[0][0]
    assert sorted(path.relative_to(tmp_path / "tokens").as_posix() for path in (tmp_path / "tokens").rglob("*.npy")) == sorted(
        FILES
    )
    assert len(loaded) == len(lengths)
    assert loaded.maxsim(question, range(len(lengths))).tolist() == built.maxsim(question, range(len(lengths))).tolist()
    assert [loaded.spans(row).tolist() for row in range(len(lengths))] == [
        built.spans(row).tolist() for row in range(len(lengths))
    ]


def keep_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def break_the_header(path: Path) -> None:
    """A bracket of the header's dictionary is gone: NumPy answers with an error of the tokenizer of Python source."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b")", b"(", 1))


def other_type(path: Path) -> None:
    np.save(path, np.load(path).astype(np.uint16))


def other_axes(path: Path) -> None:
    np.save(path, np.load(path)[None])


def one_row_less(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def pickled(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [Path.unlink, emptied, keep_half, break_the_header, other_type, other_axes, one_row_less, pickled]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_every_damaged_file_is_found(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    store_of(texts_of([3, 5]), tmp_path / "tokens")
    if (name, damage) == ("rows.npy", one_row_less):
        pytest.skip("a store of fewer texts; `SearchIndex.load` compares their number with that of the vectors")
    damage(tmp_path / "tokens" / name)
    with pytest.raises(IndexDamaged) as caught:
        TokenStore.load(tmp_path / "tokens")
    assert caught.value.path.is_relative_to(tmp_path / "tokens")


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0, 3], [0, 3, 9]],
        [[0, -1, 3], [0, 3, 8]],
        [[0, 0, 3], [0, 8, 3]],
        [[0, 0, 3], [1, 0, 0]],
        [[-1, 0, 3]],
        [[0, 0], [0, 3]],
        [[10**9, 0, 1]],
    ],
)
def test_rows_that_name_tokens_that_are_not_there_are_damaged(tmp_path: Path, rows: list[list[int]]) -> None:
    store_of(texts_of([3, 5]), tmp_path / "tokens")
    np.save(tmp_path / "tokens" / "rows.npy", np.array(rows, np.int64))
    with pytest.raises(IndexDamaged):
        TokenStore.load(tmp_path / "tokens")


def contents(store: TokenStore) -> list[list[list[int]]]:
    return [[each.tolist() for each in store.stored(row)] for row in range(len(store))]


def test_segments_of_an_earlier_store_are_linked_and_only_new_tokens_written(tmp_path: Path) -> None:
    texts = texts_of([3, 5, 2, 4])
    earlier = store_of(texts, tmp_path / "earlier")
    [new] = [StoredTokens.of(*each) for each in texts_of([6], seed=4)]
    assert earlier.worth_keeping(np.array([3, 1, 0])) == [0]
    later = TokenStore.build([3, new, 1, 0], DIMENSION, tmp_path / "later", earlier, [0])
    whole = TokenStore.build([earlier.stored(3), new, earlier.stored(1), earlier.stored(0)], DIMENSION, tmp_path / "whole")
    assert contents(later) == contents(whole)
    question = texts_of([4], seed=2)[0][0]
    assert later.maxsim(question, range(4)).tolist() == whole.maxsim(question, range(4)).tolist()
    assert (tmp_path / "later" / "0" / "codes.npy").stat().st_ino == (tmp_path / "earlier" / "0" / "codes.npy").stat().st_ino
    assert len(np.load(tmp_path / "later" / "1" / "codes.npy")) == 6
    same = TokenStore.build([3, 1], DIMENSION, tmp_path / "same", earlier, [0])
    assert not (tmp_path / "same" / "1").exists()
    assert contents(same) == [contents(earlier)[3], contents(earlier)[1]]


def test_a_segment_that_is_mostly_unused_is_written_anew(tmp_path: Path) -> None:
    store = store_of(texts_of([3, 5, 2, 4]), tmp_path / "tokens")
    assert store.worth_keeping(np.array([0, 2])) == []
    assert store.worth_keeping(np.array([0, 3])) == [0]
    assert store.worth_keeping(np.array([], dtype=np.int64)) == []
    copied = TokenStore.build([2, 0], DIMENSION, tmp_path / "copied", store)
    assert contents(copied) == [contents(store)[2], contents(store)[0]]
    assert not (tmp_path / "copied" / "1").exists()


def test_however_often_a_text_is_added_the_large_segment_is_linked_and_few_small_ones_are_kept(tmp_path: Path) -> None:
    texts = texts_of([50, *[3] * 40])
    store = TokenStore.build([StoredTokens.of(*texts[0])], DIMENSION, tmp_path / "0")
    inode = (tmp_path / "0" / "0" / "codes.npy").stat().st_ino
    for at, text in enumerate(texts[1:], 1):
        rows = np.arange(len(store))
        made: list[StoredTokens | int] = [*rows.tolist(), StoredTokens.of(*text)]
        store = TokenStore.build(made, DIMENSION, tmp_path / str(at), store, store.worth_keeping(rows))
        assert (tmp_path / str(at) / "0" / "codes.npy").stat().st_ino == inode
        assert len([path for path in (tmp_path / str(at)).iterdir() if path.is_dir()]) <= SEGMENTS
    assert contents(store) == [[each.tolist() for each in StoredTokens.of(*text)] for text in texts]
