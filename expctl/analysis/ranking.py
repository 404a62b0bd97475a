"""Ranking runs by one metric. Pure: run records in, a ranking out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expctl.metrics import higher_is_better, is_detail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best runs first. `excluded` counts the runs left out, by reason; `known` are the metrics the runs have."""

    metric: str
    ranked: Sequence[RunRecord]
    excluded: Mapping[str, int] = field(default_factory=dict)
    known: Sequence[str] = ()


def rank(runs: Sequence[RunRecord], metric: str, *, top: int | None = None) -> Ranking:
    """Rank finished runs by a metric in its direction; ties go to the earlier run, then the lower id.

    Runs without a finite value never rank: NaN and infinity are failures, not records.
    """
    excluded: dict[str, int] = {}
    candidates: list[RunRecord] = []
    for run in runs:
        reason = _unfit(run, metric)
        if reason is None:
            candidates.append(run)
        else:
            excluded[reason] = excluded.get(reason, 0) + 1
    sign = -1 if higher_is_better(metric) else 1
    candidates.sort(
        key=lambda run: (sign * run.metrics[metric], run.started.timestamp() if run.started else 0, run.run_id)
    )
    present = {key for run in runs for key in run.metrics}
    known = sorted(key for key in present if not is_detail(key, present))
    return Ranking(metric, candidates[:top], excluded, known)


def _unfit(run: RunRecord, metric: str) -> str | None:
    """Why a run cannot rank; None if it can."""
    if run.status != "finished":
        return run.status
    if metric not in run.metrics:
        return f"without {metric}"
    value = run.metrics[metric]
    if math.isnan(value):
        return f"with {metric} NaN"
    return "with infinite " + metric if math.isinf(value) else None
