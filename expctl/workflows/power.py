"""`power`: what the test rows of a run, or of two compared, can show; said before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.power import Power, power_beside, power_of
from expctl.errors import RunNotFound, UsageError
from expctl.metrics import check_points, quality_metrics, without_metric
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.references import resolve
from expctl.workflows.assessment import assess_runs
from expctl.workflows.repeats import refuse_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class PowerRequest:
    """Of which run or runs, by which metric (None: all), for which true difference and on how many rows (None: theirs).

    Without a difference, for a small one of each metric (`Power.point`).

    Raises UsageError for more runs than two, and a difference that is none, or in percent.
    """

    runs: Sequence[str]
    metric: str | None = None
    difference: float | None = None
    rows: int | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if len(self.runs) not in (1, 2):
            raise UsageError("power is of one run or two", hint="expctl power RUN, or expctl power RUN RUN")
        if self.difference is None:
            return
        if not 0 < self.difference < math.inf:
            raise UsageError(f"--difference {self.difference:g} must be positive", hint="--difference 0.01")
        check_points(self.difference, "--difference", self.metric)


@dataclass(frozen=True, slots=True)
class Powers:
    """What the rows of `runs` tell, by metric, of a true `difference`; `measured` by two runs, or assumed of one.

    Without a difference, of a small one of each metric.

    `grouped`: the rows come in groups, of which the number counts, not that of the rows.
    """

    runs: Sequence[RunRecord]
    difference: float | None
    found: Sequence[Power]
    grouped: bool = False

    @property
    def measured(self) -> bool:
        """Whether two runs tell how much models of these rows differ."""
        return len(self.runs) == 2


def powers(store: Store, request: PowerRequest) -> Powers:
    """What a request asks for. Raises RunNotFound for runs that tell nothing, UsageError, DataError."""
    runs = [resolve(store, reference) for reference in request.runs]
    refuse_set(store, *runs)
    found = _of_two(store, runs, request) if len(runs) == 2 else _of_one(runs[0], request)
    if request.metric is not None:
        known = [one.metric for one in found]
        found = [one for one in found if one.metric == request.metric]
        if not found:
            raise without_metric("nothing is known of the variance of", request.metric, known)
    if request.rows is not None:
        found = [one.with_rows(request.rows) for one in found]
    grouped = any("group_column" in run.params for run in runs)
    return Powers(runs, request.difference, found, grouped)


def _of_two(store: Store, runs: Sequence[RunRecord], request: PowerRequest) -> list[Power]:
    recorded = [(run, read_predictions(store, run)) for run in runs]
    test = assess_runs(store, *recorded, confidence=request.confidence)
    if test.pairing is None:
        raise RunNotFound(test.note or "the runs have no test rows in common", hint="expctl power RUN")
    rows = len(test.pairing)
    found = [power_of(one, rows) for one in test.differences.values()]
    if not any(found):
        raise RunNotFound("the two models say the same of every test row", hint="expctl power RUN")
    return [one for one in found if one is not None]


def _of_one(run: RunRecord, request: PowerRequest) -> list[Power]:
    rows = run.typed_params.get("test_rows")
    found = [
        power_beside(
            key,
            run.metrics[f"{key}_low"],
            run.metrics[f"{key}_high"],
            rows,
            alpha=1 - request.confidence,
            value=run.metrics.get(key, 0.0),
        )
        for key in quality_metrics(run.task)
        if isinstance(rows, int) and {f"{key}_low", f"{key}_high"} <= run.metrics.keys()
    ]
    if not any(found):
        why = "has no metric with limits" if not found else "has no error on its test rows, or no limits"
        raise RunNotFound(f"run {run.described} {why}: its variance is not known", hint="expctl power RUN RUN")
    return [one for one in found if one is not None]
