"""Train the adapter of the default model for late interaction.

    python -m training.fit --statements ../shared/scale/white-house-3000.jsonl --squad ../shared/benchmarks/squad2 --into FILE

Only factors of rank 16 beside the weights of the four upper layers are trained, and a weight for each question token; the
layers below run once and their output is kept. A batch holds all passages of some releases that
resemble each other, and all questions about them: each question must find its passages among them, its sentences within the
passage, and score low where nothing answers. Some 40 minutes on two cores.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from embeddings.adapter import Adapter
from embeddings.encoder import Role, load_encoder
from embeddings.models import BASE
from qa.quotes import REVERSE_SHARE
from training.data import Data, Example, Text, read_squad, read_statements

LAYERS = 4  # of twelve; the upper ones
RANK = 16
EPOCHS = 2
RATE, HEAD_RATE, WARM_UP = 1e-3, 5e-3, 20  # AdamW, falling to nothing along half a cosine after the first steps
SENTENCES, ANSWERABLE, POOLED = 0.5, 0.3, 0.2  # of the loss of the passage
POOLED_SHARPNESS = 50.0  # what cosines of pooled vectors, which lie close together, are multiplied with
RELATED, OTHERS = 6, 2  # releases of a batch that resemble each other, and others drawn beside them
PASSAGES, SQUAD_PASSAGES, QUESTIONS = 40, 26, 48  # of a batch, at most
SEED = 0
Floats = npt.NDArray[np.float32]


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


def batches(
    data: Data, likeness: npt.NDArray[np.float32], groups: Sequence[str], dice: random.Random
) -> Iterator[tuple[list[int], list[Example]]]:
    """One epoch: rows of texts, and examples all of whose texts are among them. `likeness` is (groups, groups)."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(data.texts):
        rows[text.group].append(row)
    asked: dict[str, list[Example]] = defaultdict(list)
    for example in data.examples:
        asked[data.texts[example.near].group].append(example)
    nearest = np.argsort(-likeness, axis=1)
    drawn: list[tuple[list[int], list[Example]]] = []
    left = set(range(len(groups)))
    for seed in dice.sample(range(len(groups)), len(groups)):
        if seed in left:
            related = [seed, *(int(each) for each in nearest[seed] if int(each) in left and int(each) != seed)][:RELATED]
            left -= set(related)
            picked = dict.fromkeys([*related, *dice.sample(range(len(groups)), OTHERS)])
            drawn.append(
                (
                    [row for each in picked for row in rows[groups[each]]][:PASSAGES],
                    [one for each in picked for one in asked[groups[each]]],
                )
            )
    for group in sorted(set(rows) - set(groups)):
        shuffled = dice.sample(rows[group], len(rows[group]))
        starts = range(0, len(shuffled), SQUAD_PASSAGES)
        drawn += [(shuffled[start : start + SQUAD_PASSAGES], asked[group]) for start in starts]
    for passages, examples in dice.sample(drawn, len(drawn)):
        there = set(passages)
        kept = [one for one in examples if one.near in there and there.issuperset(one.answers)]
        if kept:
            yield passages, dice.sample(kept, min(QUESTIONS, len(kept)))


def loss(
    upper: Upper,
    texts: Sequence[Text],
    passages: Sequence[Encoding],
    rows: Sequence[int],
    questions: Sequence[Encoding],
    examples: Sequence[Example],
) -> dict[str, Tensor]:
    """The parts of the loss over one batch: of the passage by tokens and by pooled vectors, of its sentence, and of whether
    anything answers."""
    states, own, pooled = upper(passages)
    with torch.no_grad():
        upper.center.mul_(0.98).add_(0.02 * unit(states[own]).mean(0))
    stored = upper.read(states)
    states, asked, pooled_questions = upper(questions)
    read = upper.read(states)
    weights = upper.weights(read, asked)
    likeness = torch.einsum("qid,ptd->qpit", read, stored).masked_fill(~own[None, :, None, :], -1.0)
    scores = (weights[:, None] * likeness.amax(-1)).sum(-1)
    sharpness = upper.sharpness.exp().clamp(5, 100)
    place = {row: at for at, row in enumerate(rows)}
    right = torch.zeros(scores.shape, dtype=torch.bool)
    for at, example in enumerate(examples):
        right[at, [place[row] for row in example.answers]] = True
    answered = right.any(1)
    chosen, proposed = (
        torch.log_softmax(each, 1).masked_fill(~right, -1e4).logsumexp(1)
        for each in (scores * sharpness, pooled_questions @ pooled.T * POOLED_SHARPNESS)
    )
    best = torch.where(answered, scores.masked_fill(~right, -1e4).amax(1), scores.amax(1))
    marked = [
        -sentence_choice(
            texts[row], passages[place[row]], likeness[at, place[row]], weights[at], asked[at], example.answers[row], sharpness
        )
        for at, example in enumerate(examples)
        for row in list(example.answers)[:1]
        if 0 < len(example.answers[row]) < len(texts[row].sentences)
    ]
    zero = scores.sum() * 0
    return {
        "passage": -chosen[answered].mean() if answered.any() else zero,
        "pooled": -proposed[answered].mean() if answered.any() else zero,
        "sentence": torch.stack(marked).mean() if marked else zero,
        "answerable": functional.binary_cross_entropy_with_logits(
            upper.answer_scale * best + upper.answer_bias, answered.float()
        ),
    }


def sentence_choice(
    text: Text, passage: Encoding, likeness: Tensor, weights: Tensor, asked: Tensor, right: Sequence[int], sharpness: Tensor
) -> Tensor:
    """Log probability of the right sentences among all of a passage, each scored as `qa.quotes` scores it."""
    spans, own = passage.spans, passage.own
    likeness = likeness[:, : len(own)]
    title = torch.from_numpy(own & (spans[:, 0] < text.body))
    beside = likeness[:, title].amax(1) if bool(title.any()) else torch.full((len(likeness),), -1.0)
    scores, is_right = [], []
    for number, (start, end) in enumerate(text.sentences):
        inside = torch.from_numpy(own & (spans[:, 1] > start) & (spans[:, 0] < end))
        if not bool(inside.any()):
            continue
        there = likeness[:, inside]
        back = there.masked_fill(~asked[:, None], -1.0).amax(0).mean()
        scores.append((weights * torch.maximum(there.amax(1), beside)).sum() + REVERSE_SHARE * back)
        is_right.append(number in right)
    if not any(is_right):  # the encoder did not read so far
        return likeness.sum() * 0
    chosen = torch.log_softmax(torch.stack(scores) * sharpness, 0)
    return chosen.masked_fill(~torch.tensor(is_right), -1e4).logsumexp(0)


def fit(data: Data, epochs: float = EPOCHS) -> Upper:
    """Train on `data`, and print how it goes."""
    torch.manual_seed(SEED)
    dice = random.Random(SEED)
    model = load_encoder(BASE)._model  # noqa: SLF001
    bert = (
        next(module for module in model.modules() if type(module).__name__ == "BertModel").float().eval().requires_grad_(False)
    )
    started = time.monotonic()
    passages = lower(model, bert, [text.text for text in data.texts], "passage")
    questions = dict(
        zip(map(id, data.examples), lower(model, bert, [one.question for one in data.examples], "query"), strict=True)
    )
    print(f"{len(passages)} texts, {len(questions)} questions: lower layers {time.monotonic() - started:.0f} s", flush=True)
    upper = Upper(bert, center_of(bert, dice.sample(passages, min(200, len(passages)))))
    groups = sorted({text.group for text in data.texts if not text.group.startswith("squad ")})
    pooled = {
        group: [
            each.states.astype(np.float32).mean(0)
            for each, text in zip(passages, data.texts, strict=True)
            if text.group == group
        ]
        for group in groups
    }
    means = np.stack([np.mean(pooled[group], axis=0) for group in groups])
    means -= means.mean(0)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    heads = [upper.gate, upper.gate_bias, upper.sharpness, upper.answer_scale, upper.answer_bias]
    factors = [*upper.ups, *upper.downs]
    optimizer = torch.optim.AdamW([{"params": factors, "weight_decay": 0.01}, {"params": heads, "weight_decay": 0.0}])
    per_epoch = len(list(batches(data, means @ means.T, groups, random.Random(SEED))))
    steps = round(epochs * per_epoch)
    step, seen = 0, defaultdict(list)
    while step < steps:
        for rows, examples in batches(data, means @ means.T, groups, dice):
            share = min(1.0, (step + 1) / WARM_UP) * max(0.5 * (1 + math.cos(math.pi * step / steps)), 0.02)
            for group, rate in zip(optimizer.param_groups, (RATE, HEAD_RATE), strict=True):
                group["lr"] = rate * share
            parts = loss(
                upper, data.texts, [passages[row] for row in rows], rows, [questions[id(one)] for one in examples], examples
            )
            optimizer.zero_grad()
            whole = parts["passage"] + POOLED * parts["pooled"]
            whole += SENTENCES * parts["sentence"] + ANSWERABLE * parts["answerable"]
            whole.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(upper.parameters(), 1.0)
            optimizer.step()
            step += 1
            for name, part in parts.items():
                seen[name].append(float(part.detach()))
            if step % 20 == 0 or step == steps:
                shown = ", ".join(f"{name} {np.mean(values[-20:]):.3f}" for name, values in seen.items())
                print(f"{step}/{steps} {time.monotonic() - started:.0f} s: {shown}", flush=True)
            if step == steps:
                break
    return upper


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=Path, required=True, help="the White House's statements, JSON lines")
    parser.add_argument("--squad", type=Path, required=True, help="folder of SQuAD 2.0 in BEIR form")
    parser.add_argument("--questions", type=Path, default=Path(__file__).parent / "questions.jsonl")
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument(
        "--into", type=Path, required=True, help="the adapter's file, embeddings/e5.safetensors for the one that ships"
    )
    options = parser.parse_args()
    data = Data()
    read_statements(data, options.statements, options.questions, load_encoder(BASE))
    read_squad(data, options.squad)
    upper = fit(data, options.epochs)
    upper.adapter(f"{len(data.examples)} questions, {options.epochs:g} epochs, python -m training.fit").save(options.into)


if __name__ == "__main__":
    main()
