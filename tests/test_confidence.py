from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import qa.confidence
from embeddings.search import Found, Query
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


BEST = np.array([[0.9, 0.1, 0.8, 0.7], [0.2, 0.5, 0.1, 0.0], [0.0, 0.1, 0.3, 0.9], [0.0, 1.0, 1.0, 1.0]], np.float32)
TEXT = "did tanks go"
SPANS = np.array([(0, 3), (4, 8), (8, 9), (10, 12)], np.int32)  # "did", "tank", "s", "go"


def query(weights: Sequence[float] = (0.25,) * 4) -> Query:
    vectors = np.zeros((4, 2), np.float32)
    return Query(TEXT, vectors[0], vectors, np.array(weights, np.float32), SPANS)


def found(best: npt.NDArray[np.float32] = BEST, late: float = 0.625) -> Found:
    late_of_each = np.full(len(best), late, np.float32)
    return Found(np.arange(len(best)), late_of_each, late_of_each, late_of_each, np.full(len(best), 0.75, np.float32), best)


def test_the_features_are_late_interaction_what_is_unsaid_the_cosine_and_the_language() -> None:
    assert FEATURES == ("late", "unsaid", "dense", "korean")
    assert features(query(), found(), [], True) == pytest.approx((0.625, 1.0, 0.75, 1.0))
    assert features(query(), found(), [], False)[3] == 0.0


def test_a_word_that_the_nearest_lack_is_as_near_as_all_its_tokens_come_in_one_of_the_first_three() -> None:
    assert features(query(), found(), [(4, 9)], False)[1] == pytest.approx(0.45)  # of the first, not 1.0 of the fourth


def test_lacking_words_count_by_their_weights() -> None:
    both = features(query((0.1, 0.1, 0.2, 0.6)), found(), [(4, 9), (10, 12)], False)[1]
    assert both == pytest.approx((0.3 * 0.45 + 0.6 * 0.9) / 0.9)


@pytest.mark.parametrize("word", [(13, 20), (0, 3)])
def test_a_word_that_was_not_read_or_weighs_nothing_is_not_counted(word: tuple[int, int]) -> None:
    assert features(query((0, 0.5, 0.5, 0)), found(), [word], False)[1] == 1.0


def test_the_calibration_that_ships_is_the_one_in_the_file_read_once() -> None:
    shipped = calibration()
    assert shipped.weights == tuple(RECORD["weights"][name] for name in FEATURES)
    assert (shipped.bias, shipped.operating_point) == (RECORD["bias"], RECORD["operating_point"])
    assert calibration() is shipped


def test_the_calibration_that_ships_trusts_likeness_more_than_its_absence() -> None:
    near, far = (features(query(), found(late=late), [], False) for late in (0.9, 0.1))
    lacking = features(query(), found(late=0.9), [(4, 9)], False)
    assert calibration().confidence(near) > calibration().confidence(lacking) > calibration().confidence(far)
    assert 0 < calibration().operating_point < 1
