"""Files beside an SQLite store that belong to none of its runs, and runs of it whose files are gone.

Looks in the folders that expctl makes for experiments, whose names are random: the folders of MLflow's own `mlruns/1`
may as well be those of a database elsewhere. Knows MLflow's tables, and moves what is told to move; deletes nothing.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import StoreError
from expctl.records import Tag
from expctl.tracking.database.addresses import backup_name, dated
from expctl.tracking.places import OURS, Places, is_folder
from expctl.tracking.uris import ARTIFACT_FOLDER, PATIENCE, SQLITE_MAGIC, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RUN: Final = re.compile(r"[0-9a-f]{32}")
_MODEL: Final = re.compile(r"m-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Unowned:
    """A folder of files that belongs to no run, and their size in bytes."""

    folder: Path
    size: int


@dataclass(frozen=True, slots=True)
class Bare:
    """A finished run whose files, or those of its model, are not there; `elsewhere`: only beside another database."""

    run_id: str
    name: str
    folder: Path
    elsewhere: bool


def unowned(path: Path) -> list[Unowned]:
    """The folders beside a database that belong to no run, model or experiment of it, nor of others that lie there.

    Raises StoreError for a database among them that cannot be read: what is its own is not known.
    """
    home = path.resolve().parent
    root = home / ARTIFACT_FOLDER
    if root.is_symlink() or not is_folder(root):
        return []
    known: set[str] = set()
    try:
        found = list(_folders(root))  # before the databases: each is made after its row
        databases = list(_databases(home, path.resolve()))
    except OSError as error:
        raise _unreadable(error) from error
    for database in databases:
        known |= _known(database)
    owned = {folder for folder in found if folder.name in known}
    above = {parent for folder in owned for parent in folder.parents}
    strange = set(found) - owned - above
    whole = [folder for folder in strange if strange.isdisjoint(folder.parents)]  # an experiment with all that is in it
    try:
        sized = [Unowned(folder, size) for folder in whole if (size := _size(folder)) is not None]
    except OSError as error:
        raise _unreadable(error) from error
    return sorted(sized, key=lambda one: one.folder)


def _folders(root: Path) -> Iterator[Path]:
    """The folders of experiments, runs and models, by the form of their names; no links."""
    for experiment in _below(root, OURS):
        names = {one.name for one in experiment.iterdir()}
        if all(_RUN.fullmatch(name) or name in ("models", "traces") for name in names):
            yield experiment
        yield from _below(experiment, _RUN)
        if "models" in names and not (experiment / "models").is_symlink():
            yield from _below(experiment / "models", _MODEL)


def _below(folder: Path, form: re.Pattern[str]) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from [Path(one.path) for one in entries if form.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]


def _size(folder: Path) -> int | None:
    """The bytes of a folder's files; None if it has none, as what a run that was purged leaves."""
    sizes = [os.lstat(Path(place, name)).st_size for place, _, files in os.walk(folder) for name in files]
    return sum(sizes) if sizes else None


def _databases(home: Path, path: Path) -> Iterator[Path]:
    """The database and all others in its folder, but for our backups: what only they know has been deleted since."""
    yield path
    for one in sorted(home.iterdir()):
        if one != path and one.is_file() and not one.name.removeprefix(".").startswith(backup_name(path)):
            with one.open("rb") as file:
                head = file.read(len(SQLITE_MAGIC))
            if head == SQLITE_MAGIC:
                yield one


def _unreadable(error: OSError) -> StoreError:
    return StoreError(f"cannot read {error.filename}: {error.strerror}", hint="check its permissions")


def _known(path: Path) -> set[str]:
    """The ids of runs and models of a database, and the names of the folders of its experiments."""
    sources = (("runs", "run_uuid"), ("logged_models", "model_id"), ("experiments", "artifact_location"))
    known: set[str] = set()
    try:
        with closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=PATIENCE)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table, column in sources:
                if table in tables:
                    rows = database.execute(f"SELECT {column} FROM {table}")
                    known |= {str(value).rstrip("/").rpartition("/")[2] for (value,) in rows}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read {path}: {error}", hint="move it elsewhere if it is none of MLflow's") from error
    return known


def move_aside(path: Path, found: Iterable[Unowned]) -> Path:
    """Move folders into a new one beside the database, with the paths that they had. Raises StoreError.

    They are renamed, so that each is whole at one place or the other, whatever cuts this short.
    """
    home = path.resolve().parent
    aside = dated(home / f"{ARTIFACT_FOLDER}-unused-")
    try:
        for one in found:
            place = aside / one.folder.relative_to(home / ARTIFACT_FOLDER)
            place.parent.mkdir(parents=True, exist_ok=True)
            one.folder.rename(place)
    except OSError as error:
        raise StoreError(f"cannot move {error.filename}: {error.strerror}", hint="may you write there?") from error
    return aside


def bare(path: Path) -> list[Bare]:
    """The finished runs of ours whose files on this machine, or those of their models, are gone. Raises StoreError."""
    tagged = "EXISTS (SELECT 1 FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = '{}')"
    complete, stored = f"r.status = 'FINISHED' AND {tagged.format(Tag.COMPLETE)}", tagged.format(Tag.MODEL_DIGEST)
    sql = f"""
        SELECT r.run_uuid, r.name, r.artifact_uri FROM runs r WHERE {complete}
        UNION ALL
        SELECT r.run_uuid, r.name, m.artifact_location FROM logged_models m JOIN runs r ON r.run_uuid = m.source_run_id
        WHERE m.lifecycle_stage = 'active' AND {complete} AND {stored}
    """
    places = Places(path)
    found: dict[str, Bare] = {}
    try:
        with closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=PATIENCE)) as database:
            for run_id, name, address in database.execute(sql):
                folder = places.folder(places.now(address))
                elsewhere = places.of_another(address)
                if folder is not None and (elsewhere or not is_folder(folder)):
                    found.setdefault(run_id, Bare(run_id, name or run_id[:8], folder, elsewhere))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read {path}: {error}") from error
    return list(found.values())
