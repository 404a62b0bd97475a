"""Whether the tables of an SQL store are those of the installed MLflow, and what to do if not. Changes nothing.

MLflow makes or migrates what it opens, so it is not asked: Alembic, by which it does so, knows.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from expctl import compat
from expctl.errors import mask_secrets
from expctl.tracking import uris
from expctl.tracking.errors import store_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from expctl.settings import Settings


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a store's tables suit the installed MLflow, in words, and the remedy where there is something to do.

    Of a store without tables, which the first run makes, that cannot be said (None). MLflow can upgrade an `older` one.
    """

    works: bool | None
    found: str
    remedy: str | None = None
    older: bool = False


def examine(settings: Settings) -> Fit | None:
    """Look at the tables of a store; None for one that has none to look at: a server, files. Raises StoreError."""
    uri = settings.tracking_uri
    path = uris.sqlite_path(uri)
    if path is None and not uri.startswith(("postgresql", "mysql", "mssql")):
        return None
    import sqlalchemy

    address = uri if path is None else f"sqlite:///{uris.sqlite_file(path, 'ro')}&uri=true"
    with store_errors(settings), uris.first_opening(uri, create=False):
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
        with closing(engine.connect()) as connection:
            return _fit(connection, mask_secrets(uri), path)


def _fit(connection: Connection, uri: str, path: Path | None) -> Fit:
    import sqlalchemy
    from alembic.migration import MigrationContext

    tables = set(sqlalchemy.inspect(connection).get_table_names())

    def has_rows(table: str) -> bool:
        return table in tables and connection.execute(sqlalchemy.text(f"SELECT 1 FROM {table}")).first() is not None

    if not tables:
        return Fit(None, "it has no tables yet", "expctl train makes them")
    if tables.isdisjoint(("experiments", "alembic_version")):
        return Fit(False, "it is another program's database", "name another store: --tracking-uri URI")
    leftovers = sorted(table for table in tables if table.startswith(compat.MIGRATED_TABLE))
    if not has_rows("experiments") and not has_rows("runs"):  # the last step of the making is an experiment
        found = "its making was cut short, and there is nothing in it"
        return Fit(False, found, "drop its tables" if path is None else _away(path))
    if leftovers:
        found = f"an upgrade of it was cut short: {', '.join(leftovers)}"
        return Fit(False, found, f"restore it from a backup, or back it up, then mlflow db upgrade {quote(uri)}")
    here = MigrationContext.configure(connection).get_current_heads()
    heads, known = _of_mlflow()
    installed = f"MLflow {version('mlflow')}"
    if set(here) == heads:
        return Fit(True, f"that of {installed} ({', '.join(here)})")
    revision = ", ".join(here)
    if not here:
        return Fit(False, f"of no known MLflow, where {installed} is installed", "restore it from a backup")
    if known.issuperset(here):
        return Fit(False, f"older than that of {installed} ({revision})", uris.upgrading(uri), older=True)
    return Fit(False, f"newer than that of {installed} ({revision})", "pip install --upgrade mlflow")


def _away(path: Path) -> str:
    return f"mv {path} {path}.broken; the next expctl train makes a new one"


def _of_mlflow() -> tuple[set[str], set[str]]:
    """The newest revision of the installed MLflow's tables, and all that it can upgrade."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(compat.migrations()))
    return set(script.get_heads()), {one.revision for one in script.walk_revisions()}
