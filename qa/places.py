"""Where the corpus, the index and what readers add are looked for when nothing else is said."""

from __future__ import annotations

import os
from pathlib import Path

from embeddings.models import cache_folder

_ROOT = Path(__file__).resolve().parent.parent  # of a checkout, or of site-packages


def default_corpus() -> Path:
    """`QA_CORPUS`, else the corpus of the checkout, else the one installed with the package."""
    if os.environ.get("QA_CORPUS"):
        return Path(os.environ["QA_CORPUS"])
    checked_out = _ROOT / "corpus"
    return checked_out if _is_checkout() else Path(__file__).resolve().parent / "corpus"


def default_index() -> Path:
    """`QA_INDEX`, else `.index` in the checkout, else in the user's cache folder."""
    if os.environ.get("QA_INDEX"):
        return Path(os.environ["QA_INDEX"])
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


def _is_checkout() -> bool:
    return (_ROOT / "pyproject.toml").is_file()
