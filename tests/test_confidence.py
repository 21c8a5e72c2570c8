from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import qa.confidence
from qa.confidence import FEATURES, Calibration, calibration, features

RECORD = json.loads(Path(qa.confidence.__file__).with_suffix(".json").read_text(encoding="utf-8"))


def test_the_confidence_is_the_logistic_of_the_weighted_features() -> None:
    made = Calibration((2.0, -1.0, 0.5, 3.0), -0.25, 0.5, "made")
    assert made.confidence((0.5, 0.25, 1.0, 0.0)) == pytest.approx(1 / (1 + math.exp(-1.0)))  # 1 - 0.25 + 0.5 + 0 - 0.25


def test_a_sum_of_nothing_is_an_even_chance() -> None:
    assert Calibration((1.0,) * 4, 0.0, 0.5, "made").confidence((0.0,) * 4) == 0.5


@pytest.mark.parametrize(("value", "bound"), [(1e9, 1.0), (-1e9, 0.0)])
def test_no_feature_overflows_the_logistic(value: float, bound: float) -> None:
    confidence = Calibration((1.0,), 0.0, 0.5, "made").confidence((value,))
    assert confidence == pytest.approx(bound, abs=1e-20)
    assert 0 <= confidence <= 1


def test_features_of_another_number_than_the_weights_are_a_fault_and_not_cut() -> None:
    with pytest.raises(ValueError, match="zip"):
        Calibration((1.0, 2.0), 0.0, 0.5, "made").confidence((1.0,))


BEST = np.array([0.9, 0.1, 0.8, 0.7, 0.3, 0.6, 0.5, 0.4], np.float32)
EVEN = np.full(8, 1 / 8, np.float32)


SCORES = np.array([0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.1], np.float32)


def test_the_features_are_the_mean_the_lowest_quarter_the_margin_the_cosine_and_the_language() -> None:
    assert FEATURES == ("late", "weakest", "margin", "dense", "korean")
    assert features(BEST, EVEN, SCORES, 0.7, True) == pytest.approx((4.3 / 8, 0.2, 0.4, 0.7, 1.0))
    assert features(BEST, EVEN, SCORES, 0.7, False)[4] == 0.0


def test_each_token_counts_by_its_weight() -> None:
    weights = np.array([0.5, 0, 0, 0.5, 0, 0, 0, 0], np.float32)
    assert features(BEST, weights, SCORES, 0.7, False)[0] == pytest.approx(0.8)


def test_of_few_candidates_the_margin_is_to_the_last() -> None:
    assert features(BEST, EVEN, SCORES[:3], 0.7, False)[2] == pytest.approx(0.2)
    assert features(BEST, EVEN, SCORES[:1], 0.7, False)[2] == 0.0


def test_of_few_question_tokens_the_weakest_is_one() -> None:
    few = np.full(3, 1 / 3, np.float32)
    assert features(np.array([0.9, 0.3, 0.6], np.float32), few, SCORES, 0.7, False)[1] == pytest.approx(0.3)


def test_a_question_without_tokens_has_features_of_zero() -> None:
    nothing = np.zeros(0, np.float32)
    assert features(nothing, nothing, SCORES[:1], 0.7, True) == (0.0, 0.0, 0.0, 0.7, 1.0)


def test_the_calibration_that_ships_is_the_one_in_the_file_read_once() -> None:
    shipped = calibration()
    assert shipped.weights == tuple(RECORD["weights"][name] for name in FEATURES)
    assert (shipped.bias, shipped.operating_point) == (RECORD["bias"], RECORD["operating_point"])
    assert calibration() is shipped


def test_the_calibration_that_ships_trusts_likeness_more_than_its_absence() -> None:
    like = np.full(8, 0.9, np.float32)
    near, far = (features(each, EVEN, SCORES, 0.7, False) for each in (like, like - 0.8))
    assert calibration().confidence(near) > calibration().confidence(far)
    assert 0 < calibration().operating_point < 1
