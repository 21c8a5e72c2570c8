"""Pooled vectors that a server searches: a `DenseIndex` of which only the vectors are here."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.dense import FLAT_TO, PROBED, DenseIndex
from embeddings.errors import IndexDamaged
from embeddings.milvus import Engine, cells_of

LISTED = 5_000  # rows that a filter names: 0.04 s on two busy cores; 50,000 took 1.3 to 7 s and 200,000 took 17


class MilvusIndex(DenseIndex):
    """A `DenseIndex` whose search is the server's. The vectors are mapped here as well, and read for a few rows at a time."""

    def __init__(self, engine: Engine, digest: str, vectors: npt.NDArray[np.float32], days: npt.NDArray[np.int64]) -> None:
        self.vectors = vectors
        self._engine, self._digest = engine, digest
        self._days = days  # (n,), as they were pushed

    @property
    def kind(self) -> str:
        return "flat" if len(self) <= FLAT_TO else "cells"

    def search(
        self, vector: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The k rows nearest to a (dimension,) vector, of all or of `rows`, and their cosines, descending.

        `rows` that are all of some days are named to the server by those, up to `LISTED` others one by one. More are not sent:
        their cosines are taken here, which is quicker.
        """
        condition = "" if rows is None else self._condition(rows)
        if rows is not None and (condition is None or not len(rows)):
            cosines = self.cosines(vector, rows)
            nearest = np.lexsort((rows, -cosines))[:k]
            return rows[nearest], cosines[nearest]
        cells = 0 if self.kind == "flat" else cells_of(len(self))
        few = rows is not None and len(rows) <= FLAT_TO  # they may be in cells far from the vector
        found, cosines = self._engine.search(
            self._digest, vector, min(k, len(self)), condition or "", cells if few else math.ceil(PROBED * cells)
        )
        if len(found) and not 0 <= found.min() <= found.max() < len(self):
            raise IndexDamaged(Path(self._digest), "names texts that are not there")
        return found, cosines

    def _condition(self, rows: npt.NDArray[np.int64]) -> str | None:
        if not len(rows):
            return None
        first, last = int(self._days[rows].min()), int(self._days[rows].max())
        if np.count_nonzero((self._days >= first) & (self._days <= last)) == len(rows):
            return f"day >= {first} and day <= {last}"
        return f"row in {rows.tolist()}" if len(rows) <= LISTED else None
