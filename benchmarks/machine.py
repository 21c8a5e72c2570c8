"""What a figure needs beside it: the machine, the command, and the clock it was taken with.

Only the standard library: what a process is charged for must be what it measures.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> str:
    """The processor, its cores, the memory, and how busy they are."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0] if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else float("nan")
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, "
        f"torch {version('torch')}{load}"
    )


def command() -> str:
    """The one that this process was started with, as it is typed from the checkout."""
    words = [os.path.relpath(word) if Path(word).is_absolute() and Path(word).exists() else word for word in sys.argv[1:]]
    return " ".join(["python -m", f"benchmarks.{Path(sys.argv[0]).stem}", *words])


def write_figures(path: Path, where: str, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Figures as `benchmarks.plots` reads them: {"machine", "command", "rows"}."""
    told = {"machine": where, "command": command(), "rows": rows}
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def timed(work: Callable[[], object], times: int = 1) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def memory(what: str) -> float:
    """MB of this process by the system's own count: "VmHWM", the most it had, or "RssAnon", what it has beside mapped files.

    NaN where the system does not say.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return next(int(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith(f"{what}:"))
