from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qa.errors import EmptyCorpus
from qa.rebuild import RebuildReport
from qa.watch import watch
from tests.library import RECORDS, use_fake_encoder, write_corpus


class Enough(Exception):
    """Ends a watch, which ends by an interruption only."""


def watched(corpus: Path, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> list[tuple[int, int]]:
    """Releases and passages encoded, of each rebuild, while one of `steps` is done after each look at the corpus."""
    use_fake_encoder(monkeypatch)
    seen: list[tuple[int, int]] = []
    left = list(steps)

    def sleep(seconds: float) -> None:
        if seconds != 1.0:
            return
        if not left:
            raise Enough
        left.pop(0)()

    monkeypatch.setattr("time.sleep", sleep)

    def told(report: RebuildReport) -> None:
        seen.append((report.releases, report.changes.encoded))

    with pytest.raises(Enough):
        watch([corpus], corpus.parent / "index", told=told, interval=1.0)
    return seen


def test_a_change_is_rebuilt_once_and_nothing_is_rebuilt_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "corpus", RECORDS[:2])

    def nothing() -> None:
        pass

    def more() -> None:
        write_corpus(corpus, RECORDS)

    assert watched(corpus, monkeypatch, nothing, more, nothing) == [(2, 2), (3, 1)]


def test_a_corpus_that_is_emptied_keeps_its_index_and_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "corpus")

    def emptied() -> None:
        (corpus / "releases.jsonl").unlink()

    def back() -> None:
        write_corpus(corpus, RECORDS[:1])

    assert watched(corpus, monkeypatch, emptied, back) == [(3, 3), (1, 0)]


def test_a_corpus_that_is_empty_from_the_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_encoder(monkeypatch)
    (tmp_path / "corpus").mkdir()
    with pytest.raises(EmptyCorpus):
        watch([tmp_path / "corpus"], tmp_path / "index", told=lambda _: None, interval=0.0)
