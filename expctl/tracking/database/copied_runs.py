"""Runs of a database server's store of an older MLflow, in an SQLite store that the installed one's client can read.

Row by row, by the columns that both have: the tables of runs have only ever been added to.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl import compat
from expctl.temporary import temporary_folder
from expctl.tracking.errors import store_errors
from expctl.tracking.uris import sqlite_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from expctl.settings import Settings

_CHUNK: Final = 500

# Each after those that it refers to. Of one that names no run all rows are copied.
_TABLES: Final = (
    "experiments", "runs", "params", "tags", "metrics", "latest_metrics", "datasets", "inputs", "input_tags",
    "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics",
)  # fmt: skip


@contextmanager
def copied_runs(settings: Settings, run_ids: Sequence[str]) -> Iterator[Settings]:
    """The settings of a store that has these runs, and is there until the block ends. Raises StoreError."""
    with temporary_folder() as folder:
        uri = sqlite_uri(Path(folder, "mlflow.db"))
        compat.make_tables(uri)
        with store_errors(settings), compat.engine(settings.tracking_uri) as source, compat.engine(uri) as target:
            _copy(source, target, run_ids)
        yield replace(settings, tracking_uri=uri)


def _copy(source: Engine, target: Engine, run_ids: Sequence[str]) -> None:
    import sqlalchemy

    chunks = [run_ids[start : start + _CHUNK] for start in range(0, len(run_ids), _CHUNK)]
    theirs, ours = sqlalchemy.MetaData(), sqlalchemy.MetaData()
    for engine, found in ((source, theirs), (target, ours)):
        found.reflect(engine, only=lambda name, _: name in _TABLES, resolve_fks=False)
    with source.connect() as reading, target.begin() as writing:
        for name in _TABLES:
            if name not in theirs.tables:
                continue
            both = [column for column in theirs.tables[name].c if column.name in ours.tables[name].c]
            run = next((column for column in both if column.name in ("run_uuid", "run_id")), None)
            statement = sqlalchemy.select(*both)
            for chosen in [statement] if run is None else [statement.where(run.in_(chunk)) for chunk in chunks]:
                rows = [dict(row) for row in reading.execute(chosen).mappings()]
                if rows:
                    writing.execute(ours.tables[name].insert(), rows)
