"""What a question and a rebuild cost as the corpus grows: time, memory and disk, and how much of the exact search is found.

    python benchmarks/scale.py STATEMENTS.jsonl [--sizes 1000 10000 100000] [--base 250]

`--base` statements are encoded; larger corpora repeat them with other names and numbers of the same length, and vectors that
are the real ones with noise. Each size is built and asked in a process of its own. Questions are encoded by the real model.
With `--vectors N`, pooled vectors alone are searched: which index is faster at which size, and what it finds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings import dense
from embeddings.adapter import unit
from embeddings.encoder import Encoded, Encoder, Progress, Role, load_encoder
from embeddings.search import Query
from qa.rebuild import rebuild
from qa.retrieve import Retriever

NOISE = 0.15  # of a vector's length, before it is made one again: cosine 0.99 with the real one
QUESTIONS = (
    "What did the leaders agree on supply chains?",
    "How much humanitarian assistance was announced for Ukraine?",
    "Did they discuss freedom of navigation in the South China Sea?",
    "What did Sullivan say about North Korea's missiles?",
    "Which countries joined the statement on Iran?",
    "양국은 공급망에 대해 무엇을 합의했나요?",
    "What was decided on migration with Mexico?",
    "Who took part in the climate meeting?",
    "What did they say about the hostages in Gaza?",
    "semiconductors and export controls",
)


class Repeating:
    """An encoder that knows the vectors of some texts, and gives them with noise for texts that differ in names and numbers."""

    def __init__(self, encoder: Encoder, known: dict[str, Any]) -> None:
        self._encoder, self._known = encoder, known
        self.name, self.fingerprint, self.max_tokens = encoder.name, encoder.fingerprint, encoder.max_tokens
        self.dimension = encoder.dimension

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 5 for text in texts]

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        if role == "query":
            return self._encoder.encode(texts, role)
        new = [text for text in dict.fromkeys(map(masked, texts)) if text not in self._known]
        if new:
            firsts = {masked(text): text for text in reversed(texts)}
            made = self._encoder.encode([firsts[key] for key in new], role, progress)
            for at, key in enumerate(new):
                self._known[key] = (made.pooled[at], made.tokens[at], made.weights[at], made.spans[at])
        found = [self._known[masked(text)] for text in texts]
        seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in texts]
        noise = [np.random.default_rng(seed) for seed in seeds]
        pooled = np.stack([noisy(each[0][None], dice)[0] for each, dice in zip(found, noise, strict=True)])
        tokens = [noisy(each[1], dice) for each, dice in zip(found, noise, strict=True)]
        return Encoded(pooled, tokens, [each[2] for each in found], [each[3] for each in found])


def noisy(vectors: npt.NDArray[np.float32], dice: np.random.Generator) -> npt.NDArray[np.float32]:
    scale = NOISE / np.sqrt(vectors.shape[1])
    return unit(vectors + scale * dice.standard_normal(vectors.shape, dtype=np.float32))


def masked(text: str) -> str:
    """What a text and its repetitions have in common."""
    return re.sub(r"[A-Z][a-z]{3,}", lambda word: "A" + "a" * (len(word[0]) - 1), re.sub(r"\d", "0", text))


def repeated(text: str, copy: int) -> str:
    """The text with other names and numbers, of the same length."""

    def name(word: re.Match[str]) -> str:
        dice = random.Random(f"{word[0]} {copy % 50}")  # noqa: S311  # no secret
        return word[0][0] + "".join(dice.choice("aeioulnrst") for _ in word[0][1:])

    changed = re.sub(r"\d", lambda digit: str((int(digit[0]) + copy) % 10), text)
    return re.sub(r"[A-Z][a-z]{3,}", name, changed) if copy else text


def write_corpus(statements: Path, base: int, copies: int, folder: Path) -> Path:
    folder.mkdir()
    records = [json.loads(line) for line in statements.read_text(encoding="utf-8").splitlines()[:base]]
    for copy in range(copies):
        with (folder / f"statements-{copy}.jsonl").open("w", encoding="utf-8") as file:
            for record in records:
                day = f"{2021 + copy % 6}{record['date'][4:]}" if not record["date"].endswith("02-29") else record["date"]
                text = repeated(record["text"], copy)
                url = f"{record['url']}?copy={copy}" if copy else record["url"]
                line = {"title": repeated(record["title"], copy), "date": day, "url": url, "text": text}
                file.write(json.dumps(line) + "\n")
    return folder


def write_known(path: Path, known: dict[str, Any]) -> None:
    """What `Repeating` knows: pooled, token vectors, weights and spans by text, one array for each of a text's four."""
    arrays = {f"{at}-{part}": array for at, each in enumerate(known.values()) for part, array in enumerate(each)}
    np.savez(path, texts=np.array(list(known)), **arrays)


def read_known(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return {str(text): tuple(file[f"{at}-{part}"] for part in range(4)) for at, text in enumerate(file["texts"])}


def timed(work: Callable[[], object], times: int = 1) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def resident() -> float:
    """MB of this process that are in memory, without pages of files that are only mapped."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def measure(statements: Path, base: int, size: int, known: Path) -> dict[str, Any]:
    """One row of the table."""
    encoder = load_encoder()
    stored = read_known(known) if known.exists() else {}
    source = Repeating(encoder, stored)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        per_copy = rebuild([write_corpus(statements, base, 1, folder / "one")], folder / "probe", encoder=source).passages
        if not known.exists():
            write_known(known, stored)
        corpus = write_corpus(statements, base, max(1, round(size / per_copy)), folder / "corpus")
        [built] = timed(lambda: rebuild([corpus], folder / "index", encoder=source))
        (corpus / "new.txt").write_text(
            "Lanterns Lit\n\n2026-01-02\n\n1. A lantern was lit in Jeonju at dusk.\n", encoding="utf-8"
        )
        [again] = timed(lambda: rebuild([corpus], folder / "index", encoder=source))
        before = resident()
        started = time.perf_counter()
        retriever = Retriever.load(folder / "index", encoder=encoder)
        loading = 1000 * (time.perf_counter() - started)
        first = timed(lambda: retriever.ask(QUESTIONS[0]))[0]
        taken = [timed(partial(retriever.ask, question))[0] for question in QUESTIONS * 5]
        search = retriever.index.search
        queries = Query.encode(QUESTIONS, encoder)
        encoding = [timed(partial(Query.encode, [text], encoder))[0] for text in QUESTIONS * 5]
        late = [timed(partial(search.search, query))[0] for query in queries * 5]
        proposing = [timed(partial(search.propose, query))[0] for query in queries * 5]
        with ThreadPoolExecutor(8) as threads:
            began = time.perf_counter()
            list(threads.map(retriever.ask, QUESTIONS * 5))
            eight = 1000 * (time.perf_counter() - began) / (5 * len(QUESTIONS))
        files = {path.relative_to(folder / "index"): path.stat().st_size for path in (folder / "index").rglob("*")}
        tokens = sum(size for path, size in files.items() if "tokens" in path.parts and path.suffix)
        passages = len(retriever.index.passages)
        return {
            "passages": passages,
            "index": search.dense.kind,
            "rebuild s": built / 1000,
            "one more release s": again / 1000,
            "load s": loading / 1000,
            "first answer ms": first,
            "answer p50 ms": float(np.median(taken)),
            "answer p95 ms": float(np.quantile(taken, 0.95)),
            "8 threads, ms each": eight,
            "encoding p50 ms": float(np.median(encoding)),
            "search p50 ms": float(np.median(late)),
            "proposing p50 ms": float(np.median(proposing)),
            "recall@10": recall(search.dense, [query.pooled for query in queries]),
            "MB resident": resident() - before,
            "MB on disk": sum(files.values()) / 1e6,
            "kB of tokens a passage": tokens / passages / 1e3,
        }


def recall(index: dense.DenseIndex, queries: Sequence[npt.NDArray[np.float32]], k: int = 10) -> float:
    """Share of the k nearest by exact search that the index finds."""
    found = []
    for query in queries:
        exact = np.argpartition(-(np.asarray(index.vectors) @ query), k)[:k]
        found.append(len(set(exact.tolist()) & set(index.search(query, k)[0].tolist())) / k)
    return float(np.mean(found))


def compare_indexes(known: Path, count: int) -> None:
    """Exact search beside cells, over `count` vectors made of those in `known`."""
    real = np.stack([each[0] for each in read_known(known).values()])
    dice = np.random.default_rng(0)
    vectors = np.concatenate([noisy(real[dice.permutation(len(real))], dice) for _ in range(-(-count // len(real)))])[:count]
    queries = Query.encode(QUESTIONS, load_encoder())
    for limit in (10**9, 0):
        dense.FLAT_TO = limit
        [built] = timed(lambda: dense.DenseIndex.build(vectors))
        index = dense.DenseIndex.build(vectors)
        for probed in (dense.PROBED,) if limit else (0.02, 0.05, 0.1, 0.2):
            if not limit:
                index._index.nprobe = max(1, round(probed * index._index.nlist))  # type: ignore[attr-defined]  # noqa: SLF001
            taken = [timed(partial(index.search, query.pooled, 60))[0] for query in queries * 5]
            share = recall(index, [query.pooled for query in queries])
            print(
                f"{count:>9} {index.kind:<6} probed {probed if not limit else 1:<5} built in {built / 1000:.1f} s, "
                f"{np.median(taken):.2f} ms, recall@10 {share:.3f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--base", type=int, default=250)
    parser.add_argument("--vectors", type=int, nargs="+", help="search so many pooled vectors alone")
    parser.add_argument("--known", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.known is not None:
        print(json.dumps(measure(options.statements, options.base, options.sizes[0], options.known)))
        return
    with TemporaryDirectory() as scratch:
        known = Path(scratch) / "known.npz"
        command = [sys.executable, __file__, str(options.statements), "--base", str(options.base), "--known", str(known)]
        for at, size in enumerate(options.sizes):
            done = subprocess.run([*command, "--sizes", str(size)], stdout=subprocess.PIPE, check=True, env=os.environ)
            row = json.loads(done.stdout)
            if at == 0:
                print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
            shown = [value if isinstance(value, str | int) else f"{value:.3g}" for value in row.values()]
            print(f"| {' | '.join(map(str, shown))} |", flush=True)
        for count in options.vectors or []:
            compare_indexes(known, count)


if __name__ == "__main__":
    main()
