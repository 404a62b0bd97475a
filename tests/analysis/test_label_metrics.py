"""Each metric that counts decide is scikit-learn's, of one table and of many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from expctl.analysis.bootstrap import metrics_from_counts

PAIRS = st.integers(1, 6).flatmap(
    lambda classes: st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1, max_size=60)
)


def counts(labels: np.ndarray, predicted: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    return {
        "hits": np.bincount(labels[labels == predicted], minlength=classes)[None],
        "predicted": np.bincount(predicted, minlength=classes)[None],
        "actual": np.bincount(labels, minlength=classes)[None],
    }


def by_scikit_learn(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    weighted: dict[str, Any] = {"average": "weighted", "zero_division": 0}
    several = len(np.union1d(labels, predicted)) > 1
    recalls = sk.recall_score(labels, predicted, labels=np.unique(labels), average=None, zero_division=0)
    return {
        "accuracy": sk.accuracy_score(labels, predicted),
        "f1_score": sk.f1_score(labels, predicted, **weighted),
        "precision": sk.precision_score(labels, predicted, **weighted),
        "recall": sk.recall_score(labels, predicted, **weighted),
        "f1_macro": sk.f1_score(labels, predicted, average="macro", zero_division=0),
        "balanced_accuracy": recalls.mean(),
        "mcc": sk.matthews_corrcoef(labels, predicted) if several else 0.0,
    }


def some_rows(size: int, classes: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, size)
    return labels, np.where(random.random(size) < right, labels, random.integers(0, classes, size))


@given(PAIRS, st.integers(0, 3))
@settings(max_examples=200)
def test_metrics_from_counts_are_those_of_scikit_learn(pairs: list[tuple[int, int]], unused: int) -> None:
    labels, predicted = np.array(pairs).T
    found = metrics_from_counts(**counts(labels, predicted, int(max(labels.max(), predicted.max())) + 1 + unused))
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        by_scikit_learn(labels, predicted), abs=1e-12
    )


def test_many_resamples_are_measured_each_for_itself() -> None:
    draws = [some_rows(50, 4, 0.7, seed) for seed in range(5)]
    stacked = [counts(*draw, 4) for draw in draws]
    found = metrics_from_counts(**{key: np.concatenate([one[key] for one in stacked]) for key in stacked[0]})
    for i, draw in enumerate(draws):
        assert {key: values[i] for key, values in found.items()} == pytest.approx(by_scikit_learn(*draw), abs=1e-12)
