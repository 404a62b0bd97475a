"""MLflow's SQLite file read directly: opened read-only, no more fetched than is shown, nothing heavy imported.

Serves the schema revisions it was tested with and nothing else: whoever opens a store steps aside for MLflow's client
where `connect` says why it cannot. Knows tables; not what is asked of them, nor MLflow.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, quote

from expctl.errors import RunNotFound, StoreError, mask_secrets
from expctl.filters.evaluate import number
from expctl.filters.expression import Field
from expctl.records import Dataset, RunRecord, Status
from expctl.tracking.failures import remedy
from expctl.tracking.reachable import PATIENCE
from expctl.tracking.reading import STORED_INFINITY, WHOLE, Experiment, NotServed, Point, moment, stored_number
from expctl.tracking.sql import RUN_NAME, TABLES, AtHand, condition, ordering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from expctl.filters.expression import Space
    from expctl.tracking.reading import Columns, Query

# Alembic's names for the schemas tested, and the MLflow that makes each.
REVISIONS: Final = {"dc11669786a5": "3.17", "f4a9b2c7d1e6": "3.18"}
_CACHE_KIB: Final = 16_384
_CHUNK: Final = 500
_AHEAD: Final = 1000  # runs looked at, in the order of a metric, for those that a query wants
_SCANNED: Final = 20  # metrics a run up to which a scan of their table beats an index whose rows lie anywhere in it
_ROW: Final = (
    f"r.run_uuid, coalesce(nullif(r.name, ''), {RUN_NAME}, ''), r.status, r.experiment_id, r.start_time, r.end_time,"
    " r.lifecycle_stage, r.artifact_uri, r.user_id"
)
_AMONG: Final = "IN (SELECT value FROM json_each(?))"
_KEYS: Final = """
    WITH RECURSIVE found (key) AS (
        SELECT min(key) FROM {table}
        UNION ALL
        SELECT (SELECT min(key) FROM {table} WHERE key > found.key) FROM found WHERE found.key IS NOT NULL
    ) SELECT key FROM found WHERE key IS NOT NULL
"""


class SqliteReader:
    """The runs of an SQLite file. Every answer is of one moment, whoever writes meanwhile."""

    def __init__(self, database: sqlite3.Connection, uri: str) -> None:
        self._database = database
        self._uri = uri
        weakref.finalize(self, database.close)

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        with self._reading():
            rows = self._rows("SELECT experiment_id, name, lifecycle_stage FROM experiments ORDER BY experiment_id")
        return [Experiment(str(number), name, stage == "deleted") for number, name, stage in rows]

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        with self._reading():
            rows = self._first_by_metric(query)
            return self._records(self._search(query) if rows is None else rows, query.columns)

    def _search(self, query: Query, among: Sequence[str] | None = None) -> list[Any]:
        """The rows of a query's runs, or of those `among` some, in its order."""
        (joins, ordered), terms, at_hand = ordering(query.order)
        chosen, values = _chosen(query, at_hand)
        if among is not None:
            chosen, values = f"r.run_uuid {_AMONG} AND {chosen}", [json.dumps(among), *values]
        sql = f"SELECT {_ROW} FROM runs r {joins} WHERE {chosen} ORDER BY {terms} LIMIT ?"
        return self._rows(sql, [*ordered, *values, -1 if query.limit is None else query.limit])

    def _first_by_metric(self, query: Query) -> list[Any] | None:
        """What `_search` finds, looked for among the runs with the first values of the metric that orders them.

        None if that is not enough of them. A run with the last of those values may tie with one that was not taken.
        """
        if query.limit is None or not query.order or query.order[0].field.space != "metrics":
            return None
        most = query.limit + _AHEAD
        sql = (
            f"SELECT run_uuid, value FROM {self._values_of_a_metric()} AND NOT is_nan"
            f" ORDER BY value {'DESC' if query.order[0].descending else ''} LIMIT ?"
        )
        first = self._rows(sql, [query.order[0].field.key, most])
        among = [run_id for run_id, value in first if len(first) < most or value != first[-1][1]]
        rows = self._search(query, among)
        return rows if len(rows) == query.limit else None

    def _values_of_a_metric(self) -> str:
        """A table of one metric's values: read from end to end as long as that is faster than by its index."""
        ((values, runs),) = self._rows("SELECT (SELECT max(rowid) FROM latest_metrics), (SELECT max(rowid) FROM runs)")
        scanned = (values or 0) <= _SCANNED * (runs or 0)
        return f"latest_metrics {'NOT INDEXED' if scanned else ''} WHERE key = ?"

    def count(self, query: Query) -> int | None:
        """See Reader."""
        chosen, values = _chosen(query, {})
        with self._reading():
            ((count,),) = self._rows(f"SELECT count(*) FROM runs r WHERE {chosen}", values)
        return int(count)

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """See Reader."""
        chosen, values = _chosen(query, {Field("metrics", metric): "m"})
        with self._reading():
            # The few that cannot rank are found first, without looking a value up for each run: EXCEPT merges indexes.
            sql = f"""
                WITH unfit AS (
                    SELECT run_uuid FROM runs WHERE status IS NOT 'FINISHED'
                    UNION ALL SELECT run_uuid FROM {self._values_of_a_metric()}
                        AND (is_nan OR abs(value) >= {STORED_INFINITY!r})
                    UNION ALL SELECT * FROM (
                        SELECT run_uuid FROM runs EXCEPT SELECT run_uuid FROM latest_metrics WHERE key = ? ORDER BY 1)
                )
                SELECT r.status, CASE WHEN m.key IS NULL THEN 'missing' WHEN m.is_nan THEN 'NaN'
                    WHEN abs(m.value) >= {STORED_INFINITY!r} THEN 'infinite' ELSE 'finite' END AS kind, count(*)
                FROM runs r LEFT JOIN latest_metrics m ON m.key = ? AND m.run_uuid = r.run_uuid
                WHERE r.run_uuid IN unfit AND {chosen} GROUP BY 1, 2
            """
            rows = self._rows(sql, [metric, metric, metric, *values])
        return {(status.lower(), kind): count for status, kind, count in rows}

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        with self._reading():
            found = self._records(self._rows(f"SELECT {_ROW} FROM runs r WHERE r.run_uuid = ?", [run_id]), WHOLE)
        return found[0] if found else None

    def history(self, run_id: str, metric: str) -> list[Point]:
        """See Reader."""
        sql = (
            "SELECT value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ? AND key = ?"
            " ORDER BY step, timestamp, is_nan, value"
        )
        with self._reading():
            rows = self._rows(sql, [run_id, metric])
        return [Point(_metric(value, is_nan), step, moment(at)) for value, is_nan, step, at in rows]

    def spaces(self, key: str, experiments: Sequence[str]) -> list[Space]:
        """See Reader."""
        found: list[Space] = []
        with self._reading():
            for space, table in TABLES.items():
                sql = (
                    f"SELECT 1 FROM {table} v CROSS JOIN runs r ON r.run_uuid = v.run_uuid"
                    f" WHERE v.key = ? AND r.experiment_id {_AMONG} LIMIT 1"
                )
                if self._rows(sql, [key, _numbers(experiments)]):
                    found.append(space)
        return found

    def keys(self) -> dict[Space, list[str]]:
        """See Reader. One step into the index a key, however many runs have it."""
        with self._reading():
            return {space: [key for (key,) in self._rows(_KEYS.format(table=table))] for space, table in TABLES.items()}

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """See Reader."""
        sql = """
            SELECT m.name, m.artifact_location FROM inputs i JOIN logged_models m ON m.model_id = i.destination_id
            WHERE i.source_type = 'RUN_OUTPUT' AND i.source_id = ? AND i.destination_type = 'MODEL_OUTPUT'
                AND m.lifecycle_stage = 'active'
            ORDER BY m.creation_timestamp_ms
        """
        with self._reading():
            return [("", run.artifact_uri), *self._rows(sql, [run.run_id])]

    def _records(self, rows: Sequence[Any], columns: Columns) -> list[RunRecord]:
        ids = [row[0] for row in rows]
        params = self._values("params", ids, columns.params)
        metrics = self._values("metrics", ids, columns.metrics)
        tags = self._values("tags", ids, columns.tags)
        datasets = self._datasets(ids) if columns.datasets else {}
        return [
            RunRecord(
                run_id=run_id,
                name=name,
                status=cast(Status, status.lower()),
                experiment_id=str(experiment),
                started=moment(start),
                ended=moment(end),
                params={key: value for key, value, _ in params.get(run_id, ())},
                metrics={key: _metric(value, is_nan) for key, value, is_nan in metrics.get(run_id, ())},
                tags={key: value or "" for key, value, _ in tags.get(run_id, ())},
                deleted=stage == "deleted",
                artifact_uri=uri or "",
                user_id=user or "",
                datasets=tuple(datasets.get(run_id, ())),
            )
            for run_id, name, status, experiment, start, end, stage, uri, user in rows
        ]

    def _values(self, space: Space, ids: Sequence[str], keys: frozenset[str] | None) -> dict[str, list[Any]]:
        """(key, value, whether it is NaN) by run, in the order in which they were logged."""
        found: dict[str, list[Any]] = {}
        if keys is not None and not keys:
            return found
        nan = "is_nan" if space == "metrics" else "0"
        sql = f"SELECT run_uuid, key, value, {nan} FROM {TABLES[space]} WHERE run_uuid {_AMONG}"
        if keys is not None:
            sql += f" AND key {_AMONG}"
        for chunk in _chunks(ids):
            given = [json.dumps(chunk), *([] if keys is None else [json.dumps(sorted(keys))])]
            for run_id, *value in self._rows(f"{sql} ORDER BY rowid", given):
                found.setdefault(run_id, []).append(value)
        return found

    def _datasets(self, ids: Sequence[str]) -> dict[str, list[Dataset]]:
        found: dict[str, list[Dataset]] = {}
        sql = f"""
            SELECT i.destination_id, d.name, d.digest, t.value
            FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
            LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context'
            WHERE i.destination_type = 'RUN' AND i.destination_id {_AMONG}
            ORDER BY d.name, d.digest, t.value
        """
        for chunk in _chunks(ids):
            for run_id, name, digest, context in self._rows(sql, [json.dumps(chunk)]):
                found.setdefault(run_id, []).append(Dataset(name, digest, context))
        return found

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._database.execute(sql, values).fetchall()
        except UnicodeEncodeError as error:  # an argument of bytes that are no UTF-8
            raise RunNotFound(f"no store can hold {error.object!r}", hint="expctl list") from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One transaction. Raises StoreError for what SQLite cannot read."""
        try:
            self._database.execute("BEGIN")
            try:
                yield
            finally:
                self._database.execute("ROLLBACK")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _failed(self._uri, error) from error


def _failed(uri: str, error: Exception) -> StoreError:
    return StoreError(f"the store {mask_secrets(uri)} failed: {error}", hint=remedy(str(error)))


def connect(path: Path, uri: str) -> SqliteReader:
    """Open a store's file for reading. Raises NotServed for one that MLflow's client had better read, StoreError for
    one that somebody keeps locked: the client would wait just as long once more.
    """
    if dict(parse_qsl(uri.partition("?")[2], keep_blank_values=True)).keys() - {"timeout"}:  # which is our own too
        raise NotServed("its address has options")
    try:
        database = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=PATIENCE, isolation_level=None
        )
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY":
            raise _failed(uri, error) from error
        raise NotServed(str(error)) from error
    return SqliteReader(database, uri)


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA case_sensitive_like = true")  # as MLflow's own connections
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    database.create_function("number", 1, lambda text: None if text is None else number(text), deterministic=True)
    with closing(database.execute("SELECT version_num FROM alembic_version")) as found:
        revisions = [revision for (revision,) in found]
    if len(revisions) != 1 or revisions[0] not in REVISIONS:
        raise NotServed(f"its schema {', '.join(revisions) or '(none)'} is not one of those tested")
    if database.execute("SELECT 1 FROM experiments").fetchone() is None:
        raise NotServed("its making was cut short")
    if database.execute("SELECT 1 FROM experiments WHERE workspace <> 'default'").fetchone() is not None:
        raise NotServed("it has workspaces")


def _chosen(query: Query, at_hand: AtHand) -> tuple[str, list[Any]]:
    where, values = condition(query.where, at_hand)
    return (
        f"r.experiment_id {_AMONG} AND r.lifecycle_stage = ? AND " + where,
        [_numbers(query.experiments), "deleted" if query.deleted else "active", *values],
    )


def _numbers(experiments: Sequence[str]) -> str:
    return json.dumps([int(one) for one in experiments])


def _metric(value: float, is_nan: int) -> float:
    return float("nan") if is_nan else stored_number(float(value))


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield list(ids[start : start + _CHUNK])
