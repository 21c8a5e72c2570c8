"""Pooled vectors in a FAISS index, searched exactly by cosine."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from embeddings.errors import IndexDamaged


class DenseIndex:
    """Row i is the vector of text i. Scores are cosines, -1 to 1, higher is nearer."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: npt.NDArray[np.float32]) -> DenseIndex:
        """Index (n, dimension) float32 vectors of unit length."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> DenseIndex:
        """Raises `IndexDamaged` when the file is not one that `save` wrote."""
        try:
            index = faiss.deserialize_index(np.fromfile(path, dtype=np.uint8))
        except (OSError, RuntimeError) as error:
            raise IndexDamaged(path, "cannot be read as a FAISS index") from error
        return cls(index)

    def save(self, path: Path) -> None:
        faiss.serialize_index(self._index).tofile(path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def search(
        self, vector: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The k rows nearest to a (dimension,) vector, of all or of `rows`, and their cosines, descending."""
        parameters = None if rows is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(rows))  # type: ignore[call-arg]
        scores, found = self._index.search(np.ascontiguousarray(vector[None, :]), min(k, len(self)), params=parameters)
        kept = found[0] >= 0
        return found[0][kept], scores[0][kept]

    def cosines(self, vector: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Cosine of the (dimension,) vector with each of `rows`, in their order."""
        return np.asarray(self._index.reconstruct_batch(rows) @ vector, dtype=np.float32)
