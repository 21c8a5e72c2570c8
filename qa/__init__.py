"""Ask a government's press releases a question, and get the paragraphs that answer it.

    from qa import retrieve
    for hit in retrieve("What did Korea and China agree on supply chains?", k=5):
        print(hit.title, hit.date, hit.paragraph, hit.quotes[0].text)

`ask` adds whether the releases answer the question at all; `compare` tells two releases apart. They are thin functions over
one `Retriever`, loaded at the first question and shared between threads. What the chat page needs beside them is here too.
"""

from __future__ import annotations

from typing import Unpack

from qa.acts import ACTS, SIDES, Asked, Statement
from qa.answer import Answer, Hit
from qa.citation import Place, bibtex, cite, link_to, place_of
from qa.comparison import Comparison, Pair
from qa.comparison import compare as _compare
from qa.corpus import Corpus, read_corpus
from qa.errors import QaError
from qa.feedback import Feedback, keep_feedback
from qa.index import Index, changes_in
from qa.ledger import Changes
from qa.mirror import folder_of, open_index
from qa.named import Named, named_in
from qa.period import Period
from qa.permalinks import Cited, find_cited
from qa.places import IndexPlace, default_corpus, default_feedback, default_index, default_own, index_place
from qa.question import Options, Question, understand
from qa.quotes import Quote
from qa.rebuild import RebuildReport, rebuild
from qa.release import Paragraph, Release
from qa.retrieve import Retriever
from qa.series import before as _before
from qa.series import series as _series
from qa.version import __version__

__all__ = [
    "ACTS",
    "SIDES",
    "Answer",
    "Asked",
    "Changes",
    "Cited",
    "Comparison",
    "Corpus",
    "Feedback",
    "Hit",
    "Index",
    "Named",
    "Options",
    "Pair",
    "Paragraph",
    "Period",
    "Place",
    "QaError",
    "Question",
    "Quote",
    "RebuildReport",
    "Release",
    "Retriever",
    "Statement",
    "__version__",
    "ask",
    "bibtex",
    "changes_in",
    "cite",
    "compare",
    "default_corpus",
    "default_feedback",
    "default_index",
    "default_own",
    "find_cited",
    "folder_of",
    "index_place",
    "keep_feedback",
    "link_to",
    "named_in",
    "place_of",
    "read_corpus",
    "rebuild",
    "retrieve",
    "series",
    "show",
    "understand",
]


def retrieve(question: str, k: int = 5, *, index: IndexPlace | str | None = None, **options: Unpack[Options]) -> list[Hit]:
    """The k passages nearest to `question`, best first; `index` is a folder or an address, `options` are those of `Options`.

    Raises `QaError` with the command that mends it when there is no index or it cannot be used.
    """
    return Retriever.current(index).retrieve(question, k, **options)


def ask(question: str, k: int = 5, *, index: IndexPlace | str | None = None, **options: Unpack[Options]) -> Answer:
    """The answer to `question`: the hits of `retrieve`, and whether they answer it. Arguments and errors as there."""
    return Retriever.current(index).ask(question, k, **options)


def compare(earlier: str | None, later: str, *, index: IndexPlace | Index | str | None = None) -> Comparison:
    """What is new, repeated and dropped between two releases, by id, sentence by sentence.

    Without an `earlier` one it is the release before `later` in its series. Errors as above; `NotFound` for an unknown id.
    """
    loaded = _loaded(index)
    return _compare(loaded, _before(loaded, later) if earlier is None else earlier, later)


def series(release_id: str, *, index: IndexPlace | Index | str | None = None) -> tuple[str, ...]:
    """Ids of the releases of one kind of event with one counterpart, oldest first, itself among them. Errors as above."""
    return _series(_loaded(index), release_id)


def show(reference: str, *, index: IndexPlace | str | None = None) -> Cited:
    """The release of an id, or the passage that the permalink of a hit cites, as it read then.

    Raises `NotFound` where neither the index nor its ledger has it; errors as above.
    """
    place = index_place(index)
    return find_cited(reference, Retriever.current(place).index, folder_of(place))


def _loaded(index: IndexPlace | Index | str | None) -> Index:
    return index if isinstance(index, Index) else open_index(index_place(index))
