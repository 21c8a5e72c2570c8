"""How a server holds its index and its workers, in this process and as one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from embeddings.encoder import Encoded, Progress, Role
from qa import rebuild
from qa.generations import current_generation
from server.http import create_app
from server.metrics import Metrics
from server.served import WORKERS, Served
from tests.conftest import ROOT, FakeEncoder
from tests.library import RECORDS, record, use_fake_encoder, write_corpus

HARBOUR = "Who agreed to widen the harbour of Busan?"
SLOW = 1.0  # seconds that a question with "slowly" in it takes


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def wait_for(client: TestClient | httpx.Client, status: int = 200, told: str = "") -> None:
    """Wait until /ready answers with `status` and has `told` in it."""
    for _ in range(600):
        with contextlib.suppress(httpx.ConnectError):
            reply = client.get("/ready")
            if reply.status_code == status and told in reply.text:
                return
        time.sleep(0.05)
    raise AssertionError(f"not {status}: {reply.status_code} {reply.text}")


# in this process


def test_what_takes_too_long_is_told_so_and_what_still_waits_is_never_begun(tmp_path: Path) -> None:
    served = Served(tmp_path, 0.2, Metrics())
    go, begun = threading.Event(), []

    async def ask_all() -> list[object]:
        blocked = [served.answer(go.wait) for _ in range(WORKERS)]
        waiting = served.answer(lambda: begun.append(1))
        return await asyncio.gather(*blocked, waiting, return_exceptions=True)

    try:
        errors = asyncio.run(ask_all())
    finally:
        go.set()
    told = [(each.status_code, "0.2 s" in each.detail) for each in errors if isinstance(each, HTTPException)]
    assert told == [(503, True)] * (WORKERS + 1)
    served.seconds = 30
    assert asyncio.run(served.answer(lambda: "free again")) == "free again"
    assert begun == []
    served.close()


def test_no_request_waits_for_a_new_generation_to_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_encoder(monkeypatch)
    monkeypatch.setattr("server.served.POLL", 0.01)
    folder = tmp_path / "index"
    rebuild([write_corpus(tmp_path / "corpus")], folder, encoder=FakeEncoder())
    loading, go = threading.Event(), threading.Event()

    def load_slowly(*arguments: object) -> object:
        loading.set()
        go.wait()
        return loaded(*arguments)

    with client_of(create_app(folder)) as client:
        wait_for(client)
        before = current_generation(folder)
        retrieving = importlib.import_module("qa.retrieve")
        loaded = retrieving.open_index
        monkeypatch.setattr(retrieving, "open_index", load_slowly)
        rebuild([write_corpus(tmp_path / "corpus", RECORDS[:2])], folder, encoder=FakeEncoder())
        try:
            assert loading.wait(30)
            assert client.get("/retrieve", params={"question": HARBOUR}).json()["generation"] == before
        finally:
            go.set()
        wait_for(client, told=current_generation(folder))


def test_where_a_new_generation_cannot_be_taken_up_the_one_before_goes_on_and_ready_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_encoder(monkeypatch)
    monkeypatch.setattr("server.served.POLL", 0.01)
    folder = tmp_path / "index"
    rebuild([write_corpus(tmp_path / "corpus")], folder, encoder=FakeEncoder())
    with client_of(create_app(folder)) as client:
        wait_for(client)
        name = current_generation(folder)
        (folder / "CURRENT").write_text("generation-0000000000000000\n", encoding="utf-8")
        wait_for(client, told="which is not there")
        assert client.get("/retrieve", params={"question": HARBOUR}).json()["generation"] == name
        assert "qa_index_fault 1.0" in client.get("/metrics").text
        (folder / "CURRENT").write_text(f"{name}\n", encoding="utf-8")
        wait_for(client, told='"fault": null')


def test_a_fault_of_ours_while_loading_is_logged_and_does_not_end_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_fake_encoder(monkeypatch)
    monkeypatch.setattr("server.served.POLL", 0.01)
    folder = tmp_path / "index"
    rebuild([write_corpus(tmp_path / "corpus")], folder, encoder=FakeEncoder())
    retriever = importlib.import_module("server.served").Retriever
    with monkeypatch.context() as broken:
        broken.setattr(retriever, "current", lambda _: 1 / 0)
        with client_of(create_app(folder)) as client:
            wait_for(client, 503, "division by zero")
            broken.undo()
            use_fake_encoder(monkeypatch)
            wait_for(client)
    assert "ZeroDivisionError" in caplog.text


# as a process of its own


class SlowEncoder(FakeEncoder):
    """Takes its time over a question with "slowly" in it."""

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        if any("slowly" in text for text in texts):
            time.sleep(SLOW)
        return super().encode(texts, role, progress)


def listen(arguments: list[str]) -> int:
    """`qa serve` with an encoder that needs no model."""
    module = importlib.import_module("qa.retrieve")
    module.load_encoder, module.on_this_machine = SlowEncoder, str  # type: ignore[attr-defined]
    return importlib.import_module("server.http").main(arguments)  # type: ignore[no-any-return]


@contextlib.contextmanager
def listening(folder: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """A server over the index in `folder`, and who asks it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from tests.test_served import listen; sys.exit(listen(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--index", str(folder), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (
        log.open("wb") as stderr,  # no pipe: a full one would stop the server
        subprocess.Popen(command, env=environment, stderr=stderr) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        try:
            wait_for(client)
            yield server, client
        finally:
            server.terminate()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that can be handled")
def test_a_server_told_to_stop_answers_what_was_asked_and_then_ends(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    rebuild([write_corpus(tmp_path / "corpus")], folder, encoder=SlowEncoder())
    with listening(folder, tmp_path / "log") as (server, client), ThreadPoolExecutor() as pool:
        asked = [pool.submit(client.get, "/retrieve", params={"question": f"{HARBOUR} {i} slowly"}) for i in range(2)]
        for _ in range(200):
            if "qa_requests_open 3.0" in client.get("/metrics").text:  # itself among them
                break
        server.send_signal(signal.SIGTERM)
        time.sleep(SLOW / 4)
        with pytest.raises(httpx.ConnectError), httpx.Client(base_url=client.base_url) as late:
            late.get("/health")
        assert [each.result().status_code for each in asked] == [200, 200]
        assert server.wait(timeout=20) in (0, -signal.SIGTERM)
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert log.count("GET /retrieve 200") == 2
    assert "slowly" not in log


def test_rebuilds_drop_no_request_and_no_answer_mixes_two_generations(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    corpora = []
    for which in ("first", "second"):
        more = [
            record(10 + i, f"Lanterns of the {which} Ward {i}", "2024-01-01", f"Ward {i} lit {which} lanterns.")
            for i in range(9)
        ]
        corpora.append(write_corpus(tmp_path / which, [*RECORDS, *more]))
    told_by: dict[str, int] = {}

    def build(at: int) -> None:
        rebuild([corpora[at % 2]], folder, encoder=SlowEncoder())
        assert told_by.setdefault(current_generation(folder), at % 2) == at % 2

    build(0)
    with listening(folder, tmp_path / "log") as (_, client), ThreadPoolExecutor() as pool:
        stop = threading.Event()

        def ask() -> list[httpx.Response]:
            replies = []
            while not stop.is_set():
                replies.append(client.post("/retrieve", json={"question": "Which ward lit lanterns?", "k": 9}))
                time.sleep(0.01)
            return replies

        asking = [pool.submit(ask) for _ in range(4)]
        try:
            for at in range(1, 4):
                build(at)
                wait_for(client, told=current_generation(folder))
        finally:
            stop.set()
        replies = [reply for each in asking for reply in each.result()]
    assert {reply.status_code for reply in replies} == {200}
    records = [reply.json() for reply in replies]
    assert len({each["generation"] for each in records}) >= 2
    for each in records:
        which = ("first", "second")[told_by[each["generation"]]]
        lanterns = [hit for hit in each["hits"] if "Lanterns" in hit["title"]]
        assert lanterns
        assert all(f"the {which} Ward" in hit["title"] and f"{which} lanterns" in hit["text"] for hit in lanterns)
