"""What a rebuild leaves when it is killed, or the disk is full: an index that answers, and nothing lost."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from qa.doctor import examine
from qa.errors import QaError
from qa.index import load_index
from qa.rebuild import rebuild
from qa.retrieve import Retriever
from tests.conftest import ROOT, FakeEncoder
from tests.library import RECORDS, record, write_corpus

KILLS = int(os.environ.get("QA_KILLS", "12"))
BUILDER = """
import sys
from pathlib import Path
from qa.rebuild import rebuild
from tests.conftest import FakeEncoder
one, other, index = map(Path, sys.argv[1:])
print("ready", flush=True)
while True:
    for corpus in (one, other):
        rebuild([corpus], index, encoder=FakeEncoder())
"""
MORE = tuple(record(10 + i, f"Lanterns of Ward {i}", "2024-01-01", f"Ward {i} lit {i} lanterns at dusk.") for i in range(40))


@pytest.fixture
def corpora(tmp_path: Path) -> list[Path]:
    return [write_corpus(tmp_path / "one", RECORDS), write_corpus(tmp_path / "other", [*RECORDS[:1], *MORE])]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_instant_the_folder_answers_from_a_whole_generation(tmp_path: Path, corpora: list[Path]) -> None:
    folder = tmp_path / "index"
    rebuild(corpora[:1], folder, encoder=FakeEncoder())
    faults: list[str] = []
    counts: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                answer = Retriever.load(folder, encoder=FakeEncoder()).ask("Who agreed to widen the harbour of Busan?")
                counts.append(len(load_index(folder).releases))
                if answer.hits[0].release_id != "m_5676-1":
                    faults.append(answer.hits[0].release_id)
            except QaError as error:
                faults.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    dice = random.Random(0)  # noqa: S311  # no secret
    try:
        for _ in range(KILLS):
            arguments = [sys.executable, "-c", BUILDER, *map(str, corpora), str(folder)]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, cwd=tmp_path) as builder:
                assert builder.stdout is not None
                assert builder.stdout.readline() == b"ready\n"
                time.sleep(dice.uniform(0, 0.3))
                builder.kill()
            findings = [each for each in examine(folder, corpora, encoder=FakeEncoder()) if not each.ok]
            faults += [f"{each.check}: {each.detail}" for each in findings if each.check not in ("corpus", "leftovers")]
    finally:
        stop.set()
        reader.join()
    assert faults == []
    assert set(counts) <= {3, 41}
    rebuild(corpora[1:], folder, encoder=FakeEncoder())
    assert all(each.ok for each in examine(folder, corpora[1:], encoder=FakeEncoder()))


def test_a_full_disk_is_an_error_with_the_old_index_standing(tmp_path: Path, corpora: list[Path]) -> None:
    folder = tmp_path / "index"
    rebuild(corpora[:1], folder, encoder=FakeEncoder())
    code = "import sys; from tests.test_kill import full; sys.exit(full(sys.argv[1:]))"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(corpora[1]), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("qa: File too large")
    assert len(load_index(folder).releases) == 3
    assert not [each for each in examine(folder, corpora[:1], encoder=FakeEncoder()) if not each.ok]


def full(arguments: list[str]) -> int:
    """`qa rebuild` where no file may grow past 10 kB: what a full disk answers, for a process without rights to mount one."""
    import importlib

    from qa.cli import main

    importlib.import_module("qa.rebuild").load_encoder = FakeEncoder  # type: ignore[attr-defined]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    return main(["rebuild", "--corpus", arguments[0], "--index", arguments[1]])
