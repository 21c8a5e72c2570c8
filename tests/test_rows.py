from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.rows import RowsFile


@pytest.mark.parametrize("dtype", ["int8", "int32", "float32"])
@given(counts=st.lists(st.integers(0, 5), max_size=5), width=st.sampled_from([(), (2,), (384,)]))
def test_rows_read_back_as_numpy_reads_them(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, counts: list[int], width: tuple[int, ...]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    written = [np.arange(count * int(np.prod(width))).reshape(count, *width).astype(dtype) for count in counts]
    with RowsFile(path, dtype, width) as file:
        for rows in written:
            file.write(rows)
    read = np.load(path, allow_pickle=False)
    assert (read.dtype, read.shape) == (dtype, (sum(counts), *width))
    assert read.tolist() == np.concatenate([np.zeros((0, *width), dtype), *written]).tolist()


def test_the_file_is_that_of_numpy_but_for_its_padding(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    with RowsFile(tmp_path / "rows.npy", "float32", (2,)) as file:
        file.write(array)
    np.save(tmp_path / "numpy.npy", array)
    ours, theirs = (np.lib.format.open_memmap(tmp_path / name, "r") for name in ("rows.npy", "numpy.npy"))
    assert ours.tolist() == theirs.tolist()
    assert ours.offset == 128
