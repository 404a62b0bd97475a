"""What every bootstrap of classification metrics has in common: the metrics of counts that were drawn, and the seed.

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

SEED: Final = 20_130  # fixed: the same predictions always have the same limits


def metrics_from_counts(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of the table that counts decide, each of shape (resamples,).

    Each argument has shape (resamples, classes): rows predicted right, rows predicted as, rows that are of each class.
    """
    counts = ClassCounts(hits, predicted, actual)
    return {key: metric.compute(counts) for key, metric in METRICS.items() if metric.needs == "labels"}
