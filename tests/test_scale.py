from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.repeating import Repeating, SharingStore, masked, noisy, read_known, repeated, write_corpus, write_known
from embeddings import search
from embeddings.adapter import unit
from embeddings.encoder import Encoded, Progress, Role
from embeddings.late import StoredTokens, TokenStore
from tests.conftest import FakeEncoder
from tests.test_peers import write_statements


def test_a_copy_has_other_names_and_numbers_of_the_same_length() -> None:
    text = "1. Minister Kang gave 25 ships to Busan in 2023."
    copies = {repeated(text, copy) for copy in range(1182)}
    assert len(copies) == 1182
    assert repeated(text, 0) == text
    assert all(copy.startswith("1. M") for copy in copies)
    assert {masked(copy) for copy in copies} == {masked(text)}


def test_noisy_vectors_are_near_and_the_same_for_the_same_seed() -> None:
    real = unit(np.random.default_rng(1).standard_normal((5, 384)).astype(np.float32))
    assert (noisy(real, 3) == noisy(real, 3)).all()
    assert ((noisy(real, 3) * real).sum(axis=1) > 0.98).all()
    assert ((noisy(real, 3) * noisy(real, 4)).sum(axis=1) < 0.999).all()


def test_what_is_known_reads_back_and_is_not_encoded_again(tmp_path: Path) -> None:
    known: dict[str, object] = {}
    texts = ["Lanterns in Jeonju", "Grain for ports"]
    first = Repeating(FakeEncoder(), known, 3).encode(texts, "passage")
    write_known(tmp_path / "known.npz", known)

    class NoEncoder(FakeEncoder):
        def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
            raise AssertionError

    again = Repeating(NoEncoder(), read_known(tmp_path / "known.npz"), 3).encode(texts, "passage")
    assert (again.pooled == first.pooled).all()
    assert all((one == other).all() for one, other in zip(again.tokens, first.tokens, strict=True))


def test_texts_with_the_same_token_vectors_share_their_place_and_read_back(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    spans = np.array([[0, 1], [1, 2]], dtype=np.int32)
    one, other = (StoredTokens.of(unit(dice.standard_normal((2, 8)).astype(np.float32)), spans) for _ in range(2))
    store = SharingStore.build([one, other, one, one], 8, tmp_path / "first")
    assert [store.stored(row).codes.tolist() for row in range(4)] == [each.codes.tolist() for each in (one, other, one, one)]
    assert sum(len(segment.codes) for segment in store._segments) == 4
    again = SharingStore.build([3, 1, other], 8, tmp_path / "second", store)
    assert [again.stored(row).codes.tolist() for row in range(3)] == [each.codes.tolist() for each in (one, other, other)]


def test_a_size_is_built_built_again_and_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "TokenStore", TokenStore)  # put back afterwards
    statements, encoder = write_statements(tmp_path / "all.jsonl"), FakeEncoder()
    write_corpus(statements, 4, 1, tmp_path / "corpus")
    assert scale.prepare(tmp_path, 1, encoder) == {}
    assert len(read_known(tmp_path / "known.npz")) == 4
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "known.npz").rename(work / "known.npz")
    write_corpus(statements, 4, 5, work / "corpus")
    figures = scale.build(work, 2, encoder) | scale.build_again(work, 2, encoder) | scale.ask(work, 2, encoder)
    assert figures["passages"] == 21
    assert figures["index"] == "flat"
    assert figures["recall@10"] == 1
    assert 0 < figures["of it token vectors MB"] < figures["token vectors MB, none shared"]  # type: ignore[operator]
    assert all(value >= 0 for name, value in figures.items() if name.endswith((" s", " ms")))  # type: ignore[operator]
    lines = scale.table([figures, figures]).splitlines()
    assert {line.count("|") for line in lines} == {4}
    json.dumps(figures)
