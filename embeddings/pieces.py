"""Files as pieces that fit into a field of a database, and back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PIECE = 49_149  # bytes: 65,532 characters of base64, in a VARCHAR of at most 65,535
_PATH = re.compile(r"(?:[a-zA-Z0-9_][\w.-]{0,99}/)*[a-zA-Z0-9_][\w.-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """The files of a push as (path, size, SHA-256). Piece 0 is the table; the files follow, each from a piece of its own."""

    files: tuple[tuple[str, int, str], ...]

    @classmethod
    def read(cls, text: bytes) -> Table:
        """Raises `ValueError` when it is no table, or names a file outside the folder it is pulled into."""
        try:
            files = tuple((path, size, digest) for path, size, digest in json.loads(text))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"it is no table ({error})") from error
        for path, size, digest in files:
            if not isinstance(path, str) or not _PATH.fullmatch(path):
                raise ValueError(f"{path!r:.100} is no path of ours")
            if type(size) is not int or size < 0 or not isinstance(digest, str):
                raise ValueError(f"{path} has no size or digest")
        if len({path for path, _, _ in files}) < len(files):
            raise ValueError("it names a file twice")
        return cls(files)

    @property
    def text(self) -> bytes:
        return json.dumps(self.files).encode("ascii")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text).hexdigest()[:16]

    def pieces(self) -> list[tuple[str, int]]:
        """The path of each piece after the table, and where in its file it begins."""
        return [(path, start) for path, size, _ in self.files for start in range(0, size, PIECE)]

    def pieces_of(self, path: str) -> range:
        """The numbers of a file's pieces."""
        start = 1
        for name, size, _ in self.files:
            end = start - (-size // PIECE)
            if name == path:
                return range(start, end)
            start = end
        raise KeyError(path)


def read_piece(paths: Mapping[str, Path], path: str, start: int) -> bytes:
    with paths[path].open("rb") as file:
        file.seek(start)
        return file.read(PIECE)
