"""Late interaction: a text scored by how well each token of the question finds its like among the text's tokens.

MaxSim (Khattab and Zaharia, ColBERT, arXiv 2004.12832) over the token vectors of the encoder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.errors import IndexDamaged
from embeddings.rows import RowsFile

_CODES, _SCALES, _SPANS, _ROWS = "codes.npy", "scales.npy", "spans.npy", "rows.npy"
_TYPES = {_CODES: ("int8", 2), _SCALES: ("float32", 1), _SPANS: ("int32", 2)}
_LEVELS = 127  # int8, symmetric
SEGMENTS, LIVE = 16, 0.5  # so many are not taken over together, and each only while so much of it is still used


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


class _Segment(NamedTuple):
    """The tokens of some texts, one after the other, memory-mapped from a folder."""

    codes: npt.NDArray[np.int8]  # (tokens, dimension)
    scales: npt.NDArray[np.float32]  # (tokens,): what makes a unit vector of its codes
    spans: npt.NDArray[np.int32]  # (tokens, 2): characters of its text
    folder: Path

    @classmethod
    def load(cls, folder: Path) -> _Segment:
        arrays = {name: _load(folder / name, dtype, axes) for name, (dtype, axes) in _TYPES.items()}
        tokens = len(arrays[_CODES])
        for name, shape in {_SCALES: (tokens,), _SPANS: (tokens, 2)}.items():
            if arrays[name].shape != shape:
                raise IndexDamaged(folder / name, f"has shape {arrays[name].shape}, not {shape}")
        return cls(arrays[_CODES], arrays[_SCALES], arrays[_SPANS], folder)


class TokenStore:
    """The token vectors of n texts, one signed byte a component, memory-mapped from a folder.

    They lie in segments, which an index built later takes over as they are: a file that is linked, not copied.
    """

    def __init__(self, segments: Sequence[_Segment], rows: npt.NDArray[np.int64]) -> None:
        self._segments = segments
        self._rows = rows  # (n, 3): of text i the segment, and where its tokens start and end there

    @classmethod
    def build(
        cls,
        texts: Iterable[StoredTokens | int],
        dimension: int,
        folder: Path,
        kept: TokenStore | None = None,
        segments: Sequence[int] = (),
    ) -> TokenStore:
        """Store the tokens of n texts, taken one by one, in `folder`: however many, they are never all in memory.

        An int is a row of `kept`, of which `segments` are taken over as they are; tokens in others are copied.
        """
        folder.mkdir()
        taken = {segment: at for at, segment in enumerate(segments)}
        for segment, at in taken.items():
            (folder / str(at)).mkdir()
            for name in _TYPES:
                _link(kept._segments[segment].folder / name, folder / str(at) / name)  # type: ignore[union-attr]  # noqa: SLF001
        known = [] if kept is None else kept._rows.tolist()  # noqa: SLF001
        rows, count = [], 0
        new = folder / str(len(taken))
        new.mkdir()
        widths = {_CODES: (dimension,), _SCALES: (), _SPANS: (2,)}
        with ExitStack() as stack:
            files = {name: stack.enter_context(RowsFile(new / name, _TYPES[name][0], width)) for name, width in widths.items()}
            for text in texts:
                if isinstance(text, int):
                    segment, start, end = known[text]
                    if segment in taken:
                        rows.append([taken[segment], start, end])
                        continue
                    text = kept.stored(text)  # type: ignore[union-attr]
                for name, array in ((_CODES, text.codes), (_SCALES, text.scales), (_SPANS, text.spans)):
                    files[name].write(array)
                rows.append([len(taken), count, count + len(text.scales)])
                count += len(text.scales)
        if taken and not count:
            shutil.rmtree(new)
        np.save(folder / _ROWS, np.array(rows, dtype=np.int64).reshape(-1, 3), allow_pickle=False)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> TokenStore:
        """Raises `IndexDamaged` when a file is missing, cut short or does not fit the others."""
        rows = np.asarray(_load(folder / _ROWS, "int64", 2))
        count = int(rows[:, 0].max(initial=-1)) + 1 if rows.shape[1:] == (3,) else 0
        segments = [_Segment.load(folder / str(at)) for at in range(count)] if 0 < count <= SEGMENTS + 1 else []
        lengths = np.array([len(segment.codes) for segment in segments], dtype=np.int64)
        if len(rows) and (
            not segments
            or (rows < 0).any()
            or (rows[:, 1] > rows[:, 2]).any()
            or (rows[:, 2] > lengths[rows[:, 0]]).any()
            or len({segment.codes.shape[1] for segment in segments}) > 1
        ):
            raise IndexDamaged(folder / _ROWS, f"does not divide {lengths.tolist()} tokens among texts")
        return cls(segments, rows)

    def worth_keeping(self, rows: npt.NDArray[np.int64]) -> list[int]:
        """The segments that an index of these `rows` of it and new texts should take over: of too many the larger half.

        So a segment is written anew when it has become one of the small ones, and not with every new text.
        """
        of, starts, ends = self._rows[rows].T
        used = np.bincount(of, ends - starts, len(self._segments))
        held = np.array([len(segment.codes) for segment in self._segments])
        kept = np.flatnonzero((used > 0) & (used >= LIVE * held))
        if len(kept) >= SEGMENTS:
            kept = np.sort(kept[np.lexsort((kept, -held[kept]))][: SEGMENTS // 2])
        return [int(at) for at in kept]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def dimension(self) -> int:
        return int(self._segments[0].codes.shape[1]) if self._segments else 0

    def stored(self, row: int) -> StoredTokens:
        """The tokens of text `row` as they are kept."""
        at, start, end = self._rows[row].tolist()
        segment = self._segments[at]
        return StoredTokens(segment.codes[start:end], segment.scales[start:end], segment.spans[start:end])

    def vectors(self, row: int) -> npt.NDArray[np.float32]:
        """(t, dimension) unit vectors of the tokens of text `row`."""
        own = self.stored(row)
        return np.asarray(own.codes * own.scales[:, None], dtype=np.float32)

    def similarities(self, question: npt.NDArray[np.float32], row: int) -> npt.NDArray[np.float32]:
        """Cosines, (question tokens, tokens of text `row`), of the question's unit vectors."""
        own = self.stored(row)
        return np.asarray(question @ own.codes.astype(np.float32).T * own.scales, dtype=np.float32)

    def maxsim(self, question: npt.NDArray[np.float32], rows: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """For each token of the question its best cosine in each of `rows`: (rows, question tokens), -1 to 1."""
        best = np.full((len(rows), len(question)), -1.0, dtype=np.float32)
        texts = [self.stored(row) for row in rows]
        filled = [at for at, text in enumerate(texts) if len(text.scales)]
        if not filled or not len(question):
            return best
        codes = np.concatenate([texts[at].codes for at in filled]).astype(np.float32)
        cosines = (question @ codes.T) * np.concatenate([texts[at].scales for at in filled])
        firsts = np.cumsum([0, *(len(texts[at].scales) for at in filled[:-1])])
        best[filled] = np.maximum.reduceat(cosines, firsts, axis=1).T
        return best

    def spans(self, row: int) -> npt.NDArray[np.int32]:
        """(t, 2): the characters of text `row` that each of its tokens stands for."""
        return self.stored(row).spans


def _load(path: Path, dtype: str, axes: int) -> npt.NDArray[Any]:
    try:
        # As a plain array over the mapped file: a `memmap` takes as long again for each slice.
        array: npt.NDArray[Any] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, TokenError) as error:
        raise IndexDamaged(path, "cannot be read") from error
    if array.dtype != dtype or array.ndim != axes:
        raise IndexDamaged(path, f"holds {array.dtype} in {array.ndim} axes, not {dtype} in {axes}")
    return array


def _link(source: Path, target: Path) -> None:
    """One more name for a file that is never written again; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
