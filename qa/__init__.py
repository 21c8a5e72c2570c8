"""Ask a government's press releases a question, and get the paragraphs that answer it.

    from qa import retrieve
    for hit in retrieve("What did Korea and China agree on supply chains?", k=5):
        print(hit.title, hit.date, hit.paragraph, hit.quotes[0].text)

`ask` adds whether the releases answer the question at all; `compare` tells two releases apart. They are thin functions over
one `Retriever`, loaded at the first question and shared between threads.
"""

from __future__ import annotations

from typing import Unpack

from qa.answer import Answer, Hit
from qa.comparison import Comparison
from qa.comparison import compare as _compare
from qa.errors import QaError
from qa.mirror import open_index
from qa.places import Place, index_place
from qa.question import Options, Question
from qa.quotes import Quote
from qa.rebuild import RebuildReport, rebuild
from qa.release import Release
from qa.retrieve import Retriever

__all__ = [
    "Answer",
    "Comparison",
    "Hit",
    "Options",
    "QaError",
    "Question",
    "Quote",
    "RebuildReport",
    "Release",
    "Retriever",
    "ask",
    "compare",
    "rebuild",
    "retrieve",
]


def retrieve(question: str, k: int = 5, *, index: Place | str | None = None, **options: Unpack[Options]) -> list[Hit]:
    """The k passages nearest to `question`, best first; `index` is a folder or an address, `options` are those of `Options`.

    Raises `QaError` with the command that mends it when there is no index or it cannot be used.
    """
    return Retriever.current(index).retrieve(question, k, **options)


def ask(question: str, k: int = 5, *, index: Place | str | None = None, **options: Unpack[Options]) -> Answer:
    """The answer to `question`: the hits of `retrieve`, and whether they answer it. Arguments and errors as there."""
    return Retriever.current(index).ask(question, k, **options)


def compare(earlier: str, later: str, *, index: Place | str | None = None) -> Comparison:
    """What is new, repeated and dropped between two releases, by id, sentence by sentence. Errors as above."""
    return _compare(open_index(index_place(index)), earlier, later)
