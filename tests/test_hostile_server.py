"""A server that answers what it likes: whatever it says, an error of ours, and no memory for what it only declares."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from embeddings.errors import EmbeddingsError, EngineUnreachable
from embeddings.milvus import MARK, Engine
from embeddings.pieces import PIECE, Table
from qa.corpus import read_corpus
from qa.errors import QaError
from qa.generations import MANIFEST
from qa.index import build_index
from qa.mirror import open_index
from qa.places import Address
from qa.rebuild import rebuild
from qa.retrieve import Retriever
from tests.conftest import FakeEncoder
from tests.library import RECORDS, write_corpus

pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'release-qa[test]'")
ADDRESS = Address("127.0.0.1", 1, "press")
QUESTION = "What was agreed on the harbour of Busan?"
DEEP = "[" * 40_000  # in one piece


class Client:
    """As much of a Milvus client as is asked: what a server with these files and vectors would say."""

    def __init__(self, files: dict[str, bytes], vectors: Any) -> None:
        self.files, self.vectors = files, vectors
        self.table: bytes | None = None  # else what the files are
        self.answers: dict[str, Any] = {}  # instead of what a method would say
        self.changed: Callable[[list[dict[str, Any]]], Any] = lambda rows: rows  # of the pieces

    def told(self) -> tuple[Table, bytes, str]:
        table = Table(tuple((path, len(data), sha256(data).hexdigest()) for path, data in sorted(self.files.items())))
        text = table.text if self.table is None else self.table
        return table, text, sha256(text).hexdigest()[:16]

    def __getattr__(self, method: str) -> Any:
        def ask(*arguments: Any, **options: Any) -> Any:
            if method in self.answers:
                return self.answers[method]
            return getattr(self, f"_{method}")(*arguments, **options)

        return ask

    def _describe_alias(self, name: str, **_: Any) -> Any:
        return {"collection_name": f"{name}_{self.told()[2]}"}

    def _describe_collection(self, *_: Any, **__: Any) -> Any:
        return {"description": MARK, "fields": [{"name": "vector", "params": {"dim": self.vectors.shape[1]}}]}

    def _load_collection(self, *_: Any, **__: Any) -> None:
        pass

    def _get_load_state(self, *_: Any, **__: Any) -> Any:
        return {"state": SimpleNamespace(name="Loaded")}

    def _query(self, collection: str, *, filter: str, output_fields: list[str], **_: Any) -> Any:  # noqa: A002
        if output_fields == ["count(*)"]:
            return [{"count(*)": len(self.vectors)}]
        table, text, _digest = self.told()
        pieces = [text, *(self.files[path][start : start + PIECE] for path, start in table.pieces())]
        start, end = (int(number) for number in re.findall(r"\d+", filter))
        rows = range(start, min(end, len(pieces)))
        return self.changed([{"row": row, "piece": base64.b64encode(pieces[row]).decode()} for row in rows])

    def _search(self, *_: Any, data: list[Any], limit: int, **__: Any) -> Any:
        cosines = self.vectors @ data[0]
        return [[{"id": int(row), "distance": float(cosines[row])} for row in np.argsort(-cosines)[:limit]]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and its index."""
    place = tmp_path_factory.mktemp("built")
    build_index(read_corpus([write_corpus(place / "corpus", RECORDS)]), FakeEncoder(), place / "index")
    return place


@pytest.fixture
def client(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))
    generation = next((built / "index").glob("generation-*"))
    files = {path.relative_to(generation).as_posix(): path.read_bytes() for path in generation.rglob("*") if path.is_file()}
    served = Client(files, np.load(generation / "pooled.npy"))
    monkeypatch.setattr("qa.mirror.engine_at", lambda _: Engine(served, ADDRESS.host, ADDRESS.port, ADDRESS.collection))
    return served


def manifest_with(**told: Any) -> Callable[[Client], None]:
    def change(client: Client) -> None:
        client.files[MANIFEST] = json.dumps({**json.loads(client.files[MANIFEST]), **told}).encode()

    return change


def files(path: str, data: bytes) -> Callable[[Client], None]:
    return lambda client: client.files.update({path: data})


def table(text: str) -> Callable[[Client], None]:
    return lambda client: setattr(client, "table", text.encode())


def answers(method: str, told: Any) -> Callable[[Client], None]:
    return lambda client: client.answers.update({method: told})


def pieces(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Client], None]:
    return lambda client: setattr(client, "changed", change)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def declared(client: Client) -> None:
    """A table of what is there, but for one file of a thousand billion billion bytes."""
    told = json.loads(client.told()[1])
    client.table = json.dumps([*told, ["huge", 10**21, "0" * 64]]).encode()


def long_manifest(client: Client) -> None:
    told = json.loads(client.told()[1])
    client.table = json.dumps([[path, 10**12 if path == MANIFEST else size, digest] for path, size, digest in told]).encode()


def test_one_that_answers_as_milvus_does_is_read_and_asked(client: Client) -> None:
    assert Retriever.load(ADDRESS, encoder=FakeEncoder()).ask(QUESTION).hits[0].release_id == "m_5676-1"


@pytest.mark.parametrize(
    "change",
    [
        table(DEEP),
        table('{"a":' * 9_000),
        table("[]"),
        table("7"),
        table(f'[["manifest.json", Infinity, "{"0" * 64}"]]'),
        declared,
        long_manifest,
        files(MANIFEST, DEEP.encode()),
        files(MANIFEST, b"[]"),
        files(MANIFEST, b"\xff"),
        manifest_with(model=nested(600)),
        manifest_with(model=nested(3)),
        manifest_with(format=nested(600)),
        manifest_with(format="9" * 10_000),
        manifest_with(passages="three"),
        manifest_with(more=1),
        manifest_with(files=None),
        files("releases.jsonl", DEEP.encode()),
        files("passages.jsonl", b"{}"),
        pieces(lambda rows: [{**row, "piece": 7} for row in rows]),
        pieces(lambda rows: [{**row, "piece": None} for row in rows]),
        pieces(lambda rows: [{**row, "piece": "§"} for row in rows]),
        pieces(lambda rows: [{**row, "piece": "A" * 400_000} for row in rows]),
        pieces(lambda rows: [{**row, "row": str(row["row"])} for row in rows]),
        pieces(lambda rows: [{**row, "row": [row["row"]]} for row in rows]),
        pieces(lambda rows: [{"row": row["row"]} for row in rows]),
        pieces(lambda rows: rows[:-1]),
        pieces(lambda rows: [*rows, {"row": "x", "piece": ""}]),
        pieces(lambda _: None),
        pieces(lambda _: [7]),
        answers("describe_alias", None),
        answers("describe_alias", {"collection_name": nested(3)}),
        answers("describe_collection", {}),
        answers("describe_collection", {"description": MARK, "fields": []}),
        answers("describe_collection", {"description": MARK, "fields": [{"name": "vector", "params": {"dim": float("inf")}}]}),
        answers("get_load_state", {"state": 3}),
    ],
)
def test_what_it_says_otherwise_is_an_error_of_ours(client: Client, change: Callable[[Client], None]) -> None:
    change(client)
    try:
        with pytest.raises((QaError, EmbeddingsError)) as caught:
            open_index(ADDRESS)
    except OSError as error:  # what it declares is more than the disk has left
        assert error.strerror == "No space left on device"
    else:
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "told",
    [None, [], [None], [[{"id": 3}]], [[{"id": "a", "distance": 1.0}]], [[{"id": 2**80, "distance": 1.0}]], [[7]]]
    + [[[{"id": row, "distance": 1.0}]] for row in (-1, 10**6)],
)
def test_hits_of_another_form_are_an_error_of_ours(client: Client, told: Any) -> None:
    retriever = Retriever.load(ADDRESS, encoder=FakeEncoder())
    client.answers["search"] = told
    with pytest.raises(EmbeddingsError, match=r"otherwise than Milvus|texts that are not there"):
        retriever.ask(QUESTION)


def test_what_is_damaged_there_is_built_anew(client: Client, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[Table] = []
    monkeypatch.setattr(Engine, "push", lambda _, table, *__: pushed.append(table))
    client.table = DEEP.encode()
    report = rebuild([built / "corpus"], ADDRESS, encoder=FakeEncoder())
    assert report.changes.encoded == 3
    assert len(pushed) == 1


@pytest.mark.parametrize(
    "reason", ["failed to search: leader not available: channel not available", "node offline[node=1]", "Deadline Exceeded"]
)
def test_a_server_that_is_not_ready_is_one_to_ask_again(client: Client, reason: str) -> None:
    from pymilvus import MilvusException

    def busy(*_: Any, **__: Any) -> None:
        raise MilvusException(code=503, message=reason)

    retriever = Retriever.load(ADDRESS, encoder=FakeEncoder())
    client._search = busy  # type: ignore[method-assign]
    with pytest.raises(EngineUnreachable, match=r"goes on where it stopped"):
        retriever.ask(QUESTION)
