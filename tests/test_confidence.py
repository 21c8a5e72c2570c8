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


def test_the_features_are_the_mean_the_lowest_quarter_the_quote_the_words_and_the_language() -> None:
    assert FEATURES == ("late", "weakest", "quote", "covered", "korean")
    found = features(BEST, EVEN, 0.7, {"grain": 3.0, "kenya": 1.0}, {"grain", "port"}, False)
    assert found == pytest.approx((4.3 / 8, 0.2, 0.7, 0.75, 0.0))


def test_each_token_counts_by_its_weight() -> None:
    weights = np.array([0.5, 0, 0, 0.5, 0, 0, 0, 0], np.float32)
    assert features(BEST, weights, 0.0, {}, (), False)[0] == pytest.approx(0.8)


def test_a_korean_questions_words_are_not_missed_in_english_text() -> None:
    assert features(BEST, EVEN, 0.0, {"곡물": 2.0}, {"grain"}, True)[3:] == (1.0, 1.0)
    assert features(BEST, EVEN, 0.0, {"곡물": 2.0}, {"grain"}, False)[3:] == (0.0, 0.0)


def test_of_few_question_tokens_the_weakest_is_one() -> None:
    few = np.full(3, 1 / 3, np.float32)
    assert features(np.array([0.9, 0.3, 0.6], np.float32), few, 0.0, {}, (), False)[1] == pytest.approx(0.3)


def test_a_question_without_tokens_has_features_of_zero() -> None:
    nothing = np.zeros(0, np.float32)
    assert features(nothing, nothing, 0.5, {}, (), True) == (0.0, 0.0, 0.5, 1.0, 1.0)


def test_the_calibration_that_ships_is_the_one_in_the_file_read_once() -> None:
    shipped = calibration()
    assert shipped.weights == tuple(RECORD["weights"][name] for name in FEATURES)
    assert (shipped.bias, shipped.operating_point) == (RECORD["bias"], RECORD["operating_point"])
    assert calibration() is shipped


def test_the_calibration_that_ships_trusts_likeness_more_than_its_absence() -> None:
    like = np.full(8, 0.9, np.float32)
    near = features(like, EVEN, 0.9, {"grain": 1.0}, {"grain"}, False)
    far = features(like - 0.8, EVEN, 0.1, {"grain": 1.0}, (), False)
    assert calibration().confidence(near) > calibration().confidence(far)
    assert 0 < calibration().operating_point < 1
