"""Scores against rows of training: scikit-learn's values, limits that hold them, and a verdict in words."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from expctl.analysis.learning_curve import LearningCurve, learning_curve

ROWS = 300


def models(*rights: float, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels of two classes, and predictions that are right so often."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(2, size=ROWS)
    return labels, [np.where(draw.random(ROWS) < right, labels, 1 - labels) for right in rights]


def test_a_point_is_the_mean_of_its_models_with_their_deviation():
    labels, (one, other, last) = models(0.6, 0.7, 0.9)
    curve = learning_curve("f1_score", labels, [(50, [one, other]), (100, [last])], 2)
    scores = [f1_score(labels, each, average="weighted") for each in (one, other)]
    first, second = curve.points
    assert (first.rows, first.models, second.models) == (50, 2, 1)
    assert first.value == pytest.approx(np.mean(scores))
    assert first.deviation == pytest.approx(np.std(scores, ddof=1))
    assert second.deviation is None
    assert first.low < first.value < first.high


def test_the_last_step_is_a_paired_difference():
    labels, (one, other) = models(0.7, 0.9)
    curve = learning_curve("accuracy", labels, [(50, [one]), (100, [other])], 2)
    change, low, high = curve.gain
    assert change == pytest.approx(curve.points[1].value - curve.points[0].value)
    assert 0 < low < change < high
    same = learning_curve("accuracy", labels, [(50, [one]), (100, [one])], 2)
    assert same.gain is not None
    assert same.gain[1] < same.gain[0] == 0 < same.gain[2]  # two models, which other rows may tell apart


def test_a_model_without_an_error_is_not_surely_without_one():
    """Percentiles of a bootstrap said 1 to 1, and of the step that it was surely no gain."""
    labels, _ = models()
    curve = learning_curve("f1_macro", labels[:40], [(50, [labels[:40]]), (100, [labels[:40]])], 2)
    for point in curve.points:
        assert (point.value, point.high) == (1, 1)
        assert 0.8 < point.low < 0.95
    assert curve.verdict == "more rows may or may not help"


def test_groups_are_the_sample_and_of_few_there_is_nothing_told():
    labels, (one, other) = models(0.7, 0.9)
    given = ("accuracy", labels, [(50, [one]), (100, [other])], 2)
    alone, by_tens, few = (
        learning_curve(*given, groups=groups) for groups in (None, np.arange(ROWS) // 10, np.arange(ROWS) // 30)
    )
    assert by_tens.points[0].low < alone.points[0].low < alone.points[0].high < by_tens.points[0].high
    assert by_tens.gain is not None
    assert by_tens.gain[0] == pytest.approx(alone.gain[0])
    assert ((few.points[0].low, few.points[0].high), few.gain) == ((0, 1), None)


def test_it_is_the_same_every_time():
    labels, (one, other) = models(0.7, 0.8)
    given = ("mcc", labels, [(50, [one]), (100, [other])], 2)
    assert learning_curve(*given) == learning_curve(*given)


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        ((0.02, 0.01, 0.03), "more rows would help"), ((0.02, -0.01, 0.05), "more rows may or may not help"),
        ((-0.02, -0.04, -0.01), "more rows no longer help"), ((0.0, 0.0, 0.0), "more rows no longer help"),
        (None, None),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_limits_of_the_last_step(gain, verdict):
    assert LearningCurve("f1_score", [], gain).verdict == verdict


def test_of_a_metric_of_which_less_is_better_a_fall_is_a_gain():
    assert LearningCurve("my_loss", [], (-0.02, -0.03, -0.01)).verdict == "more rows would help"
    assert LearningCurve("my_loss", [], (0.02, 0.01, 0.03)).verdict == "more rows no longer help"
