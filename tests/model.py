"""The real model for the tests marked `model`, loaded once in a session for each precision."""

from __future__ import annotations

import functools
from typing import Literal
from unittest.mock import patch

from embeddings.encoder import SentenceTransformerEncoder, load_encoder

Precision = Literal["float32", "bfloat16"]


@functools.cache
def real_encoder(precision: Precision = "float32") -> SentenceTransformerEncoder:
    """The default model as a processor with or without bfloat16 loads it, so that pinned values hold on every machine."""
    with patch("torch.cpu.get_capabilities", return_value={"avx512_bf16": precision == "bfloat16"}):
        return load_encoder()
