from __future__ import annotations

from pathlib import Path

from qa.corpus import read_corpus
from qa.stale import newer_releases
from tests.library import RECORDS, record, retriever_over, write_corpus


def test_an_index_is_not_stale_right_after_it_was_built(tmp_path: Path) -> None:
    index = retriever_over(tmp_path).index
    assert newer_releases(read_corpus([tmp_path / "corpus"]), index) == ()


def test_a_release_that_is_new_or_was_changed_is_newer_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    index = retriever_over(tmp_path).index
    changed = record(2, "Grain Assistance Decided", "2022-03-10", "Korea will give four million dollars.")
    corpus = read_corpus([write_corpus(tmp_path / "later", [changed, RECORDS[2], record(9, "Snow", None, "Snow fell.")])])
    assert [release.id for release in newer_releases(corpus, index)] == ["m_5676-2", "m_5676-9"]
