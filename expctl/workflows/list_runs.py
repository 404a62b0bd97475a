"""`list`: the runs that a person asks for, in an order, with what is to be shown of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.columns import (
    EVERYTHING,
    aggregate_of,
    expanded,
    is_glob,
    lacks_usual_metrics,
    usual_metrics,
    varying,
)
from expctl.analysis.run_values import ATTRIBUTES
from expctl.errors import UsageError, closest
from expctl.filters.expression import NO_TRIAL, REGULAR_RUNS, Order, all_of, attribute
from expctl.metrics import METRICS, USUAL_METRICS, higher_is_better, known_metrics, nearest
from expctl.records import Tag
from expctl.tracking.readers.protocol import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.filters.expression import Condition
    from expctl.records import RunRecord, Status
    from expctl.tracking.readers.protocol import Query
    from expctl.tracking.store import Store

_SAMPLE: Final = 100  # runs without the usual metrics that are looked at for what they have instead
_PROCESS: Final = frozenset({Tag.HOST, Tag.PID, Tag.STARTED})


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which runs, in which order, and which columns of them (None: the usual ones; with `vary` those that differ).

    `sort` is a key with the direction, None for the usual one: a metric best first, a time newest first. `since` is in
    milliseconds since 1970. A `limit` of 0 is none. The trials of a sweep, and what was made to tell of other runs, are
    listed if `flat`, or asked for.
    """

    filter: str = ""
    sort: tuple[str, bool | None] = ("started", None)
    limit: int = 20
    columns: Sequence[str] | None = None
    vary: bool = False
    status: Status | None = None
    since: int | None = None
    flat: bool = False
    deleted: bool = False

    @property
    def conditions(self) -> list[Condition]:
        """What is asked of runs beside the filter."""
        return [
            *([attribute("status", "=", self.status.upper())] if self.status is not None else []),
            *([attribute("start_time", ">", float(self.since))] if self.since is not None else []),
        ]

    @property
    def narrows(self) -> bool:
        """Whether runs may be left out by what they are."""
        return bool(self.filter.strip() or self.conditions)


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs to be shown, by which columns; `total`: how many there are, None where a store cannot tell.

    `orphans` are those of them that nobody records any more although they are RUNNING.
    """

    runs: Sequence[RunRecord]
    columns: Sequence[str] | None
    total: int | None
    orphans: Sequence[RunRecord]


def list_runs(store: Store, request: ListRequest) -> Listing:
    """The runs of a request. Raises UsageError for a key or a column that no run has."""
    unfolded = request.flat or request.filter.strip() or request.status
    names = request.columns
    query = store.query(
        request.filter,
        also=all_of(*request.conditions, *(() if unfolded else (NO_TRIAL, REGULAR_RUNS))),
        order=_order(store, *request.sort),
        limit=request.limit + 1 if request.limit else None,  # one more tells whether there are more
        columns=_fetched(names, vary=request.vary),
        deleted=request.deleted,
    )
    found = store.search(query)
    if names is None and not request.vary:
        found = _with_own_metrics(store, query, found)
    shown = found[: request.limit] if request.limit else found
    if shown:
        _check_columns(store, names or [])
    if names is not None:
        shown, names = _with_columns(store, shown, names)
    if request.vary:
        names = varying(names, shown)
    total = len(found) if len(found) == len(shown) else store.count(query)
    return Listing(shown, names, total, [] if request.deleted else _orphans(store, shown))


def _with_own_metrics(store: Store, query: Query, found: list[RunRecord]) -> list[RunRecord]:
    """The runs of a query with the metrics, too, that those have which lack the usual ones.

    And with how sweeps stand that rank by a metric of the user's own.
    """
    asked = {run.params.get("metric") for run in found if Tag.SWEEP in run.tags} - {None, *METRICS}
    best = frozenset(f"best_{form.format(key)}" for key in asked for form in ("{}", "cv_{}_mean"))
    if best:
        metrics = best | (query.columns.metrics or frozenset())
        query = replace(query, columns=replace(query.columns, metrics=metrics))
    # Those with a stage are trained by us: as long as they have not the usual ones, they have none.
    others = (run for run in found if Tag.STAGE not in run.tags)
    lacking = tuple(run.run_id for run in others if lacks_usual_metrics(run))[:_SAMPLE]
    if not lacking:
        return store.search(query) if best else found
    these = all_of(query.where, attribute("run_id", "in", lacking))
    every = replace(query.columns, metrics=None)
    own = usual_metrics(store.search(replace(query, where=these, columns=every)))
    keys = frozenset(name.removeprefix("metrics.") for name in own)
    wanted = replace(query.columns, metrics=keys | (query.columns.metrics or frozenset()))
    return found if wanted == query.columns and not best else store.search(replace(query, columns=wanted))


def _with_columns(store: Store, runs: list[RunRecord], asked: Sequence[str]) -> tuple[list[RunRecord], Sequence[str]]:
    """The runs with what is asked of their metrics' points, and the columns that globs stand for."""
    from expctl.tracking.runs.metric_history import with_aggregates

    runs = with_aggregates(store, runs, list(asked))
    names = expanded(list(asked), runs)
    if runs and not names and not set(asked) <= set(EVERYTHING):  # runs may have no tags at all
        raise UsageError(f"none of these runs has anything that matches {', '.join(asked)}", hint="expctl show latest")
    return runs, names


def _orphans(store: Store, shown: Sequence[RunRecord]) -> list[RunRecord]:
    if not any(run.status == "running" for run in shown):
        return []
    from expctl.tracking.runs.lifecycle import orphans

    return orphans(store, shown)


def _order(store: Store, name: str, descending: bool | None) -> list[Order]:
    """The order by a name: without a direction a metric comes best first, a time newest first.

    A metric that no run has may be called like another, which is then taken.
    """
    field = store.field(name)
    if field is None:
        field = store.field(nearest(name, store.keys().get("metrics", ()), store.note))
    if field is None or field.space == "datasets":
        _check_columns(store, [name])
        return []
    if descending is None:
        time = field.space == "attributes" and field.key in ("start_time", "end_time")
        descending = time or (field.space == "metrics" and higher_is_better(field.key))
    return [Order(field, descending)]


def _check_columns(store: Store, names: Sequence[str]) -> None:
    """Raise UsageError for a name that no run has, where there are runs that could."""
    for name in names:
        asked = aggregate_of(name)
        name = name if asked is None else f"metrics.{asked.metric}"
        if is_glob(name) or name in ATTRIBUTES or store.field(name) is not None:
            continue
        there = store.keys()
        known = [
            *ATTRIBUTES,
            *known_metrics(there.get("metrics", ())),
            *(key for keys in there.values() for key in keys),
        ]
        if store.find(limit=1):
            raise UsageError(f"no run has {name!r}{closest(name, known)}", hint="expctl show latest")


def _fetched(names: Sequence[str] | None, *, vary: bool) -> Projection:
    """What has to be fetched of the runs for these columns; for the usual ones, all parameters to see what varies."""
    if any(map(is_glob, names or [])) or (vary and names is None):
        return Projection(datasets=False)
    if names is None:
        standing = {f"best_{key}" for one in METRICS for key in (one, f"cv_{one}_mean")} | {"trials_finished"}
        return Projection(
            None,
            frozenset({*(key for keys in USUAL_METRICS.values() for key in keys), *standing}),
            _PROCESS | {Tag.SWEEP, Tag.STAGE, Tag.TASK, Tag.PROGRAM, Tag.ADOPTED},
            datasets=False,
        )
    keys = frozenset([*names, *(name.partition(".")[2] for name in names)])
    return Projection(keys, keys, keys | _PROCESS, datasets=False)
