"""Late interaction: a text scored by how well each token of the question finds its like among the text's tokens.

MaxSim (Khattab and Zaharia, ColBERT, arXiv 2004.12832) over the token vectors of an encoder that was never trained for it.
Such vectors share one large component, so the corpus mean is subtracted before they are normalised; without that they
rank clearly worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from embeddings.errors import IndexDamaged

_CODES, _SCALES, _SPANS, _STARTS, _MEAN = "codes.npy", "scales.npy", "spans.npy", "starts.npy", "mean.npy"
_TYPES = {_CODES: ("int8", 2), _SCALES: ("float32", 2), _SPANS: ("int32", 2), _STARTS: ("int64", 1), _MEAN: ("float32", 1)}
_LEVELS = 127  # int8, symmetric


class TokenStore:
    """The token vectors of n texts, one signed byte a component, memory-mapped from a folder."""

    def __init__(
        self,
        codes: npt.NDArray[np.int8],
        scales: npt.NDArray[np.float32],
        spans: npt.NDArray[np.int32],
        starts: npt.NDArray[np.int64],
        mean: npt.NDArray[np.float32],
    ) -> None:
        self._codes = codes  # (tokens of all texts, dimension)
        self._scales = scales  # (tokens, 2): what one level stands for, and the length of the vector less the mean
        self._spans = spans  # (tokens, 2): characters of its text
        self._starts = starts  # (n + 1,): the tokens of text i are starts[i] to starts[i + 1]
        self._mean = mean  # (dimension,)

    @classmethod
    def build(cls, texts: Iterable[tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]], dimension: int) -> TokenStore:
        """Store what the encoder gave for n texts, taken one by one: (t, dimension) vectors and their (t, 2) spans."""
        codes = [np.zeros((0, dimension), dtype=np.int8)]
        levels = [np.zeros(0, dtype=np.float32)]
        spans = [np.zeros((0, 2), dtype=np.int32)]
        total = np.zeros(dimension, dtype=np.float64)
        for vectors, own_spans in texts:
            unit = _unit(vectors)
            level = (np.abs(unit).max(axis=1, initial=1e-12) / _LEVELS).astype(np.float32)
            codes.append(np.rint(unit / level[:, None]).astype(np.int8))
            levels.append(level)
            spans.append(own_spans)
            total += unit.sum(axis=0, dtype=np.float64)
        starts = np.cumsum([len(level) for level in levels], dtype=np.int64)
        mean = (total / max(int(starts[-1]), 1)).astype(np.float32)
        lengths = [np.linalg.norm(code * level[:, None] - mean, axis=1) for code, level in zip(codes, levels, strict=True)]
        scales = np.stack([np.concatenate(levels), np.maximum(np.concatenate(lengths), 1e-6)], axis=1)
        return cls(np.concatenate(codes), scales, np.concatenate(spans), starts, mean)

    def save(self, folder: Path) -> None:
        folder.mkdir()
        for name, array in self._files().items():
            np.save(folder / name, array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> TokenStore:
        """Raises `IndexDamaged` when a file is missing, cut short or does not fit the others."""
        arrays = {}
        for name in (_CODES, _SCALES, _SPANS, _STARTS, _MEAN):
            try:
                arrays[name] = np.load(
                    folder / name, mmap_mode="r" if name in (_CODES, _SCALES, _SPANS) else None, allow_pickle=False
                )
            except (OSError, ValueError, EOFError, TokenError) as error:
                raise IndexDamaged(folder / name, "cannot be read") from error
        for name, (dtype, axes) in _TYPES.items():
            if arrays[name].dtype != dtype or arrays[name].ndim != axes:
                raise IndexDamaged(
                    folder / name, f"holds {arrays[name].dtype} in {arrays[name].ndim} axes, not {dtype} in {axes}"
                )
        tokens, dimension = arrays[_CODES].shape
        for name, shape in {_SCALES: (tokens, 2), _SPANS: (tokens, 2), _MEAN: (dimension,)}.items():
            if arrays[name].shape != shape:
                raise IndexDamaged(folder / name, f"has shape {arrays[name].shape}, not {shape}")
        starts = arrays[_STARTS].tolist()
        if starts[:1] != [0] or starts[-1] != tokens or any(end < start for start, end in pairwise(starts)):
            raise IndexDamaged(folder / _STARTS, f"does not divide {tokens} tokens among texts")
        return cls(arrays[_CODES], arrays[_SCALES], arrays[_SPANS], arrays[_STARTS], arrays[_MEAN])

    def _files(self) -> dict[str, npt.NDArray[np.generic]]:
        return {_CODES: self._codes, _SCALES: self._scales, _SPANS: self._spans, _STARTS: self._starts, _MEAN: self._mean}

    def __len__(self) -> int:
        return len(self._starts) - 1

    def similarities(self, question: npt.NDArray[np.float32], row: int) -> npt.NDArray[np.float32]:
        """Centred cosines, (question tokens, tokens of text `row`), of question vectors as the encoder gives them."""
        return self._similarities(self._centred(question), int(self._starts[row]), int(self._starts[row + 1]))

    def maxsim(self, question: npt.NDArray[np.float32], rows: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """For each question token its best similarity in each of `rows`: (rows, question tokens), -1 to 1."""
        centred = self._centred(question)
        best = np.full((len(rows), len(question)), -1.0, dtype=np.float32)
        for at, row in enumerate(rows):
            start, end = int(self._starts[row]), int(self._starts[row + 1])
            if end > start:
                best[at] = self._similarities(centred, start, end).max(axis=1)
        return best

    def spans(self, row: int) -> npt.NDArray[np.int32]:
        """(t, 2): the characters of text `row` that each of its tokens stands for."""
        return self._spans[self._starts[row] : self._starts[row + 1]]

    def _centred(self, question: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return _unit(_unit(question) - self._mean)

    def _similarities(self, centred: npt.NDArray[np.float32], start: int, end: int) -> npt.NDArray[np.float32]:
        codes = self._codes[start:end].astype(np.float32)
        scales = self._scales[start:end]
        raw = (centred @ codes.T) * scales[:, 0] - (centred @ self._mean)[:, None]
        return np.asarray(raw / scales[:, 1], dtype=np.float32)


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
