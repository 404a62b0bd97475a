"""Confidence limits of classification metrics from counts of (label, prediction) pairs.

A metric that depends on the rows through these counts alone can be resampled by drawing the counts anew
(multinomial): the same distribution as drawing rows with replacement, at a cost that does not grow with them.
Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 13 (percentile interval).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.label_metrics import ClassCounts
from expctl.metrics import METRICS

if TYPE_CHECKING:
    import numpy as np

RESAMPLES: Final = 2_000
SEED: Final = 20_130  # fixed: the same predictions always have the same limits


def metrics_from_counts(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of the table that counts decide, each of shape (resamples,).

    Each argument has shape (resamples, classes): rows predicted right, rows predicted as, rows that are of each class.
    """
    counts = ClassCounts(hits, predicted, actual)
    return {key: metric.compute(counts) for key, metric in METRICS.items() if metric.needs == "labels"}


def confidence_limits(
    labels: np.ndarray, predictions: np.ndarray, *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """The percentile interval of each metric of `metrics_from_counts`, as (low, high).

    `labels` and `predictions` have shape (n,) and one type. Raises ValueError if they are empty.
    """
    import numpy as np

    classes, codes = np.unique(np.concatenate([labels, predictions]), return_inverse=True)
    rows = len(labels)
    pairs, counts = np.unique(codes[:rows] * len(classes) + codes[rows:], return_counts=True)
    label_of, prediction_of = np.divmod(pairs, len(classes))
    drawn = np.random.default_rng(SEED).multinomial(rows, counts / rows, size=resamples).astype(np.float64)
    one_hot = np.eye(len(classes))
    distribution = metrics_from_counts(
        hits=drawn[:, label_of == prediction_of] @ one_hot[label_of[label_of == prediction_of]],
        predicted=drawn @ one_hot[prediction_of],
        actual=drawn @ one_hot[label_of],
    )
    tail = (1 - confidence) / 2 * 100
    return {
        key: (float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail)))
        for key, values in distribution.items()
    }
