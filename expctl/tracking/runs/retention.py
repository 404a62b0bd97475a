"""Cleaning up: of many runs those that may go, and why the others stay. A sweep stays as long as one of its trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.ranking import rank
from expctl.filters.expression import Condition, Field
from expctl.metrics import usual_metrics_of, without_metric
from expctl.records import Tag
from expctl.tracking.models import registry
from expctl.tracking.readers.protocol import Projection
from expctl.tracking.runs import lifecycle
from expctl.tracking.runs.deletion import candidates
from expctl.tracking.runs.descendants import Chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class Retention:
    """What stays: the `best` runs by a metric, in a direction as of `rank`, and those not begun before a moment, in
    milliseconds since 1970.

    Without a metric the best of each task by its own.

    Unless by `force`, also what the registry stands on, and the best run of each sweep.
    """

    best: int | None = None
    metric: str | None = None
    higher: bool | None = None
    before: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The runs that may go, and how many of those that were looked at stay for which reason."""

    chosen: Chosen
    kept: Mapping[str, int]


def to_clean(store: Store, references: Sequence[str], filter: str, rule: Retention, *, purge: bool) -> Cleaning:
    """The runs, of those that references and a filter mean or else of the whole experiment, that a rule lets go.

    To `purge`, deleted ones too, which are not ranked. Raises RunNotFound where no run can be ranked: a metric of no
    run would have all of them go.
    """
    chosen = candidates(store, references, filter, purge=purge, everything=not (references or filter.strip()))
    runs = chosen.runs
    kept = dict(_rivals_kept(runs, rule))
    for reason, ids in _kept(store, runs, rule):
        kept |= {run.run_id: reason for run in runs if run.run_id in ids}
    parents = {run.run_id: run.tags.get(Tag.PARENT) for run in runs}
    for run_id in list(kept):
        while (parent := parents.get(run_id)) in parents and parent not in kept:
            kept[str(parent)] = "whose trials stay"
            run_id = str(parent)
    counts: dict[str, int] = {}
    for reason in kept.values():
        counts[reason] = counts.get(reason, 0) + 1
    return Cleaning(Chosen(*([run for run in part if run.run_id not in kept] for part in _parts(chosen))), counts)


def _parts(chosen: Chosen) -> tuple[Sequence[RunRecord], Sequence[RunRecord]]:
    return chosen.named, chosen.trials


def _rivals_kept(runs: Sequence[RunRecord], rule: Retention) -> Iterable[tuple[str, str]]:
    """The ids of the best runs, with the reason. Raises RunNotFound where no run ranks."""
    if rule.best is None:
        return []
    there = [run for run in runs if not run.deleted]
    tasks = sorted({run.task for run in there})
    metrics = [rule.metric] if rule.metric is not None else [usual_metrics_of(task)[0] for task in tasks]
    rankings = [rank(there, metric, top=rule.best, higher=rule.higher) for metric in metrics]
    if there and not any(ranking.ranked for ranking in rankings):
        raise without_metric("--keep-best: no finished run has", " or ".join(metrics), rankings[0].known)
    return [(run.run_id, f"with the best {one.metric}") for one in rankings for run in one.ranked]


def _kept(store: Store, runs: Sequence[RunRecord], rule: Retention) -> Iterable[tuple[str, Iterable[str]]]:
    """Why runs stay that are not among the best, each time with the ids of such runs; the last reason is told."""
    if rule.before is not None:
        moment = rule.before / 1000
        yield "begun later", {run.run_id for run in runs if run.started is None or run.started.timestamp() >= moment}
    if not rule.force and runs:
        best = Projection(frozenset(), frozenset(), frozenset({Tag.BEST_RUN}), datasets=False)
        sweeps = store.find(also=Condition(Field("tags", Tag.SWEEP), "has"), columns=best, everywhere=True)
        yield "best of a sweep", {run.tags.get(Tag.BEST_RUN, "") for run in sweeps}
        yield "of a registered model", registry.run_ids(store)
    open_runs = [run for run in runs if run.status == "running" and not run.deleted]
    alive = {run.run_id for run in open_runs if lifecycle.is_alive(run) is not False}  # or may be, on another machine
    yield "being recorded", alive | {run.run_id for run in runs if run.tags.get(Tag.PARENT) in alive}
