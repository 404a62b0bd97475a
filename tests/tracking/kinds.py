"""The kinds of store that the same tests run on: an SQLite file in the current folder, or a server on loopback over
SQLite or PostgreSQL, with its artifacts proxied. Each is started when the first test needs it.

What a test finds in its store is made once a session, through that very store, and put back before the next test.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.records import Tag
from tests.conftest import made_once
from tests.tracking.postgres import postgres, programs
from tests.tracking.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import sqlalchemy

    Make = Callable[[Path], None]

KINDS: Final = ("sqlite", "server", "postgres")
# What a test of every store runs on: what breaks on a server over SQLite breaks on the file or on the other server.
USUAL: Final = ("sqlite", "server" if programs() is None else "postgres")
_VARIABLE: Final = "MLFLOW_TRACKING_URI"


_RUNNING: Final[dict[str, Server]] = {}


def server_now() -> Server | None:
    """The server that this test runs on; None where it runs on an SQLite file."""
    return _RUNNING.get(os.environ.get(_VARIABLE, ""))


def local_folder(uri: str) -> Path:
    """Where an artifact folder of this test's store lies on this machine."""
    server = server_now()
    if server is None:
        return Path(uri.removeprefix("file://"))
    return server.artifacts / uri.removeprefix("mlflow-artifacts:/")


class Kinds:
    """The stores of a session. `migrated` is an SQLite store with MLflow's schema and nothing in it, `shared` a folder
    of all workers: what they find in SQLite files is made by one of them.
    """

    def __init__(self, migrated: Path, shared: Path, new_folder: Callable[[str], Path], stack: ExitStack) -> None:
        self._migrated = migrated
        self._shared = shared
        self._new_folder = new_folder
        self._stack = stack
        self._servers: dict[str, Server] = {}
        self._templates: dict[tuple[str, Make], Path] = {}
        self._contents: dict[tuple[str, Make], Contents] = {}

    def server(self, kind: str) -> Server:
        """The server of a kind of store, started if it is not running yet."""
        if kind not in self._servers:
            folder = self._new_folder(kind)
            if kind == "postgres":
                database = self._stack.enter_context(postgres())
                backend: str | Path = database
            else:
                backend = folder / "mlflow.db"
                shutil.copy(self._migrated, backend)
                database = f"sqlite:///{backend}"
            address = self._stack.enter_context(serving(backend, folder))
            self._servers[kind] = _RUNNING[address] = Server(address, database, folder / "artifacts")
        return self._servers[kind]

    def fill(self, kind: str, target: Path, make: Make) -> None:
        """Have a store of this kind hold what `make` made and nothing else, and the folder `target` its files.

        `make` is given an empty folder, which is the current one, and writes to the store of `settings_of` this folder.
        """
        if (kind, make) not in self._templates:
            self._make(kind, make)
        template = self._templates[kind, make]
        if kind == "sqlite":
            copy_store(template, target)
        else:
            shutil.copytree(template, target, dirs_exist_ok=True)
            self.server(kind).restore(self._contents[kind, make])

    def _make(self, kind: str, make: Make) -> None:
        if kind == "sqlite":
            folder = made_once(self._shared / f"{make.__module__}.{make.__name__}", partial(self._make_file, make))
        else:
            folder = self._new_folder(f"{kind}-{make.__name__}")
            server = self.server(kind)
            server.restore(server.empty)
            with _tracking(server.address), contextlib.chdir(folder):
                make(folder)
            self._contents[kind, make] = server.contents(self._new_folder(f"{kind}-{make.__name__}-artifacts"))
        self._templates[kind, make] = folder

    def _make_file(self, make: Make, folder: Path) -> None:
        shutil.copy(self._migrated, folder / "mlflow.db")
        with _tracking(None), contextlib.chdir(folder):
            make(folder)
        # The process that recorded it has ended, for all workers: else another one's sweeps would be at work.
        with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
            database.execute("UPDATE tags SET value = '1.00' WHERE key = ?", (Tag.STARTED,))


class Contents:
    """What a server's store held at one moment."""

    def __init__(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], artifacts: Path | None) -> None:
        self.rows = rows
        self.artifacts = artifacts


class Server:
    """A tracking server, with its database and the folder of its artifacts open to the tests."""

    def __init__(self, address: str, database: str, artifacts: Path) -> None:
        import sqlalchemy

        self.address = address
        self.artifacts = artifacts
        self._engine = sqlalchemy.create_engine(database, poolclass=sqlalchemy.NullPool)
        found = sqlalchemy.MetaData()
        found.reflect(self._engine)
        self._tables: list[sqlalchemy.Table] = [one for one in found.sorted_tables if one.name != "alembic_version"]
        self.empty = self.contents(None)

    def execute(self, sql: str) -> list[Any]:
        """The rows of a statement, past the server."""
        import sqlalchemy

        with self._engine.begin() as connection:
            done = connection.execute(sqlalchemy.text(sql))
            return list(done) if done.returns_rows else []

    def contents(self, artifacts: Path | None) -> Contents:
        """All that the store holds, its artifacts copied into the folder of this name."""
        with self._engine.connect() as connection:
            rows = {
                table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
                for table in self._tables
            }
        if artifacts is not None and self.artifacts.is_dir():
            shutil.copytree(self.artifacts, artifacts, dirs_exist_ok=True)
        return Contents(rows, artifacts)

    def restore(self, contents: Contents) -> None:
        """Have the store hold this and nothing else."""
        with self._engine.begin() as connection:
            for table in reversed(self._tables):
                connection.execute(table.delete())
            for table in self._tables:
                if contents.rows[table.name]:
                    connection.execute(table.insert(), contents.rows[table.name])
        shutil.rmtree(self.artifacts, ignore_errors=True)
        if contents.artifacts is not None:
            shutil.copytree(contents.artifacts, self.artifacts)


def copy_store(source: Path, target: Path) -> None:
    """Copy a folder with an SQLite store: it tells of its artifacts by absolute paths, which are changed."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    with closing(sqlite3.connect(target / "mlflow.db")) as database, database:
        for table, column in (
            ("runs", "artifact_uri"),
            ("experiments", "artifact_location"),
            ("logged_models", "artifact_location"),
        ):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(source), str(target)))


@contextlib.contextmanager
def _tracking(address: str | None) -> Iterator[None]:
    """The environment names this server, or none: MLflow writes there what it was last told, whoever told it."""
    before = os.environ.pop(_VARIABLE, None)
    if address is not None:
        os.environ[_VARIABLE] = address
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)
        if before is not None:
            os.environ[_VARIABLE] = before
