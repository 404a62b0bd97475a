"""How much of the lead of the best of many models is due to choosing it on the rows it is judged by.

Source: Tsamardinos, Greasidou and Borboudakis 2018, Bootstrapping the out-of-sample predictions for efficient and
accurate cross-validation, Machine Learning 107 (BBC-CV). Neither scipy nor scikit-learn has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED
from expctl.analysis.clusters import group_weights
from expctl.analysis.label_metrics import ClassCounts
from expctl.analysis.regression import resampled_values
from expctl.metrics import METRICS, higher_is_better

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

RESAMPLES: Final = 500
_DRAWN: Final = 4_000_000  # rows times resamples at once


def corrected(
    labels: np.ndarray,
    predicted: Sequence[np.ndarray],
    classes: int,
    metric: str,
    *,
    groups: np.ndarray | None = None,
) -> float | None:
    """What the best of several models scores on rows that did not help to choose it.

    `labels` and each of `predicted` are class codes of shape (n,), over the same rows. In every resample the best
    model of the drawn rows is judged on those left out; the mean of these is the corrected value. None if the metric
    is not one that labels decide. Where the rows have `groups`, numbered, whole groups are drawn.
    """
    import numpy as np

    generator = np.random.default_rng(SEED)
    sign = 1 if higher_is_better(metric) else -1
    rows, found = len(labels), []
    pairs = [labels * classes + one for one in predicted]
    for _ in range(RESAMPLES):
        if groups is None:
            weights = np.bincount(generator.integers(0, rows, rows), minlength=rows)
        else:
            weights = group_weights(groups, generator)
        inside = [_metric(pair, weights, classes, metric) for pair in pairs]
        if any(value is None for value in inside):
            return None
        best = max(range(len(pairs)), key=lambda i: sign * (inside[i] or 0.0))
        left_out = (weights == 0).astype(np.int64)
        if left_out.any():
            found.append(_metric(pairs[best], left_out, classes, metric) or 0.0)
    return float(np.mean(found)) if found else None


def corrected_values(
    labels: np.ndarray, predicted: Sequence[np.ndarray], metric: str, *, groups: np.ndarray | None = None
) -> float | None:
    """The same of regression: `labels` and each of `predicted` are values."""
    import numpy as np

    generator, rows = np.random.default_rng(SEED), len(labels)
    sign = 1 if higher_is_better(metric) else -1
    found: list[np.ndarray] = []
    left = RESAMPLES
    while left:
        size = min(left, max(1, _DRAWN // rows))
        left -= size
        if groups is None:
            weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=size).astype(np.float64)
        else:
            weights = np.array([group_weights(groups, generator) for _ in range(size)], dtype=np.float64)
        weights = weights[(weights == 0).any(axis=1)]
        inside = np.array([resampled_values(metric, labels, one, weights) for one in predicted])
        left_out = (weights == 0).astype(np.float64)
        outside = np.array([resampled_values(metric, labels, one, left_out) for one in predicted])
        best = np.where(np.isfinite(inside), sign * inside, -np.inf).argmax(axis=0)
        found.append(outside[best, np.arange(outside.shape[1])])
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _metric(pairs: np.ndarray, weights: np.ndarray, classes: int, metric: str) -> float | None:
    import numpy as np

    table = np.bincount(pairs, weights=weights, minlength=classes * classes).reshape(1, classes, classes)
    if metric not in METRICS or METRICS[metric].needs != "labels":
        return None
    counts = ClassCounts(np.diagonal(table, axis1=1, axis2=2), table.sum(axis=1), table.sum(axis=2))
    return float(METRICS[metric].compute(counts)[0])
