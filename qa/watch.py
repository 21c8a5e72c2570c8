"""Watching: an index that follows its corpus."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from embeddings.encoder import load_encoder
from embeddings.models import DEFAULT
from qa.errors import EmptyCorpus
from qa.places import IndexPlace, default_corpus
from qa.rebuild import RebuildReport, rebuild

INTERVAL = 2.0  # seconds between two looks at the corpus
SETTLED = 0.2  # seconds without a change before it is read


def watch(
    corpus: Sequence[Path] | None = None,
    index: IndexPlace | str | None = None,
    *,
    told: Callable[[RebuildReport], None],
    model: str | None = None,
    interval: float = INTERVAL,
    **options: Any,
) -> None:
    """Rebuild now and whenever a file of the corpus comes, goes or changes; ends only by an interruption.

    A corpus that has just lost its last release is waited for. `told` gets each report; `options` are those of `rebuild`.
    """
    paths = list(corpus) if corpus else [default_corpus()]
    encoder = load_encoder(model or DEFAULT)
    seen = None
    while True:
        now = _state(paths)
        time.sleep(min(interval, SETTLED))
        if now != _state(paths):
            continue  # a file is being written
        if now != seen:
            try:
                told(rebuild(paths, index, encoder=encoder, **options))
            except EmptyCorpus:
                if seen is None:
                    raise
            seen = now
        time.sleep(interval)


def _state(paths: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file below `paths`."""
    found = {}
    for path in paths:
        for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
            try:
                stat = file.stat()
            except OSError:  # gone since it was listed
                continue
            found[str(file)] = (stat.st_size, stat.st_mtime_ns)
    return found
