"""The upper layers of the encoder with what is learnt beside their weights, over what the layers below make of a text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from embeddings.adapter import Adapter
from embeddings.encoder import Role

LAYERS = 4  # of twelve; the upper ones
RANK = 16


@dataclass(slots=True)
class Encoding:
    """What the lower layers made of a text: (t, dimension) half-precision states, which tokens are its own, and their spans."""

    states: npt.NDArray[np.float16]
    own: npt.NDArray[np.bool_]
    spans: npt.NDArray[np.int32]


class Upper(nn.Module):
    """The upper layers of the encoder with the factors beside their weights, and how token vectors are read."""

    def __init__(self, bert: Any, center: Tensor) -> None:
        super().__init__()
        self._frozen = [bert]  # in a list: its weights are not this module's
        first = len(bert.encoder.layer) - LAYERS
        self._names = [
            f"encoder.layer.{first + at}.{part}.weight"
            for at in range(LAYERS)
            for part in (
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
                "intermediate.dense",
                "output.dense",
            )
        ]
        weights = dict(bert.named_parameters())
        shapes = [weights[name].shape for name in self._names]
        self.ups = nn.ParameterList(torch.zeros(out, RANK) for out, _ in shapes)
        self.downs = nn.ParameterList(torch.randn(RANK, into) / math.sqrt(into) for _, into in shapes)
        self.gate = nn.Parameter(torch.zeros(len(center)))
        self.gate_bias = nn.Parameter(torch.tensor(math.log(math.e - 1)))  # softplus of it is 1
        self.sharpness = nn.Parameter(torch.tensor(math.log(33.0)))
        self.answer_scale, self.answer_bias = nn.Parameter(torch.tensor(20.0)), nn.Parameter(torch.tensor(-8.0))
        self.center: Tensor
        self.register_buffer("center", center)

    def forward(self, encodings: Sequence[Encoding]) -> tuple[Tensor, Tensor, Tensor]:
        """The last layer's vectors, (n, t, dimension), which of them are a text's own tokens, (n, t), and (n, dimension), their
        mean with those of the prompt and the special tokens, of unit length."""
        length = max(len(each.states) for each in encodings)
        states = torch.zeros(len(encodings), length, len(self.center))
        present, own = torch.zeros(len(encodings), length), torch.zeros(len(encodings), length, dtype=torch.bool)
        for at, each in enumerate(encodings):
            states[at, : len(each.states)] = torch.from_numpy(each.states.astype(np.float32))
            present[at, : len(each.states)] = 1
            own[at, : len(each.own)] = torch.from_numpy(each.own)
        bert = self._frozen[0]
        change = {name: up @ down for name, up, down in zip(self._names, self.ups, self.downs, strict=True)}
        for number in range(len(bert.encoder.layer) - LAYERS, len(bert.encoder.layer)):
            layer, prefix = bert.encoder.layer[number], f"encoder.layer.{number}."
            own_change = {name.removeprefix(prefix): delta for name, delta in change.items() if name.startswith(prefix)}
            states = run_layer(layer, states, present, own_change)
        return states, own, unit((states * present[:, :, None]).sum(1))

    def read(self, vectors: Tensor) -> Tensor:
        return unit(unit(vectors) - self.center)

    def weights(self, tokens: Tensor, own: Tensor) -> Tensor:
        raw = functional.softplus(tokens @ self.gate + self.gate_bias) * own
        return raw / raw.sum(-1, keepdim=True).clamp_min(1e-6)

    def adapter(self, source: str) -> Adapter:
        factors = zip(self._names, self.ups, self.downs, strict=True)
        change = {name: (up.detach().numpy(), down.detach().numpy()) for name, up, down in factors}
        return Adapter(change, self.center.numpy(), self.gate.detach().numpy(), float(self.gate_bias.detach()), source)


def unit(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors, dim=-1)


def run_layer(layer: Any, states: Tensor, present: Tensor, change: dict[str, Tensor]) -> Tensor:
    """One layer of BERT over (n, t, dimension) states, with `change` added to its weights by name."""
    count, length, dimension = states.shape
    attention = layer.attention
    heads = attention.self.num_attention_heads

    def linear(name: str, values: Tensor) -> Tensor:
        module = layer.get_submodule(name)
        delta = change.get(f"{name}.weight")
        return functional.linear(values, module.weight if delta is None else module.weight + delta, module.bias)

    query, key, value = (
        linear(f"attention.self.{part}", states).view(count, length, heads, -1).transpose(1, 2)
        for part in ("query", "key", "value")
    )
    mask = (1 - present)[:, None, None, :] * -1e4
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    mixed = mixed.transpose(1, 2).reshape(count, length, dimension)
    states = attention.output.LayerNorm(states + linear("attention.output.dense", mixed))
    inner = functional.gelu(linear("intermediate.dense", states))
    return layer.output.LayerNorm(states + linear("output.dense", inner))  # type: ignore[no-any-return]


@torch.inference_mode()
def lower(model: Any, bert: Any, texts: Sequence[str], role: Role) -> list[Encoding]:
    """What all but the upper layers make of `texts`."""
    prompt = model.prompts[role]
    found: dict[int, Encoding] = {}
    order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
    for start in range(0, len(order), 16):
        rows = order[start : start + 16]
        batch = model.tokenizer(
            [prompt + texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        present = batch["attention_mask"].float()
        states = bert.embeddings(batch["input_ids"])
        for layer in bert.encoder.layer[: len(bert.encoder.layer) - LAYERS]:
            states = run_layer(layer, states, present, {})
        for at, row in enumerate(rows):
            length = int(present[at].sum())
            offsets = batch["offset_mapping"][at, :length].numpy()
            own = ~batch["special_tokens_mask"][at, :length].numpy().astype(bool) & (offsets[:, 1] > len(prompt))
            spans = np.maximum(offsets - len(prompt), 0).astype(np.int32)
            found[row] = Encoding(states[at, :length].half().numpy().copy(), own, spans)
    return [found[row] for row in range(len(texts))]


@torch.no_grad()
def center_of(bert: Any, encodings: Sequence[Encoding]) -> Tensor:
    """Mean (dimension,) of the unit token vectors before anything was learnt."""
    upper = Upper(bert, torch.zeros(encodings[0].states.shape[1]))
    vectors = []
    for start in range(0, len(encodings), 16):
        states, own, _ = upper(encodings[start : start + 16])
        vectors.append(unit(states[own]))
    return torch.cat(vectors).mean(0)
