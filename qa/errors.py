"""Errors of the releases layer.

QaError
├── UnreadableSource    a file or record that cannot be read as a release; `origin` and `reason` say which and why
├── EmptyCorpus         no release could be read at all
├── BadAddress          an index named by an address that is none
├── IndexMissing        there is no index in the folder, or at the address
├── IndexUnusable       there is one, but damaged, of another format or of another model
├── LedgerDamaged       the ledger beside an index cannot be read
├── CollectStopped      collecting cannot go on: robots.txt, the site or the folder forbids it
├── BadQuestion         a question, date or option that cannot be used
├── NotFound            a permalink or id that names nothing here
└── QuoteMismatch       a quote that is not, to the letter, in its release (never shown to a reader)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.places import IndexPlace


class QaError(Exception):
    """Base of every error this layer raises on purpose; its text names the way out."""


class UnreadableSource(QaError):
    """A source page that is left out."""

    def __init__(self, origin: str, reason: str) -> None:
        self.origin = origin
        self.reason = reason
        super().__init__(f"{origin}: {reason}")


class EmptyCorpus(QaError):
    """Nothing to index."""

    def __init__(self, paths: list[Path], left_out: list[UnreadableSource]) -> None:
        self.paths = paths
        self.left_out = left_out
        named = ", ".join(str(path) for path in paths)
        why = f"; {len(left_out)} left out, the first because {left_out[0]}" if left_out else ""
        super().__init__(
            f"no release found in {named}{why}. Name a folder of .txt, .html, .json or .jsonl releases with --corpus."
        )


class BadAddress(QaError):
    """An address at which no index can be."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"{address} is no address of an index. Write milvus://HOST:PORT/COLLECTION, the last in letters, digits and _."
        )


class IndexMissing(QaError):
    """No index where one was looked for: `folder`, or an address."""

    def __init__(self, folder: IndexPlace) -> None:
        self.folder = folder
        super().__init__(f"no index in {folder}. Build one: qa rebuild --index {folder}")


class IndexUnusable(QaError):
    """An index, in `folder` or at an address, that must not be answered from."""

    def __init__(self, folder: IndexPlace, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(f"the index in {folder} cannot be used: {reason}. Build it anew: qa rebuild --index {folder}")


class LedgerDamaged(QaError):
    """A ledger with a line that is none."""

    def __init__(self, path: Path, line: int) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path} is damaged in line {line}. Move it away, and the next rebuild begins a new one.")


class CollectStopped(QaError):
    """Collecting ended before it was done; what was fetched is kept, and the same command goes on from there."""


class BadQuestion(QaError):
    """A question or an option of it that cannot be used."""


class NotFound(QaError):
    """Nothing of this name, of which the text gives 200 characters at most."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name if len(name) <= 200 else name[:199] + '…'}: {reason}")


class QuoteMismatch(QaError):
    """A passage or quote that does not slice out of its release."""

    def __init__(self, passage_id: str) -> None:
        self.passage_id = passage_id
        super().__init__(f"passage {passage_id} is not word for word in its release. Build the index anew: qa rebuild")
