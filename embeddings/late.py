"""Late interaction: a text scored by how well each token of the question finds its like among the text's tokens.

MaxSim (Khattab and Zaharia, ColBERT, arXiv 2004.12832) over the token vectors of the encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.errors import IndexDamaged
from embeddings.rows import RowsFile

_CODES, _SCALES, _SPANS, _STARTS = "codes.npy", "scales.npy", "spans.npy", "starts.npy"
_TYPES = {_CODES: ("int8", 2), _SCALES: ("float32", 1), _SPANS: ("int32", 2), _STARTS: ("int64", 1)}
_LEVELS = 127  # int8, symmetric


class StoredTokens(NamedTuple):
    """The t tokens of a text: (t, dimension) int8 codes, (t,) float32 that make unit vectors of them, (t, 2) int32 spans."""

    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    spans: npt.NDArray[np.int32]

    @classmethod
    def of(cls, vectors: npt.NDArray[np.float32], spans: npt.NDArray[np.int32]) -> StoredTokens:
        """What the encoder gave for a text, (t, dimension) unit vectors and their spans, in one byte a component."""
        level = np.abs(vectors).max(axis=1, initial=1e-12) / _LEVELS
        codes = np.rint(vectors / level[:, None]).astype(np.int8)
        lengths = np.linalg.norm(codes.astype(np.float32), axis=1)
        return cls(codes, (1 / np.maximum(lengths, 1e-12)).astype(np.float32), spans)


class TokenStore:
    """The token vectors of n texts, one signed byte a component, memory-mapped from a folder."""

    def __init__(
        self,
        codes: npt.NDArray[np.int8],
        scales: npt.NDArray[np.float32],
        spans: npt.NDArray[np.int32],
        starts: npt.NDArray[np.int64],
    ) -> None:
        self._codes = codes  # (tokens of all texts, dimension)
        self._scales = scales  # (tokens,): what makes a unit vector of its codes
        self._spans = spans  # (tokens, 2): characters of its text
        self._starts = starts  # (n + 1,): the tokens of text i are starts[i] to starts[i + 1]

    @classmethod
    def build(cls, texts: Iterable[StoredTokens], dimension: int, folder: Path) -> TokenStore:
        """Store the tokens of n texts, taken one by one, in `folder`: however many, they are never all in memory."""
        folder.mkdir()
        counts = [0]
        with ExitStack() as stack:
            widths = {_CODES: (dimension,), _SCALES: (), _SPANS: (2,)}
            files = {
                name: stack.enter_context(RowsFile(folder / name, _TYPES[name][0], width)) for name, width in widths.items()
            }
            for text in texts:
                for name, array in ((_CODES, text.codes), (_SCALES, text.scales), (_SPANS, text.spans)):
                    files[name].write(array)
                counts.append(len(text.scales))
        np.save(folder / _STARTS, np.cumsum(counts, dtype=np.int64), allow_pickle=False)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> TokenStore:
        """Raises `IndexDamaged` when a file is missing, cut short or does not fit the others."""
        arrays = {}
        for name in _TYPES:
            try:
                arrays[name] = np.load(folder / name, mmap_mode=None if name == _STARTS else "r", allow_pickle=False)
            except (OSError, ValueError, EOFError, TokenError) as error:
                raise IndexDamaged(folder / name, "cannot be read") from error
        for name, (dtype, axes) in _TYPES.items():
            if arrays[name].dtype != dtype or arrays[name].ndim != axes:
                raise IndexDamaged(
                    folder / name, f"holds {arrays[name].dtype} in {arrays[name].ndim} axes, not {dtype} in {axes}"
                )
        tokens = len(arrays[_CODES])
        for name, shape in {_SCALES: (tokens,), _SPANS: (tokens, 2)}.items():
            if arrays[name].shape != shape:
                raise IndexDamaged(folder / name, f"has shape {arrays[name].shape}, not {shape}")
        starts = arrays[_STARTS].tolist()
        if starts[:1] != [0] or starts[-1] != tokens or any(end < start for start, end in pairwise(starts)):
            raise IndexDamaged(folder / _STARTS, f"does not divide {tokens} tokens among texts")
        return cls(arrays[_CODES], arrays[_SCALES], arrays[_SPANS], arrays[_STARTS])

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def dimension(self) -> int:
        return int(self._codes.shape[1])

    def stored(self, row: int) -> StoredTokens:
        """The tokens of text `row` as they are kept."""
        own = slice(int(self._starts[row]), int(self._starts[row + 1]))
        return StoredTokens(self._codes[own], self._scales[own], self._spans[own])

    def vectors(self, row: int) -> npt.NDArray[np.float32]:
        """(t, dimension) unit vectors of the tokens of text `row`."""
        start, end = int(self._starts[row]), int(self._starts[row + 1])
        return np.asarray(self._codes[start:end] * self._scales[start:end, None], dtype=np.float32)

    def similarities(self, question: npt.NDArray[np.float32], row: int) -> npt.NDArray[np.float32]:
        """Cosines, (question tokens, tokens of text `row`), of the question's unit vectors."""
        return np.asarray(question @ self.vectors(row).T, dtype=np.float32)

    def maxsim(self, question: npt.NDArray[np.float32], rows: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """For each token of the question its best cosine in each of `rows`: (rows, question tokens), -1 to 1."""
        best = np.full((len(rows), len(question)), -1.0, dtype=np.float32)
        ends = [(int(self._starts[row]), int(self._starts[row + 1])) for row in rows]
        filled = [at for at, (start, end) in enumerate(ends) if end > start]
        if not filled or not len(question):
            return best
        slices = [slice(*ends[at]) for at in filled]
        codes = np.concatenate([self._codes[each] for each in slices]).astype(np.float32)
        cosines = (question @ codes.T) * np.concatenate([self._scales[each] for each in slices])
        firsts = np.cumsum([0, *(each.stop - each.start for each in slices[:-1])])
        best[filled] = np.maximum.reduceat(cosines, firsts, axis=1).T
        return best

    def spans(self, row: int) -> npt.NDArray[np.int32]:
        """(t, 2): the characters of text `row` that each of its tokens stands for."""
        return self._spans[self._starts[row] : self._starts[row + 1]]
