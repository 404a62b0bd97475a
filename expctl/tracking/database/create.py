"""The file of a new SQLite store: made beside its place and put there whole. Knows MLflow's schema, not what is in it.

MLflow makes a store in its place by dozens of migrations. Cut short there, by a kill or a full disk, most stay broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl import compat
from expctl.tracking.uris import sqlite_uri

if TYPE_CHECKING:
    from pathlib import Path


def create_file(path: Path) -> None:
    """Make an SQLite file with MLflow's schema. For one process at a time (`uris.first_opening`)."""
    place = path.resolve()  # of a link the file it means
    beside = place.with_name(f".{place.name}.new")
    remove(beside)  # what is left of one that was killed
    try:
        compat.make_tables(sqlite_uri(beside))
        if not place.exists():  # made meanwhile by a program that knows nothing of our lock
            beside.replace(place)
    finally:
        remove(beside)


def remove(path: Path) -> None:
    """Remove an SQLite file with what SQLite keeps beside it."""
    for ending in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
