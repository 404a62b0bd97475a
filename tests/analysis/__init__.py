"""Runs made up for the tests of the statistics. A package, as test_predictions.py has a twin in another folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from expctl.analysis.predictions import RunPredictions

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS = "abcdefghij"


def predictions(
    labels: Sequence[int] | np.ndarray,
    predicted: Sequence[int] | np.ndarray,
    *,
    texts: Sequence[object] | None = None,
    classes: Sequence[str] | None = None,
    **scores: Any,
) -> RunPredictions:
    """A run from class codes; its texts are numbered unless they are given."""
    labels, predicted = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    texts = range(len(labels)) if texts is None else texts
    keys = [hashlib.blake2b(str(text).encode(), digest_size=16).hexdigest() for text in texts]
    known = classes if classes is not None else LETTERS[: 1 + max(*labels, *predicted, 0)]
    return RunPredictions(np.arange(len(labels)), np.array(keys, "S32"), labels, predicted, list(known), **scores)


def large(labels: np.ndarray, predicted: np.ndarray, classes: int, keys: np.ndarray) -> RunPredictions:
    """A run of very many rows with keys made before."""
    return RunPredictions(np.arange(len(labels)), keys, labels, predicted, [f"class {i:03}" for i in range(classes)])


def taken(run: RunPredictions, order: Sequence[int] | np.ndarray) -> RunPredictions:
    """Some rows of a run, in this order."""
    order = np.asarray(order, dtype=np.int64)
    return replace(
        run,
        rows=run.rows[order],
        keys=run.keys[order],
        labels=run.labels[order],
        predicted=run.predicted[order],
        scores=None if run.scores is None else run.scores[order],
    )


def guesses(labels: np.ndarray, right: float, classes: int, seed: int) -> np.ndarray:
    """Predictions of which about `right` are right, the others anything."""
    random = np.random.default_rng(seed)
    return np.where(random.random(len(labels)) < right, labels, random.integers(0, classes, len(labels)))


def probabilities(labels: np.ndarray, strength: Sequence[float], seed: int) -> np.ndarray:
    """Scores that sum to 1 and know a class the better, the greater its strength. Shape (n, classes)."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), len(strength)))
    noise[np.arange(len(labels)), labels] += np.asarray(strength)[labels]
    powers = np.exp(noise)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
