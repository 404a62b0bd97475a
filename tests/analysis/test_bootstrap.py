"""Counts that are drawn anew are rows that are drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.metrics import METRICS
from tests.analysis.test_label_metrics import by_scikit_learn, counts, some_rows


def test_the_metrics_of_counts_are_those_that_labels_decide() -> None:
    labels, predicted = some_rows(60, 3, 0.7)
    found = metrics_from_counts(**counts(labels, predicted, 3))
    assert set(found) == {key for key, metric in METRICS.items() if metric.needs == "labels"}
    for key, value in by_scikit_learn(labels, predicted).items():
        assert found[key].item() == pytest.approx(value, abs=1e-12)


def test_drawing_counts_is_drawing_rows() -> None:
    labels, predicted = some_rows(150, 2, 0.7)
    cells, seen = np.unique(labels * 2 + predicted, return_counts=True)
    drawn = np.random.default_rng(SEED).multinomial(150, seen / 150, size=4_000) @ np.eye(4)[cells]
    of_counts = metrics_from_counts(
        drawn[:, [0, 3]], drawn[:, [0, 1]] + drawn[:, [2, 3]], drawn[:, [0, 2]] + drawn[:, [1, 3]]
    )
    random, of_rows = np.random.default_rng(7), []
    for _ in range(2_000):
        rows = random.integers(0, 150, 150)
        of_rows.append(metrics_from_counts(**counts(labels[rows], predicted[rows], 2))["f1_macro"].item())
    assert np.percentile(of_counts["f1_macro"], [2.5, 97.5]) == pytest.approx(
        np.percentile(of_rows, [2.5, 97.5]), abs=0.015
    )
