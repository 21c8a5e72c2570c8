"""Where the corpus, the index and what readers add are looked for when nothing else is said."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from embeddings.models import cache_folder
from qa.errors import BadAddress

_ROOT = Path(__file__).resolve().parent.parent  # of a checkout, or of site-packages


_ADDRESS = re.compile(r"milvus:/+(?P<host>[\w.-]+):(?P<port>\d{1,5})/(?P<collection>[A-Za-z_]\w{0,199})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """An index on a Milvus server."""

    host: str
    port: int
    collection: str

    def __str__(self) -> str:
        return f"milvus://{self.host}:{self.port}/{self.collection}"


IndexPlace = Path | Address


def index_place(index: IndexPlace | str | None = None) -> IndexPlace:
    """Where an index is: in the folder or at the address that is named, else in `default_index`.

    Raises `BadAddress` for one that begins as an address and is none.
    """
    if index is None:
        return default_index()
    if isinstance(index, Address):
        return index
    named = index.as_posix() if isinstance(index, Path) else index
    if not named.startswith("milvus:"):
        return Path(index)
    match = _ADDRESS.fullmatch(named)
    if match is None or not 0 < int(match["port"]) < 65_536:
        raise BadAddress(named)
    return Address(match["host"], int(match["port"]), match["collection"])


def default_corpus() -> Path:
    """`QA_CORPUS`, else the corpus of the checkout, else the one installed with the package."""
    if os.environ.get("QA_CORPUS"):
        return Path(os.environ["QA_CORPUS"])
    checked_out = _ROOT / "corpus"
    return checked_out if _is_checkout() else Path(__file__).resolve().parent / "corpus"


def default_index() -> IndexPlace:
    """`QA_INDEX`, else `.index` in the checkout, else in the user's cache folder."""
    if os.environ.get("QA_INDEX"):
        return index_place(os.environ["QA_INDEX"])
    return _ROOT / ".index" if _is_checkout() else cache_folder() / "index"


def default_own() -> Path:
    """`QA_OWN`, else `own` in the checkout, else in the user's cache folder: releases that were added on the page."""
    if os.environ.get("QA_OWN"):
        return Path(os.environ["QA_OWN"])
    return _ROOT / "own" if _is_checkout() else cache_folder() / "own"


def default_feedback() -> Path:
    """`QA_FEEDBACK`, else `feedback.sqlite` in the checkout, else in the user's cache folder."""
    if os.environ.get("QA_FEEDBACK"):
        return Path(os.environ["QA_FEEDBACK"])
    return (_ROOT if _is_checkout() else cache_folder()) / "feedback.sqlite"


def default_standing() -> Path:
    """`QA_STANDING`, else `standing.sqlite` in the checkout, else in the user's cache folder."""
    if os.environ.get("QA_STANDING"):
        return Path(os.environ["QA_STANDING"])
    return (_ROOT if _is_checkout() else cache_folder()) / "standing.sqlite"


def _is_checkout() -> bool:
    return (_ROOT / "pyproject.toml").is_file()
