"""What more training rows gain: scores with limits against rows, and whether the last doubling still gained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.analysis.clusters import cluster_differences, cluster_limits, group_weights, too_few
from expctl.analysis.joint_table import counts_by_class, joint_table
from expctl.analysis.limits import limits_from_counts
from expctl.analysis.predictions import Pairing
from expctl.analysis.regression import resampled_values
from expctl.analysis.significance import paired_differences
from expctl.metrics import METRICS, higher_is_better

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_RESAMPLES: Final = (150, 1_000)
_DRAWN: Final = 4_000_000  # rows times resamples

Verdict = Literal["more rows would help", "more rows may or may not help", "more rows no longer help"]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The mean score of models of so many training rows, its 95% limits, and the deviation between these models.

    `deviation` is None of a single model.
    """

    rows: int
    value: float
    low: float
    high: float
    deviation: float | None
    models: int


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The points, fewest rows first, and what the last step gained, with its 95% limits; None of a single point."""

    metric: str
    points: Sequence[CurvePoint]
    gain: tuple[float, float, float] | None

    @property
    def verdict(self) -> Verdict | None:
        """What the last step says of more rows, in the metric's own direction."""
        if self.gain is None:
            return None
        _, low, high = self.gain
        sign = 1 if higher_is_better(self.metric) else -1
        if sign * (low if sign > 0 else high) > 0:
            return "more rows would help"
        return (
            "more rows no longer help" if sign * (high if sign > 0 else low) <= 0 else "more rows may or may not help"
        )


def learning_curve(
    metric: str,
    labels: np.ndarray,
    predicted: Sequence[tuple[int, Sequence[np.ndarray]]],
    classes: int,
    *,
    groups: np.ndarray | None = None,
) -> LearningCurve:
    """The curve of a metric that labels decide. `predicted`: rows of training, and what each model of them predicted.

    All predictions are of the same test rows, whose `labels` are positions in `classes`, as these are. Limits are those
    of one run (`analysis.limits`), of the last step those of two (`analysis.significance`); where a point has several
    models, the mean of theirs: as if these erred on the same rows, so that they are rather too wide. They say nothing
    of other training rows: for that there is the deviation. Where the rows have `groups`, numbered, these are the
    sample, and of too few the limits are the metric's range, and no gain is told. Of a metric of regression labels and
    predictions are values (`_of_values`).
    """
    import numpy as np

    if METRICS[metric].needs == "values":
        return _of_values(metric, labels, predicted, groups)

    points = []
    for trained_on, models in predicted:
        values = [_value(metric, labels, one, classes) for one in models]
        limits = [_limits(metric, labels, one, classes, groups) for one in models]
        low, high = np.mean(limits, axis=0).tolist()
        deviation = float(np.std(values, ddof=1)) if len(models) > 1 else None
        points.append(CurvePoint(trained_on, float(np.mean(values)), low, high, deviation, len(models)))
    if len(predicted) < 2 or (groups is not None and too_few(groups)):
        return LearningCurve(metric, points, None)
    (_, before), (_, after) = predicted[-2:]
    steps = [_step(metric, labels, (one, other), classes, groups) for one in before for other in after]
    change, low, high = np.mean(steps, axis=0).tolist()
    return LearningCurve(metric, points, (change, low, high))


def _value(metric: str, labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    import numpy as np

    once = np.ones((1, len(labels)))
    return float(metrics_from_counts(*counts_by_class(labels, predicted, once, classes))[metric][0])


def _limits(
    metric: str, labels: np.ndarray, predicted: np.ndarray, classes: int, groups: np.ndarray | None
) -> tuple[float, float]:
    """Limits of one model; of too few groups the metric's range."""
    import numpy as np

    if groups is not None:
        return cluster_limits(labels, predicted, groups.astype("S32")).get(metric, METRICS[metric].range)
    size = max(classes, 2)
    cells, counts = np.unique(labels * size + predicted, return_counts=True)
    return limits_from_counts(*np.divmod(cells, size), counts, size)[metric]


def _step(
    metric: str,
    labels: np.ndarray,
    predicted: tuple[np.ndarray, np.ndarray],
    classes: int,
    groups: np.ndarray | None,
) -> tuple[float, float, float]:
    """What the second model gains over the first, with limits."""
    import numpy as np

    every, names = np.arange(len(labels)), [str(i) for i in range(classes)]
    pairing = Pairing(every, every, labels, *predicted, names, complete=True, groups=groups)
    if groups is None:
        found = paired_differences(joint_table(pairing))[metric]
    else:
        found = cluster_differences(pairing, groups)[metric]
    return found.change, found.low, found.high


def _of_values(
    metric: str, labels: np.ndarray, predicted: Sequence[tuple[int, Sequence[np.ndarray]]], groups: np.ndarray | None
) -> LearningCurve:
    """The curve of a metric of regression, by percentiles.

    Every resample draws test rows, or whole groups, once for all models: the limits are of the mean of a point's
    models, the difference is a paired one. Source: see `analysis.bootstrap`.
    """
    import numpy as np

    rows = len(labels)
    least, most = _RESAMPLES
    size = int(min(most, max(least, _DRAWN // rows)))
    generator = np.random.default_rng(SEED)
    if groups is None:
        weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=size)
    else:
        weights = np.array([group_weights(groups, generator) for _ in range(size)])
    weights = np.concatenate([np.ones((1, rows), dtype=weights.dtype), weights])  # the first: the rows as they are
    points, drawn = [], []
    for trained_on, models in predicted:
        each = np.array([resampled_values(metric, labels, one, weights.astype(np.float64)) for one in models])
        mean = each.mean(axis=0)
        low, high = np.percentile(mean[1:], [2.5, 97.5])
        deviation = float(each[:, 0].std(ddof=1)) if len(models) > 1 else None
        points.append(CurvePoint(trained_on, float(mean[0]), float(low), float(high), deviation, len(models)))
        drawn.append(mean)
    if len(drawn) < 2 or (groups is not None and too_few(groups)):
        return LearningCurve(metric, points, None)
    step = drawn[-1] - drawn[-2]
    low, high = np.percentile(step[1:], [2.5, 97.5])
    return LearningCurve(metric, points, (float(step[0]), float(low), float(high)))
