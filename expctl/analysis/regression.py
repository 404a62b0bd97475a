"""The metrics of regression, their limits and their paired tests. Arrays in, numbers out.

Each metric is, or nearly is, the mean of a figure a row: what it would be, had all rows done to it what this row does
(its value and the row's influence: the infinitesimal jackknife; Efron 1982, The jackknife, the bootstrap and other
resampling plans, chapter 6). So one method serves them all, and rows in groups, of which whole groups are the sample.
Percentiles of a bootstrap are too narrow where few rows have large errors. tests/simulation/regression.py tells how
often limits hold, and how often equal models get a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.clusters import too_few
from expctl.analysis.difference import Difference
from expctl.analysis.predictions import group_numbers
from expctl.metrics import METRICS, quality_metrics

if TYPE_CHECKING:
    import numpy as np

    from expctl.analysis.predictions import Pairing

    Measured = tuple[float, np.ndarray]

LEAST_ROWS: Final = 20  # with fewer there is no verdict, and no limits
# Times the skewness of squared errors that is seen: the rows of a long tail that few rows have not shown add to it.
_MORE_SKEWED: Final = 2.0
_NOT_SKEWED: Final = 1e-9
_UNDEFINED: Final = {"r2": "the target is constant on these rows", "mape": "the target is 0 on some of these rows"}


def r2(labels: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """scikit-learn's `r2_score`; None of a target that is constant, or of one row."""
    squares, spread = _column(labels - predicted) ** 2, (_column(labels) - labels.mean()) ** 2
    residual, total = float(squares.sum(axis=0)[0]), float(spread.sum(axis=0)[0])
    if not total:
        return None
    unexplained, mean = residual / total, total / len(labels)
    value = 1 - unexplained
    return value, value - (squares[:, 0] - unexplained * spread[:, 0]) / mean


def rmse(labels: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """scikit-learn's `root_mean_squared_error`."""
    import numpy as np

    squares = _column(labels - predicted) ** 2
    mean = float(np.average(squares, axis=0)[0])
    value = float(np.sqrt(mean))
    return value, value + (squares[:, 0] - mean) / (2 * value) if value else squares[:, 0]


def mae(labels: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """scikit-learn's `mean_absolute_error`."""
    import numpy as np

    errors = abs(_column(predicted - labels))
    return float(np.average(errors, axis=0)[0]), errors[:, 0]


def median_ae(labels: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """scikit-learn's `median_absolute_error`; figures by the density of the errors at their median.

    That is of the errors about the median, of as many as Hall and Sheather say (1988, On the distribution of a
    Studentized quantile, Journal of the Royal Statistical Society B 50).
    """
    import numpy as np

    errors = abs(predicted - labels)
    value, rows = float(np.median(errors)), len(errors)
    normal = float(1 / np.sqrt(2 * np.pi))
    reach = min(rows ** (-1 / 3) * 1.96 ** (2 / 3) * (1.5 * normal**2) ** (1 / 3), 0.45)
    low, high = np.quantile(errors, [0.5 - reach, 0.5 + reach])
    side = np.sign(errors - value) / 2
    return value, value + (side - side.mean()) * float(high - low) / (2 * reach)


def mape(labels: np.ndarray, predicted: np.ndarray) -> Measured | None:
    """scikit-learn's `mean_absolute_percentage_error`; None where a true value is 0, of which it would be 1e16."""
    import numpy as np

    if not labels.all():
        return None
    shares = abs(_column(predicted - labels)) / np.maximum(abs(_column(labels)), np.finfo(np.float64).eps)
    return float(np.average(shares, axis=0)[0]), shares[:, 0]


def _column(values: np.ndarray) -> np.ndarray:
    """Values as scikit-learn sums them, to the last bit."""
    return values.reshape(-1, 1)


def regression_metrics(labels: np.ndarray, predicted: np.ndarray) -> dict[str, Measured]:
    """Every metric of regression that these values allow, with its figures: never one that is not finite."""
    import numpy as np

    known = quality_metrics("regression") if len(labels) else []
    found = {key: METRICS[key].compute(labels, predicted) for key in known}
    return {key: one for key, one in found.items() if one is not None and np.isfinite(one[0])}


def resampled_values(metric: str, labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A metric of rows that count as often as `weights` say, shape (resamples, n); shape (resamples,).

    NaN where it is undefined.
    """
    import numpy as np

    errors = abs(predicted - labels)
    if metric == "median_ae":
        order = np.argsort(errors, kind="stable")
        twice = 2 * np.cumsum(weights[:, order], axis=1)
        total = twice[:, -1:] / 2
        middle: np.ndarray = (errors[order][(twice >= total).argmax(1)] + errors[order][(twice > total).argmax(1)]) / 2
        return middle
    losses = {"mae": errors, "mape": errors / np.maximum(abs(labels), np.finfo(np.float64).eps)}.get(metric, errors**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: np.ndarray = weights @ losses / weights.sum(axis=1)
        if metric != "r2":
            return np.sqrt(mean) if metric == "rmse" else mean
        apart = labels - labels.mean()
        spread = weights @ apart**2 / weights.sum(axis=1) - (weights @ apart / weights.sum(axis=1)) ** 2
        return np.where(spread > 0, 1 - mean / spread, np.nan)


def regression_limits(
    labels: np.ndarray, predicted: np.ndarray, groups: np.ndarray | None = None, *, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Limits of each metric as (low, high); none of fewer than 20 rows, or groups, or where all figures are one.

    Student's t with Hall's transformation, which moves the limits to where skewed figures put them (Hall 1992, On the
    removal of skewness by transformation, Journal of the Royal Statistical Society B 54). The error is taken as if one
    more row were as far off as the farthest, and the skewness of squared errors twice as large as it is seen.
    Those of the median are the order statistics that hold it whatever the distribution (David and Nagaraja 2003, Order
    Statistics, 7.1). A large error that was not seen adds to the errors and to the spread of the target: so low may R²
    be, too.
    `groups` are hashes or numbers, the same of rows that belong together.
    """
    import numpy as np

    numbers = None if groups is None else group_numbers(groups) if groups.dtype.kind == "S" else groups
    if (len(labels) < LEAST_ROWS) if numbers is None else bool(too_few(numbers)):
        return {}
    measured = regression_metrics(labels, predicted)
    found: dict[str, tuple[float, float]] = {}
    for key, (value, figures) in measured.items():
        if key == "median_ae" and numbers is None:
            limits = _median_limits(np.sort(abs(predicted - labels)), confidence)
        else:
            more_skewed = _MORE_SKEWED if key == "rmse" else 1.0
            limits = _skewed_limits(value, _sampled(figures, numbers), confidence, more_skewed)
        if limits is not None:
            least, most = METRICS[key].range
            found[key] = max(limits[0], least), min(limits[1], most)
    if {"r2", "rmse"} <= found.keys():
        mean, most = measured["rmse"][0] ** 2, found["rmse"][1] ** 2
        spread = float(labels.var())
        found["r2"] = min(found["r2"][0], 1 - most / (spread + most - mean)), found["r2"][1]
    return found


def _sampled(figures: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """The figures of what was sampled: those of the rows, or of whole groups, whose mean is the same."""
    import numpy as np

    if groups is None:
        return figures
    mean, count = figures.mean(), int(groups.max()) + 1
    found: np.ndarray = mean + np.bincount(groups, figures - mean, count) * count / len(figures)
    return found


def _skewed_limits(
    value: float, figures: np.ndarray, confidence: float, more_skewed: float
) -> tuple[float, float] | None:
    import numpy as np
    from scipy.special import stdtrit

    rows, apart = len(figures), figures - figures.mean()
    variance = float((apart**2).mean())
    if not variance or not np.isfinite(variance):
        return None
    error = _error(apart, rows)
    skewness = more_skewed * float((apart**3).mean()) / variance**1.5 / rows**0.5
    reach = -float(stdtrit(rows - 1, (1 - confidence) / 2))

    def turned(by: float) -> float:
        if abs(skewness) < _NOT_SKEWED:
            return by
        return float(3 / skewness * (np.cbrt(1 + skewness * (by - skewness / 6)) - 1))

    return value - turned(reach) * error, value - turned(-reach) * error


def _error(apart: np.ndarray, rows: int) -> float:
    """The standard error of a mean, as if one more row were as far off as the farthest of these deviations."""
    import numpy as np

    return float(np.hypot(np.sqrt((apart**2).sum() / (rows - 1) / rows), abs(apart).max() / rows))


def _median_limits(errors: np.ndarray, confidence: float) -> tuple[float, float] | None:
    """The sorted errors between which the median lies: as many below the one as above the other."""
    import numpy as np
    from scipy.special import bdtr

    rows = len(errors)
    below = int(np.searchsorted(bdtr(np.arange(rows // 2, dtype=np.float64), rows, 0.5), (1 - confidence) / 2, "right"))
    return (float(errors[below - 1]), float(errors[rows - below])) if below else None


def value_differences(
    pairing: Pairing, groups: np.ndarray | None = None, *, confidence: float = 0.95
) -> tuple[dict[str, Difference], dict[str, str]]:
    """Every metric of regression, challenger (second) minus baseline (first), and why others are not tested.

    Student's t of the rows' differences of figures, with as many rows as differ and the error as if one more were as
    far off as the farthest: rows of which both models say the same are no sample. Of rows in numbered `groups` the
    groups are. Raises nothing: few rows are a reason.
    """
    reason = too_few(groups) if groups is not None else _few(len(pairing))
    if reason is not None:
        return {}, dict.fromkeys(quality_metrics("regression"), reason)
    first, second = (
        regression_metrics(pairing.labels, said) for said in (pairing.first_predicted, pairing.second_predicted)
    )
    found: dict[str, Difference] = {}
    untested: dict[str, str] = {}
    for key in quality_metrics("regression"):
        if key not in first or key not in second:
            untested[key] = _UNDEFINED.get(key, "a value is not finite")
            continue
        change = _sampled(second[key][1] - first[key][1], groups)
        found[key] = _difference(key, first[key][0], second[key][0], change, confidence)
    return found, untested


def _few(rows: int) -> str | None:
    return f"there are {rows:,} test rows, and a test needs {LEAST_ROWS}" if rows < LEAST_ROWS else None


def _difference(metric: str, before: float, after: float, change: np.ndarray, confidence: float) -> Difference:
    """The difference of two means of figures, by their `change`, shape (n,)."""
    import numpy as np
    from scipy.special import stdtr, stdtrit

    rows, differ = len(change), int(np.count_nonzero(change))
    # About their mean, but as far off as the farthest is from nothing: few rows that differ are no sample of many.
    error = float(np.hypot(np.sqrt(change.var() / max(rows - 1, 1)), abs(change).max() / rows)) if differ else 0.0
    if not error:
        return Difference(metric, before, after, after - before, after - before, 1.0, 1 - confidence)
    freedom = max(differ - 1, 1)
    reach = -float(stdtrit(freedom, (1 - confidence) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(after - before) / error))
    return Difference(metric, before, after, after - before - reach, after - before + reach, p_value, 1 - confidence)
