"""nDCG@10 of each stage of the search on a public retrieval set in BEIR form.

    python benchmarks/retrieval.py FOLDER [FOLDER ...] [--model NAME]

A folder holds corpus.jsonl ({"_id", "title", "text"}), queries.jsonl ({"_id", "text"}) and qrels.tsv (query, document,
relevance). Only queries with a relevant document count. The documents are searched as they are: nothing here is fitted.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from embeddings.encoder import load_encoder
from embeddings.search import Query, SearchIndex

DEPTH = 10
STAGES = ("dense", "BM25", "hybrid", "late", "whole")
HYBRID_DENSE = 0.6  # share of the cosine in the dense + BM25 row, both scaled to 0..1 over all documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="e5")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    print(f"{'set':<16}{'queries':>8}{'documents':>10}{''.join(f'{stage:>8}' for stage in STAGES)}{'ms/query':>10}")
    for folder in options.folders:
        documents, queries, relevant = read_beir(folder)
        with tqdm(total=len(documents), desc=folder.name, file=sys.stderr) as bar, TemporaryDirectory() as scratch:

            def show(done: int, _: int, bar: tqdm[Any] = bar) -> None:
                bar.update(done - bar.n)

            index = SearchIndex.build(list(documents.values()), encoder, Path(scratch), progress=show)
        ids = list(documents)
        figures = defaultdict(list)
        started = time.perf_counter()
        for key, text in queries.items():
            query = Query.encode([text], encoder)[0]
            found = index.search(query)
            figures["ms"].append(time.perf_counter() - started)
            dense = index.dense.cosines(query.pooled, np.arange(len(ids)))
            words = index.words.scores(text)
            rankings = {
                "dense": _best(dense),
                "BM25": _best(words),
                "hybrid": _best(HYBRID_DENSE * _scaled(dense) + (1 - HYBRID_DENSE) * _scaled(words)),
                "late": found.rows[_best(found.late)],
                "whole": found.rows[:DEPTH],
            }
            for name, rows in rankings.items():
                figures[name].append(ndcg([ids[row] for row in rows], relevant[key]))
            started = time.perf_counter()
        means = "".join(f"{np.mean(figures[name]):>8.3f}" for name in STAGES)
        milliseconds = 1000 * float(np.median(figures["ms"]))
        print(f"{folder.name:<16}{len(queries):>8}{len(documents):>10}{means}{milliseconds:>10.0f}", flush=True)


def read_beir(folder: Path) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """Documents and queries by id, and for each query the relevance of its documents."""
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for query, document, relevance in csv.reader(file, delimiter="\t"):
            if relevance.isdigit() and int(relevance) > 0:
                relevant[query][document] = int(relevance)
    documents = {
        record["_id"]: "\n".join(filter(None, (record.get("title"), record["text"])))
        for record in _records(folder / "corpus.jsonl")
    }
    queries = {record["_id"]: record["text"] for record in _records(folder / "queries.jsonl") if record["_id"] in relevant}
    return documents, queries, relevant


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """nDCG@10 with the gain 2^relevance - 1, as BEIR's trec_eval does for relevance 0 and 1."""
    gain = sum((2 ** relevant.get(document, 0) - 1) / math.log2(rank + 1) for rank, document in enumerate(ranked[:DEPTH], 1))
    best = sorted(relevant.values(), reverse=True)[:DEPTH]
    return gain / sum((2**relevance - 1) / math.log2(rank + 1) for rank, relevance in enumerate(best, 1))


def _records(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _best(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind="stable")[:DEPTH]


def _scaled(scores: np.ndarray) -> np.ndarray:
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


if __name__ == "__main__":
    main()
