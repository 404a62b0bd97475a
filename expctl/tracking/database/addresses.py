"""The addresses of files that an SQLite store has recorded, set right after its folder was moved or copied.

Knows MLflow's tables. What an MLmodel file or a data set says of where it was is a record of then, and stays.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl import compat
from expctl.errors import StoreError
from expctl.tracking.errors import remedy
from expctl.tracking.places import Places, is_there, respelled
from expctl.tracking.uris import PATIENCE, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL: Final = "({0} LIKE '/%' OR {0} LIKE 'file:/%')"


@dataclass(frozen=True, slots=True)
class Change:
    """An address that is no longer right: in which row of a table, and what it should be."""

    table: str
    column: str
    row: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Addresses that were set right, and the backup of the database as it was."""

    changes: list[Change]
    backup: Path

    def __str__(self) -> str:
        first = self.changes[0]
        return (
            f"the store was moved or copied: {len(self.changes):,} addresses of files are set right, as"
            f" {first.before} to {first.after} (backup: {self.backup})"
        )


def outdated(path: Path) -> list[Change]:
    """The addresses of a store that are not where the files are. Changes nothing. Raises StoreError."""
    try:
        with closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=PATIENCE)) as database:
            return list(_changes(database, Places(path)))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read the addresses in {path.name}: {error}", hint=remedy(str(error))) from error


def rewrite(path: Path) -> Rewritten | None:
    """Set all addresses right or, whatever happens, none; first the database is backed up beside itself.

    None where there was nothing to do. Raises StoreError.
    """
    try:
        with closing(
            sqlite3.connect(sqlite_file(path, "rw"), uri=True, timeout=PATIENCE, isolation_level=None)
        ) as database:
            database.execute("BEGIN IMMEDIATE")  # from here on nobody else writes: the backup is what is changed
            changes = list(_changes(database, Places(path)))
            if not changes:
                database.execute("ROLLBACK")
                return None
            backup = backed_up(path)
            for one in changes:
                database.execute(f"UPDATE {one.table} SET {one.column} = ? WHERE rowid = ?", (one.after, one.row))
            database.execute("COMMIT")
            return Rewritten(changes, backup)
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        told = getattr(error, "strerror", None) or error
        hint = remedy(str(error)) or "is the folder writable?"
        raise StoreError(f"cannot set the addresses in {path.name} right: {told}", hint=hint) from error


def backup_name(path: Path) -> str:
    """What the names of the backups of a database begin with."""
    return f"{path.name}.backup-"


def backed_up(path: Path) -> Path:
    """Copy a database beside itself: whole, on the disk, and under a name of its own, or not at all.

    Called by the one that holds the lock for writing: what another has left unfinished was cut short, and goes.
    """
    home = path.resolve()
    for left in list(home.parent.iterdir()):
        if left.name.startswith(f".{backup_name(home)}"):
            left.unlink()
    place = dated(home.with_name(backup_name(home)))
    unfinished = place.with_name(f".{place.name}.new")
    try:
        unfinished.touch(mode=0o600)  # until it has what the database has: nobody else may read it meanwhile
        with (
            closing(sqlite3.connect(sqlite_file(home, "ro"), uri=True, timeout=PATIENCE)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
        shutil.copymode(home, unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(place)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return place


def dated(stem: Path) -> Path:
    """A path that is not there: this one with the date and time at its end."""
    moment = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    number, place = 1, stem.with_name(stem.name + moment)
    while os.path.lexists(place):
        number += 1
        place = stem.with_name(f"{stem.name}{moment}-{number}")
    return place


def _changes(database: sqlite3.Connection, places: Places) -> Iterator[Change]:
    """Rows whose files lie beside the database; then experiments, and rows without files, of the same former folder."""
    homes: dict[Path, None] = {}  # former ones, in the order in which they were found
    left: list[tuple[str, str, int, str, Path]] = []
    for table, column, row, address in _recorded(database):
        folder = places.folder(address)
        if folder is None:
            continue
        now = places.folder(places.now(address))
        former = places.former_home(folder)
        if former is not None:
            homes[former] = None
        if now is None or now == folder:
            left.append((table, column, row, address, folder))
            continue
        assert places.home is not None
        homes[Path(*folder.parts[: -len(now.relative_to(places.home).parts)])] = None
        yield Change(table, column, row, address, respelled(address, now))
    for table, column, row, address, folder in left:
        if places.is_near(folder) or (table != "experiments" and is_there(folder)):
            continue
        now = _moved_along(places, folder, homes)
        if now is None and table == "experiments" and _is_unused(database, row, folder):
            now = _moved_along(places, folder, {folder.parent.parent: None})
        if now is not None:
            yield Change(table, column, row, address, respelled(address, now))


def _moved_along(places: Places, folder: Path, homes: dict[Path, None]) -> Path | None:
    """Where a folder is that was in the same former folder as others that were found."""
    former = places.former_home(folder)
    around = [home for home in homes if len(home.parts) > 1 and folder.is_relative_to(home)]
    home = former or max(around, key=lambda one: len(one.parts), default=None)
    return None if home is None or places.home is None else places.home / folder.relative_to(home)


def _is_unused(database: sqlite3.Connection, row: int, folder: Path) -> bool:
    """Whether an experiment without runs has MLflow's own kind of folder, in a project that is not there any more.

    Of one with runs nothing is guessed: their disk may be missing for now.
    """
    (number, count), *_ = database.execute(
        "SELECT experiment_id, (SELECT count(*) FROM runs r WHERE r.experiment_id = e.experiment_id)"
        " FROM experiments e WHERE rowid = ?",
        (row,),
    )
    return not count and folder.parts[-2:] == ("mlruns", str(number)) and not is_there(folder.parent.parent)


def _recorded(database: sqlite3.Connection) -> Iterator[tuple[str, str, int, str]]:
    """Every address of files on this machine: table, column, number of the row, address."""
    for table, column, chosen in compat.ADDRESSES:
        if column in {name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")}:
            where = f"{_LOCAL.format(column)} AND {chosen}"
            rows = database.execute(f"SELECT rowid, {column} FROM {table} WHERE {where}")
            yield from [(table, column, row, address) for row, address in rows]
