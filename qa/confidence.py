"""How sure it is that the first passage answers the question: a calibrated probability, from few scale-free features.

A cosine cannot be thresholded: E5 puts unrelated texts above 0.7 by design. A logistic regression over what the searches found,
and what they did not, can. Its numbers, with the digest of the questions they were fitted on, stand in
`confidence.json`; `qa evaluate --fit` made them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from embeddings.search import Found, Query
from qa.abstention import NEAREST

FEATURES = ("late", "unsaid", "dense", "korean")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the logistic regression, in the order of `FEATURES`, and the confidence from which an answer is given."""

    weights: tuple[float, ...]
    bias: float
    operating_point: float
    fitted_on: str

    def confidence(self, features: Sequence[float]) -> float:
        """Probability, 0 to 1, that the passage answers."""
        logit = self.bias + sum(weight * value for weight, value in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(min(logit, 60.0), -60.0)))


@cache
def calibration() -> Calibration:
    """The one that ships."""
    record = json.loads((files("qa") / "confidence.json").read_text(encoding="utf-8"))
    weights = record["weights"]  # a feature that is new counts nothing until it is fitted
    return Calibration(
        tuple(weights.get(name, 0.0) for name in FEATURES), record["bias"], record["operating_point"], record["fitted_on"]
    )


def features(query: Query, found: Found, lacking: Sequence[tuple[int, int]], korean: bool) -> tuple[float, ...]:
    """The features of a question and what was found for it, at least one passage, in the order of `FEATURES`.

    `lacking` holds the characters of the query's words that none of the nearest passages holds. "late" is what late interaction
    makes of the first passage. "unsaid" is how near the nearest come to what they lack, 1 where they lack nothing: the mean
    best cosine of these words, weighed as the query weighs them, since a paraphrase is near and what nothing speaks of is not.
    "dense", the cosine of the pooled vectors, knows what the question is about as a whole. "korean" is 1 for a Korean question,
    whose tokens find their like in English text less well.
    """
    best = found.best[:NEAREST]
    read = [inside for start, end in lacking if (inside := (query.spans[:, 1] > start) & (query.spans[:, 0] < end)).any()]
    near = [float(best[:, inside].mean(axis=1).max()) for inside in read]
    counted = [float(query.weights[inside].sum()) for inside in read]
    unsaid = float(np.average(near, weights=counted)) if sum(counted) else 1.0
    return (float(found.late[0]), unsaid, float(found.dense[0]), float(korean))
