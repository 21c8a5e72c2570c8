from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from qa import measure
from qa.measure import ALL, ANSWERABLE, LOWER_IS_BETTER, Figure, Outcome, figures
from tests.library import outcome

# Five questions: right first; right at 3 and 7; right past the five shown; never; and one that nothing answers.
FIRST = outcome("a", ranks=(1,), confidence=0.9, read=120, quoted=True, seconds=0.010)
THIRD = outcome("b", kind="korean", ranks=(3, 7), relevant=2, confidence=0.7, read=900, seconds=0.020)
EIGHTH = outcome("c", ranks=(8,), relevant=3, confidence=0.4, read=2500, answered=False, seconds=0.030)
NEVER = outcome("d", confidence=0.6, seconds=0.040)
NOTHING = outcome("e", kind="unanswerable", answerable=False, answered=False, relevant=0, confidence=0.6, seconds=0.100)
ANSWERABLES = [FIRST, THIRD, EIGHTH, NEVER]
FIVE = [*ANSWERABLES, NOTHING]


def confidences(*pairs: tuple[float, bool]) -> list[Outcome]:
    """Outcomes of a confidence, and of whether an answer is shown first or not at all."""
    return [outcome(f"q{i}", confidence=value, ranks=(1,) if right else ()) for i, (value, right) in enumerate(pairs)]


def test_right_is_an_answer_among_the_hits_shown() -> None:
    assert [each.right for each in FIVE] == [True, True, False, False, False]
    assert outcome(ranks=(6,), shown=5).right is False
    assert outcome(ranks=(6,), shown=6).right is True


def test_first_is_the_lowest_rank_whatever_their_order() -> None:
    assert outcome(ranks=(7, 3)).first == 3
    assert outcome().first is None


@pytest.mark.parametrize(("k", "share"), [(1, 0.25), (2, 0.25), (3, 0.5), (5, 0.5), (8, 0.75), (10, 0.75)])
def test_recall_at_k_is_the_share_with_an_answer_among_the_first_k(k: int, share: float) -> None:
    assert measure.within(k)(ANSWERABLES) == share


def test_the_reciprocal_rank_is_of_the_first_answer_and_zero_without_one() -> None:
    assert measure.reciprocal_rank(ANSWERABLES) == pytest.approx((1 + 1 / 3 + 1 / 8 + 0) / 4)


def test_ndcg_is_the_discounted_gain_over_the_ideal_one() -> None:
    ideal_two, ideal_three = 1 + 1 / math.log2(3), 1 + 1 / math.log2(3) + 1 / 2
    expected = [1.0, (1 / 2 + 1 / 3) / ideal_two, (1 / math.log2(9)) / ideal_three, 0.0]
    assert [measure.ndcg([each]) for each in ANSWERABLES] == pytest.approx(expected)
    assert measure.ndcg(ANSWERABLES) == pytest.approx(sum(expected) / 4)


def test_ndcg_looks_no_further_than_ten_and_is_one_for_a_perfect_ranking() -> None:
    assert measure.ndcg([outcome(ranks=(11, 12), relevant=2)]) == 0
    assert measure.ndcg([outcome(ranks=tuple(range(1, 11)), relevant=14)]) == pytest.approx(1)
    assert measure.ndcg([outcome(ranks=(), relevant=0)]) == 0


@given(st.sets(st.integers(1, 10), min_size=1))
def test_ndcg_is_that_of_scikit_learn(ranks: set[int]) -> None:
    relevant = [[float(rank in ranks) for rank in range(1, 11)]]
    shown = [[float(-rank) for rank in range(1, 11)]]
    assert measure.ndcg([outcome(ranks=tuple(ranks), relevant=len(ranks))]) == pytest.approx(ndcg_score(relevant, shown, k=10))


def test_auroc_counts_the_pairs_in_order_and_ties_as_half() -> None:
    assert measure.auroc(FIVE) == pytest.approx((1 + 1 + 0 + 0.5) / 4)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2, max_size=20))
def test_auroc_is_that_of_scikit_learn(pairs: list[tuple[bool, float]]) -> None:
    outcomes = [outcome(answerable=answerable, confidence=value) for answerable, value in pairs]
    labels, values = zip(*pairs, strict=True)
    if len(set(labels)) == 1:
        assert math.isnan(measure.auroc(outcomes))
    else:
        assert measure.auroc(outcomes) == pytest.approx(roc_auc_score(labels, values))


def test_risk_is_the_share_wrong_as_coverage_grows_from_the_most_confident() -> None:
    coverage, risk = measure.risk_coverage(FIVE)
    assert coverage.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    # by confidence: a right 0.9, b right 0.7, d and e wrong 0.6, c wrong 0.4
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 4, 3 / 5])
    assert measure.risk_coverage_area(FIVE) == pytest.approx((1 / 3 + 1 / 2 + 3 / 5) / 5)


def test_risk_at_like_confidence_does_not_depend_on_the_order_asked() -> None:
    tied = [outcome("x", confidence=0.5, ranks=(1,)), outcome("y", confidence=0.5)]
    assert measure.risk_coverage(tied)[1].tolist() == measure.risk_coverage(tied[::-1])[1].tolist() == [0.0, 0.5]


def test_a_measure_that_answers_all_rightly_risks_nothing_and_one_that_answers_none_risks_all() -> None:
    assert measure.risk_coverage_area(confidences((0.9, True), (0.1, True))) == 0
    assert measure.risk_coverage_area(confidences((0.9, False), (0.1, False))) == 1


def test_calibration_error_is_the_gap_of_each_question_while_they_fill_no_bin() -> None:
    few = confidences((0.9, True), (0.7, True), (0.4, False), (0.6, False))
    assert measure.calibration_error(few) == pytest.approx((0.1 + 0.3 + 0.4 + 0.6) / 4)


def test_calibration_error_is_over_ten_bins_of_equal_mass() -> None:
    pairs = [(i / 100, i % 3 == 0) for i in range(100)]
    expected = 0.0
    for start in range(0, 100, 10):
        group = pairs[start : start + 10]
        expected += 0.1 * abs(sum(value for value, _ in group) / 10 - sum(right for _, right in group) / 10)
    assert measure.calibration_error(confidences(*pairs[::-1])) == pytest.approx(expected)


def test_calibration_error_weighs_bins_by_the_questions_in_them() -> None:
    pairs = [(0.01 * i, True) for i in range(11)]  # ten bins of eleven: the first holds two
    gaps = [2 * (1 - 0.005), *(1 - 0.01 * i for i in range(2, 11))]
    assert measure.calibration_error(confidences(*pairs)) == pytest.approx(sum(gaps) / 11)


def test_confidence_that_keeps_its_word_has_no_calibration_error() -> None:
    kept = confidences(*[(0.5, i % 2 == 0) for i in range(40)])
    assert measure.calibration_error(kept) == pytest.approx(0)


EXPECTED = {
    "R@1": 1 / 4,
    "R@5": 2 / 4,
    "MRR": (1 + 1 / 3 + 1 / 8) / 4,
    "nDCG@10": measure.ndcg(ANSWERABLES),  # recomputed above
    "within 500": 1 / 4,
    "within 1000": 2 / 4,
    "within 2000": 2 / 4,
    "quote right": 1 / 4,
    "quote right where first is": 1.0,
    "answered": 3 / 4,
    "abstention precision": 1 / 2,  # abstained from c and e; e rightly
    "abstention recall": 1.0,
    "AUROC": 2.5 / 4,
    "risk-coverage area": (1 / 3 + 1 / 2 + 3 / 5) / 5,
    "calibration error": (0.1 + 0.3 + 0.4 + 0.6 + 0.6) / 5,
    "p50 ms": 30.0,
    "p95 ms": 88.0,  # of 10, 20, 30, 40, 100: four fifths of the way from the fourth to the fifth
}


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, Figure]]:
    return figures(FIVE)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_figure_over_all_is_the_one_computed_by_hand(name: str, table: dict[str, dict[str, Figure]]) -> None:
    figure = table["all"][name]
    assert figure.value == pytest.approx(EXPECTED[name])
    assert figure.count == (4 if name in ANSWERABLE else 5)


def test_there_is_no_figure_that_was_not_computed_by_hand(table: dict[str, dict[str, Figure]]) -> None:
    assert set(table["all"]) == set(EXPECTED) == set(ANSWERABLE) | set(ALL)
    assert set(EXPECTED) >= LOWER_IS_BETTER


def test_figures_by_kind_rest_on_the_answerable_questions_of_that_kind(table: dict[str, dict[str, Figure]]) -> None:
    assert list(table) == ["fact", "korean", "all"]
    assert set(table["korean"]) == set(ANSWERABLE)
    assert {name: figure.count for name, figure in table["fact"].items()} == dict.fromkeys(ANSWERABLE, 3)
    assert table["korean"]["MRR"].value == pytest.approx(1 / 3)
    assert table["fact"]["R@1"].value == pytest.approx(1 / 3)


def test_a_right_quote_counts_against_the_first_hits_that_are_right() -> None:
    own = [outcome(ranks=(1,), quoted=True), outcome(ranks=(1, 2)), outcome(ranks=(2,)), outcome()]
    row = figures(own)["all"]
    assert row["quote right"].value == 0.25
    assert row["quote right where first is"].value == 0.5


def test_a_share_of_nothing_is_not_a_number() -> None:
    row = figures([outcome(ranks=(2,))])["all"]
    unknown = {name for name, figure in row.items() if math.isnan(figure.value)}
    assert unknown == {"quote right where first is", "abstention precision", "abstention recall", "AUROC"}
    assert math.isnan(row["AUROC"].low)


def test_no_question_makes_no_figure() -> None:
    assert figures([]) == {}
    assert set(figures([NOTHING])["all"]) == set(ALL)


def resampled(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """The interval of R@1, recomputed: 1,000 draws of as many questions, with replacement, from generator 0."""
    hits = np.array([each.first == 1 for each in outcomes])
    drawn = np.random.default_rng(0).integers(0, len(hits), (1000, len(hits)))
    low, high = np.percentile(hits[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def test_the_interval_is_the_percentiles_of_a_thousand_resamples_and_the_same_each_time() -> None:
    many = [outcome(str(i), ranks=(1,) if i % 4 else ()) for i in range(40)]
    figure = figures(many)["all"]["R@1"]
    assert figure == Figure(0.75, *resampled(many), 40)
    assert figure == figures(many)["all"]["R@1"]
    assert figure.low < 0.65 < 0.75 < 0.85 < figure.high


def test_more_questions_narrow_the_interval() -> None:
    few, many = ([outcome(str(i), ranks=(1,) if i % 2 else ()) for i in range(count)] for count in (10, 160))
    wide, narrow = (figures(own)["all"]["R@1"] for own in (few, many))
    assert narrow.high - narrow.low < 0.4 * (wide.high - wide.low)


def test_a_figure_without_doubt_has_no_width() -> None:
    assert figures([FIRST, FIRST])["all"]["R@1"] == Figure(1.0, 1.0, 1.0, 2)
