from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.dense import DenseIndex
from embeddings.errors import IndexDamaged


def unit_vectors(count: int, dimension: int = 8, seed: int = 0) -> npt.NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


AXES = np.eye(4, dtype=np.float32)
ASKED = np.array([0.6, 0.8, 0, 0], np.float32)


def test_scores_are_cosines_and_the_nearest_comes_first() -> None:
    rows, scores = DenseIndex.build(AXES).search(ASKED, 2)
    assert rows.tolist() == [1, 0]
    assert scores.tolist() == pytest.approx([0.8, 0.6])


def test_an_opposite_vector_scores_minus_one_and_comes_last() -> None:
    rows, scores = DenseIndex.build(np.stack([-ASKED, ASKED, AXES[3]])).search(ASKED, 3)
    assert rows.tolist() == [1, 2, 0]
    assert scores.tolist() == pytest.approx([1.0, 0.0, -1.0], abs=1e-6)


def test_no_more_rows_than_there_are() -> None:
    assert sorted(DenseIndex.build(AXES).search(ASKED, 99)[0].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(("rows", "expected"), [([0, 2, 3], [0, 2]), ([3], [3]), ([], [])])
def test_only_the_rows_named_are_searched(rows: list[int], expected: list[int]) -> None:
    found, scores = DenseIndex.build(AXES).search(ASKED, 2, np.array(rows, np.int64))
    assert found.tolist() == expected
    assert scores.tolist() == pytest.approx([float(AXES[row] @ ASKED) for row in expected])


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 10_000))
def test_the_search_is_exact(count: int, k: int, seed: int) -> None:
    vectors, asked = unit_vectors(count, seed=seed), unit_vectors(1, seed=seed + 1)[0]
    rows, scores = DenseIndex.build(vectors).search(asked, k)
    exact = np.sort(vectors @ asked)[::-1][:k]
    assert scores == pytest.approx(exact, abs=1e-5)
    assert scores == pytest.approx((vectors @ asked)[rows], abs=1e-5)


def test_cosines_come_in_the_order_of_the_rows() -> None:
    index = DenseIndex.build(AXES)
    assert index.cosines(ASKED, np.array([3, 1, 0, 1])).tolist() == pytest.approx([0.0, 0.8, 0.6, 0.8])
    assert index.cosines(ASKED, np.array([], np.int64)).tolist() == []


def test_it_knows_its_size() -> None:
    index = DenseIndex.build(unit_vectors(5, 8))
    assert (len(index), index.dimension) == (5, 8)


def test_save_and_load_round_trip(tmp_path: Path) -> None:
    vectors, path = unit_vectors(30), tmp_path / "dense.faiss"
    built = DenseIndex.build(vectors)
    built.save(path)
    loaded = DenseIndex.load(path, vectors)
    assert (len(loaded), loaded.dimension) == (30, 8)
    for asked in unit_vectors(5, seed=9):
        (rows, scores), (loaded_rows, loaded_scores) = built.search(asked, 10), loaded.search(asked, 10)
        assert rows.tolist() == loaded_rows.tolist()
        assert scores.tolist() == loaded_scores.tolist()


@pytest.mark.parametrize("cut", [0, 1, 4, 20, 40, -1])
def test_a_file_cut_short_is_damaged(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "dense.faiss"
    DenseIndex.build(unit_vectors(5)).save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(IndexDamaged, match="cannot be read as a FAISS index") as caught:
        DenseIndex.load(path, unit_vectors(5))
    assert caught.value.path == path


@pytest.mark.parametrize("content", [b"\0" * 300, b"PK\3\4 something else", "한국".encode() * 100])
def test_another_file_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dense.faiss"
    path.write_bytes(content)
    with pytest.raises(IndexDamaged):
        DenseIndex.load(path, unit_vectors(5))


def test_a_missing_file_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged):
        DenseIndex.load(tmp_path / "dense.faiss", AXES)


def test_a_file_of_other_vectors_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "dense.faiss"
    DenseIndex.build(unit_vectors(5)).save(path)
    with pytest.raises(IndexDamaged, match="holds 5 vectors"):
        DenseIndex.load(path, unit_vectors(6))


def test_many_vectors_lie_in_cells_and_are_found_nearly_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vectors = unit_vectors(20, 32).repeat(150, axis=0) + 0.1 * unit_vectors(3000, 32, seed=3)
    vectors = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
    assert DenseIndex.build(vectors).kind == "flat"
    monkeypatch.setattr("embeddings.dense.FLAT_TO", 1000)
    built = DenseIndex.build(vectors)
    assert built.kind == "cells"
    built.save(tmp_path / "dense.faiss")
    loaded = DenseIndex.load(tmp_path / "dense.faiss", vectors)
    share = []
    for asked in vectors[::300]:
        exact = set(np.argsort(-(vectors @ asked))[:10].tolist())
        rows, scores = loaded.search(asked, 10)
        assert (np.diff(scores) <= 0).all()
        share.append(len(exact & set(rows.tolist())) / 10)
    assert np.mean(share) > 0.9
    few = np.array([2999, 5, 700])
    assert loaded.search(vectors[5], 2, few)[0][0] == 5
    many = np.arange(500, 3000)
    rows, _ = loaded.search(vectors[5], 10, many)
    assert len(rows) == 10
    assert rows.min() >= 500
