"""Nothing leaves the machine: neither a rebuild, nor a question, nor the page asks anybody for anything, network or not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.library import RECORDS, write_corpus

HARBOUR = "Who agreed to widen the harbour of Busan?"
# Loaded by every Python below a folder of the path: what asks for a name or an address that is not this machine's is told.
GUARD = """
import os, sys

def told(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None  # else a socket of the file system
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    elif event == "urllib.Request":
        host = arguments[0].split("/")[2].rpartition(":")[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"):
        with open(os.environ["ASKED"], "a") as file:
            print(event, host, file=file)

sys.addaudithook(told)
"""
NETWORKS = ("HF_", "TRANSFORMERS_", "STREAMLIT_", "HUGGINGFACE", "QA_", "DO_NOT_TRACK", "http_proxy", "https_proxy")


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment that says nothing of telemetry or offline modes, in which the guard is loaded."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(NETWORKS)}
    plain |= {"QA_CACHE": os.environ["QA_CACHE"]} if "QA_CACHE" in os.environ else {}
    places = {"ASKED": str(tmp_path / "asked"), "QA_INDEX": str(tmp_path / "index"), "QA_CORPUS": str(tmp_path / "corpus")}
    return plain | places | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "guard"), str(ROOT)])}


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []


def python(
    tmp_path: Path, guarded: dict[str, str], *arguments: str, wrapped: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*wrapped, sys.executable, *arguments]
    return subprocess.run(command, env=guarded, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)


def test_the_guard_tells_who_was_asked(tmp_path: Path, guarded: dict[str, str]) -> None:
    """Else the tests below could not fail."""
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), 0.01)\nexcept OSError: pass"
    assert python(tmp_path, guarded, "-c", code).returncode == 0
    assert {line.split()[1] for line in asked(tmp_path)} == {"192.0.2.1"}


@pytest.mark.model
def test_a_rebuild_and_a_question_ask_nobody_and_work_without_a_network(tmp_path: Path, guarded: dict[str, str]) -> None:
    write_corpus(tmp_path / "corpus", RECORDS)
    before = sorted(path.name for path in tmp_path.iterdir())
    code = f"from qa.cli import main; print([main(['rebuild']), main(['ask', {HARBOUR!r}, '--json'])])"
    unshare = shutil.which("unshare")
    alone = unshare is not None and subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode == 0
    ran = python(tmp_path, guarded, "-c", code, wrapped=("unshare", "-rn") if alone else ())
    assert ran.stdout.endswith("[0, 0]\n"), ran.stderr
    assert json.loads(ran.stdout.splitlines()[0])["hits"][0]["title"] == "Harbour Talks Held"
    assert asked(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "index"])
    kept = [path for path in (tmp_path / "index").rglob("*") if path.is_file() and b"Who agreed" in path.read_bytes()]
    assert kept == []  # what is asked is written nowhere


@contextmanager
def page(tmp_path: Path, guarded: dict[str, str]) -> Iterator[tuple[int, Path]]:
    """The chat page as `qa app` serves it, and what it says on its streams."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "qa.cli", "app", "--port", str(port)]
        process = subprocess.Popen(command, env=guarded, cwd=tmp_path, stdout=file, stderr=file, start_new_session=True)
        try:
            yield port, log
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def fetched(address: str, seconds: float = 120) -> bytes:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def test_the_page_starts_without_asking_anybody_and_names_no_other_host(tmp_path: Path, guarded: dict[str, str]) -> None:
    with page(tmp_path, guarded) as (port, log):
        assert fetched(f"http://127.0.0.1:{port}/_stcore/health") == b"ok"
        index = fetched(f"http://127.0.0.1:{port}/").decode()
        told = log.read_text()
    assert asked(tmp_path) == []
    assert "External URL" not in told  # for which Streamlit asks a server of Amazon's
    assert "Network URL" not in told
    assert 'src="http' not in index
    assert 'href="http' not in index


def test_a_visit_of_the_page_asks_nobody(tmp_path: Path, guarded: dict[str, str]) -> None:
    """The script of the page, from the first visit to an answer, with the encoder that needs no model."""
    write_corpus(tmp_path / "corpus", RECORDS)
    code = f"""
import importlib
from tests.conftest import FakeEncoder
for name in ("qa.rebuild", "qa.retrieve"):
    importlib.import_module(name).load_encoder = FakeEncoder
from streamlit.testing.v1 import AppTest
visit = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=120).run()
visit.chat_input[0].set_value({HARBOUR!r}).run()
print("harbour of Busan" in " ".join(each.proto.body for each in visit.get("html")), len(visit.exception))
"""
    ran = python(tmp_path, guarded, "-c", code)
    assert ran.stdout.endswith("True 0\n"), ran.stderr
    assert asked(tmp_path) == []
    assert HARBOUR not in ran.stderr + "".join(path.read_text() for path in tmp_path.glob("*.log"))
