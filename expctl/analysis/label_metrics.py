"""The metrics that labels and predictions decide, from counts of rows by class. Arrays in, arrays out.

One function a metric, named in the table of metrics. A metric that depends on the rows through these counts alone can
be resampled by drawing the counts anew: that gives its limits and its paired tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ClassCounts:
    """Rows by class in each resample, shape (resamples, classes): predicted right, predicted as it, truly of it.

    Classes without a label and a prediction in a resample take no part in it. Definitions are scikit-learn's.
    """

    hits: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray

    @cached_property
    def total(self) -> np.ndarray:
        """All rows, shape (resamples,)."""
        return _array(self.actual.sum(axis=1))

    @cached_property
    def precision(self) -> np.ndarray:
        """Of each class; 0 where nothing is predicted as it."""
        return _ratio(self.hits, self.predicted)

    @cached_property
    def recall(self) -> np.ndarray:
        """Of each class; 0 where nothing is of it."""
        return _ratio(self.hits, self.actual)

    @cached_property
    def f1(self) -> np.ndarray:
        """Of each class; 0 where it takes no part."""
        return _ratio(2 * self.hits, self.predicted + self.actual)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """The mean over the classes, weighted by their rows: scikit-learn's `average="weighted"`."""
        return _array((values * self.actual).sum(axis=1) / self.total)


def _array(values: Any) -> np.ndarray:
    """`values`, of which numpy's types say nothing."""
    found: np.ndarray = values
    return found


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, 0.0)


def accuracy(counts: ClassCounts) -> np.ndarray:
    return _array(counts.hits.sum(axis=1) / counts.total)


def f1_score(counts: ClassCounts) -> np.ndarray:
    return counts.weighted(counts.f1)


def precision(counts: ClassCounts) -> np.ndarray:
    return counts.weighted(counts.precision)


def recall(counts: ClassCounts) -> np.ndarray:
    return counts.weighted(counts.recall)


def f1_macro(counts: ClassCounts) -> np.ndarray:
    return _array(counts.f1.sum(axis=1) / ((counts.predicted + counts.actual) > 0).sum(axis=1))


def balanced_accuracy(counts: ClassCounts) -> np.ndarray:
    return _array(counts.recall.sum(axis=1) / (counts.actual > 0).sum(axis=1))


def mcc(counts: ClassCounts) -> np.ndarray:
    """Gorodkin 2004, the multiclass Matthews correlation; 0 where one side is constant, as in scikit-learn."""
    import numpy as np

    total, predicted, actual = counts.total, counts.predicted, counts.actual
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((total**2 - (predicted**2).sum(axis=1)) * (total**2 - (actual**2).sum(axis=1)))
        covariance = counts.hits.sum(axis=1) * total - (predicted * actual).sum(axis=1)
        return np.where(spread > 0, covariance / spread, 0.0)
