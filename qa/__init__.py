"""Ask a government's press releases a question, and get the paragraphs that answer it.

    from qa import retrieve
    for hit in retrieve("What did Korea and China agree on supply chains?", k=5):
        print(hit.title, hit.date, hit.paragraph, hit.quotes[0].text)

`ask` adds whether the releases answer the question at all. Both are thin functions over one `Retriever`, loaded at the
first question and shared between threads.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from qa.answer import Answer, Hit
from qa.errors import QaError
from qa.places import default_index
from qa.question import Question
from qa.quotes import Quote
from qa.rebuild import RebuildReport, rebuild
from qa.release import Release
from qa.retrieve import Retriever, default_retriever

__all__ = [
    "Answer",
    "Hit",
    "QaError",
    "Question",
    "Quote",
    "RebuildReport",
    "Release",
    "Retriever",
    "ask",
    "rebuild",
    "retrieve",
]


def retrieve(
    question: str,
    k: int = 5,
    *,
    history: Sequence[str] = (),
    since: datetime.date | str | None = None,
    until: datetime.date | str | None = None,
    index: Path | None = None,
) -> list[Hit]:
    """The k passages nearest to `question`, best first.

    `history` is the questions asked before, oldest first; `since` and `until` bound the release's date, both included.
    Raises `QaError` with the command that mends it when there is no index or it cannot be used.
    """
    return default_retriever(index or default_index()).retrieve(question, k, history=history, since=since, until=until)


def ask(
    question: str,
    k: int = 5,
    *,
    history: Sequence[str] = (),
    since: datetime.date | str | None = None,
    until: datetime.date | str | None = None,
    index: Path | None = None,
) -> Answer:
    """The answer to `question`: the hits of `retrieve`, and whether they answer it. Arguments and errors as there."""
    return default_retriever(index or default_index()).ask(question, k, history=history, since=since, until=until)
