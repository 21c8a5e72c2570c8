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
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from embeddings.encoder import load_encoder
from embeddings.models import BASE
from training.data import Data, Example, read_squad, read_statements
from training.loss import loss
from training.upper import Upper, center_of, lower

EPOCHS = 2
RATE, HEAD_RATE, WARM_UP = 1e-3, 5e-3, 20  # AdamW, falling to nothing along half a cosine after the first steps
SENTENCES, ANSWERABLE, POOLED = 0.5, 0.3, 0.2  # of the loss of the passage
RELATED, OTHERS = 6, 2  # releases of a batch that resemble each other, and others drawn beside them
PASSAGES, SQUAD_PASSAGES, QUESTIONS = 40, 26, 48  # of a batch, at most
SEED = 0


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
