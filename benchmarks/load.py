"""What the HTTP interface takes: many clients that ask at once, and rebuilds of the index all the while.

    python benchmarks/load.py --seconds 30

The clients ask questions of the corpus, each the next one as soon as it has its answer. Meanwhile another process adds a
release to the index and takes it away again. Told are the times of an answer, errors, the server's memory, and the generations
seen; two different answers of one generation to one question would be a mixture, and are counted as an error. Exit status 1
where there was an error. Memory is told on Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from embeddings.encoder import load_encoder
from qa import rebuild

ROOT = Path(__file__).resolve().parent.parent
ADDED = {
    "title": "Outcome of Korea-Atlantis Foreign Ministers' Meeting",
    "date": "2025-06-01",
    "url": "https://example.org/added",
    "text": "1. The two ministers agreed to open a ferry line between Busan and Atlantis in 2026.",
}


@dataclass
class Seen:
    """What the clients saw; `seconds` of each answer."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, default=ROOT / "corpus")
    parser.add_argument("--questions", type=Path, default=ROOT / "corpus" / "questions.jsonl")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--every", type=float, default=5, help="seconds between two rebuilds")
    parser.add_argument("--port", type=int, default=8766)
    options = parser.parse_args()
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with TemporaryDirectory() as scratch:
        folder, added = Path(scratch) / "index", Path(scratch) / "added"
        added.mkdir()
        (added / "added.json").write_text(json.dumps(ADDED), encoding="utf-8")
        spawn = multiprocessing.get_context("spawn")
        built, stop = spawn.Value("i", 0), spawn.Event()
        builder = spawn.Process(target=keep_rebuilding, args=(options.corpus, added, folder, options.every, built, stop))
        builder.start()
        while not built.value and builder.is_alive():
            time.sleep(0.5)
        command = [sys.executable, "-m", "qa.cli", "serve", "--index", str(folder), "--port", str(options.port)]
        log = Path(scratch) / "log"
        with log.open("wb") as file, subprocess.Popen(command, cwd=ROOT, stderr=file) as server:
            try:
                seen = asyncio.run(ask(f"http://127.0.0.1:{options.port}", questions, options.clients, options.seconds))
            finally:
                stop.set()
                server.terminate()
        builder.join()
        faults = [line for line in log.read_text(encoding="utf-8").splitlines() if " ERROR " in line or " WARNING " in line]
    report(seen, options, built.value, faults)
    return 1 if seen.errors else 0


def keep_rebuilding(corpus: Path, added: Path, folder: Path, every: float, built: Synchronized[int], stop: Event) -> None:
    """Rebuild the index with and without what is added, in turn; `built` counts."""
    encoder = load_encoder()
    while not stop.is_set():
        rebuild([corpus, added] if built.value % 2 else [corpus], folder, encoder=encoder)
        built.value += 1
        stop.wait(every)


async def ask(address: str, questions: list[str], clients: int, seconds: float) -> Seen:
    seen = Seen()
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=httpx.Limits(max_connections=clients + 1)) as client:
        while not await is_ready(client):
            await asyncio.sleep(0.5)
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_memory(client, seen, end))
            for number in range(clients):
                group.create_task(one_client(client, questions, random.Random(number), seen, end))  # noqa: S311
    return seen


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx.ConnectError:
        return False


async def one_client(client: httpx.AsyncClient, questions: list[str], dice: random.Random, seen: Seen, end: float) -> None:
    while time.monotonic() < end:
        question, start = dice.choice(questions), time.monotonic()
        try:
            reply = await client.post("/retrieve", json={"question": question})
        except httpx.HTTPError as error:
            seen.errors[type(error).__name__] += 1
            continue
        seen.seconds.append(time.monotonic() - start)
        if reply.status_code != 200:
            seen.errors[str(reply.status_code)] += 1
        elif seen.answers.setdefault((reply.json()["generation"], question), reply.text) != reply.text:
            seen.errors["another answer of the same generation"] += 1


async def watch_memory(client: httpx.AsyncClient, seen: Seen, end: float) -> None:
    while time.monotonic() < end:
        for line in (await client.get("/metrics")).text.splitlines():
            if line.startswith("process_resident_memory_bytes "):
                seen.memory.append(float(line.split()[1]) / 1e6)
        await asyncio.sleep(1)


def report(seen: Seen, options: argparse.Namespace, rebuilt: int, faults: list[str]) -> None:
    cuts = statistics.quantiles(seen.seconds, n=100)
    print(f"{len(seen.seconds)} answers to {options.clients} clients in {options.seconds:g} s: "
          f"{len(seen.seconds) / options.seconds:.1f} a second")  # fmt: skip
    print(f"seconds: p50 {cuts[49]:.3f}, p95 {cuts[94]:.3f}, p99 {cuts[98]:.3f}, longest {max(seen.seconds):.3f}")
    print(f"errors: {sum(seen.errors.values())} {dict(seen.errors) or ''}")
    print(f"generations seen: {len({generation for generation, _ in seen.answers})}, rebuilds: {rebuilt}")
    if seen.memory:
        after = seen.memory[len(seen.memory) // 10 :]
        print(f"memory, MB: {after[0]:.0f} after a tenth of the time, {max(after):.0f} at most, {after[-1]:.0f} at the end")
    for line in faults:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
