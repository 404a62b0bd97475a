"""An SQLite store of an older MLflow gets the tables of the installed one: in a copy, which then takes its place.

MLflow upgrades in place, by dozens of steps. Cut short there, by a kill or a full disk, most stores stay broken.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from expctl import compat
from expctl.errors import StoreError
from expctl.temporary import temporary_folder
from expctl.tracking.database.addresses import backed_up
from expctl.tracking.database.create import remove
from expctl.tracking.errors import reason, remedy, store_errors
from expctl.tracking.uris import PATIENCE, first_opening, sqlite_file, sqlite_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from expctl.settings import Settings


def upgrade(settings: Settings, path: Path) -> Path:
    """Upgrade a store's file, and give the backup that lies beside it. It is as it was, or whole, at any moment.

    Raises StoreError, also where another program has a file open that is in SQLite's mode WAL.
    """
    home = path.resolve()  # of a link the file it means
    beside = home.with_name(f".{home.name}.new")
    with first_opening(settings.tracking_uri, create=True):
        remove(beside)  # what is left of one that was killed
        try:
            with closing(
                sqlite3.connect(sqlite_file(home, "rw"), uri=True, timeout=PATIENCE, isolation_level=None)
            ) as database:
                # What lies in a file beside it would come to the upgraded one, which it does not fit.
                (mode,) = database.execute("PRAGMA journal_mode").fetchone()
                database.execute("PRAGMA journal_mode = DELETE")
                # From here on nobody else writes; who waits to, is refused by SQLite when the file is another.
                database.execute("BEGIN IMMEDIATE")
                backup = backed_up(home)
                upgraded_copy(settings, home, beside)
                with closing(sqlite3.connect(beside)) as copy:
                    copy.execute(f"PRAGMA journal_mode = {mode}")
                shutil.copymode(home, beside)
                with beside.open("rb") as file:
                    os.fsync(file.fileno())
                beside.replace(home)
                return backup
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            told = getattr(error, "strerror", None) or error
            raise StoreError(f"cannot upgrade {path}: {told}", hint=remedy(str(error))) from error
        finally:
            remove(beside)


@contextmanager
def passing_copy(settings: Settings, path: Path) -> Iterator[Settings]:
    """The settings of an upgraded copy of a store's file, which is there until the block ends. Raises StoreError."""
    with temporary_folder() as folder:
        copy = Path(folder, "mlflow.db")
        upgraded_copy(settings, path, copy)
        yield replace(settings, tracking_uri=sqlite_uri(copy))


def upgraded_copy(settings: Settings, path: Path, target: Path) -> None:
    """Make a copy of a store's file that has the tables of the installed MLflow. Raises StoreError."""
    import logging

    import alembic.util

    logging.getLogger(compat.DATABASE_LOGGER).setLevel("CRITICAL")  # it tells of the upgrade, too
    target.touch(mode=0o600)  # nobody else may read it meanwhile
    with (
        closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=PATIENCE)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
    try:
        with store_errors(settings):
            compat.upgrade_tables(sqlite_uri(target))
    except alembic.util.CommandError as error:
        raise StoreError(f"MLflow cannot upgrade {path}: {reason(error)}", hint="it is as it was") from error
