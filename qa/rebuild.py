"""The offline rebuild: corpus in, index out, and a report of what went in and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embeddings import models
from embeddings.encoder import Encoder, Progress, load_encoder
from qa.corpus import read_corpus
from qa.errors import EmptyCorpus, UnreadableSource
from qa.index import build_index, index_before, pages_before
from qa.ledger import Changes
from qa.mirror import build_there, built_in
from qa.places import Address, IndexPlace, default_corpus, index_place


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild made of its corpus, and how that differs from the index before."""

    index: IndexPlace
    releases: int
    passages: int
    changes: Changes
    left_out: tuple[UnreadableSource, ...]

    def record(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        left_out = [{"origin": error.origin, "reason": error.reason} for error in self.left_out]
        counts = {"index": str(self.index), "releases": self.releases, "passages": self.passages}
        return {**counts, **asdict(self.changes), "left_out": left_out}


def rebuild(
    corpus: Sequence[Path] | None = None,
    index: IndexPlace | str | None = None,
    *,
    model: str | None = None,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
    waiting: Callable[[str], None] | None = None,
) -> RebuildReport:
    """Read `corpus`, encode what is new in it and put the index in `index`, by default where `ask` looks for it.

    `index` is a folder, or the address of an engine, "milvus://host:port/collection". The index there is replaced only when
    the new one is whole. Needs no network and no running app. `model` is a name for `load_encoder` (default "e5"), `encoder`
    one loaded already. `waiting` is told who builds in `index` where somebody does, and the rebuild waits. Raises
    `EmptyCorpus` when no release can be read; the old index then stays.
    """
    paths = list(corpus) if corpus else [default_corpus()]
    place = index_place(index)
    before = index_before(built_in(place))
    read = read_corpus(paths, known=pages_before(before))
    if not read.releases:
        raise EmptyCorpus(paths, list(read.left_out))
    if encoder is None:
        encoder = load_encoder(model or models.DEFAULT)
    if isinstance(place, Address):
        manifest, changes = build_there(read, encoder, place, progress, waiting, before)
    else:
        manifest, changes = build_index(read, encoder, place, progress, waiting, before)
    return RebuildReport(place, manifest.releases, manifest.passages, changes, read.left_out)
