"""A cross-encoder, which reads question and passage together: for who has a good one and the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.errors import ModelUnavailable


class Reranker:
    """A sentence-transformers `CrossEncoder` with one output."""

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self._model = model

    def scores(self, question: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n,) float32 relevance of each text to the question, 0 to 1, higher is nearer."""
        import torch

        pairs = [(question, text) for text in texts]
        raw = self._model.predict(pairs, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False)
        return np.asarray(raw, dtype=np.float32).reshape(len(texts))


def load_reranker(name: str) -> Reranker:
    """The cross-encoder in a folder or on the hub called `name`. Raises `ModelUnavailable` when it cannot be had, or has
    not one output."""
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(name, device="cpu")
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelUnavailable(name, reason) from error
    if model.num_labels != 1:
        raise ModelUnavailable(name, f"as a reranker it needs one output and has {model.num_labels}")
    return Reranker(name, model)
