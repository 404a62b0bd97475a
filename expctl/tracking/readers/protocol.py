"""The seam between what asks for runs and the store that has them: a query, and what a reader promises.

Four readers answer it: through MLflow's client, which is the reference, and reads all but stores of older MLflows;
straight from MLflow's SQLite file; over the tracking server's REST API; and from the database of an older MLflow. Knows
none of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from expctl.filters.expression import EVERY_RUN
from expctl.records import STORED_INFINITY, Dataset, Tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from expctl.filters.expression import Expression, FieldKind, Order
    from expctl.records import RunRecord

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Projection:
    """Which parameters, metrics and tags of the runs are wanted (None: all of them), and whether their data sets."""

    params: frozenset[str] | None = None
    metrics: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    datasets: bool = True


WHOLE: Final = Projection()
BARE: Final = Projection(frozenset(), frozenset(), frozenset(), datasets=False)


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs, in which order. Equal ones come newest first, then by id; `limit` None is all."""

    experiments: tuple[str, ...]
    where: Expression = EVERY_RUN
    order: tuple[Order, ...] = ()
    limit: int | None = None
    columns: Projection = WHOLE
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment of a store."""

    experiment_id: str
    name: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One value of a metric's history."""

    value: float
    step: int
    moment: datetime | None


class NotServed(Exception):
    """A store that a direct reader leaves to MLflow's client, with the reason."""


class Reader(Protocol):
    """What every reader can do. All of them tell of the same store the same runs, in the same order."""

    def experiments(self) -> list[Experiment]:
        """Every experiment, deleted ones too."""

    def find(self, query: Query) -> list[RunRecord]:
        """The runs of a query, with the columns it asks for."""

    def count(self, query: Query) -> int | None:
        """How many runs a query has without its limit; None where that takes reading them all."""

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """How many runs that cannot rank by a metric have each status, with each kind of value of it.

        The kinds are "finite" (of a run that is not finished), "infinite", "NaN" and "missing". None where that takes
        reading all the runs.
        """

    def get(self, run_id: str) -> RunRecord | None:
        """The run of a full id, deleted or not; None if there is none."""

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """What a metric was, in the order of its steps."""

    def spaces(self, key: str, experiments: Sequence[str]) -> Collection[FieldKind]:
        """In which of params, metrics and tags some run of the experiments has a key."""

    def keys(self) -> Mapping[FieldKind, Sequence[str]]:
        """The keys of params, metrics and tags, in the order of the alphabet."""

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """Where the files of a run are: (path below the run, URI) of its own folder, then of its models."""


def datasets_in(tags: Mapping[str, str]) -> list[Dataset]:
    """The data sets of a run whose server knows none, as its tag tells of them; none where that makes no sense."""
    try:
        found = [Dataset(**one) for one in json.loads(tags.get(Tag.DATASETS, "[]"))]
    except (TypeError, ValueError, RecursionError):
        return []
    told = all(isinstance(one.name, str) and isinstance(one.digest, str) for one in found)
    return found if told and all(isinstance(one.context, str | None) for one in found) else []


def moment(milliseconds: int | None) -> datetime | None:
    """A time as stores keep it. None for none, and for one that no calendar has."""
    if not milliseconds:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def stored_number(value: float) -> float:
    """A metric's value, infinite where the store holds the largest float in its place."""
    if abs(value) >= STORED_INFINITY:
        return float("inf") if value > 0 else float("-inf")
    return value


def projected(run: RunRecord, columns: Projection) -> RunRecord:
    """A whole record with nothing but the wanted columns."""
    if columns == WHOLE:
        return run

    return replace(
        run,
        params=_kept(run.params, columns.params),
        metrics=_kept(run.metrics, columns.metrics),
        tags=_kept(run.tags, columns.tags),
        datasets=run.datasets if columns.datasets else (),
    )


def _kept(values: Mapping[str, _Value], keys: frozenset[str] | None) -> Mapping[str, _Value]:
    return values if keys is None else {key: value for key, value in values.items() if key in keys}
