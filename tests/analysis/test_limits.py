"""Limits of one run: exact ones of accuracy, for the others what a known truth says of them, and always the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.joint_table import counts_by_class
from expctl.analysis.limits import confidence_limits, limits_from_counts
from expctl.metrics import METRICS
from tests.analysis.test_label_metrics import PAIRS, by_scikit_learn, some_rows


@given(PAIRS)
@settings(max_examples=30, deadline=None)
def test_limits_are_ordered_around_the_value_and_in_the_range_of_the_metric(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    values = by_scikit_learn(labels, predicted)
    for key, (low, high) in confidence_limits(labels, predicted).items():
        least, most = METRICS[key].range
        assert least <= low <= values[key] + 1e-9
        assert values[key] - 1e-9 <= high <= most
        assert low < high


@pytest.mark.parametrize("rows", [20, 400])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_limits_of_accuracy_are_exact(rows: int, confidence: float) -> None:
    """Clopper and Pearson's, as scipy has them, from no row right to all."""
    labels = np.arange(rows) % 2
    for right in (0, 1, rows // 2, rows - 1, rows):
        predicted = np.where(np.arange(rows) < right, labels, 1 - labels)
        expected = stats.binomtest(right, rows).proportion_ci(confidence, method="exact")
        found = confidence_limits(labels, predicted, confidence=confidence)
        assert found["accuracy"] == found["recall"] == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(
    ("right", "rows", "expected"), [(0, 10, (0, 0.3085)), (10, 10, (0.6915, 1)), (1, 20, (0.0013, 0.2487))]
)
def test_the_limits_of_accuracy_are_those_of_the_published_tables(
    right: int, rows: int, expected: tuple[float, float]
) -> None:
    """Clopper and Pearson 1934, at 95 %: of 0 and of 10 in 10, and of 1 in 20."""
    labels = np.arange(rows) % 2
    predicted = np.where(np.arange(rows) < right, labels, 1 - labels)
    assert confidence_limits(labels, predicted)["accuracy"] == pytest.approx(expected, abs=5e-5)


def test_a_model_without_an_error_may_make_some() -> None:
    """Of forty rows, none wrong: 8.8 % may still be, as for any metric; of three rows of a class, most of it."""
    labels = np.array(["a", "b"] * 20, dtype=object)
    for key, (low, high) in confidence_limits(labels, labels).items():
        assert high == METRICS[key].range[1]
        assert 0.6 < low < 0.92, key
    labels = np.array(["a"] * 37 + ["b"] * 3, dtype=object)
    assert confidence_limits(labels, labels)["balanced_accuracy"][0] < 0.75
    assert confidence_limits(labels, labels)["accuracy"][0] > 0.9


def test_a_class_without_a_test_row_widens_what_averages_over_classes() -> None:
    """Nothing is known of it."""
    labels = np.array(["a"] * 30 + ["b"] * 30, dtype=object)
    predicted = np.array(["a"] * 25 + ["b"] * 35, dtype=object)
    known = confidence_limits(labels, predicted)
    more = confidence_limits(labels, predicted, classes=np.array(["a", "b", "c"], dtype=object))
    assert more["accuracy"] == known["accuracy"]
    for key in ("balanced_accuracy", "f1_macro"):
        assert more[key][0] < known[key][0] - 0.05


def test_the_same_rows_always_have_the_same_limits() -> None:
    labels, predicted = some_rows(300, 3, 0.8)
    once = confidence_limits(labels, predicted)
    assert confidence_limits(labels, predicted) == once
    order = np.random.default_rng(1).permutation(300)
    assert confidence_limits(labels[order], predicted[order]) == once
    names = np.array(["a", "b", "c"], dtype=object)
    assert confidence_limits(names[labels], names[predicted], classes=names) == once


def test_the_global_random_state_neither_matters_nor_moves() -> None:
    labels, predicted = some_rows(100, 2, 0.8)
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    once = confidence_limits(labels, predicted)
    assert np.random.get_state()[1].tolist() == state
    np.random.seed(2)
    assert confidence_limits(labels, predicted) == once


@pytest.mark.parametrize("classes", [2, 5, 151])
def test_limits_lie_around_the_metric_itself(classes: int) -> None:
    labels, predicted = some_rows(20 * classes + 200, classes, 0.8)
    limits = confidence_limits(labels, predicted)
    for key, value in by_scikit_learn(labels, predicted).items():
        low, high = limits[key]
        assert low < value < high
        assert high - low < 0.2


@pytest.mark.parametrize("classes", [2, 4])
def test_of_many_rows_the_limits_are_those_of_resampling_them(classes: int) -> None:
    labels, predicted = some_rows(2_000, classes, 0.7)
    cells, seen = np.unique(labels * classes + predicted, return_counts=True)
    resamples = np.random.default_rng(7).multinomial(2_000, seen / 2_000, size=4_000)
    drawn = metrics_from_counts(*counts_by_class(*np.divmod(cells, classes), resamples, classes))
    for key, (low, high) in confidence_limits(labels, predicted).items():
        width = 2 * 1.96 * np.std(drawn[key])
        assert high - low == pytest.approx(width, rel=0.15)
        assert (low + high) / 2 == pytest.approx(np.mean(drawn[key]), abs=0.1 * width)


def test_more_confidence_is_a_wider_interval_and_more_rows_a_narrower_one() -> None:
    def width(confidence: float, repeat: int) -> float:
        labels, predicted = some_rows(200, 3, 0.7)
        low, high = confidence_limits(np.tile(labels, repeat), np.tile(predicted, repeat), confidence=confidence)[
            "f1_score"
        ]
        return high - low

    assert width(0.8, 1) < width(0.95, 1) < width(0.99, 1)
    assert width(0.95, 100) == pytest.approx(width(0.95, 1) / 10, rel=0.15)


def test_limits_hold_the_truth_of_a_rare_class_with_few_rows() -> None:
    """100 samples only; tests/simulation/limits.py is the measurement. Percentiles of a bootstrap held in 70 to 85."""
    cells, shares = np.array([(0, 0), (0, 1), (1, 0), (1, 1)]), np.array([0.12, 0.01, 0.05, 0.82])
    truth = {"balanced_accuracy": (12 / 13 + 82 / 87) / 2, "f1_macro": (24 / 30 + 164 / 170) / 2}
    held = dict.fromkeys(truth, 0)
    for counts in np.random.default_rng(5).multinomial(50, shares, size=100):
        seen = counts > 0
        limits = limits_from_counts(*cells[seen].T, counts[seen], 2)
        for key, value in truth.items():
            held[key] += limits[key][0] <= value <= limits[key][1]
    assert min(held.values()) >= 90, held


def test_no_rows_have_no_limits() -> None:
    with pytest.raises(ValueError, match="no rows"):
        confidence_limits(np.array([], dtype=object), np.array([], dtype=object))
