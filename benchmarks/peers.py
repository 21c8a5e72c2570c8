"""The same work with this project and with what people use instead: encode, rebuild, add a release, start, answer.

    python -m benchmarks.peers STATEMENTS.jsonl [--first 100] [--only NAME ...] [--json FILE]

Everybody gets the same passages of the first statements of the file, the same questions and the same weights of
multilingual-e5-small, and works in processes of its own, one after the other. `pip install -e '.[peers]'` brings the others;
one that isn't installed is named and skipped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import machine, write_figures
from benchmarks.systems import SYSTEMS, missing, versions
from embeddings import models
from embeddings.encoder import load_encoder
from qa.corpus import read_corpus
from qa.index import embedded_text
from qa.passages import split_release
from qa.sentences import sentences

CHECKS = 20  # passages that are looked for by a sentence of their own
FIGURES = {  # decimals of each
    "passages": 0,
    "find themselves, %": 0,
    "passages encoded a second": 1,
    "rebuild s": 1,
    "one more release s": 2,
    "peak memory MB": 0,
    "index on disk MB": 2,
    "cold: loaded s": 1,
    "cold: first answer s": 1,
    "question p50 ms": 0,
    "question p95 ms": 0,
    "8 threads, ms each": 0,
}
NOT_COMPARED = ("passages", "find themselves, %")


def prepare(statements: Path, first: int, rounds: int, work: Path) -> None:
    """Write what all systems work from: the statements, one more, their passages, and sentences that should find theirs."""
    with statements.open(encoding="utf-8") as file:
        lines = [line for line, _ in zip(file, range(first + 1), strict=False)]
    encoder = load_encoder(models.BASE)
    task: dict[str, Any] = {"model": models.resolve(models.BASE), "rounds": rounds}
    for name, part in (("statements", lines[:-1]), ("new", lines[-1:])):
        (work / name).mkdir()
        (work / name / "statements.jsonl").write_text("".join(part), encoding="utf-8")
        releases = {release.id: release for release in read_corpus([work / name]).releases}
        split = [split_release(release, encoder.count_tokens, encoder.max_tokens) for release in releases.values()]
        passages = [passage for each in split for passage in each]
        task[name] = [(passage.id, embedded_text(passage, releases)) for passage in passages]
        if name == "statements":
            chosen = passages[:: max(1, len(passages) // CHECKS)][:CHECKS]
            longest = [max(sentences(passage.text), key=lambda span: span[1] - span[0]) for passage in chosen]
            task["checks"] = [(each.text[start:end], each.id) for each, (start, end) in zip(chosen, longest, strict=True)]
        else:
            key, text = task["new"][0]
            task["checks"].append((text[:300], key))  # its title and opening: it was added
    (work / "task.json").write_text(json.dumps(task), encoding="utf-8")


def run(name: str, work: Path) -> dict[str, float]:
    """All figures of one system, from two processes."""
    figures: dict[str, float] = {}
    for phase in ("warm", "cold"):
        command = [sys.executable, "-m", "benchmarks.one_system", name, phase, str(work), str(time.time())]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def table(rows: dict[str, dict[str, float]]) -> str:
    """Figures by system; those of others with their ratio to the first one's."""
    first = next(iter(rows))
    lines = [f"| | {' | '.join(rows)} |", f"|---|{'---|' * len(rows)}"]
    for figure, decimals in FIGURES.items():
        cells = []
        for name, figures in rows.items():
            ratio = figures[figure] / rows[first][figure]
            compared = name != first and figure not in NOT_COMPARED
            cells.append(f"{figures[figure]:,.{decimals}f}" + (f" ({ratio:.2g}x)" if compared else ""))
        lines.append(f"| {figure} | {' | '.join(cells)} |")
    lines.append(f"| how one more release is added | {' | '.join(SYSTEMS[name][2] for name in rows)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", type=Path)
    parser.add_argument("--first", type=int, default=100, help="statements of the file")
    parser.add_argument("--rounds", type=int, default=5, help="times that each question is asked, alone and by 8 threads")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for benchmarks.plots")
    options = parser.parse_args()
    where = machine()
    print(f"{where}; the first {options.first} statements.\n", flush=True)
    rows: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as scratch:
        prepare(options.statements, options.first, options.rounds, Path(scratch))
        for name in options.only:
            if absent := missing(name):
                print(f"{name} is skipped: {', '.join(absent)} not installed")
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                rows[name] = run(name, Path(scratch))
            except subprocess.CalledProcessError as error:  # its traceback stands above; the others' figures are not lost
                print(f"{name} failed with status {error.returncode}")
            else:
                print(json.dumps(rows[name]), file=sys.stderr, flush=True)
    print(f"{table(rows)}\n\nWith {versions(list(rows))}" if rows else "nothing was measured")
    if options.json:
        write_figures(options.json, where, rows)


if __name__ == "__main__":
    main()
