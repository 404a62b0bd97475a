"""Ranking runs by one metric. Pure: run records in, a ranking out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from expctl.filters.expression import Field, Order
from expctl.metrics import higher_is_better, known_metrics
from expctl.records import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best runs first. `excluded` counts the runs left out, by reason; `known` are the metrics the runs have.
    `excluded` is None where nobody counted them.

    `tied` says of a run, by id, whether it cannot be told from the best by the metric; untested runs are not in it.
    `selected` is the best value of a sweep, `corrected` what of it choosing among `trials` does not explain. `higher`
    says whether more of the metric is better, where its name does not.
    """

    metric: str
    ranked: Sequence[RunRecord]
    excluded: Mapping[str, int] | None = field(default_factory=dict)
    known: Sequence[str] = ()
    tied: Mapping[str, bool] = field(default_factory=dict)
    selected: float | None = None
    corrected: float | None = None
    trials: int | None = None
    higher: bool | None = None


def rank(runs: Sequence[RunRecord], metric: str, *, top: int | None = None, higher: bool | None = None) -> Ranking:
    """Rank finished runs by a metric in its direction, or as `higher` says.

    Ties go to the earlier run, then the lower id.

    Runs without a finite value never rank: NaN and infinity are failures, not records.
    """
    excluded: dict[str, int] = {}
    candidates: list[RunRecord] = []
    for run in runs:
        if Tag.SWEEP in run.tags or not run.is_regular_run:
            continue  # the trials of a sweep rank, what was trained to tell of other runs does not
        reason = unfit(run.status, kind_of(run.metrics.get(metric)), metric)
        if reason is None:
            candidates.append(run)
        else:
            excluded[reason] = excluded.get(reason, 0) + 1
    sign = -1 if _higher(metric, higher) else 1
    candidates.sort(
        key=lambda run: (
            sign * run.metrics[metric],
            run.started.timestamp() if run.started else math.inf,
            run.run_id,
        )
    )
    others = [run for run in candidates if run.task != candidates[0].task]  # by a time, or a metric of the user's own
    if others:
        excluded[f"of {others[0].task}, not {candidates[0].task} as the best"] = len(others)
        candidates = [run for run in candidates if run.task == candidates[0].task]
    known = known_metrics(key for run in runs for key in run.metrics)
    return Ranking(metric, candidates[:top], excluded, known, higher=higher)


def preferring(ranking: Ranking, key: str) -> Ranking:
    """The runs that are tied for the best in the order of another metric, the others behind them as they were."""
    first = [run for run in ranking.ranked if ranking.tied.get(run.run_id)]
    rest = [run for run in ranking.ranked if not ranking.tied.get(run.run_id)]
    sign = -1 if higher_is_better(key) else 1
    having = {run.run_id: run.metrics[key] for run in first if math.isfinite(run.metrics.get(key, math.nan))}
    first.sort(key=lambda run: (run.run_id not in having, sign * having.get(run.run_id, 0.0)))
    return replace(ranking, ranked=[*first, *rest])


def may_tie(ranking: Ranking, most: int, margin: float = 0.0) -> list[RunRecord]:
    """The runs, at most so many, that may be tied for the best: those that reach into its limits, or the margin."""
    best = ranking.ranked[0]
    limit = best.metrics.get(
        f"{ranking.metric}_{'low' if _higher(ranking.metric, ranking.higher) else 'high'}", math.nan
    )
    # Farther apart than that no paired test finds a tie.
    reach = max(2 * abs(best.metrics[ranking.metric] - limit), margin)
    near = [
        run
        for run in ranking.ranked[1:]
        if math.isnan(reach) or abs(run.metrics[ranking.metric] - best.metrics[ranking.metric]) <= reach
    ]
    return near[:most]


ValueKind = Literal["finite", "infinite", "NaN", "missing"]


def kind_of(value: float | None) -> ValueKind:
    """What sort of value a metric has."""
    if value is None:
        return "missing"
    return "NaN" if math.isnan(value) else "infinite" if math.isinf(value) else "finite"


def unfit(status: str, kind: str, metric: str) -> str | None:
    """Why a run of this status, with a metric of this kind, cannot rank; None if it can."""
    if status != "finished":
        return status
    reasons = {"missing": f"without {metric}", "NaN": f"with {metric} NaN", "infinite": f"with infinite {metric}"}
    return reasons.get(kind)


def exclusions(tally: Mapping[tuple[str, str], int], metric: str) -> dict[str, int]:
    """How many runs are left out of a ranking for which reason, of counts by status and kind of value."""
    found: dict[str, int] = {}
    for (status, kind), count in sorted(tally.items()):
        reason = unfit(status, kind, metric)
        if reason is not None:
            found[reason] = found.get(reason, 0) + count
    return found


def ranking_order(metric: str, higher: bool | None = None) -> list[Order]:
    """The order of a ranking as a store is asked for it; `higher` as of `rank`."""
    return [Order(Field("metrics", metric), _higher(metric, higher)), Order(Field("attributes", "start_time"))]


def _higher(metric: str, said: bool | None) -> bool:
    return higher_is_better(metric) if said is None else said
