"""Arrays written to disk row by row, however many rows there will be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_HEADER = 128  # bytes before the rows of a .npy file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html


class RowsFile:
    """A .npy file of rows of `width`, for a `with` statement; its header is written last, over the first bytes.

    A full disk is an `OSError` here; in a file that is mapped and written to it would end the process.
    """

    def __init__(self, path: Path, dtype: str, width: tuple[int, ...]) -> None:
        self._path, self._dtype, self._width, self._count = path, np.dtype(dtype), width, 0

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.write(bytes(_HEADER))
        return self

    def write(self, rows: npt.NDArray[Any]) -> None:
        """Add (n, *width) rows."""
        self._count += len(rows)
        self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())

    def __exit__(self, *_: object) -> None:
        with self._file as file:
            form = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._count, *self._width)}
            header = repr(form).encode("ascii").ljust(_HEADER - 11) + b"\n"
            file.seek(0)
            file.write(np.lib.format.magic(1, 0) + len(header).to_bytes(2, "little") + header)
