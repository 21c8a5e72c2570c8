from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.pieces import PIECE, Table, read_piece

TABLE = Table((("a.txt", PIECE, "0"), ("deep/b.npy", PIECE + 1, "1"), ("empty", 0, "2"), ("c", 1, "3")))


def test_a_table_reads_back() -> None:
    assert Table.read(TABLE.text) == TABLE


def test_a_file_has_pieces_of_its_own_after_that_of_the_table() -> None:
    assert TABLE.pieces() == [("a.txt", 0), ("deep/b.npy", 0), ("deep/b.npy", PIECE), ("c", 0)]
    for path, _, _ in TABLE.files:
        assert [at for at, (of, _) in enumerate(TABLE.pieces(), 1) if of == path] == list(TABLE.pieces_of(path))


def test_what_a_table_only_declares_takes_no_memory() -> None:
    huge = Table.read(Table((("a", 10**30, "0"), ("b", 1, "1"))).text)
    assert huge.pieces_of("b").start > 10**25


def test_the_pieces_of_a_file_are_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 400)
    table = Table((("file", 102_400, "0"),))
    assert b"".join(read_piece({"file": tmp_path / "file"}, *piece) for piece in table.pieces()) == bytes(range(256)) * 400


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "", "a\\b", ".", "a//b", ".lock", "a" * 5000, "a\n"])
def test_a_table_that_names_a_file_outside_its_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path of ours"):
        Table.read(Table(((path, 1, "0"),)).text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"{}x",
        b"7",
        b"[7]",
        b'[["a", 1]]',
        b'[["a", "1", "0"]]',
        b'[["a", -1, "0"]]',
        b'[["a", true, "0"]]',
        b'[["a", Infinity, "0"]]',
        b'[["a", 1, []]]',
        b'[[["a"], 1, "0"]]',
        b'[["a", 1, "0"], ["a", 2, "1"]]',
        b'[["a", ' + b"9" * 5000 + b', "0"]]',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda text: str(text[:30]),
)
def test_what_is_no_table_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Table.read(text)
