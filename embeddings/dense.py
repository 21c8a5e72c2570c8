"""Pooled vectors in a FAISS index, searched by cosine: exactly up to some size, from there on by cells of like vectors."""

from __future__ import annotations

import math
import os
from pathlib import Path
from threading import Lock
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from embeddings.errors import IndexDamaged

# By `python -m benchmarks.vectors INDEX --sizes 30000 100000 1000000` on two cores: exact search takes 2.5, 9 and
# 91 ms, cells 0.5, 1.0 and 9.7 ms with recall@10 1.000 (0.98 before what they find is measured by the vectors themselves).
FLAT_TO = 30_000  # texts
CELLS = 4  # times the square root of n: cells of an index by cells
PROBED = 0.1  # of the cells searched
REFINED = 3  # times as many found in cells, by a byte a component, as are kept by their vectors
_TRAINED_ON = 64  # vectors a cell, at most
_OVERHEAD = 4096  # bytes of a file that are neither vectors nor cells; FAISS writes less than 1,000
_LIMITS = Lock()  # the limits of FAISS's reader are of the process
faiss.omp_set_num_threads(1)  # but while building: `embeddings/__init__.py`


class DenseIndex:
    """Row i is the vector of text i. Scores are cosines, -1 to 1, higher is nearer."""

    def __init__(self, index: faiss.Index, vectors: npt.NDArray[np.float32]) -> None:
        self._index = index
        self.vectors = vectors  # (n, dimension), of unit length, as they were indexed

    @classmethod
    def build(cls, vectors: npt.NDArray[np.float32]) -> DenseIndex:
        """Index (n, dimension) float32 vectors of unit length.

        Up to `FLAT_TO` they are searched exactly; more lie in cells, a byte a component, of which a share is searched. The
        same vectors give the same index, on as many threads.
        """
        count, dimension = vectors.shape
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        index: faiss.Index = faiss.IndexFlatIP(dimension)
        if count > FLAT_TO:
            cells = int(CELLS * math.sqrt(count))
            kind = f"IVF{cells},SQ8"
            cell_index: Any = faiss.index_factory(dimension, kind, faiss.METRIC_INNER_PRODUCT)
            cell_index.nprobe = round(PROBED * cells)
            cell_index.cp.max_points_per_centroid = _TRAINED_ON
            step = max(1, count // (_TRAINED_ON * cells))
            cell_index.train(np.ascontiguousarray(vectors[::step]))
            index = cell_index
        index.add(np.ascontiguousarray(vectors))
        faiss.omp_set_num_threads(1)
        return cls(index, vectors)

    @classmethod
    def load(cls, path: Path, vectors: npt.NDArray[np.float32]) -> DenseIndex:
        """Raises `IndexDamaged` when the file is not one that `save` wrote for such `vectors`.

        Nothing that the file declares of itself is believed: it is no longer than such vectors need, FAISS may allocate no more
        than it is long, and forms other than the two of `build`, which may name further files, are not given to FAISS at all.
        """
        count, dimension = vectors.shape
        try:
            if path.stat().st_size > _OVERHEAD + 2 * (count + 1) * (4 * dimension + 8):
                raise IndexDamaged(path, f"is too long for {count} vectors of {dimension} components")
            data = np.fromfile(path, dtype=np.uint8)
            if not _is_ours(data, dimension):
                raise IndexDamaged(path, "cannot be read as a FAISS index")
            with _LIMITS:
                faiss.set_deserialization_vector_byte_limit(len(data))
                faiss.set_deserialization_loop_limit(len(data))
                index = faiss.deserialize_index(data)
        except (OSError, RuntimeError, MemoryError) as error:
            raise IndexDamaged(path, "cannot be read as a FAISS index") from error
        if (index.ntotal, index.d) != vectors.shape:
            raise IndexDamaged(path, f"holds {index.ntotal} vectors of {index.d} components, not {vectors.shape}")
        if not _fits_together(index):
            raise IndexDamaged(path, "is no index that could be searched")
        return cls(index, vectors)

    def save(self, path: Path) -> None:
        faiss.serialize_index(self._index).tofile(path)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def kind(self) -> str:
        """ "flat" where the search is exact, else "cells"."""
        return "flat" if isinstance(self._index, faiss.IndexFlat) else "cells"

    def search(
        self, vector: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The k rows nearest to a (dimension,) vector, of all or of `rows`, and their cosines, descending.

        Up to `FLAT_TO` `rows` are searched exactly: they may be in cells far from the vector.
        """
        if rows is not None and len(rows) <= FLAT_TO:
            return self._nearest(vector, k, rows)
        parameters = None
        if rows is not None:
            selector = faiss.IDSelectorBatch(rows)
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
            if self.kind == "cells":
                parameters = faiss.SearchParametersIVF(sel=selector, nprobe=self._index.nprobe)  # type: ignore[call-arg, attr-defined]
        asked = k if self.kind == "flat" else REFINED * k
        _, found = self._index.search(np.ascontiguousarray(vector[None, :]), min(asked, len(self)), params=parameters)
        kept = (found[0] >= 0) & (found[0] < len(self))  # what the cells name is as their file has it
        return self._nearest(vector, k, found[0][kept])

    def _nearest(
        self, vector: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The k of `rows` whose vectors, as they were indexed, are nearest, and their cosines."""
        cosines = self.cosines(vector, rows)
        nearest = np.lexsort((rows, -cosines))[:k]
        return rows[nearest], cosines[nearest]

    def cosines(self, vector: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Cosine of the (dimension,) vector with each of `rows`, in their order."""
        return np.asarray(self.vectors[rows] @ vector, dtype=np.float32)


def _is_ours(data: npt.NDArray[np.uint8], dimension: int) -> bool:
    """Whether FAISS would find in `data` a flat index, or cells whose vectors are in `data` too and not in a file it names.

    Where the names of the parts stand is read off an empty index of as many cells.
    """
    if data[:4].tobytes() == b"IxFI":
        return True
    cells = int.from_bytes(data[37:45].tobytes(), "little")
    if not 0 < cells * dimension * 4 < len(data):
        return False
    empty: Any = faiss.index_factory(dimension, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    empty.quantizer.add(np.zeros((cells, dimension), dtype=np.float32))
    faiss.copy_array_to_vector(np.zeros(2 * dimension, dtype=np.float32), empty.sq.trained)
    written = faiss.serialize_index(empty).tobytes()
    names = {written.rindex(name): name for name in (b"IwSq", b"IxFI", b"ilar")}
    return all(data[at : at + 4].tobytes() == name for at, name in names.items())


def _fits_together(index: Any) -> bool:
    """Whether an index that FAISS has read is one that it can search: what it does not check itself."""
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        return False
    if isinstance(index, faiss.IndexFlatIP):
        return True
    return (
        isinstance(index, faiss.IndexIVFScalarQuantizer)
        and isinstance(faiss.downcast_index(index.quantizer), faiss.IndexFlatIP)
        and index.quantizer.d == index.d
        and index.quantizer.ntotal == index.nlist
        and 0 < index.nprobe <= index.nlist
        and index.sq.code_size == index.code_size == index.d
        and index.is_trained
    )
