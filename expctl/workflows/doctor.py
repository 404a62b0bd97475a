"""What keeps a store from being worked with: each check by itself, so that one that fails hides no other.

Looks, and changes nothing, above all makes or migrates no store; `examine(..., fix=True)` ends runs whose process is
gone, upgrades an SQLite store of an older MLflow, sets addresses right, moves files of no run aside and takes planner
statistics. Temporary folders of killed commands go in any case. Knows nothing of how a check is shown.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from expctl.errors import ExpctlError, mask_secrets
from expctl.filters.expression import attribute
from expctl.records import Tag
from expctl.temporary import remove_left_ones
from expctl.tracking import uris
from expctl.tracking.database import planner_stats, schema
from expctl.tracking.database.upgrade import upgrade
from expctl.tracking.errors import reason, remedy, store_errors
from expctl.tracking.lacks import Lack, found_by_asking
from expctl.tracking.places import is_there
from expctl.tracking.readers.protocol import Projection
from expctl.tracking.runs import lifecycle
from expctl.tracking.runs.writer import close_orphan
from expctl.tracking.store import open_store
from expctl.tracking.uris import local_folder
from expctl.wording import plural
from expctl.workflows import doctor_files
from expctl.workflows.doctor_check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from expctl.records import RunRecord
    from expctl.settings import Settings
    from expctl.tracking.store import Store
    from expctl.workflows.doctor_check import Status

_SCARCE: Final = 1_000_000_000  # bytes: a sweep of some hundred models
_PATIENCE: Final = 5  # seconds to wait for a writer's lock
_STEPS: Final = 100_000_000  # of SQLite's machine, some 10 s of looking for damage
_OF_PROCESSES: Final = Projection(frozenset(), frozenset(), frozenset({Tag.HOST, Tag.PID, Tag.STARTED, Tag.SWEEP}))


def examine(settings: Settings, *, fix: bool = False, verbose: bool = False) -> Iterator[Check]:
    """Every check of the store and of the runs in it, as far as one can get."""
    path = None
    try:
        yield Check("store", "kind", _kind(settings.tracking_uri))
        path = uris.sqlite_path(settings.tracking_uri)
        there = uris.check(settings.tracking_uri, create=True) and (path is None or path.exists())
    except ExpctlError as error:
        yield _failed("reachable", error)
        yield from _disk(path)
        yield from _temporary()
        return
    if not there:
        yield Check("store", "reachable", "there is no store yet", "warning", "expctl train makes one")
        yield from _places(settings, None, path)
        yield from _temporary()
        return
    if path is not None:
        yield _writable(path)  # first: it undoes what a writer that was killed left half-done
        yield _sound(path)
    store = None
    try:
        fit = _schema(settings, path, fix=fix)
        if fit is not None:
            yield fit
        if fit is None or fit.status in ("ok", "fixed"):
            store, count = _opened_store(settings, verbose=verbose)
            yield Check("store", "reachable", f"yes, it has {plural(count, 'experiment')}", "ok")
            yield Check("store", "read", store.aside or "directly, without MLflow")
            yield from _server(store)
    except ExpctlError as error:
        yield _failed("reachable", error)
    right: Mapping[str, str] = {}
    if store is not None and path is not None:
        check, right = doctor_files.moved(path, fix=fix)
        yield check
    yield from _places(settings, store, path, right)
    yield from _temporary()
    if store is not None:
        if path is not None:
            yield from doctor_files.files(path, fix=fix)
            yield _statistics(path, fix=fix)
        yield from _runs(store, fix=fix)


def _schema(settings: Settings, path: Path | None, *, fix: bool) -> Check | None:
    """Whether the tables suit the installed MLflow, and those of an older one upgraded. None: there are none to see."""
    fit = schema.examine(settings)
    if fit is None:
        return None
    if fix and fit.older and path is not None:
        backup = upgrade(settings, path)
        return Check("store", "schema", f"it was {fit.found}, and is upgraded (backup: {backup})", "fixed")
    status: Status = "warning" if fit.works is None else "ok" if fit.works else "failed"
    return Check("store", "schema", fit.found, status, fit.remedy)


def _opened_store(settings: Settings, *, verbose: bool) -> tuple[Store, int]:
    """The store, and how many experiments it has: that it answers. Raises StoreError."""
    store = open_store(settings, verbose=verbose)
    return store, len(store.reader.experiments())


def _server(store: Store) -> Iterator[Check]:
    """What a tracking server has of what not every MLflow has."""
    if not uris.is_server(store.settings.tracking_uri):
        return
    with store_errors(store.settings):
        lacking = found_by_asking(store.client)
    for lack in Lack:
        yield Check("store", lack.name.lower(), f"no: {lack}" if lack in lacking else "yes", "ok")


def _failed(name: str, error: ExpctlError) -> Check:
    return Check("store", name, mask_secrets(error.message), "failed", error.hint and mask_secrets(error.hint))


def _kind(uri: str) -> str:
    path = uris.sqlite_path(uri)
    if path is not None:
        return f"the SQLite file {path.absolute()}"
    scheme = uri.partition("://")[0]
    if scheme in ("http", "https"):
        return f"the tracking server {mask_secrets(uri)}"
    if scheme.startswith(("postgresql", "mysql", "mssql")):
        return f"the database {mask_secrets(uri)}"
    return f"{mask_secrets(uri)}, left to MLflow"


def _sound(path: Path) -> Check:
    """SQLite's own look for damage, as far as it gets in some seconds."""
    try:
        with closing(_opened(path, "ro")) as database:
            database.set_progress_handler(lambda: 1, _STEPS)
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if "interrupt" in str(error):
            return Check("store", "damage", "none in as much as could be read in some seconds", "ok")
        said = reason(error)
    except UnicodeDecodeError:  # SQLite's message, with the damage in it
        said = "its tables cannot be read"
    if said == "ok":
        return Check("store", "damage", "none", "ok")
    return Check("store", "damage", str(said), "failed", remedy(str(said)) or remedy("malformed"))


def _writable(path: Path) -> Check:
    """Whether one may write: the file, and beside it, where SQLite keeps its journal."""
    try:
        with closing(_opened(path, "rw")) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        _write_in(path.absolute().parent)
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        text = getattr(error, "strerror", None) or reason(error)
        return Check("store", "writable", f"no: {text}", "failed", remedy(str(error)) or "may you write there?")
    return Check("store", "writable", "yes", "ok")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    uri = uris.sqlite_file(path, mode)
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


def _write_in(folder: Path) -> None:
    """Write a file that has no name, and is gone at once. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
        file.flush()


def _places(
    settings: Settings, store: Store | None, path: Path | None, right: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Check]:
    """The experiment, where its runs keep their files, and how much room there is. `right` has addresses to be."""
    folder = None if path is None else uris.artifact_folder(path)
    location = None
    if store is not None:
        try:
            found = store.experiment_id()
            name = settings.experiment
            yield Check("store", "experiment", name if found else f"{name}, to be made by the first run", "ok")
            if found:
                with store_errors(settings):
                    recorded = store.client.get_experiment(found).artifact_location
                location = right.get(recorded, recorded)
        except ExpctlError as error:
            yield _failed("experiment", error)
    if location is not None:
        folder = local_folder(location)
    if folder is not None:
        yield _artifact_root(folder)
    elif location is not None:
        yield Check("store", "artifact_root", f"{mask_secrets(location)}, not on this machine")
    yield from _disk(folder or path)


def _artifact_root(folder: Path) -> Check:
    standing = next(place for place in (folder, *folder.parents) if is_there(place))
    try:
        _write_in(standing)
    except OSError as error:
        hint = remedy(str(error)) or "may you write there?"
        return Check("store", "artifact_root", f"{standing}: {error.strerror}", "failed", hint)
    return Check("store", "artifact_root", str(folder), "ok")


def _disk(place: Path | None) -> Iterator[Check]:
    if place is None:
        return
    standing = next((one for one in (place.absolute(), *place.absolute().parents) if is_there(one)), None)
    if standing is not None:
        free = shutil.disk_usage(standing).free
        scarce = free < _SCARCE
        yield Check("store", "free_disk", free, "warning" if scarce else "ok", "free some space" if scarce else None)


def _temporary() -> Iterator[Check]:
    """Temporary folders of processes that were killed, removed, as every command does without a word."""
    try:
        removed = remove_left_ones()
    except OSError as error:
        yield Check("store", "temporary_files", f"{error.filename}: {error.strerror}", "warning", "set TMPDIR")
        return
    if removed:
        told = f"{plural(len(removed), 'folder')} of killed commands removed"
        yield Check("store", "temporary_files", told, "fixed")


def _statistics(path: Path, *, fix: bool) -> Check:
    name = "planner_statistics"
    try:
        fixed = fix and planner_stats.keep(path)
        with closing(_opened(path, "ro")) as database:
            stale = planner_stats.are_stale(database)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return Check("store", name, reason(error), "warning", remedy(str(error)))
    if stale:
        return Check("store", name, "missing or outgrown: MLflow's pages are slow", "warning", "expctl doctor --fix")
    return Check("store", name, "taken now" if fixed else "up to date", "fixed" if fixed else "ok")


def _runs(store: Store, *, fix: bool) -> Iterator[Check]:
    """The runs that are RUNNING: one line for all of them, and one for each whose process is gone."""
    try:
        running = store.find(also=attribute("status", "=", "RUNNING"), columns=_OF_PROCESSES, everywhere=True)
        orphans = lifecycle.orphans(store, running)
    except ExpctlError as error:
        yield Check("runs", "running", mask_secrets(error.message), "failed", error.hint)
        return
    lost = {run.run_id for run in orphans}
    alive = [lifecycle.is_alive(run) for run in running if run.run_id not in lost]
    counts = {
        "at work on this machine": alive.count(True),
        "of other machines or programs": alive.count(None),
        "whose process is gone": len(lost),
    }
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    yield Check("runs", "running", told or "none", "ok" if not lost else "warning")
    for run in orphans:
        yield _orphan(store, run, fix=fix)


def _orphan(store: Store, run: RunRecord, *, fix: bool) -> Check:
    name = run.run_id[:8]
    found = f"{run.label}: {lifecycle.recorder_of(run)}, is gone"
    going_on = f"expctl sweep --resume {name}" if Tag.SWEEP in run.tags else None
    if not fix:
        return Check("runs", name, found, "warning", "expctl doctor --fix", run.run_id)
    try:
        close_orphan(store, run)
        return Check("runs", name, f"{found}; closed as {store.get(run.run_id).status}", "fixed", going_on)
    except ExpctlError as error:
        return Check("runs", name, f"{found}; {mask_secrets(error.message)}", "warning", error.hint, run.run_id)
