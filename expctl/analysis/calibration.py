"""Do probabilities mean what they say? Brier score, expected calibration error, and the reliability diagram's bins.

Of recorded predictions, as the statistics of comparisons are. Arrays in, numbers out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED
from expctl.analysis.scores import squared_distances

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions

NO_PROBABILITIES: Final = "the model gives no probabilities"  # why there is no calibration

_BINS: Final = 10
_ROWS_OF_A_BIN: Final = 5
_DRAWS: Final = 4_000
_STEPS: Final = 30  # of a bisection: beyond any digit shown


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows that a model was about equally sure of: mean confidence, the share that it has right, its limits."""

    rows: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with limits at the chosen confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well the probabilities of a run fit its test rows; `overconfidence`: mean confidence minus accuracy."""

    rows: int
    brier_score: Estimate
    calibration_error: Estimate
    overconfidence: Estimate
    bins: Sequence[Bin]


def calibration(run: RunPredictions, *, confidence: float = 0.95) -> Calibration | str:
    """The calibration of a run, or in words why there is none.

    The Brier score is the mean of the rows' `squared_distances`. Confidence is the probability of what is
    predicted. The expected calibration error is the mean distance of confidence and accuracy over ten bins of as many
    rows (Naeini, Cooper and Hauskrecht 2015, AAAI). Computed as it stands it is above 0 for a perfectly calibrated
    model, the more the fewer the rows: it and its limits are those of the error that shows what was seen (see
    `_error`). tests/simulation/calibration.py tells how often the limits hold.
    """
    import numpy as np

    if run.scores is None or run.score_kind != "probability":
        return NO_PROBABILITIES
    if run.groups is not None:
        return "its test rows come in groups, and the limits are those of rows by themselves"
    column = {name: i for i, name in enumerate(run.score_classes)}
    columns = np.array([column.get(name, -1) for name in run.classes])
    labels, predicted = columns[run.labels], columns[run.predicted]
    if (predicted < 0).any() or not np.isfinite(run.scores).all() or len(labels) < 2 * _ROWS_OF_A_BIN:
        return (
            "it has too few test rows"
            if len(labels) < 2 * _ROWS_OF_A_BIN
            else "its probabilities are not of its classes"
        )
    sure = run.scores[np.arange(len(labels)), predicted].astype(np.float64)
    right = (labels == predicted).astype(np.float64)
    bins, distances, errors = _bins(sure, right, confidence)
    shares = np.array([one.rows for one in bins]) / len(labels)
    return Calibration(
        len(labels),
        _mean(squared_distances(run.scores, labels), confidence),
        _error(shares, distances, errors, confidence),
        _mean(sure - right, confidence),
        bins,
    )


def _mean(figures: np.ndarray, confidence: float) -> Estimate:
    """The mean of a figure a row, with the limits of Student's t."""
    import numpy as np
    from scipy.special import stdtrit

    figures = np.sort(figures)  # the same to the last bit in whatever order the rows come
    mean = float(figures.mean())
    reach = float(-stdtrit(len(figures) - 1, (1 - confidence) / 2) * figures.std(ddof=1) / math.sqrt(len(figures)))
    return Estimate(mean, mean - reach, mean + reach)


def _bins(sure: np.ndarray, right: np.ndarray, confidence: float) -> tuple[list[Bin], np.ndarray, np.ndarray]:
    """Bins of as many rows, fewer where many rows are equally sure; the distances in them, and their errors."""
    import numpy as np

    most = min(_BINS, len(sure) // _ROWS_OF_A_BIN)
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, most + 1)))
    place = np.searchsorted(edges[1:-1], sure, side="right")
    found, distances, errors = [], [], []
    for number in np.unique(place):
        here = place == number
        rows, mean, share = int(here.sum()), float(np.sort(sure[here]).mean()), float(right[here].mean())
        low, high = wilson(share, rows, confidence)
        found.append(Bin(rows, mean, share, low, high))
        distances.append(share - mean)
        # As if one row more were right and one wrong: a bin without a mistake is not surely without one.
        smoothed = (share * rows + 1) / (rows + 2)
        errors.append(math.sqrt(smoothed * (1 - smoothed) / rows))
    return found, np.array(distances), np.array(errors)


def wilson(share: float, rows: int, confidence: float) -> tuple[float, float]:
    """Limits of a share. Source: Wilson 1927, Journal of the American Statistical Association 22."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle, spread = share + z**2 / (2 * rows), z * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return max(0.0, (middle - spread) / (1 + z**2 / rows)), min(1.0, (middle + spread) / (1 + z**2 / rows))


def _error(shares: np.ndarray, distances: np.ndarray, errors: np.ndarray, confidence: float) -> Estimate:
    """The calibration error by inverting a test, as chance adds to what is seen of it.

    Were the true distances `t` times those seen, the error that would be seen is drawn with normal errors of the bins.
    The limits are the least and the largest `t` at which what was seen is not yet too large or too small, the value is
    that at which it is in the middle: 0 where a calibrated model shows as much.
    """
    import numpy as np

    seen = float(shares @ np.abs(distances))
    noise = np.random.default_rng(SEED).normal(size=(_DRAWS, len(errors))) * errors

    def above(times: float) -> float:
        """How often at least as much is seen as was."""
        return float((np.abs(times * distances + noise) @ shares >= seen).mean())

    tail = (1 - confidence) / 2
    low, middle, high = (seen * _least(above, share) for share in (tail, 0.5, 1 - tail))
    return Estimate(middle, low, high)


def _least(above: Callable[[float], float], share: float) -> float:
    """The least multiple at which as much as was seen is seen in so large a share; 0 where a calibrated model does."""
    if above(0.0) >= share:
        return 0.0
    low, high = 0.0, 1.0
    while above(high) < share and high < 2**20:
        low, high = high, high * 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) >= share else (middle, high)
    return high
