"""Whether a run came out again: its predictions, metrics and fitted model against those of a second training.

Pure: what was recorded and what came out go in, a verdict comes out. Equal means equal to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from expctl.analysis.predictions import pair
from expctl.metrics import METRICS, is_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions
    from expctl.records import Value

_LATER = ("oov",)  # what runs of an older expctl were not measured by
Verdict = Literal["identical", "same predictions", "differs"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was when the run was made, and may be why it does not come out again."""

    section: Literal["parameters", "data", "environment", "code"]
    key: str
    then: Value
    now: Value


@dataclass(frozen=True)
class Reproduction:
    """How a second training came out.

    `rows`: how many test rows of the two trainings are the same, of `test_rows` then and `rows_now`. `changed`: those
    of them with another prediction (row number in the data file, label, prediction then, prediction now). `scores`: the
    largest difference between two scores, None without scores. `metrics`: key, then and now of those that differ, of
    `measured`. `model`: the parts of the fitted model that differ, None where none was recorded.
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


def judge(
    then: RunPredictions,
    now: RunPredictions,
    metrics_then: Mapping[str, float],
    metrics_now: Mapping[str, float],
    model: Sequence[str] | None,
    suspects: Sequence[Deviation],
) -> Reproduction:
    """Compare a recorded run (`then`) with a second training of it (`now`).

    `identical`: every prediction, score and metric and, where there is one to look at, the whole fitted model are
    equal. `same predictions`: every test row got the same label. `differs`: anything else. Metrics of time
    do not count.
    """
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
    keys = [key for key in dict.fromkeys([*metrics_then, *metrics_now]) if _counts(key, metrics_then, metrics_now)]
    metrics = [
        (key, metrics_then.get(key), metrics_now.get(key))
        for key in keys
        if metrics_then.get(key) != metrics_now.get(key)
    ]
    scores, same_scores = _scores(then, now, pairing.first, pairing.second)
    verdict: Verdict
    if changed or not pairing.complete:
        verdict = "differs"
    elif metrics or model or not same_scores:
        verdict = "same predictions"
    else:
        verdict = "identical"
    return Reproduction(
        verdict, len(then), len(now), len(pairing), changed, scores, len(keys), metrics, model, suspects
    )


def _counts(key: str, then: Mapping[str, float], now: Mapping[str, float]) -> bool:
    """Whether a metric has to come out again: those of expctl, but for times and what came after the run."""
    later = key in _LATER and key not in then
    return not is_clock(key) and not later and (key in now or key in METRICS)


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
