"""Errors by ranges of the target: as many rows each, limits where there are enough, points thinned evenly."""

from __future__ import annotations

import numpy as np
import pytest

from expctl.analysis.predictions import RunPredictions
from expctl.analysis.regression import regression_limits
from expctl.analysis.target_ranges import POINTS, value_errors


def regression(labels: np.ndarray, predicted: np.ndarray) -> RunPredictions:
    rows = np.arange(len(labels))
    return RunPredictions(rows, rows.astype("S32"), labels, predicted, [], task="regression")


@pytest.mark.parametrize(("rows", "wanted"), [(1, 1), (39, 1), (40, 2), (120, 6), (200, 10), (2000, 10)])
def test_ranges_have_as_many_rows_each_and_as_many_as_limits_need(rows: int, wanted: int) -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(rows).astype(float)
    found = value_errors(regression(labels, labels + rng.normal(size=rows))).ranges
    assert [one.rows for one in found] == [rows // wanted] * wanted
    assert [one.low is not None for one in found] == [rows >= 20] * wanted
    assert (found[0].least, found[-1].most) == (0, rows - 1)


def test_a_range_has_the_mean_absolute_error_of_its_rows_with_its_limits() -> None:
    rng = np.random.default_rng(1)
    labels = np.sort(rng.normal(size=60))
    predicted = labels + rng.normal(size=60)
    second = value_errors(regression(labels, predicted), confidence=0.9).ranges[1]
    part = slice(20, 40)
    assert second.error == pytest.approx(abs(predicted - labels)[part].mean())
    limits = regression_limits(labels[part], predicted[part], confidence=0.9)["mae"]
    assert (second.low, second.high) == limits


def test_rows_of_one_target_are_in_one_range() -> None:
    labels = np.repeat([0.0, 5.0, 7.0], [150, 30, 20])
    found = value_errors(regression(labels, labels + 1)).ranges
    assert [(one.least, one.most, one.rows) for one in found] == [(0, 0, 150), (5, 5, 30), (7, 7, 20)]


def test_points_are_thinned_evenly_and_never_infinite() -> None:
    labels = np.arange(3000.0)[::-1]
    predicted = labels.copy()
    predicted[0] = np.inf
    found = value_errors(regression(labels, predicted))
    actual = [one[1] for one in found.points]
    assert (found.rows, len(found.points), actual[0], actual[-1]) == (3000, POINTS, 0, 2998)
    assert set(np.diff(actual)) == {6.0, 7.0}
    assert sum(one.rows for one in found.ranges) == 2999
    assert found.points[0] == (2999, 0, 0)
    assert value_errors(regression(labels[:1], predicted[:1])).ranges == []
