"""What a question and a rebuild cost as the corpus grows: time, memory and disk, and how much of the exact search is found.

    python -m benchmarks.scale STATEMENTS.jsonl [--sizes 1000 10000 100000 1000000] [--base 250] [--json FILE]

`--base` statements are encoded; larger corpora repeat them with other names and numbers of the same length, and vectors that
are the real ones with noise. `--distinct` passages (200,000) have token vectors of their own, what goes beyond shares theirs,
so that a disk holds a million; words and pooled vectors are all their own. Each size is built, built again with one more
release, and asked, in a process each. Questions are encoded by the real model. TMPDIR says where the disk is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np

from benchmarks.machine import machine, memory, timed, write_figures
from benchmarks.repeating import NAMES, QUESTIONS, YEARS, Repeating, SharingStore, read_known, write_corpus, write_known
from benchmarks.vectors import recall, rows_by
from embeddings import search
from embeddings.encoder import Encoder, load_encoder
from embeddings.search import Query
from qa.rebuild import rebuild
from qa.retrieve import Retriever

NEW = "Lanterns Lit\n\n2026-01-02\n\n1. A lantern was lit in Jeonju at dusk.\n"
CORPUS, INDEX, KNOWN = "corpus", "index", "known.npz"
Figures = dict[str, float | str]


@contextmanager
def most_memory(figures: Figures, name: str) -> Iterator[None]:
    """Add what this process took at most beyond what it had, in MB, mapped files not counted; looked at ten times a second."""
    before, done = memory("RssAnon"), Event()
    seen = [before]

    def look() -> None:
        while not done.wait(0.1):
            seen.append(memory("RssAnon"))

    looking = Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join()
        figures[name] = max(seen) - before


def prepare(work: Path, _: int, encoder: Encoder) -> Figures:
    """Have the vectors of the passages in the corpus of `work` in a file there."""
    known: dict[str, Any] = {}
    rebuild([work / CORPUS], work / "probe", encoder=Repeating(encoder, known, kinds=1))
    write_known(work / KNOWN, known)
    return {}


def build(work: Path, kinds: int, encoder: Encoder) -> Figures:
    """A rebuild from nothing."""
    search.TokenStore = SharingStore  # type: ignore[attr-defined]
    source = Repeating(encoder, read_known(work / KNOWN), kinds)
    figures: Figures = {}
    with most_memory(figures, "rebuild MB"):
        [taken] = timed(lambda: rebuild([work / CORPUS], work / INDEX, encoder=source))
    return {"rebuild s": taken / 1000 - source.seconds, "made up s": source.seconds, **figures}


def build_again(work: Path, kinds: int, encoder: Encoder) -> Figures:
    """A rebuild after one more release."""
    search.TokenStore = SharingStore  # type: ignore[attr-defined]
    source = Repeating(encoder, read_known(work / KNOWN), kinds)
    (work / CORPUS / "new.txt").write_text(NEW, encoding="utf-8")
    figures: Figures = {}
    with most_memory(figures, "one more release MB"):
        [taken] = timed(lambda: rebuild([work / CORPUS], work / INDEX, encoder=source))
    return {"one more release s": taken / 1000, **figures}


def forget(folder: Path) -> None:
    """Have the system keep nothing of a folder's files in memory, as after a start of the machine."""
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def ask(work: Path, _: int, encoder: Encoder) -> Figures:
    """Opening the index and asking it, first with nothing of it in memory."""
    forget(work / INDEX)
    before, opened = memory("RssAnon"), list[Retriever]()
    [loading] = timed(lambda: opened.append(Retriever.load(work / INDEX, encoder=encoder)))
    [retriever] = opened
    index = retriever.index.search
    loaded = memory("RssAnon") - before
    cold = [timed(partial(retriever.ask, question))[0] for question in QUESTIONS]
    taken = [timed(partial(retriever.ask, question))[0] for question in QUESTIONS * 5]
    queries = Query.encode(QUESTIONS, encoder)
    encoding = [timed(partial(Query.encode, [text], encoder))[0] for text in QUESTIONS * 5]
    searching = [timed(partial(index.search, query))[0] for query in queries * 5]
    proposing = [timed(partial(index.propose, query))[0] for query in queries * 5]
    with ThreadPoolExecutor(8) as threads:
        [eight] = timed(lambda: list(threads.map(retriever.ask, QUESTIONS * 5)))
    files = {path: path.stat().st_size for path in (work / INDEX).rglob("*") if path.is_file()}
    tokens = sum(size for path, size in files.items() if "tokens" in path.parts)
    token = index.tokens.dimension + 4 + 8  # bytes: its codes, scale and span, as `embeddings/late.py` keeps them
    passages = len(retriever.index.passages)
    found = recall(index.dense.vectors, [query.pooled for query in queries], rows_by(index.dense))
    return {
        "passages": passages,
        "index": index.dense.kind,
        "load s": loading / 1000,
        "loaded MB": loaded,
        "MB after asking": memory("RssAnon") - before,
        "first ten p50 ms": float(np.median(cold)),
        "first ten worst ms": max(cold),
        "answer p50 ms": float(np.median(taken)),
        "answer p95 ms": float(np.quantile(taken, 0.95)),
        "8 threads, ms each": eight / len(taken),
        "encoding p50 ms": float(np.median(encoding)),
        "search p50 ms": float(np.median(searching)),
        "proposing p50 ms": float(np.median(proposing)),
        "recall@10": found,
        "MB on disk": sum(files.values()) / 1e6,
        "of it token vectors MB": tokens / 1e6,
        "token vectors MB, none shared": sum(len(index.tokens.spans(row)) for row in range(passages)) * token / 1e6,
    }


def apart(phase: Callable[[Path, int, Encoder], Figures], work: Path, kinds: int) -> Figures:
    """What a phase measures, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(with_model, phase, work, kinds).result()


def with_model(phase: Callable[[Path, int, Encoder], Figures], work: Path, kinds: int) -> Figures:
    return phase(work, kinds, load_encoder())


def measure(statements: Path, base: int, size: int, distinct: int, known: Path) -> Figures:
    """One column of the table. `known` is a folder that `prepare` has been through."""
    per_copy = len(read_known(known / KNOWN))
    with TemporaryDirectory() as scratch:
        work = Path(scratch)
        shutil.copyfile(known / KNOWN, work / KNOWN)
        copies = max(1, round(size / per_copy))
        if copies > NAMES * YEARS:
            raise SystemExit(f"{copies} copies of {per_copy} passages would not all differ: --base must be larger")
        write_corpus(statements, base, copies, work / CORPUS)
        figures: Figures = {}
        for phase in (build, build_again, ask):
            figures |= apart(phase, work, max(1, distinct // per_copy))
            print(f"{size}: {phase.__name__} done", file=sys.stderr, flush=True)
    return {"passages": figures.pop("passages"), **figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--base", type=int, default=250)
    parser.add_argument("--distinct", type=int, default=200_000, help="passages with token vectors of their own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures after each size, for benchmarks.plots")
    options = parser.parse_args()
    where, rows = machine(), []
    print(f"{where}\n", flush=True)
    with TemporaryDirectory() as scratch:
        write_corpus(options.statements, options.base, 1, Path(scratch) / CORPUS)
        apart(prepare, Path(scratch), 1)
        for size in options.sizes:
            rows.append(measure(options.statements, options.base, size, options.distinct, Path(scratch)))
            if options.json:
                write_figures(options.json, where, rows)
    print(table(rows))


def table(rows: list[Figures]) -> str:
    """A line a figure, a column a size."""
    shown = [[f"{value:,.3g}" if isinstance(value, float) else f"{value}" for value in row.values()] for row in rows]
    lines = [f"| {' | '.join([name, *cells])} |" for name, *cells in zip(rows[0], *shown, strict=True)]
    return "\n".join([lines[0], "|" + "---|" * (len(rows) + 1), *lines[1:]])


if __name__ == "__main__":
    main()
