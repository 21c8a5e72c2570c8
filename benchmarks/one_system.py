"""The figures of one system, in a process of its own: what `benchmarks.peers` starts, twice a system.

    python -m benchmarks.one_system NAME warm|cold FOLDER STARTED

FOLDER has `task.json`, of `benchmarks.peers.prepare`; STARTED is when the process was started, by `time.time`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import memory, timed
from benchmarks.systems import SYSTEMS, System

# Nothing else is imported up here: each process must hold, and be charged for, only what its own system needs.

SAMPLE = 128  # passages, spread evenly, that are encoded alone: four batches of the usual 32
QUESTIONS = (
    "What did the President say about vaccines and the pandemic?",
    "Will the United States rejoin the Paris Agreement?",
    "What was agreed on the New START treaty with Russia?",
    "How many people may get help with rent or mortgages?",
    "What did the leaders discuss on the call with Canada?",
    "Who was nominated or appointed to the staff?",
    "코로나19 백신에 대해 무엇이 발표되었나요?",
    "climate change and clean energy jobs",
    "What will be done about racial equity in the federal government?",
    "Which orders concern immigration and the border?",
)


def measure(system: System, task: dict[str, Any], folder: Path) -> dict[str, float]:
    """The figures of a warm process. What was built is loaded anew before it is asked."""
    texts = [text for _, text in task["statements"]]
    sample = texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
    system.encode(sample[:8])  # warm
    [encoding] = timed(lambda: system.encode(sample))
    [built] = timed(lambda: system.build(task["statements"], folder))
    [added] = timed(lambda: system.add(task["new"], folder))
    system.load(folder)
    for question in QUESTIONS:
        system.ask(question)  # warm
    asked = QUESTIONS * task["rounds"]
    alone = [timed(partial(system.ask, question))[0] for question in asked]
    with ThreadPoolExecutor(8) as threads:
        [together] = timed(lambda: list(threads.map(system.ask, asked)))
    itself = [key in system.ask(sentence) for sentence, key in task["checks"]]
    return {
        "passages": len(texts),
        "find themselves, %": 100 * statistics.mean(itself),
        "passages encoded a second": 1000 * len(sample) / encoding,
        "rebuild s": built / 1000,
        "one more release s": added / 1000,
        "peak memory MB": memory("VmHWM"),
        "index on disk MB": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
        "question p50 ms": statistics.median(alone),
        "question p95 ms": statistics.quantiles(alone, n=20, method="inclusive")[-1],
        "8 threads, ms each": together / len(asked),
    }


def start_cold(system: System, folder: Path, started: float) -> dict[str, float]:
    """Seconds since the process was started: until everything is loaded, and until one question is answered."""
    system.load(folder)
    loaded = time.time() - started
    system.ask(QUESTIONS[0])
    return {"cold: loaded s": loaded, "cold: first answer s": time.time() - started}


def main() -> None:
    name, phase, work, started = sys.argv[1:]
    task, folder = json.loads((Path(work) / "task.json").read_text(encoding="utf-8")), Path(work) / name
    if Path(task["model"]).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"  # nobody waits for an answer from the hub
    system = SYSTEMS[name][0](task["model"])
    print(json.dumps(measure(system, task, folder) if phase == "warm" else start_cold(system, folder, float(started))))


if __name__ == "__main__":
    main()
