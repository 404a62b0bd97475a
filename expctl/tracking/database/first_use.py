"""The first use of a store: its tables are made by one process at a time, whatever kind of database it is.

MLflow makes them when it opens a store that lacks them, and two that do so at once break each other. Knows locks and
names of tables; MLflow's making of them it leaves to whoever opens the store.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from expctl import compat
from expctl.errors import StoreError, mask_secrets
from expctl.tracking import uris

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Engine

PATIENCE: Final = 120  # seconds: making the tables takes 1-10 s; this is for many that queue
_PAUSE: Final = 0.1  # seconds between two tries; a wait within the driver would hear no Ctrl-C

# One at a time holds it, and a server takes it back from one whose connection has ended. PostgreSQL's ends with the
# transaction: one of the session would stay with a connection that a pool of the server's own (pgbouncer) keeps.
# MySQL's are of the whole server, PostgreSQL's of the database.
_TAKEN: Final = {
    "postgresql": "SELECT pg_try_advisory_xact_lock(7310577365311121523)",  # any number that nobody else uses
    "mysql": "SELECT GET_LOCK(CONCAT('expctl first use ', MD5(DATABASE())), 0)",
}
# Whoever holds it is idle meanwhile: servers may be told to end connections that are.
_UNHURRIED: Final = {
    "postgresql": "SET LOCAL idle_in_transaction_session_timeout = 0",
    "mysql": "SET SESSION wait_timeout = 28800",
}


@contextmanager
def opening(uri: str, *, create: bool) -> Iterator[bool]:
    """Whether a store has its tables, to be opened within: as long as it has not, by one process at a time.

    To be used within `store_errors`. Raises StoreError for a store of an older schema, which MLflow would upgrade
    without asking, for an SQLite file of another program's, and if others do not come to an end.
    """
    in_file = uris.sqlite_path(uri) is not None
    if not in_file and not uri.startswith(tuple(_TAKEN)):
        yield True
        return
    names = compat.table_names()  # also imports what opening a store takes, 0.5 s, outside of any lock
    if in_file:
        if uris.is_made(uri, names):
            yield True
            return
        with uris.first_opening(uri, create=create):
            yield uris.is_made(uri, names)
        return
    with compat.engine(uri) as engine:
        made = _is_made(engine, uri, names)
        if not made:
            with engine.connect() as connection:  # which goes on holding it until the end of this block
                _take(connection, uri)
                yield _is_made(engine, uri, names)
    if made:
        yield True


def _is_made(engine: Engine, uri: str, names: Collection[str]) -> bool:
    """Whether the tables are there: the last step of their making is an experiment called Default."""
    import sqlalchemy

    # By a connection of its own, which ends: one that had looked at a table would keep MLflow from changing it.
    with engine.connect() as connection:
        found = sqlalchemy.inspect(connection).get_table_names()
        if "experiments" not in found:
            return False
        used = connection.execute(sqlalchemy.text("SELECT 1 FROM experiments")).first() is not None
    if used and not set(found).issuperset(names):
        raise uris.older_schema(uri)
    return used


def _take(connection: Connection, uri: str) -> None:
    import sqlalchemy

    kind = connection.dialect.name
    connection.execute(sqlalchemy.text(_UNHURRIED[kind]))
    ending = time.monotonic() + PATIENCE
    while not connection.execute(sqlalchemy.text(_TAKEN[kind])).scalar():
        if time.monotonic() > ending:
            raise StoreError(
                f"another process has been making the tables of {mask_secrets(uri)} for {PATIENCE} s",
                hint="end it, or try again",
            )
        time.sleep(_PAUSE)
