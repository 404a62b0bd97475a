"""The planner's statistics of an SQLite store, which MLflow never takes: without them its `order_by` on a metric is
quadratic, minutes at 10,000 runs. Called after writing; reading never changes a store. Knows tables, not MLflow.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from expctl.tracking.uris import sqlite_file

if TYPE_CHECKING:
    from pathlib import Path

# Rows looked at per index: the statistics of a large store take milliseconds, and are as good as these plans need.
_ANALYSIS_LIMIT: Final = 400
_GROWTH: Final = 2  # a table that has grown by this factor is looked at again
_PATIENCE: Final = 1  # seconds to wait for other writers: the next command does it otherwise


def keep(path: Path) -> bool:
    """Take statistics of a store that has none or has outgrown them; whether that was done.

    Left undone where the file is locked or cannot be written.
    """
    try:
        with closing(
            sqlite3.connect(sqlite_file(path, "rw"), uri=True, timeout=_PATIENCE, isolation_level=None)
        ) as database:
            if not are_stale(database):
                return False
            database.execute(f"PRAGMA analysis_limit = {_ANALYSIS_LIMIT}")
            database.execute("ANALYZE")
            return True
    except sqlite3.Error:  # locked, read-only, full: the command that wrote has done its work all the same
        return False


def are_stale(database: sqlite3.Connection) -> bool:
    """Whether a store lacks statistics of its metrics, or has many times the rows they were taken of."""
    (rows,) = database.execute("SELECT coalesce(max(rowid), 0) FROM latest_metrics").fetchone()
    known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone()
    if known is None:
        return bool(rows)
    found = database.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'latest_metrics' LIMIT 1").fetchone()
    return bool(rows) and (found is None or int(rows) > _GROWTH * int(str(found[0]).split()[0]))
