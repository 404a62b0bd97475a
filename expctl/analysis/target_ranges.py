"""The errors of a regression's test rows: the rows, thinned for drawing, and by ranges of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.analysis.regression import LEAST_ROWS, regression_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions

POINTS: Final = 500  # rows of a run: more hide each other
RANGES: Final = 10


@dataclass(frozen=True, slots=True)
class TargetRange:
    """The test rows whose target is from `least` to `most`, and their mean absolute error with its limits, if any."""

    least: float
    most: float
    rows: int
    error: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ValueErrors:
    """`points` are (row, actual, predicted), of at most `POINTS` of all `rows`, evenly by the target."""

    rows: int
    points: Sequence[tuple[int, float, float]]
    ranges: Sequence[TargetRange]


def value_errors(run: RunPredictions, *, confidence: float = 0.95) -> ValueErrors:
    """The errors of a regression's test rows.

    The ranges have as many rows each: deciles, or fewer where a tenth of the rows has too few for limits. Rows of one
    target are in one range. Rows whose prediction is not finite are in none, nor a point.
    """
    import numpy as np

    finite = np.flatnonzero(np.isfinite(run.predicted))
    order = finite[np.argsort(run.labels[finite], kind="stable")]
    rows = len(order)
    kept = order if rows <= POINTS else order[np.linspace(0, rows - 1, POINTS).astype(np.int64)]
    points = list(zip(run.rows[kept].tolist(), run.labels[kept].tolist(), run.predicted[kept].tolist(), strict=True))
    wanted = max(1, min(RANGES, rows // LEAST_ROWS))
    labels = run.labels[order]
    starts = np.unique(labels[[i * rows // wanted for i in range(1, wanted)]])
    place = np.searchsorted(starts, labels, side="right")
    parts = [np.sort(order[place == i]) for i in np.unique(place)]
    return ValueErrors(len(run), points, [_range(run, part, confidence) for part in parts])


def _range(run: RunPredictions, at: np.ndarray, confidence: float) -> TargetRange:
    labels, predicted = run.labels[at], run.predicted[at]
    groups = None if run.groups is None else run.groups[at]
    limits = regression_limits(labels, predicted, groups, confidence=confidence).get("mae", (None, None))
    error = float(abs(predicted - labels).mean())
    return TargetRange(float(labels.min()), float(labels.max()), len(at), error, *limits)
