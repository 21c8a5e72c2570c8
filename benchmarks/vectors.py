"""Pooled vectors searched exactly, by cells, and on a Milvus server: the time of a search, and what it finds of the exact one.

    python -m benchmarks.vectors INDEX [--sizes 30000 100000 1000000] [--milvus HOST:PORT]

The vectors are those of an index, repeated with noise. On the server they go into collections of their own, which are dropped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.machine import machine, timed
from benchmarks.repeating import QUESTIONS, Vectors, noisy
from embeddings import dense
from embeddings.dense import DenseIndex
from embeddings.encoder import load_encoder
from embeddings.milvus import Engine, cells_of
from embeddings.pieces import Table
from embeddings.search import CANDIDATES, Query
from qa.index import load_index

SHARES = (0.02, 0.05, 0.1, 0.2)  # of the cells that are searched
NEAREST = 10
Search = Callable[[Vectors, int], npt.NDArray[np.int64]]  # the rows nearest to a vector, and how many


def repeated_vectors(real: Vectors, count: int) -> Vectors:
    return np.concatenate([noisy(real, seed) for seed in range(-(-count // len(real)))])[:count]


def recall(vectors: Vectors, queries: Sequence[Vectors], search: Search) -> float:
    """Share of the nearest by exact search that `search` finds."""
    found = []
    for query in queries:
        exact = np.argpartition(-(vectors @ query), NEAREST)[:NEAREST]
        found.append(len(set(exact.tolist()) & set(search(query, NEAREST).tolist())) / NEAREST)
    return float(np.mean(found))


def report(name: str, vectors: Vectors, queries: Sequence[Vectors], search: Search) -> None:
    """Print a row: median time of a search for the candidates of a question, and recall."""
    search(queries[0], CANDIDATES)  # warm
    taken = [timed(partial(search, query, CANDIDATES))[0] for query in [*queries] * 5]
    found = recall(vectors, queries, search)
    print(f"| {len(vectors):,} | {name} | {np.median(taken):.1f} ms | {found:.3f} |", flush=True)


def rows_by(index: DenseIndex) -> Search:
    return lambda query, k: index.search(query, k)[0]


def search_here(vectors: Vectors, queries: Sequence[Vectors]) -> None:
    for limit in (len(vectors), 0):
        dense.FLAT_TO = limit
        index = DenseIndex.build(vectors)
        for share in SHARES if index.kind == "cells" else (1.0,):
            if index.kind == "cells":
                index._index.nprobe = max(1, round(share * index._index.nlist))  # type: ignore[attr-defined]  # noqa: SLF001
            name = "exact" if index.kind == "flat" else f"cells, {share:.0%} searched"
            report(name, vectors, queries, rows_by(index))


def search_there(host: str, port: int, vectors: Vectors, queries: Sequence[Vectors]) -> None:
    from pymilvus import MilvusClient

    name, table = f"benchmark_{len(vectors)}", Table(())
    engine, client = Engine.connect(host, port, name), MilvusClient(uri=f"http://{host}:{port}")
    collection, ids = f"{name}_{table.digest}", [str(row) for row in range(len(vectors))]
    try:
        engine.push(table, {}, ids, np.zeros(len(ids), dtype=np.int64), vectors)
        while sum(each.num_rows for each in client.list_loaded_segments(collection) if each.index_id) < len(ids):
            time.sleep(1)  # until then the server answers from cells of a passing kind, whatever share is asked for
        cells = cells_of(len(vectors))
        for share in SHARES:

            def search(query: Vectors, k: int, probed: int = round(share * cells)) -> npt.NDArray[np.int64]:
                return engine.search(table.digest, query, k, "", probed)[0]

            report(f"Milvus {engine.version}, {cells} cells, {share:.0%} searched", vectors, queries, search)
    finally:
        client.drop_alias(name)
        for made in (collection, f"{collection}_files"):
            client.drop_collection(made)
        client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[30_000, 100_000, 1_000_000])
    parser.add_argument("--milvus", metavar="HOST:PORT")
    options = parser.parse_args()
    print(f"{machine()}\n\n| vectors | search | median | recall@{NEAREST} |\n|---|---|---|---|", flush=True)
    real = np.asarray(load_index(options.index).search.dense.vectors)
    queries = [query.pooled for query in Query.encode(QUESTIONS, load_encoder())]
    flat_to = dense.FLAT_TO
    for count in options.sizes:
        vectors = repeated_vectors(real, count)
        search_here(vectors, queries)
        dense.FLAT_TO = flat_to
        if options.milvus:
            host, _, port = options.milvus.partition(":")
            search_there(host, int(port), vectors, queries)


if __name__ == "__main__":
    main()
