"""ROC and precision-recall curves of a run's test rows, thinned for drawing. Arrays in, points out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions

POINTS: Final = 300  # of a curve: more than a picture has pixels to show
_SORTED: Final = 5_000_000  # scores; sorting more takes seconds

CurvePoint = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curves:
    """`roc`: (false positive rate, true positive rate), `precision_recall`: (recall, precision), from the strictest
    threshold on. The areas are those of the whole curves. `basis` says in words what counts as positive."""

    roc: Sequence[CurvePoint]
    precision_recall: Sequence[CurvePoint]
    auc: float
    average_precision: float
    basis: str


def curves(run: RunPredictions) -> Curves | str:
    """The curves of a run, or in words why it has none.

    Two classes: of the second one. More: every score of every class is one decision, that class against the rest, all
    of them pooled (micro-average). That asks the scores of different classes to mean the same, which probabilities do.
    """
    import numpy as np

    if run.scores is None:
        return "the model gives no scores"
    if not np.isfinite(run.scores).all():
        return "some scores are not finite"
    position = {name: i for i, name in enumerate(run.score_classes)}
    labels = np.array([position.get(name, -1) for name in run.classes])[run.labels]
    many = len(run.score_classes)
    if many <= 2:
        scores, positive = run.scores[:, -1], labels == many - 1
        basis = f"positive: {run.score_classes[-1]}"
    elif run.score_kind != "probability":
        return "scores that are no probabilities cannot be pooled over the classes"
    else:
        step = -(-run.scores.size // _SORTED)
        scores = run.scores[::step].ravel()
        positive = (labels[::step, None] == np.arange(many)).ravel()
        basis = f"each of {many:,} classes against the rest, pooled (micro-average)"
        basis += f", 1 row in {step}" if step > 1 else ""
    if positive.all() or not positive.any():
        return "the test rows are all of one side"
    return _traced(scores, positive, basis)


def _traced(scores: np.ndarray, positive: np.ndarray, basis: str) -> Curves:
    """Both curves over every distinct score as threshold. Rows of equal scores are let in together."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[last]
    alarms = last + 1 - hits
    recall, precision = hits / hits[-1], hits / (last + 1)
    false_rate = np.append(0.0, alarms / alarms[-1])
    true_rate = np.append(0.0, recall)
    return Curves(
        _thinned(false_rate, true_rate),
        _thinned(recall, precision),
        auc=float(np.trapezoid(true_rate, false_rate)),
        average_precision=float(np.diff(recall, prepend=0.0) @ precision),
        basis=basis,
    )


def _thinned(x: np.ndarray, y: np.ndarray) -> list[CurvePoint]:
    """At most `POINTS` points, the ends included, about evenly along the curve."""
    import numpy as np

    if len(x) > POINTS:
        way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], POINTS)))
        x, y = x[kept], y[kept]
    return list(zip(x.tolist(), y.tolist(), strict=True))
