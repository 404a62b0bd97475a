"""`experiments`: what each experiment of a store holds."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from expctl.analysis.ranking import ranking_order
from expctl.filters.expression import attribute, fit_for
from expctl.metrics import METRICS, USUAL_METRICS, without_metric
from expctl.tracking import experiment_edits
from expctl.tracking.readers.protocol import BARE, Projection, Query
from expctl.tracking.runs import deletion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import Experiment
    from expctl.tracking.store import Store

_COUNTED: Final = 1000  # runs that are read to be counted, where the store does not count: a page of a server
_LISTED: Final = 100  # runs whose files are asked for one by one, where they are not on this machine
_DEFAULTS: Final = tuple(usual[0] for usual in USUAL_METRICS.values())  # the metric of each task
_MEASURED: Final = 200_000  # files that are looked at to tell how much an experiment takes


@dataclass(frozen=True, slots=True)
class Summary:
    """An experiment, how many runs it has and how many of them failed, and what they are.

    Numbers are None where the store cannot tell them cheaply; `last` is the newest run, `best` the best run by each
    metric that was asked for, of those that it has.
    """

    experiment: Experiment
    runs: int | None
    failed: int | None
    last: datetime | None
    bytes: int | None
    best: Mapping[str, RunRecord] = field(default_factory=dict)


def summaries(store: Store, names: Sequence[str], metric: str | None, *, deleted: bool = False) -> list[Summary]:
    """Of the experiments of these names, deleted or not; without names of all, or all `deleted` ones.

    The best by a metric, None for that of each task. Those used last come first. Raises RunNotFound for a name
    that no experiment has, and for a metric that no run has.
    """
    if names:
        chosen = [experiment_edits.named(store, name) for name in dict.fromkeys(names)]
    else:
        chosen = [one for one in store.all_experiments.every() if one.deleted == deleted]
    metrics = _DEFAULTS if metric is None else (metric,)
    found = [summary(store, one, metrics, listed=bool(names)) for one in chosen]
    lacking = any(one.runs != 0 for one in found) and not any(one.best for one in found)
    if lacking and metric is not None and metric not in METRICS:
        raise without_metric("no run has", metric, store.keys().get("metrics", ()))
    return sorted(found, key=lambda one: one.last.timestamp() if one.last else 0, reverse=True)


def summary(store: Store, experiment: Experiment, metrics: Sequence[str], *, listed: bool = False) -> Summary:
    """What one experiment holds: of a deleted one its runs, which are deleted too.

    Sizes of files that are elsewhere are asked for if they are to be `listed`, some calls a run.
    """
    where, deleted = (experiment.experiment_id,), experiment.deleted
    newest = store.search(Query(where, limit=1, columns=BARE, deleted=deleted))
    count = _count(store, Query(where, columns=BARE, deleted=deleted))
    home = experiment_edits.home_of(store, newest[0]) if newest else None
    size = None if home is None else measure(home)
    if home is None and listed and count is not None and count <= _LISTED:
        sizes = [deletion.bytes_of(store, run) for run in store.search(Query(where, deleted=deleted))]
        size = None if None in sizes else sum(one or 0 for one in sizes)
    return Summary(
        experiment,
        count,
        _count(store, Query(where, attribute("status", "in", ("FAILED", "KILLED")), columns=BARE, deleted=deleted)),
        newest[0].started if newest else None,
        size,
        {metric: run for metric in metrics for run in _best(store, where, metric, deleted=deleted)},
    )


def _best(store: Store, where: tuple[str, ...], metric: str, *, deleted: bool) -> Sequence[RunRecord]:
    projection = Projection(frozenset(), frozenset({metric}), frozenset(), datasets=False)
    return store.search(Query(where, fit_for(metric), tuple(ranking_order(metric)), 1, projection, deleted))


def _count(store: Store, query: Query) -> int | None:
    counted = store.count(query)
    if counted is not None:
        return counted
    found = len(store.search(Query(query.experiments, query.where, (), _COUNTED + 1, BARE, query.deleted)))
    return found if found <= _COUNTED else None


def measure(folder: Path, *, most: int = _MEASURED) -> int | None:
    """The bytes of the files in a folder, links not followed; None for a folder that is not there, or of too many."""
    total = count = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    count += 1
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(entry.path)
                    elif stat.S_ISREG(found.st_mode):
                        total += found.st_size
        except OSError:
            if not count:
                return None
        if count > most:
            return None
    return total
