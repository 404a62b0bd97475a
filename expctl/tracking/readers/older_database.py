"""A database server's store of an older MLflow, which the installed one does not open: its tables read as they are.

Whole runs are read, newest first, and judged by `filters.evaluate`: it need not be fast, for the store is to be
upgraded. Knows tables and SQLAlchemy; not MLflow's client.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from expctl import compat
from expctl.filters.evaluate import RUN_NAME_TAG, in_order, matches
from expctl.records import Dataset, RunRecord, Status
from expctl.tracking.errors import store_errors
from expctl.tracking.readers.protocol import Experiment, HistoryPoint, moment, projected, stored_number
from expctl.tracking.readers.sqlite_sql import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, MetaData

    from expctl.filters.expression import FieldKind
    from expctl.settings import Settings
    from expctl.tracking.readers.protocol import Query

    Rows = Callable[[Any], Sequence[Any]]  # of a statement

_CHUNK: Final = 500


class OlderDatabaseReader:
    """The runs of a database of an earlier MLflow. Every answer is of one moment, whoever writes meanwhile.

    `tables` are those that it has of `compat.TABLES`: later ones count as empty.
    """

    older = True

    def __init__(self, engine: Engine, settings: Settings, tables: MetaData) -> None:
        self._engine = engine
        self._settings = settings
        self._tables = tables.tables

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        with self._reading() as rows:
            found = rows(self._tables["experiments"].select())
        found = sorted(found, key=lambda row: row.experiment_id)
        return [Experiment(str(row.experiment_id), row.name, row.lifecycle_stage == "deleted") for row in found]

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        runs = self._tables["runs"]
        stage = runs.c.lifecycle_stage == ("deleted" if query.deleted else "active")
        found: list[RunRecord] = []
        with self._reading() as rows:
            recorded = rows(runs.select().where(self._of(query.experiments), stage))
            recorded = sorted(recorded, key=lambda row: (-(row.start_time or 0), row.run_uuid))
            for start in range(0, len(recorded), _CHUNK):
                if not query.order and query.limit is not None and len(found) >= query.limit:
                    break
                some = self._records(rows, recorded[start : start + _CHUNK])
                found += [record for record in some if matches(query.where, record)]
        return [projected(record, query.columns) for record in in_order(found, query.order)[: query.limit]]

    def count(self, query: Query) -> int | None:
        """See Reader."""
        return None

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """See Reader."""
        return None

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        runs = self._tables["runs"]
        with self._reading() as rows:
            found = self._records(rows, rows(runs.select().where(runs.c.run_uuid == run_id)))
        return found[0] if found else None

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """See Reader."""
        values = self._tables["metrics"]
        with self._reading() as rows:
            found = rows(values.select().where(values.c.run_uuid == run_id))
        of_metric = [(row.step, row.timestamp, bool(row.is_nan), row.value) for row in found if row.key == metric]
        return [HistoryPoint(_metric(value, nan), step, moment(at)) for step, at, nan, value in sorted(of_metric)]

    def spaces(self, key: str, experiments: Sequence[str]) -> list[FieldKind]:
        """See Reader."""
        return [space for space, keys in self._keys(self._of(experiments)).items() if key in keys]

    def keys(self) -> dict[FieldKind, list[str]]:
        """See Reader."""
        import sqlalchemy

        return {space: sorted(keys) for space, keys in self._keys(sqlalchemy.true()).items()}

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """See Reader."""
        own = [("", run.artifact_uri)]
        if not self._tables.keys() >= {"inputs", "logged_models"}:
            return own
        links, models = self._tables["inputs"], self._tables["logged_models"]
        of_run = (links.c.source_type == "RUN_OUTPUT") & (links.c.source_id == run.run_id)
        active = (links.c.destination_type == "MODEL_OUTPUT") & (models.c.lifecycle_stage == "active")
        statement = models.select().where(of_run, active, links.c.destination_id == models.c.model_id)
        with self._reading() as rows:
            found = rows(statement.order_by(models.c.creation_timestamp_ms))
        return own + [(row.name, row.artifact_location) for row in found]

    def _of(self, experiments: Sequence[str]) -> ColumnElement[bool]:
        return self._tables["runs"].c.experiment_id.in_([int(one) for one in experiments])

    def _keys(self, of_runs: ColumnElement[bool]) -> dict[FieldKind, set[str]]:
        """The keys of the runs of a condition."""
        import sqlalchemy

        runs = self._tables["runs"]
        found = {}
        with self._reading() as rows:
            for space, name in TABLES.items():
                values = self._tables[name]
                statement = sqlalchemy.select(values.c.key).where(values.c.run_uuid == runs.c.run_uuid, of_runs)
                found[space] = {key for (key,) in rows(statement.distinct())}
        return found

    def _records(self, rows: Rows, runs: Sequence[Any]) -> list[RunRecord]:
        ids = [run.run_uuid for run in runs]
        values = {space: self._values(rows, space, ids) for space in TABLES}
        datasets = self._datasets(rows, ids)
        return [
            RunRecord(
                run_id=run.run_uuid,
                name=run.name or values["tags"][run.run_uuid].get(RUN_NAME_TAG, ""),
                status=cast(Status, run.status.lower()),
                experiment_id=str(run.experiment_id),
                started=moment(run.start_time),
                ended=moment(run.end_time),
                params=values["params"][run.run_uuid],
                metrics=values["metrics"][run.run_uuid],
                tags=values["tags"][run.run_uuid],
                deleted=run.lifecycle_stage == "deleted",
                artifact_uri=run.artifact_uri or "",
                user_id=run.user_id or "",
                datasets=tuple(datasets[run.run_uuid]),
            )
            for run in runs
        ]

    def _values(self, rows: Rows, space: FieldKind, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The parameters, metrics or tags of runs."""
        found: dict[str, dict[str, Any]] = {run_id: {} for run_id in ids}
        table = self._tables[TABLES[space]]
        for row in rows(table.select().where(table.c.run_uuid.in_(ids)).order_by(table.c.key)):
            value = _metric(row.value, row.is_nan) if space == "metrics" else row.value or ""
            found[row.run_uuid][row.key] = value
        return found

    def _datasets(self, rows: Rows, ids: Sequence[str]) -> dict[str, list[Dataset]]:
        import sqlalchemy

        found: dict[str, list[Dataset]] = {run_id: [] for run_id in ids}
        if not self._tables.keys() >= {"inputs", "input_tags", "datasets"}:
            return found
        links, data, tags = (self._tables[name] for name in ("inputs", "datasets", "input_tags"))
        of_context = (tags.c.input_uuid == links.c.input_uuid) & (tags.c.name == "mlflow.data.context")
        statement = (
            sqlalchemy.select(links.c.destination_id, data.c.name, data.c.digest, tags.c.value)
            .select_from(links.join(data, data.c.dataset_uuid == links.c.source_id).outerjoin(tags, of_context))
            .where(links.c.destination_type == "RUN", links.c.destination_id.in_(ids))
            .order_by(data.c.name, data.c.digest, tags.c.value)
        )
        for run_id, name, digest, context in rows(statement):
            found[run_id].append(Dataset(name, digest, context))
        return found

    @contextmanager
    def _reading(self) -> Iterator[Rows]:
        """One transaction, and what gives the rows of a statement in it. Raises StoreError."""
        with store_errors(self._settings), self._engine.connect() as connection:
            yield lambda statement: connection.execute(statement).all()


def connect(settings: Settings) -> OlderDatabaseReader | None:
    """What reads a database of an older MLflow; None for one that nobody knows how to read. Raises StoreError."""
    import sqlalchemy

    tables = sqlalchemy.MetaData()
    with ExitStack() as stack:
        with store_errors(settings):
            engine = stack.enter_context(compat.engine(settings.tracking_uri))
            tables.reflect(engine, only=lambda name, _: name in compat.TABLES, resolve_fks=False)
            with engine.connect() as connection:
                if not _is_readable(connection, tables):
                    return None
        reader = OlderDatabaseReader(engine.execution_options(isolation_level="REPEATABLE READ"), settings, tables)
        weakref.finalize(reader, stack.pop_all().close)
        return reader


def _is_readable(database: Connection, tables: MetaData) -> bool:
    """Whether an earlier MLflow made the tables that are read, with all that is read of them."""
    for name, columns in compat.TABLES.items():
        there = tables.tables.get(name)
        if there is None and name not in compat.LATER_TABLES:
            return False
        if there is not None and columns - set(there.c.keys()) - compat.LATER_COLUMNS:
            return False
    revisions = database.execute(tables.tables["alembic_version"].select()).scalars().all()
    if len(revisions) != 1 or not compat.is_superseded(revisions[0]):
        return False
    experiments = tables.tables["experiments"]
    if "workspace" not in experiments.c:
        return True
    return database.execute(experiments.select().where(experiments.c.workspace != "default")).first() is None


def _metric(value: float, is_nan: int) -> float:
    return float("nan") if is_nan else stored_number(float(value))
