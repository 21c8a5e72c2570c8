"""The loss: what a batch of questions costs that do not find their passage or sentence, or find one where nothing answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from qa.quotes import REVERSE_SHARE
from training.data import Example, Text
from training.upper import Encoding, Upper, unit

POOLED_SHARPNESS = 50.0  # what cosines of pooled vectors, which lie close together, are multiplied with


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
