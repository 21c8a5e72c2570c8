"""What each part of retrieval is worth: the figures of `corpus/questions.jsonl` with one part taken away at a time.

    python benchmarks/ablation.py [--split test] [--corpus PATH --questions FILE]

Two more indexes are built in a temporary folder: of the plain model, and without title and date in front of the passages.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from embeddings.encoder import Encoder, load_encoder
from embeddings.search import Found, Query, SearchIndex
from qa.evaluate import read_questions, run
from qa.measure import ALL, ANSWERABLE
from qa.names import Names
from qa.places import default_corpus
from qa.question import Question
from qa.rebuild import rebuild
from qa.release import Release
from qa.retrieve import Retriever

RETRIEVE = importlib.import_module("qa.retrieve")
COLUMNS = ("R@1", "R@5", "MRR", "within 1000", "quote right")
Change = Callable[[], AbstractContextManager[Any]]


def by(score: Callable[[Found], np.ndarray]) -> Change:
    """Order the candidates by one of their scores alone."""
    search = SearchIndex.search

    def changed(self: SearchIndex, query: Query, **options: Any) -> Found:
        found = search(self, query, **options)
        factors = options.get("factors")
        alone = score(found) if factors is None else score(found) * factors[found.rows]
        return replace(found, score=np.clip(alone, 0, 1)).ordered()

    return lambda: patch.object(SearchIndex, "search", changed)


def same_weights() -> AbstractContextManager[Any]:
    encode = Query.encode

    def changed(texts: list[str], encoder: Encoder) -> list[Query]:
        made = encode(texts, encoder)
        return [replace(query, weights=np.full(len(query.tokens), 1 / max(len(query.tokens), 1), np.float32)) for query in made]

    return patch.object(Query, "encode", changed)


@contextmanager
def together(*changes: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change)
        yield


def understood_without(**parts: Any) -> Change:
    understand = RETRIEVE.understand

    def changed(text: str, **options: Any) -> Question:
        return replace(understand(text, **options), **parts)

    return lambda: patch.object(RETRIEVE, "understand", changed)


def plain_context(_: Release) -> str:
    return "\n"


def no_title() -> AbstractContextManager[Any]:
    return together(
        patch.object(RETRIEVE, "context", plain_context),
        patch.object(importlib.import_module("qa.index"), "context", plain_context),
    )


VARIANTS: dict[str, tuple[str, Change]] = {
    "whole": ("e5", lambda: together()),
    "without what the encoder learnt (e5-plain)": ("e5-plain", lambda: together()),
    "without BM25 in the score": ("e5", by(lambda found: found.late)),
    "BM25 alone orders": ("e5", by(lambda found: found.words)),
    "pooled vectors alone order": ("e5", by(lambda found: found.dense)),
    "pooled vectors of the plain model alone order": ("e5-plain", by(lambda found: found.dense)),
    "every token of the question weighs the same": ("e5", same_weights),
    "without title and date in front": ("no title", no_title),
    "without the step back of openings": ("e5", lambda: patch.object(RETRIEVE, "OPENING", 1.0)),
    "without what is lost by several sentences for one": ("e5", lambda: patch.object(RETRIEVE, "SCATTERED", 0.0)),
    "without periods": ("e5", understood_without(period=None)),
    "without Hangul names": ("e5", lambda: patch.object(Names, "in_english", lambda _, question: question)),
    "without whose act is asked for": ("e5", understood_without(asked=None)),
    "without what follow-ups carry over": ("e5", understood_without(carried=None)),
    "carried words weigh as much as a follow-up's own": ("e5", lambda: patch.object(RETRIEVE, "OWN", 1.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="test")
    parser.add_argument("--corpus", type=Path, default=None)
    parser.add_argument("--questions", type=Path, default=None)
    options = parser.parse_args()
    corpus = options.corpus or default_corpus()
    questions = read_questions(options.questions or corpus / "questions.jsonl", options.split)
    encoders = {"e5": load_encoder("e5"), "e5-plain": load_encoder("e5-plain")}
    encoders["no title"] = encoders["e5"]
    print(f"| {len(questions)} questions | {' | '.join(COLUMNS)} | AUROC |\n|---|{'---|' * (len(COLUMNS) + 1)}")
    with tempfile.TemporaryDirectory() as folder:
        retrievers = {}
        for name, encoder in encoders.items():
            with no_title() if name == "no title" else together():
                rebuild([corpus], Path(folder) / name, encoder=encoder)
            retrievers[name] = Retriever.load(Path(folder) / name, encoder=encoder)
        for label, (index, change) in VARIANTS.items():
            with change():
                outcomes = run(retrievers[index], questions)
            answerable = [outcome for outcome in outcomes if outcome.answerable]
            figures = [ANSWERABLE[column](answerable) for column in COLUMNS] + [ALL["AUROC"](outcomes)]
            print(f"| {label} | {' | '.join(f'{figure:.3f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
