"""Whether a run came out again: its predictions, metrics and fitted model against those of a second one.

Pure: what was recorded and what came out go in, a verdict comes out. Equal means equal to the last bit, unless a
tolerance is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from expctl.analysis.predictions import pair
from expctl.metrics import METRICS, is_clock, names_a_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions
    from expctl.records import Value

_LATER = ("oov", "brier_score")  # what runs of an older expctl were not measured by
Verdict = Literal["identical", "same predictions", "within tolerance", "differs"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was when the run was made, and may be why it does not come out again."""

    section: Literal["parameters", "data", "environment", "code"]
    key: str
    then: Value
    now: Value


@dataclass(frozen=True)
class Reproduction:
    """How a second training, or a program that was run again, came out.

    `rows`: how many test rows of the two are the same, of `test_rows` then and `rows_now`. `changed`: those
    of them with another prediction (row number in the data file, label, prediction then, prediction now). `scores`: the
    largest difference between two scores, None without scores. `metrics`: key, then and now of those that differ, of
    `measured`. `model`: the parts of the fitted model that differ, None where none was recorded. `tolerance`: what was
    asked for, None for none; `beyond`: the metrics that differ by more.
    """

    verdict: Verdict
    test_rows: int
    rows_now: int
    rows: int
    changed: Sequence[tuple[int, str, str, str]]
    scores: float | None
    measured: int
    metrics: Sequence[tuple[str, float | None, float | None]]
    model: Sequence[str] | None
    suspects: Sequence[Deviation]
    tolerance: float | None = None
    beyond: Sequence[str] = field(default=())


def judge(
    then: RunPredictions | None,
    now: RunPredictions | None,
    metrics_then: Mapping[str, float],
    metrics_now: Mapping[str, float],
    model: Sequence[str] | None,
    suspects: Sequence[Deviation],
    *,
    keys: Sequence[str] | None = None,
    tolerance: float | None = None,
) -> Reproduction:
    """Compare a recorded run (`then`) with a second one (`now`); predictions are None where there are none.

    `identical`: every prediction, score and metric and, where there is one to look at, the whole fitted model are
    equal. `same predictions`: every test row got the same label. `within tolerance`: of the same test rows at most this
    share got another label, and no metric differs by more, or by more than this share of it if it is beyond 1.
    `differs`: anything else. `keys` are the metrics that count; None those of a training, without times.
    """
    rows = _no_rows(then, now) if then is None or now is None else _rows(then, now)
    if keys is None:
        both = dict.fromkeys([*metrics_then, *metrics_now])
        keys = [key for key in both if _counts(key, metrics_then, metrics_now)]
    values = [(key, metrics_then.get(key), metrics_now.get(key)) for key in keys]
    metrics = [one for one in values if not _same(*one[1:], tolerance=0)]
    beyond = [key for key, *both in metrics if tolerance is None or not _same(*both, tolerance=tolerance)]
    verdict: Verdict = "differs"
    if not (rows.changed or not rows.complete or metrics or model) and rows.same_scores:
        verdict = "identical"
    elif tolerance is not None:
        if rows.complete and not beyond and len(rows.changed) <= tolerance * rows.count:
            verdict = "within tolerance"
    elif then is not None and rows.complete and not rows.changed:
        verdict = "same predictions"
    sizes = (0 if then is None else len(then), 0 if now is None else len(now), rows.count)
    return Reproduction(
        verdict, *sizes, rows.changed, rows.scores, len(keys), metrics, model, suspects, tolerance, beyond
    )


def _same(then: float | None, now: float | None, *, tolerance: float) -> bool:
    """Whether a metric came out again; two that are not numbers (NaN) are the same."""
    if then is None or now is None:
        return then is now
    return math.isclose(then, now, rel_tol=tolerance, abs_tol=tolerance) or (then != then and now != now)


@dataclass(frozen=True)
class _Rows:
    """How the predictions of the same test rows came out; `complete` if both predicted no others."""

    count: int
    changed: Sequence[tuple[int, str, str, str]]
    scores: float | None
    same_scores: bool
    complete: bool


def _no_rows(then: RunPredictions | None, now: RunPredictions | None) -> _Rows:
    return _Rows(0, (), None, same_scores=True, complete=then is now)


def _rows(then: RunPredictions, now: RunPredictions) -> _Rows:
    import numpy as np

    pairing = pair(then, now)
    other = np.flatnonzero(pairing.first_predicted != pairing.second_predicted)
    names = pairing.classes
    changed = [
        (
            int(then.rows[pairing.first[at]]),
            names[pairing.labels[at]],
            names[pairing.first_predicted[at]],
            names[pairing.second_predicted[at]],
        )
        for at in other
    ]
    scores, same = _scores(then, now, pairing.first, pairing.second)
    return _Rows(len(pairing), changed, scores, same, pairing.complete)


def _counts(key: str, then: Mapping[str, float], now: Mapping[str, float]) -> bool:
    """Whether a metric has to come out again: those of expctl, but for times and what came after the run."""
    later = key in _LATER and key not in then
    return not is_clock(key) and not later and (key in now or key in METRICS)


def program_metrics(then: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """The metrics of a program that have to come out again: all but times, by the words of their names, and what
    MLflow measures of the machine.
    """
    return [key for key in dict.fromkeys([*then, *now]) if not (is_clock(key) or names_a_time(key))]


def _scores(
    then: RunPredictions, now: RunPredictions, first: np.ndarray, second: np.ndarray
) -> tuple[float | None, bool]:
    """The largest difference of two scores (None where they cannot be compared), and whether all are the same bits."""
    import numpy as np

    if then.scores is None or now.scores is None:
        return None, then.scores is now.scores
    one, other = then.scores[first], now.scores[second]
    if one.shape != other.shape or list(then.score_classes) != list(now.score_classes):
        return None, False
    if one.dtype == other.dtype and one.tobytes() == other.tobytes():
        return 0.0, True
    apart = np.abs(one.astype(float) - other.astype(float))
    return float(np.nanmax(apart, initial=0.0)), False
