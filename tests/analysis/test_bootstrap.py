"""Limits are those that resampling rows would give, and always the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from expctl.analysis.bootstrap import confidence_limits, metrics_from_counts
from tests.analysis.test_label_metrics import PAIRS, by_scikit_learn, counts, some_rows


@given(PAIRS)
@settings(max_examples=50)
def test_limits_are_ordered_finite_and_in_range(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    for key, (low, high) in confidence_limits(labels, predicted, resamples=200).items():
        assert (-1 if key == "mcc" else 0) <= low <= high <= 1 + 1e-12


def test_the_same_rows_always_have_the_same_limits() -> None:
    labels, predicted = some_rows(300, 3, 0.8)
    once = confidence_limits(labels, predicted)
    assert confidence_limits(labels, predicted) == once
    order = np.random.default_rng(1).permutation(300)
    assert confidence_limits(labels[order], predicted[order]) == once
    names = np.array(["a", "b", "c"], dtype=object)
    assert confidence_limits(names[labels], names[predicted]) == once


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
def test_limits_agree_with_drawing_rows_one_by_one(classes: int) -> None:
    labels, predicted = some_rows(150, classes, 0.7)
    random = np.random.default_rng(7)
    drawn: dict[str, list[float]] = {}
    for _ in range(4000):
        rows = random.integers(0, 150, 150)
        found = metrics_from_counts(**counts(labels[rows], predicted[rows], classes))
        for key, value in found.items():
            drawn.setdefault(key, []).append(value.item())
    for key, limits in confidence_limits(labels, predicted, resamples=4000).items():
        assert limits == pytest.approx(np.percentile(drawn[key], [2.5, 97.5]), abs=0.012)


def test_accuracy_limits_are_those_of_the_binomial_distribution() -> None:
    from scipy.stats import binom

    labels = np.zeros(400, dtype=int)
    predicted = np.array([0] * 320 + [1] * 80)
    low, high = confidence_limits(labels, predicted, resamples=20_000)["accuracy"]
    assert (low, high) == pytest.approx([binom.ppf(q, 400, 0.8) / 400 for q in (0.025, 0.975)], abs=0.003)


def test_more_confidence_is_a_wider_interval_and_more_rows_a_narrower_one() -> None:
    def width(confidence: float, repeat: int) -> float:
        labels, predicted = some_rows(200, 3, 0.7)
        low, high = confidence_limits(np.tile(labels, repeat), np.tile(predicted, repeat), confidence=confidence)[
            "f1_score"
        ]
        return high - low

    assert width(0.8, 1) < width(0.95, 1) < width(0.99, 1)
    assert width(0.95, 100) == pytest.approx(width(0.95, 1) / 10, rel=0.15)


def test_all_right_is_certain() -> None:
    labels = np.array(["a", "b"] * 20, dtype=object)
    assert set(confidence_limits(labels, labels).values()) == {(1.0, 1.0)}


def test_no_rows_have_no_limits() -> None:
    with pytest.raises(ValueError, match="pvals"):
        confidence_limits(np.array([], dtype=object), np.array([], dtype=object))
