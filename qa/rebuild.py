"""The offline rebuild: corpus in, index out, and a report of what went in and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embeddings import models
from embeddings.encoder import Encoder, Progress, load_encoder
from qa.corpus import read_corpus
from qa.errors import EmptyCorpus, UnreadableSource
from qa.index import build_index
from qa.places import default_corpus, default_index


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild made of its corpus."""

    index: Path
    releases: int
    passages: int
    left_out: tuple[UnreadableSource, ...]


def rebuild(
    corpus: Sequence[Path] | None = None,
    index: Path | None = None,
    *,
    model: str | None = None,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
) -> RebuildReport:
    """Read `corpus`, encode it and put the index in `index`, replacing the one there only when the new one is whole.

    Needs no network and no running app. `model` is a name for `load_encoder` (default "e5"), `encoder` one loaded already.
    Raises `EmptyCorpus` when no release can be read; the old index then stays.
    """
    paths = list(corpus) if corpus else [default_corpus()]
    folder = index if index is not None else default_index()
    read = read_corpus(paths)
    if not read.releases:
        raise EmptyCorpus(paths, list(read.left_out))
    if encoder is None:
        encoder = load_encoder(model or models.DEFAULT)
    manifest = build_index(read, encoder, folder, progress)
    return RebuildReport(folder, manifest.releases, manifest.passages, read.left_out)
