"""MLflow's SQLite file read directly: opened read-only, no more fetched than is shown, nothing heavy imported.

Serves the schema revisions it was tested with and nothing else: whoever opens a store steps aside for MLflow's client
where `connect` says why it cannot. Knows tables; not what is asked of them, nor MLflow.
SQL by hand: SQLAlchemy takes 0.29 s to import, more than all else that a `list` does.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

from expctl import compat
from expctl.compat import REVISIONS
from expctl.errors import RunNotFound, StoreError, mask_secrets
from expctl.filters.evaluate import number
from expctl.filters.expression import Field, Order
from expctl.records import STORED_INFINITY, Dataset, RunRecord, Status
from expctl.tracking.errors import remedy
from expctl.tracking.readers.protocol import WHOLE, Experiment, HistoryPoint, NotServed, moment, stored_number
from expctl.tracking.readers.sqlite_sql import RUN_NAME, TABLES, AtHand, Sql, condition, ordering
from expctl.tracking.uris import PATIENCE, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from expctl.filters.expression import FieldKind
    from expctl.tracking.readers.protocol import Projection, Query

_CACHE_KIB: Final = 16_384
_CHUNK: Final = 500
_AHEAD: Final = 1000  # runs looked at, in the order that a query has, for those that it wants
_NEAR: Final = 100  # of these the first, among which they mostly are
_SCANNED: Final = 20  # metrics a run up to which a scan of their table beats an index whose rows lie anywhere in it
_NEWEST: Final = (Order(Field("attributes", "start_time"), descending=True),)
_ROW: Final = (
    f"r.run_uuid, coalesce(nullif(r.name, ''), {RUN_NAME}, ''), r.status, r.experiment_id, r.start_time, r.end_time,"
    " r.lifecycle_stage, r.artifact_uri, r.user_id"
)
_ODD: Final = f"is_nan OR abs(value) >= {STORED_INFINITY!r}"
_AMONG: Final = "IN (SELECT value FROM json_each(?))"
_KEYS: Final = """
    WITH RECURSIVE found (key) AS (
        SELECT min(key) FROM {table}
        UNION ALL
        SELECT (SELECT min(key) FROM {table} WHERE key > found.key) FROM found WHERE found.key IS NOT NULL
    ) SELECT key FROM found WHERE key IS NOT NULL
"""


class SqliteReader:
    """The runs of an SQLite file. Every answer is of one moment, whoever writes meanwhile.

    `older`: an earlier MLflow made its tables, which the installed one does not open.
    """

    def __init__(self, database: sqlite3.Connection, uri: str, *, older: bool = False) -> None:
        self.older = older
        self._database = database
        self._uri = uri
        # The metric that ordered runs last, the version of the file, and the runs whose value of it is not finite.
        self._odd: tuple[str, int, list[str]] = ("", 0, [])
        weakref.finalize(self, database.close)

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        with self._reading():
            rows = self._rows("SELECT experiment_id, name, lifecycle_stage FROM experiments ORDER BY experiment_id")
        return [Experiment(str(number), name, stage == "deleted") for number, name, stage in rows]

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        with self._reading():
            rows = self._newest(query) or self._first_by_metric(query)
            return self._records(self._search(query) if rows is None else rows, query.columns)

    def _search(self, query: Query, among: Sql = ("true", [])) -> list[Any]:
        """The rows of a query's runs, or of those `among` some, in its order."""
        (joins, ordered), terms, at_hand = ordering(query.order)
        chosen, values = _chosen(query, at_hand)
        sql = f"SELECT {_ROW} FROM runs r {joins} WHERE {among[0]} AND {chosen} ORDER BY {terms} LIMIT ?"
        return self._rows(sql, [*ordered, *among[1], *values, -1 if query.limit is None else query.limit])

    def _newest(self, query: Query) -> list[Any] | None:
        """What `_search` finds of the newest runs, without sorting all of them.

        Runs are mostly made in the order of their start. If there are enough among those made last, no other is wanted
        that began before all of these. None if there are not.
        """
        if query.limit is None or query.order not in ((), _NEWEST):
            return None
        chosen, values = _chosen(query, {})
        sql = f"""
            SELECT min(start_time), count(start_time) FROM (
                SELECT r.start_time FROM runs r WHERE r.rowid > (SELECT max(rowid) FROM runs) - ? AND {chosen}
                ORDER BY r.rowid DESC LIMIT ?
            )
        """
        ((since, count),) = self._rows(sql, [query.limit + _AHEAD, *values, query.limit])
        return self._search(query, ("r.start_time >= ?", [since])) if count and count == query.limit else None

    def _first_by_metric(self, query: Query) -> list[Any] | None:
        """What `_search` finds, looked for among the runs with the first values of the metric that orders them.

        None if that is not enough of them. A run with the last of those values may tie with one that was not taken.
        """
        if query.limit is None or not query.order or query.order[0].field.space != "metrics":
            return None
        metric, descending = query.order[0].field.key, query.order[0].descending
        # Those without a finite value come first: `tally` asks for them next, and need not read all values once more.
        sql = f"""
            SELECT run_uuid, value, is_nan, {_ODD} AS odd
            FROM {self._values_of_a_metric()} ORDER BY odd DESC, value {"DESC" if descending else ""} LIMIT ?
        """
        most = query.limit + _AHEAD
        read = self._rows(sql, [metric, most])
        if read and read[-1][3] and len(read) == most:
            return None
        self._odd = (metric, self._version(), [run_id for run_id, _, _, odd in read if odd])
        first = sorted(((value, run_id) for run_id, value, is_nan, _ in read if not is_nan), reverse=descending)
        if len(read) == most:  # what comes behind all finite values is not among the first
            last = read[-1][1]
            first = [(value, run_id) for value, run_id in first if (value > last if descending else value < last)]
        for count in sorted({min(query.limit + _NEAR, len(first)), len(first)}):
            among = [run_id for value, run_id in first[:count] if count == len(first) or value != first[count][0]]
            rows = self._search(query, (f"r.run_uuid {_AMONG}", [json.dumps(among)]))
            if len(rows) == query.limit:
                return rows
        return None

    def _values_of_a_metric(self) -> str:
        """A table of one metric's values: read from end to end as long as that is faster than by its index."""
        ((values, runs),) = self._rows("SELECT (SELECT max(rowid) FROM latest_metrics), (SELECT max(rowid) FROM runs)")
        scanned = (values or 0) <= _SCANNED * (runs or 0)
        return f"latest_metrics {'NOT INDEXED' if scanned else ''} WHERE key = ?"

    def _version(self) -> int:
        """A number that is another one once somebody has written to the file."""
        ((version,),) = self._rows("PRAGMA data_version")
        return int(version)

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
            odd, of_odd = f"SELECT run_uuid FROM {self._values_of_a_metric()} AND ({_ODD})", metric
            if self._odd[:2] == (metric, self._version()):
                odd, of_odd = "SELECT value FROM json_each(?)", json.dumps(self._odd[2])
            # The few that cannot rank are found first, without looking a value up for each run: EXCEPT merges indexes.
            sql = f"""
                WITH unfit AS (
                    SELECT run_uuid FROM runs WHERE status IS NOT 'FINISHED'
                    UNION ALL {odd}
                    UNION ALL SELECT * FROM (
                        SELECT run_uuid FROM runs EXCEPT SELECT run_uuid FROM latest_metrics WHERE key = ? ORDER BY 1)
                )
                SELECT r.status, CASE WHEN m.key IS NULL THEN 'missing' WHEN m.is_nan THEN 'NaN'
                    WHEN abs(m.value) >= {STORED_INFINITY!r} THEN 'infinite' ELSE 'finite' END AS kind, count(*)
                FROM runs r LEFT JOIN latest_metrics m ON m.key = ? AND m.run_uuid = r.run_uuid
                WHERE r.run_uuid IN unfit AND {chosen} GROUP BY 1, 2
            """
            rows = self._rows(sql, [of_odd, metric, metric, *values])
        return {(status.lower(), kind): count for status, kind, count in rows}

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        with self._reading():
            found = self._records(self._rows(f"SELECT {_ROW} FROM runs r WHERE r.run_uuid = ?", [run_id]), WHOLE)
        return found[0] if found else None

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """See Reader."""
        sql = (
            "SELECT value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ? AND key = ?"
            " ORDER BY step, timestamp, is_nan, value"
        )
        with self._reading():
            rows = self._rows(sql, [run_id, metric])
        return [HistoryPoint(_metric(value, is_nan), step, moment(at)) for value, is_nan, step, at in rows]

    def spaces(self, key: str, experiments: Sequence[str]) -> list[FieldKind]:
        """See Reader."""
        found: list[FieldKind] = []
        with self._reading():
            for space, table in TABLES.items():
                sql = (
                    f"SELECT 1 FROM {table} v CROSS JOIN runs r ON r.run_uuid = v.run_uuid"
                    f" WHERE v.key = ? AND r.experiment_id {_AMONG} LIMIT 1"
                )
                if self._rows(sql, [key, _numbers(experiments)]):
                    found.append(space)
        return found

    def keys(self) -> dict[FieldKind, list[str]]:
        """See Reader. One step into the index a key, however many runs have it."""
        with self._reading():
            return {space: [key for (key,) in self._rows(_KEYS.format(table=table))] for space, table in TABLES.items()}

    def registered(self) -> list[tuple[str, str | None]]:
        """Registered models, each with each of its aliases, or None for none. Other readers do not tell of them."""
        sql = "SELECT m.name, a.alias FROM registered_models m LEFT JOIN registered_model_aliases a USING (name)"
        with self._reading():
            return self._rows(f"{sql} ORDER BY 1, 2")

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

    def _records(self, rows: Sequence[Any], columns: Projection) -> list[RunRecord]:
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

    def _values(self, space: FieldKind, ids: Sequence[str], keys: frozenset[str] | None) -> dict[str, list[Any]]:
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
        # One thread at a time uses it, but the garbage collector closes it in whichever thread it runs.
        database = sqlite3.connect(
            sqlite_file(path, "ro"), uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            older = _prepare(database)
        except BaseException:
            database.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY":
            raise _failed(uri, error) from error
        raise NotServed(str(error)) from error
    return SqliteReader(database, uri, older=older)


def _prepare(database: sqlite3.Connection) -> bool:
    """Make a file ready to be read; whether its schema is that of an earlier MLflow. Raises NotServed."""
    database.execute("PRAGMA case_sensitive_like = true")  # as MLflow's own connections
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    database.create_function("number", 1, lambda text: None if text is None else number(text), deterministic=True)
    with closing(database.execute("SELECT version_num FROM alembic_version")) as found:
        revisions = [revision for (revision,) in found]
    tested = len(revisions) == 1 and revisions[0] in REVISIONS
    older = not tested and len(revisions) == 1 and compat.is_superseded(revisions[0])
    if older:
        _stand_in(database)
    elif not tested:
        raise NotServed(f"its schema {', '.join(revisions) or '(none)'} is not one of those tested")
    if database.execute("SELECT 1 FROM experiments").fetchone() is None:
        raise NotServed("its making was cut short")
    spaces = "SELECT 1 FROM experiments WHERE workspace <> 'default'"
    if "workspace" in _columns(database, "experiments") and database.execute(spaces).fetchone() is not None:
        raise NotServed("it has workspaces")
    return older


def _stand_in(database: sqlite3.Connection) -> None:
    """Let empty tables stand for those that came later than the file's MLflow. Raises NotServed where others lack.

    They are of this connection alone: the file is not changed.
    """
    database.execute("PRAGMA temp_store = MEMORY")
    for table, columns in compat.TABLES.items():
        there = _columns(database, table)
        if not there and table in compat.LATER_TABLES:
            database.execute(f"CREATE TEMP TABLE {table} ({', '.join(sorted(columns))})")
        elif columns - there - compat.LATER_COLUMNS:
            raise NotServed(f"its table {table} lacks {', '.join(sorted(columns - there))}")


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")}


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
