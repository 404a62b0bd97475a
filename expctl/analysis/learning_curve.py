"""What more training rows gain: scores with limits against rows, and whether the last doubling still gained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from expctl.analysis.bootstrap import SEED
from expctl.analysis.clusters import group_weights, too_few
from expctl.analysis.label_metrics import ClassCounts
from expctl.analysis.regression import resampled_values
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

    All predictions are of the same test rows, whose `labels` are positions in `classes`, as these are; of a metric of
    regression both are values. Every resample
    draws test rows once for all models: the limits are of the mean of a point's models, the difference is a paired one.
    They say nothing of other training rows: for that there is the deviation. Where the rows have `groups`, numbered,
    whole groups are drawn, and of too few groups no gain is told. Source: see `analysis.bootstrap`.
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
        each = np.array([_scores(metric, labels, one, weights, classes) for one in models])
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


def _scores(metric: str, labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """The metric in each resample, shape (resamples,)."""
    import numpy as np

    if METRICS[metric].needs == "values":
        return resampled_values(metric, labels, predicted, weights.astype(np.float64))
    one_hot = np.eye(classes)
    hit = labels == predicted
    counts = ClassCounts(
        weights[:, hit] @ one_hot[labels[hit]], weights @ one_hot[predicted], weights @ one_hot[labels]
    )
    found: np.ndarray = METRICS[metric].compute(counts)
    return found
