from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from embeddings import milvus
from embeddings.errors import EngineMissing, EngineRefused, EngineUnreachable
from embeddings.milvus import Engine
from embeddings.there import MilvusIndex
from qa import cli
from qa.corpus import read_corpus
from qa.doctor import examine
from qa.errors import BadAddress, IndexMissing, IndexUnusable
from qa.mirror import build_there, current_name, engine_at, folder_of, mirror_of, open_index
from qa.places import Address, index_place
from qa.rebuild import rebuild
from qa.retrieve import Retriever
from server.http import create_app
from tests.conftest import CORPUS, FakeEncoder
from tests.library import RECORDS, record, use_calibration, use_fake_encoder, write_corpus
from tests.test_served import client_of, wait_for

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of the package that carries the server

HARBOUR = "What was agreed on the harbour of Busan?"
QUESTIONS = (
    "What did Korea and China agree on supply chains?",
    "humanitarian assistance for Ukraine in 2022",
    "What was said on North Korea since 2023?",
    "엑스포",
    "the latest meeting with Japan",
)


class Server:
    """A Milvus server on a port and in a folder of its own, that can be killed and started again."""

    def __init__(self, folder: Path, package: Any) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._server = package.MilvusServer(proxy_port=self.port)
        self._server.set_base_dir(str(folder))

    def start(self) -> None:
        self._server.start()
        self._server.config.resolve = lambda: None  # the next start takes the same ports

    def kill(self) -> None:
        if self._server.server_proc is not None:
            self._server.server_proc.kill()
            self._server.server_proc.wait()
        self._server.stop()

    def address(self, collection: str) -> Address:
        return Address("127.0.0.1", self.port, collection)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'release-qa[test]'")
    package = pytest.importorskip(
        "milvus", reason="the package milvus, a server, is not installed or has no build for this system"
    )
    folder = tmp_path_factory.mktemp("milvus")
    started = Server(folder, package)
    try:
        started.start()
        yield started
    finally:
        started.kill()
        engine_at.cache_clear()
        shutil.rmtree(folder)  # half a gigabyte


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own: as on another machine."""
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def pushed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """The address of an index of the corpus that ships."""
    address = server.address("shipped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_CACHE", str(tmp_path_factory.mktemp("builder")))
        rebuild([CORPUS], address, encoder=FakeEncoder())
    return address


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    """The same index in a folder."""
    folder = tmp_path_factory.mktemp("local")
    rebuild([CORPUS], folder, encoder=FakeEncoder())
    return Retriever.load(folder, encoder=FakeEncoder())


def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The rows of each upsert from now on, by their collection."""
    seen: list[tuple[str, int]] = []
    ask = Engine._ask

    def spy(self: Engine, method: str, *arguments: Any, **options: Any) -> Any:
        told = ask(self, method, *arguments, **options)
        if method == "upsert":
            seen.append((arguments[0], len(arguments[1])))
        return told

    monkeypatch.setattr(Engine, "_ask", spy)
    return seen


def cut_off(monkeypatch: pytest.MonkeyPatch, at: int, do: Any) -> None:
    """Have something happen before upsert number `at`; messages are small, so that there are many."""
    monkeypatch.setattr(milvus, "_ROWS", 1)
    monkeypatch.setattr(milvus, "_PIECES", 3)
    ask, count = Engine._ask, iter(range(1, 10_000))

    def ask_or_not(self: Engine, method: str, *arguments: Any, **options: Any) -> Any:
        if method == "upsert" and next(count) == at:
            do()
        return ask(self, method, *arguments, **options)

    monkeypatch.setattr(Engine, "_ask", ask_or_not)


def collections_of(address: Address) -> list[str]:
    return sorted(name for name in engine_at(address)._ask("list_collections") if name.startswith(address.collection))


def test_a_reader_elsewhere_needs_only_the_address_and_gets_the_hits_of_a_local_index(
    pushed: Address, local: Retriever
) -> None:
    there = Retriever.load(str(pushed), encoder=FakeEncoder())
    assert isinstance(there.index.search.dense, MilvusIndex)
    assert there.index.search.dense.kind == "flat"
    for question in QUESTIONS:
        assert there.ask(question, 10).hits == local.ask(question, 10).hits


def test_the_vectors_found_are_those_of_an_exact_search_and_filters_are_the_servers(
    pushed: Address, local: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, exact = Retriever.load(pushed, encoder=FakeEncoder()), local.index.search.dense
    dense = there.index.search.dense
    assert isinstance(dense, MilvusIndex)
    asked: list[str] = []
    search = Engine.search

    def spy(self: Engine, digest: str, vector: Any, k: int, condition: str, cells: int) -> Any:
        asked.append(condition)
        return search(self, digest, vector, k, condition, cells)

    monkeypatch.setattr(Engine, "search", spy)
    days = there.timeline.within(date(2022, 1, 1), date(2022, 12, 31))
    rows = np.arange(3, len(exact), 5)
    vector = 2 * exact.vectors[7] + exact.vectors[100]
    vector /= np.linalg.norm(vector)
    for bound in (None, days, rows):
        found, cosines = dense.search(vector, 20, bound)
        expected, expected_cosines = exact.search(vector, 20, bound)
        assert found.tolist() == expected.tolist()
        np.testing.assert_allclose(cosines, expected_cosines, atol=1e-5)
    assert asked[0] == ""
    assert asked[1] == f"day >= {min(dense._days[days])} and day <= {max(dense._days[days])}"
    assert asked[2] == f"row in {rows.tolist()}"
    monkeypatch.setattr("embeddings.there.LISTED", 10)
    found, _ = dense.search(vector, 20, rows)
    assert found.tolist() == exact.search(vector, 20, rows)[0].tolist()
    assert dense.search(vector, 20, rows[:0])[0].tolist() == []
    assert len(asked) == 3


def test_a_question_bound_in_time_has_the_hits_of_a_local_index(pushed: Address, local: Retriever) -> None:
    there = Retriever.load(pushed, encoder=FakeEncoder())
    options: Any = {"since": "2021-06-01", "until": "2023-03-01"}
    hits = there.retrieve("humanitarian assistance", 10, **options)
    assert hits == local.retrieve("humanitarian assistance", 10, **options)
    assert all("2021-06-01" <= str(hit.date) <= "2023-03-01" for hit in hits)


def test_a_push_of_what_is_there_sends_nothing(pushed: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    name, seen = current_name(pushed), sent(monkeypatch)
    report = rebuild([CORPUS], pushed, encoder=FakeEncoder())
    assert (report.changes.encoded, report.changes.new) == (0, ())  # pulled from the server first
    assert (seen, current_name(pushed)) == ([], name)


def test_a_mirror_that_was_damaged_is_pulled_anew(pushed: Address) -> None:
    open_index(pushed)
    file = next(folder_of(pushed).glob("generation-*/passages.jsonl"))
    file.write_bytes(file.read_bytes()[:-10])
    assert len(open_index(pushed).passages) == len(
        engine_at(pushed)._ask("query", current_name(pushed), filter="row >= 0", limit=1000)
    )


def test_an_index_of_another_model_is_refused(pushed: Address) -> None:
    with pytest.raises(IndexUnusable, match=rf"another model than 'other'.*qa rebuild --index {pushed}"):
        Retriever.load(pushed, encoder=FakeEncoder("other"))


def test_vectors_of_another_dimension_are_refused(pushed: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "dimension", lambda *_: 8)
    with pytest.raises(IndexUnusable, match=r"vectors of 8 components, not \d+ of 32\. Build it anew"):
        open_index(pushed)


def test_the_commands_take_an_address(
    pushed: Address, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_fake_encoder(monkeypatch)
    use_calibration(monkeypatch)
    monkeypatch.setattr("tests.library.FakeEncoder", lambda _="": FakeEncoder())
    monkeypatch.setenv("QA_INDEX", str(pushed))
    assert cli.main(["ask", QUESTIONS[0], "-k", "1"]) == 0
    assert cli.main(["show", "m_5676-322586", "--index", str(pushed)]) == 0
    assert cli.main(["doctor", "--corpus", str(CORPUS), "--index", str(pushed)]) in (0, 1)
    told = capsys.readouterr().out
    assert f"Milvus v2.3.5-lite at 127.0.0.1:{pushed.port}" in told
    assert "24 of 24 sampled passages find themselves" in told


def test_the_http_interface_takes_an_address(pushed: Address, local: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_encoder(monkeypatch)
    expected = local.ask(QUESTIONS[0]).record()
    with client_of(create_app(str(pushed))) as client:
        wait_for(client)
        found = client.post("/retrieve", json={"question": QUESTIONS[0]}).json()
        assert [hit["passage_id"] for hit in found["hits"]] == [hit["passage_id"] for hit in expected["hits"]]
        assert found["generation"].startswith("shipped_")
        cited = client.get(f"/passages/{found['hits'][0]['permalink']}").json()
        assert cited["text"] == found["hits"][0]["text"]


def test_readers_see_whole_generations_only_and_the_older_ones_are_dropped(server: Server, tmp_path: Path) -> None:
    address, corpora = server.address("switched"), [tmp_path / str(i) for i in range(3)]
    for i, corpus in enumerate(corpora):
        write_corpus(
            corpus, [*RECORDS, record(9, "Other Harbour", f"2024-01-0{i + 1}", f"Harbour number {i} of Busan was agreed.")]
        )
    rebuild([corpora[0]], address, encoder=FakeEncoder())
    first, done = current_name(address), Event()
    Retriever.load(address, encoder=FakeEncoder())

    def read() -> set[str]:
        seen = set()
        while not done.is_set():
            index = open_index(address)
            answer = Retriever(index, FakeEncoder()).ask(HARBOUR)
            said = [hit.text for hit in answer.hits if hit.release_id == "m_5676-9"]
            seen.add(f"{index.generation}: {said}")
        return seen

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            rebuild([corpora[1]], address, encoder=FakeEncoder())
            second = current_name(address)
            rebuild([corpora[2]], address, encoder=FakeEncoder())
        finally:
            done.set()
        names = [first, second, current_name(address)]
        whole = {f"{name}: ['Harbour number {i} of Busan was agreed.']" for i, name in enumerate(names)}
        assert reader.result() <= whole
    assert collections_of(address) == sorted(name + end for name in names[1:] for end in ("", "_files"))


def test_a_push_that_is_cut_off_is_resumed_with_what_is_missing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, corpus = server.address("resumed"), write_corpus(tmp_path / "corpus")

    def stop() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        cut_off(patch, 5, stop)  # three rows of vectors, three pieces
        with pytest.raises(KeyboardInterrupt):
            rebuild([corpus], address, encoder=FakeEncoder())
    with pytest.raises(IndexMissing, match=f"no index in {address}. Build one: qa rebuild --index {address}"):
        Retriever.load(address, encoder=FakeEncoder())
    monkeypatch.setattr(milvus, "_PIECES", 3)
    seen = sent(monkeypatch)
    assert rebuild([corpus], address, encoder=FakeEncoder()).changes.encoded == 0
    table = engine_at(address).table(current_name(address).removeprefix("resumed_"))
    assert {name.endswith("_files") for name, _ in seen} == {True}
    assert sum(count for _, count in seen) == 1 + len(table.pieces()) - 3
    assert len(Retriever.load(address, encoder=FakeEncoder()).ask(HARBOUR).hits) == 3


def test_two_machines_build_on_each_other(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server.address("shared")
    rebuild([write_corpus(tmp_path / "one")], address, encoder=FakeEncoder())
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "another machine"))
    changes = rebuild([write_corpus(tmp_path / "two", RECORDS[:1])], address, encoder=FakeEncoder()).changes
    assert (changes.removed, changes.encoded) == (("m_5676-2", "m_5676-3"), 0)
    ledger = (mirror_of(address) / "built" / "ledger.jsonl").read_text()
    assert ledger.count('"new"') == 3  # as the first machine wrote it
    assert ledger.count('"removed"') == 2


def test_a_name_in_use_for_something_else_is_refused(server: Server, tmp_path: Path) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=f"http://127.0.0.1:{server.port}", timeout=10)
    client.create_collection("theirs", schema=_schema(client))
    client.create_alias("theirs", "their_alias")
    client.close()
    for name in ("theirs", "their_alias"):
        with pytest.raises(EngineRefused, match=r"something else\. Name another collection: milvus://"):
            rebuild([write_corpus(tmp_path / "corpus")], server.address(name), encoder=FakeEncoder())


def _schema(client: Any) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=4)
    return schema


def test_a_server_that_is_killed_in_mid_build_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, corpus = server.address("killed"), write_corpus(tmp_path / "corpus", RECORDS[:2])
    rebuild([corpus], address, encoder=FakeEncoder())
    before, reader = current_name(address), Retriever.load(address, encoder=FakeEncoder())
    monkeypatch.setattr(milvus, "_WRITING", 2.0)
    write_corpus(tmp_path / "corpus")
    with monkeypatch.context() as patch:
        cut_off(patch, 3, server.kill)
        with pytest.raises(EngineUnreachable, match=f"no answer from Milvus at 127.0.0.1:{server.port}"):
            rebuild([corpus], address, encoder=FakeEncoder())
        patch.setattr(milvus, "_ASKING", 1.0)
        with pytest.raises(EngineUnreachable):
            reader.ask(HARBOUR)
    monkeypatch.undo()
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))
    server.start()
    assert current_name(address) == before
    report = rebuild([corpus], address, encoder=FakeEncoder())
    assert (report.changes.encoded, report.passages) == (0, 3)
    assert len(reader.ask(HARBOUR).hits) == 2  # the collections it reads are still there
    assert len(Retriever.load(address, encoder=FakeEncoder()).ask(HARBOUR).hits) == 3


def test_no_server_and_no_client_are_our_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'release-qa[test]'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = Address("127.0.0.1", probe.getsockname()[1], "press")
    with pytest.raises(EngineUnreachable, match=r"Start the server or name another one"):
        build_there(read_corpus([write_corpus(tmp_path / "corpus")]), FakeEncoder(), nowhere)
    assert cli.main(["ask", HARBOUR, "--index", str(nowhere)]) == 1
    found = {finding.check: finding for finding in examine(nowhere, encoder=FakeEncoder())}
    assert not found["engine"].ok
    monkeypatch.setitem(__import__("sys").modules, "pymilvus", None)
    with pytest.raises(EngineMissing, match=r"pip install 'release-qa\[milvus\]'"):
        Retriever.current(nowhere)


@pytest.mark.parametrize(
    "wrong",
    [
        "milvus://",
        "milvus://host/name",
        "milvus://host:0/name",
        "milvus://host:70000/name",
        "milvus://h:1/",
        "milvus://h:1/a b",
        "milvus:h",
    ],
)
def test_a_wrong_address_is_named(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadAddress, match="milvus://HOST:PORT/COLLECTION"):
        index_place(wrong)
    assert cli.main(["ask", HARBOUR, "--index", wrong]) == 1
    assert "is no address of an index" in capsys.readouterr().err


def test_an_address_is_one_as_text_and_as_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address("db.example.org", 19530, "press_1")
    assert index_place("milvus://db.example.org:19530/press_1") == address
    assert index_place(Path("milvus://db.example.org:19530/press_1")) == address
    assert index_place("folder/milvus") == Path("folder/milvus")
    monkeypatch.setenv("QA_INDEX", str(address))
    assert index_place() == address
