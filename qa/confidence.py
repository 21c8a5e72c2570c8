"""How sure it is that the first passage answers the question: a calibrated probability, from few scale-free features.

A cosine cannot be thresholded: E5 puts unrelated texts above 0.7 by design. A logistic regression over what each of the
searches found can. Its numbers, with the digest of the questions they were fitted on, stand in
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
import numpy.typing as npt

FEATURES = ("late", "weakest", "margin", "dense", "korean")
SIXTH = 5


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


def features(
    best: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    dense: float,
    korean: bool,
) -> tuple[float, ...]:
    """The features of a question and its first passage, in the order of `FEATURES`.

    `best` is the best cosine of each question token in the passage, `weights` what each counts: "late" is its mean, "weakest"
    the mean of its lowest quarter, since one thing asked that the passage does not speak of is enough for no answer. `scores`
    are those of all candidates, descending: "margin" is how far the first stands out from the sixth. "dense", the cosine of the
    pooled vectors, knows what the question is about as a whole. "korean" is 1 for a Korean question, whose tokens find their
    like in English text less well.
    """
    weakest = float(np.sort(best)[: max(1, len(best) // 4)].mean()) if len(best) else 0.0
    margin = float(scores[0] - scores[min(SIXTH, len(scores) - 1)])
    return (float(best @ weights), weakest, margin, dense, float(korean))
