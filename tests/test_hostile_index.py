"""An index folder that came from somewhere else: whatever its files hold, no code of it is run, nothing outside it is
read, and no memory is taken for what it only declares."""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings import dense
from embeddings.dense import DenseIndex
from embeddings.errors import EmbeddingsError, IndexDamaged, ModelUnavailable
from qa.corpus import read_corpus
from qa.doctor import examine
from qa.errors import IndexUnusable, LedgerDamaged, QaError
from qa.generations import files_of, sha256
from qa.index import build_index, load_index
from qa.ledger import LEDGER, earlier_versions, events
from qa.retrieve import Retriever
from tests.conftest import ROOT, FakeEncoder
from tests.library import RECORDS, write_corpus


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built")
    build_index(read_corpus([write_corpus(place / "corpus", RECORDS)]), FakeEncoder(), place / "index")
    return place


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """An index of one's own to tamper with; its corpus lies beside it."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return tmp_path / "index"


def generation(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text().strip()


def sealed(folder: Path, **told: Any) -> Path:
    """The folder with a manifest that vouches for what its files hold now, as whoever made them would write it."""
    held = generation(folder)
    manifest = json.loads((held / "manifest.json").read_bytes())
    (held / "manifest.json").unlink()
    manifest["files"] = {name: list(each) for name, each in files_of(held, {}).items()}
    (held / "manifest.json").write_text(json.dumps({**manifest, **told}))
    name = f"generation-{sha256(held / 'manifest.json')[:16]}"
    held.rename(folder / name)
    (folder / "CURRENT").write_text(name + "\n")
    return folder


def lines_of(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (generation(folder) / name).read_text().splitlines()]


def write_lines_of(folder: Path, name: str, lines: list[dict[str, Any]]) -> None:
    (generation(folder) / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def first_line(name: str, **changed: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        first, *others = lines_of(folder, name)
        write_lines_of(folder, name, [{**first, **changed}, *others])

    change.__name__ = f"{name} {changed}"[:60]
    return change


def written(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (generation(folder) / name).write_bytes(content)

    change.__name__ = f"{name} {content[:20]!r}"
    return change


def saved(name: str, array: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        np.save(generation(folder) / name, array)

    change.__name__ = f"{name} {array.dtype} {array.shape}"
    return change


def sparse(name: str, size: int, start: bytes = b"") -> Callable[[Path], None]:
    """A file that says it is long and takes no room."""

    def change(folder: Path) -> None:
        with (generation(folder) / name).open("wb") as file:
            file.write(start)
            file.truncate(size)

    change.__name__ = f"{name} of {size} bytes"
    return change


PAR = [{"number": None, "start": 0, "end": 10, "parts": [["text", 0, 10, None]]}]
DEEP = b"[" * 200_000
HEADER = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 32), }".ljust(127) + b"\n"
CHANGES = [
    written("releases.jsonl", DEEP),
    written("releases.jsonl", b'{"id": ' * 100_000),
    written("passages.jsonl", DEEP),
    written("passages.jsonl", b"null\n"),
    written("words/vocab.index.json", DEEP),
    written("words/params.index.json", b'{"num_docs": Infinity}'),
    written("words/vocab.index.json", b'{"harbour": 1000000}'),
    written("words/vocab.index.json", b'{"harbour": -1}'),
    written("words/vocab.index.json", b'["harbour"]'),
    saved("words/indptr.csc.index.npy", np.array([0, 10**9], dtype=np.int64)),
    saved("words/indices.csc.index.npy", np.zeros((0,), dtype=np.float32)),
    saved("words/times.npy", np.ones(3, dtype=np.int32)),
    saved("words/times.npy", np.ones(0, dtype=np.float32)),
    first_line("releases.jsonl", title=7),
    first_line("releases.jsonl", text=None),
    first_line("releases.jsonl", id=["a"]),
    first_line("releases.jsonl", kind="rumour"),
    first_line("releases.jsonl", provenance="ministry"),
    first_line("releases.jsonl", date="yesterday"),
    first_line("releases.jsonl", days=["tomorrow"]),
    first_line("releases.jsonl", days=[7]),
    first_line("releases.jsonl", page=None),
    first_line("releases.jsonl", people=[[0, 3]]),
    first_line("releases.jsonl", people=[[0, 10**9, "person", "Kim", "Minister", None, True]]),
    first_line("releases.jsonl", people=[[0, 3, "script", "Kim", "Minister", None, True]]),
    first_line("releases.jsonl", people=[[0, 3, "person", None, "Minister", None, True]]),
    first_line("releases.jsonl", people=[[0, 3, "person", "Kim", "Minister", 7, True]]),
    first_line("releases.jsonl", people=[[0, 3, "person", "Kim", "Minister", None, "yes"]]),
    first_line("releases.jsonl", id="m_5676-2"),
    first_line("releases.jsonl", paragraphs=[]),
    first_line("releases.jsonl", paragraphs=[{**PAR[0], "end": 10**9}]),
    first_line("releases.jsonl", paragraphs=[{**PAR[0], "start": -3}]),
    first_line("releases.jsonl", paragraphs=[{**PAR[0], "parts": [["text", 0, 10, 99]]}]),
    first_line("releases.jsonl", paragraphs=[{**PAR[0], "parts": [["script", 0, 10, None]]}]),
    first_line("passages.jsonl", start=-20),
    first_line("passages.jsonl", end=10**9),
    first_line("passages.jsonl", start="0"),
    first_line("passages.jsonl", start=True),
    first_line("passages.jsonl", paragraph="17"),
    first_line("passages.jsonl", release_id="of another"),
    sparse("releases.jsonl", 2**40),
    sparse("passages.jsonl", 2**40),
    sparse("dense.faiss", 2**40, b"IxFI"),
    sparse("words/vocab.index.json", 2**40),
    sparse("pooled.npy", 128 + 4 * 32 * 4_000_000_000, HEADER),
    saved("pooled.npy", np.zeros((3, 33), dtype=np.float32)),
    saved("tokens/0/scales.npy", np.zeros(1, dtype=np.float32)),
    saved("tokens/rows.npy", np.array([[0, 0, 2**40]] * 3, dtype=np.int64)),
]


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Ten GB of addresses more than now: what maps a file needs, and none of the sizes that are declared here."""
    held = resource.getrlimit(resource.RLIMIT_AS)
    if Path("/proc/self/statm").exists():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 10 * 2**30, held[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, held)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_its_files_hold_the_index_is_refused_with_the_way_out(
    folder: Path, change: Callable[[Path], None], little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.generations.sha256", lambda path: "" if path.stat().st_size > 2**30 else sha256(path))
    change(folder)
    with pytest.raises(IndexUnusable, match="qa rebuild"):
        load_index(sealed(folder))


def test_texts_that_words_name_and_that_are_not_there_are_an_error_of_ours(folder: Path) -> None:
    words = generation(folder) / "words" / "indices.csc.index.npy"
    known = np.load(words)
    np.save(words, np.full_like(known, 1_000_000))
    with pytest.raises(EmbeddingsError, match="names texts that are not there"):
        Retriever.load(sealed(folder), encoder=FakeEncoder()).ask("Who agreed to widen the harbour of Busan?")


@pytest.mark.parametrize("name", ["tokens/0/scales.npy", "pooled.npy", "words/data.csc.index.npy"])
@pytest.mark.parametrize("number", [np.nan, np.inf, 1e20])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of a multiplication with what is no number
def test_numbers_that_are_none_are_an_error_of_ours(folder: Path, name: str, number: float) -> None:
    known = np.load(generation(folder) / name)
    np.save(generation(folder) / name, np.full_like(known, number))
    with pytest.raises(EmbeddingsError, match="numbers that are none"):
        Retriever.load(sealed(folder), encoder=FakeEncoder()).ask("Who agreed to widen the harbour of Busan?")


def test_a_backend_that_looks_for_no_end_of_an_array_is_not_what_a_file_chooses(folder: Path) -> None:
    told = b'{"num_docs": 3, "backend": "numba", "method": "bm25+", "dtype": "object"}'
    written("words/params.index.json", told)(folder)
    words = load_index(sealed(folder)).search.words
    assert words._bm25.backend == "numpy"
    assert words.scores("harbour").dtype == np.float32


class Trap:
    """What runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    "name",
    [
        "pooled.npy",
        "tokens/rows.npy",
        "tokens/0/codes.npy",
        "words/data.csc.index.npy",
        "words/params.index.json",
        "dense.faiss",
    ],
)
@pytest.mark.parametrize("bare", [True, False])
def test_a_pickle_in_place_of_any_file_is_never_run(folder: Path, tmp_path: Path, name: str, bare: bool) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    if bare:
        (generation(folder) / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    else:
        with (generation(folder) / name).open("wb") as file:
            np.save(file, trap, allow_pickle=True)
    with pytest.raises(IndexUnusable):
        load_index(sealed(folder))
    assert not (tmp_path / "sprung").exists()


def test_nothing_of_ours_reads_pickles() -> None:
    sources = [path for name in ("embeddings", "qa", "page", "server") for path in (ROOT / name).rglob("*.py")]
    for path in (*sources, ROOT / "app.py"):
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("import pickle", "joblib", "torch.load", "allow_pickle=True")), path


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json"])
@pytest.mark.parametrize("made", ["pipe", "endless", "long"])
def test_a_pipe_a_device_and_an_endless_file_are_not_read(folder: Path, name: str, made: str) -> None:
    path = folder / name if name == "CURRENT" else generation(folder) / name
    path.unlink()
    if made == "pipe":
        os.mkfifo(path)
    elif made == "endless":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(IndexUnusable):
        load_index(folder)


def test_a_generation_or_a_file_of_it_that_lies_elsewhere_is_not_read(folder: Path, tmp_path: Path) -> None:
    name = generation(folder).name
    shutil.copytree(folder, tmp_path / "linked", symlinks=True)
    (tmp_path / "secret").mkdir()
    shutil.move(tmp_path / "linked" / name, tmp_path / "secret")
    (tmp_path / "linked" / name).symlink_to(tmp_path / "secret" / name)
    with pytest.raises(IndexUnusable, match="CURRENT names"):
        load_index(tmp_path / "linked")
    releases = generation(folder) / "releases.jsonl"
    releases.rename(tmp_path / "elsewhere.jsonl")
    releases.symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(IndexUnusable, match=r"releases\.jsonl is missing"):
        load_index(sealed(folder))


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "tokens/../../outside", "..", ""])
def test_a_manifest_that_names_files_outside_its_generation_is_refused(folder: Path, name: str) -> None:
    (folder / "outside").write_text("x")
    with pytest.raises(IndexUnusable, match="is missing"):
        load_index(sealed(folder, files={name: [1, "0" * 64]}))


@pytest.mark.parametrize("name", ["releases.jsonl", "pooled.npy", "words", "tokens/0"])
@pytest.mark.parametrize("made", ["pipe", "link"])
def test_what_a_manifest_leaves_out_is_no_way_around_it(folder: Path, tmp_path: Path, name: str, made: str) -> None:
    path = generation(folder) / name
    path.rename(tmp_path / "elsewhere")
    if made == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IndexUnusable, match=f"{name} is missing"):
        load_index(sealed(folder, files={}))


@pytest.mark.parametrize("files", [[], {"a": 1}, {"a": [float("inf"), ""]}, {"a": ["x", "y"]}, None, {"a": [1, 2, 3]}])
def test_a_manifest_of_another_shape_is_refused(folder: Path, files: Any) -> None:
    with pytest.raises(IndexUnusable, match="manifest"):
        load_index(sealed(folder, files=files))


def test_a_link_that_would_run_is_no_link(folder: Path) -> None:
    first_line("releases.jsonl", url="javascript:alert(1)")(folder)
    assert next(iter(load_index(sealed(folder)).releases.values())).url is None


@pytest.mark.parametrize("model", ["someone/trojan", "../../nothing", "https://example.org/x", " ", "\x1b[2J"])
def test_a_model_that_only_an_index_names_is_not_fetched(folder: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch() -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("embeddings.encoder._reach_hub", fetch)
    sealed(folder, model=model)
    with pytest.raises(ModelUnavailable, match="not fetched because an index names it"):
        Retriever.load(folder)


def test_the_doctor_finds_no_model_that_only_an_index_names(folder: Path) -> None:
    sealed(folder, model="someone/trojan")
    assert [each.check for each in examine(folder, [folder.parent / "corpus"]) if not each.ok] == ["model"]


def test_code_that_lies_in_the_folder_of_a_model_is_not_run(folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "trap.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'sprung')!r})\nclass Trap: pass\n")
    (model / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "trap.Trap"}]))
    (model / "config.json").write_text(json.dumps({"model_type": "bert", "auto_map": {"AutoModel": "trap.Trap"}}))
    sealed(folder, model=str(model))
    with pytest.raises(ModelUnavailable):
        Retriever.load(folder)
    assert not (tmp_path / "sprung").exists()


# the ledger


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, "[]", "{}", '{"at": "x", "event": "new", "release": ["a"], "version": "b"}', '{"at": 1, "event": "new"}'],
)
def test_a_ledger_with_a_line_of_another_shape_names_it(tmp_path: Path, line: str) -> None:
    (tmp_path / LEDGER).write_text(line + "\n")
    with pytest.raises(LedgerDamaged, match="line 1"):
        list(events(tmp_path))


@pytest.mark.parametrize("record", [None, {}, {"title": 1}, {"paragraphs": 3}])
def test_a_record_of_the_ledger_that_is_no_release_names_its_line(tmp_path: Path, record: Any) -> None:
    line = {"at": "2024-01-01T00:00:00", "event": "removed", "release": "a", "version": "b", "record": record}
    (tmp_path / LEDGER).write_text(json.dumps(line) + "\n")
    with pytest.raises(LedgerDamaged, match="line 1"):
        earlier_versions(tmp_path, "a")


def test_a_ledger_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LEDGER)
    with pytest.raises(QaError):
        list(events(tmp_path))


# the FAISS file


def vectors(count: int, dimension: int = 16) -> Any:
    made = np.random.default_rng(count).standard_normal((count, dimension)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Any]:
    monkeypatch.setattr(dense, "FLAT_TO", 400)
    monkeypatch.setattr(dense, "CELLS", 0.4)
    held = vectors(500)
    DenseIndex.build(held).save(tmp_path / "dense.faiss")
    assert DenseIndex.load(tmp_path / "dense.faiss", held).kind == "cells"
    return tmp_path / "dense.faiss", held


SIZES = [2**20, 2**28, 2**33, 2**39, 2**62, 2**64 - 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("at", [8, 37])  # the number of vectors, and the length of the array of them
def test_a_flat_file_that_declares_more_than_it_holds_takes_no_memory(
    tmp_path: Path, size: int, at: int, little_memory: None
) -> None:
    held = vectors(20)
    path = tmp_path / "dense.faiss"
    DenseIndex.build(held).save(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, at, size)
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IndexDamaged):
        DenseIndex.load(path, held)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", ["cells", "lists", "code", "first list", "trained"])
def test_cells_that_declare_more_than_they_hold_take_no_memory(
    cells: tuple[Path, Any], size: int, part: str, little_memory: None
) -> None:
    path, held = cells
    content = bytearray(path.read_bytes())
    lists = content.rindex(b"ilar")
    places = {"cells": 37, "lists": lists + 4, "code": lists + 12, "first list": lists + 32, "trained": lists - 9 - 8 - 8 * 16}
    struct.pack_into("<Q", content, places[part], size)
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IndexDamaged):
        DenseIndex.load(path, held)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize("name", [b"ilod", b"il00", b"ilbs", b"\0\0\0\0"])
def test_cells_whose_vectors_would_be_in_a_file_that_they_name_are_refused(cells: tuple[Path, Any], name: bytes) -> None:
    path, held = cells
    path.write_bytes(path.read_bytes().replace(b"ilar", name))
    with pytest.raises(IndexDamaged):
        DenseIndex.load(path, held)


@pytest.mark.parametrize("size", [4, 2**40])
@pytest.mark.parametrize("before", [9, 9 + 8 * 16 + 8 + 8])  # of the lists: the length of a code, told twice
def test_the_length_of_a_code_that_cells_tell_is_not_believed(cells: tuple[Path, Any], size: int, before: int) -> None:
    path, held = cells
    content = bytearray(path.read_bytes())
    at = content.rindex(b"ilar") - before
    assert struct.unpack_from("<Q", content, at) == (16,)
    struct.pack_into("<Q", content, at, size)
    path.write_bytes(content)
    if before == 9:
        with pytest.raises(IndexDamaged):
            DenseIndex.load(path, held)
    else:
        assert DenseIndex.load(path, held)._index.sq.code_size == 16  # type: ignore[attr-defined]


def test_rows_that_the_cells_name_and_that_are_not_there_are_not_found(cells: tuple[Path, Any]) -> None:
    path, held = cells
    content = bytearray(path.read_bytes())
    lists = content.rindex(b"ilar")
    count = struct.unpack_from("<Q", content, lists + 4)[0]
    first = struct.unpack_from("<Q", content, lists + 32)[0]
    at = lists + 32 + 8 * count + 16 * first
    content[at : at + 8 * first] = struct.pack("<q", 2**40) * first
    path.write_bytes(content)
    rows, _ = DenseIndex.load(path, held).search(held[3], 500)
    assert ((rows >= 0) & (rows < 500)).all()
    assert len(rows) <= 500 - first
