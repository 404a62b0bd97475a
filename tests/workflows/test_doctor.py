"""The checks of a store, each by itself, in every bad state; orphans told, and closed where that is asked."""

from __future__ import annotations

import gzip
import os
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from expctl.records import Tag
from expctl.tracking.database import planner_stats
from expctl.tracking.runs import lifecycle
from expctl.workflows import doctor
from expctl.workflows.doctor import examine
from expctl.workflows.doctor_check import Check
from tests.tracking.recorded import names, settings_of, statuses, store_of

STORES = Path(__file__).parents[1] / "tracking" / "stores"


def checked(folder, *, fix: bool = False) -> dict[str, Check]:
    """What every check found, by its name."""
    return {one.name: one for one in examine(settings_of(folder), fix=fix)}


def judged(checks: dict[str, Check], status: str) -> list[str]:
    """The checks with a status."""
    return [name for name, one in checks.items() if one.status == status]


@pytest.fixture
def gone() -> str:
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return str(process.pid)


@pytest.fixture
def left(folder, gone):
    """Makes a RUNNING run: by default of a process of this machine that is gone; a tag "" is left out."""
    store = store_of(folder)
    dead = {Tag.HOST: socket.gethostname(), Tag.PID: gone, Tag.STARTED: "1790000000.00"}

    def make(name: str, **tags: str) -> str:
        given = dead | {getattr(Tag, key): value for key, value in tags.items()}
        given = {key: value for key, value in given.items() if value}
        return store.client.create_run(store.ensure_experiment(), run_name=name, tags=given).info.run_id

    return make


def test_a_store_in_order_has_every_check_ok_and_is_left_as_it_is(runs):
    planner_stats.keep(runs / "mlflow.db")
    before = (runs / "mlflow.db").read_bytes()
    checks = checked(runs)
    assert judged(checks, "failed") == judged(checks, "warning") == []
    assert judged(checks, "ok") == [
        *("writable", "damage", "schema", "reachable", "addresses", "experiment", "artifact_root", "free_disk"),
        *("files_of_no_run", "runs_without_files", "planner_statistics", "running"),
    ]
    assert checks["kind"].found == f"the SQLite file {runs / 'mlflow.db'}"
    assert checks["free_disk"].found > 0
    assert (runs / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: b"",
        lambda whole: b"hello, I am no database",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole.replace(
            b"CREATE TABLE", b"CREATE \xff\xff\xffLE"
        ),  # SQLite's message has these bytes in it
    ],
    ids=["empty", "text", "truncated", "no text"],
)
def test_a_damaged_file_is_told_and_left_as_it_is(folder, damaged):
    content = damaged((folder / "mlflow.db").read_bytes())
    (folder / "mlflow.db").write_bytes(content)
    checks = checked(folder, fix=True)
    (first, *_) = judged(checks, "failed")
    assert "backup" in checks[first].next
    assert (folder / "mlflow.db").read_bytes() == content


def test_a_store_that_somebody_locks_is_told_so(folder, monkeypatch):
    monkeypatch.setattr(doctor, "_PATIENCE", 0.1)
    with closing(sqlite3.connect("mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        checks = checked(folder)
    assert judged(checks, "failed") == ["writable"]
    hint = "another process is writing to it; try again"
    assert checks["writable"] == Check("store", "writable", "no: database is locked", "failed", hint)


def test_a_place_for_files_that_cannot_be_written_to_is_a_failure(folder):
    (folder / "mlartifacts").write_text("a file where a folder should be")
    checks = checked(folder)
    assert judged(checks, "failed") == ["artifact_root"]
    assert checks["artifact_root"].next == "may you write there?"


def test_a_deleted_experiment_is_told_with_what_brings_it_back(folder):
    store = store_of(folder)
    store.client.delete_experiment(store.ensure_experiment())
    checks = checked(folder)
    assert judged(checks, "failed") == ["experiment"]
    assert "expctl experiments expctl --restore" in checks["experiment"].next


def test_little_room_on_the_disk_is_a_warning(folder, monkeypatch):
    monkeypatch.setattr(doctor, "_SCARCE", 1 << 60)
    assert judged(checked(folder), "warning") == ["free_disk"]


def test_missing_statistics_are_told_and_taken(runs):
    assert judged(checked(runs), "warning") == ["planner_statistics"]
    assert judged(checked(runs, fix=True), "fixed") == ["planner_statistics"]
    assert judged(checked(runs), "warning") == []


def test_orphans_are_told_with_process_host_and_start_and_closed_by_fix_only(folder, left, gone):
    lost, done = left("lost"), left("done", COMPLETE="true")
    checks = checked(folder)
    assert judged(checks, "warning") == ["running", done[:8], lost[:8]]
    where = f"process {gone} on {socket.gethostname()}, begun 2026-09-21 14:13:20 UTC"
    told = f"lost: {where}, is gone"
    assert checks[lost[:8]] == Check("runs", lost[:8], told, "warning", "expctl doctor --fix", lost)
    assert statuses(folder) == ["RUNNING", "RUNNING"]
    assert [one.run_id for one in checks.values() if one.run_id] == [done, lost]
    assert judged(checked(folder, fix=True), "fixed") == [done[:8], lost[:8]]
    store = store_of(folder)
    assert [store.get(one).status for one in (lost, done)] == ["killed", "finished"]
    assert store.get(lost).tags[Tag.REASON] == "its process exited without recording a status"
    assert checked(folder)["running"].found == "none"


def test_no_run_of_a_living_process_of_another_machine_or_of_nobody_is_touched(folder, left):
    left("alive", PID=str(os.getpid()), STARTED="")
    left("elsewhere", HOST="another")
    left("plain", HOST="", PID="", STARTED="")
    checks = [one for one in checked(folder, fix=True).values() if one.section == "runs"]
    assert checks == [Check("runs", "running", "1 at work on this machine, 2 of other machines or programs", "ok")]
    assert statuses(folder) == ["RUNNING"] * 3


def test_a_sweep_is_closed_with_its_trials_and_the_command_that_goes_on_with_it(folder, left):
    parent = left("sweep", SWEEP="{}")
    left("sweep-0", PARENT=parent, TRIAL="0")
    fixed = [one for one in checked(folder, fix=True).values() if one.section == "runs"]
    assert len(fixed) == 3
    assert [one.next for one in fixed if one.name == parent[:8]] == [f"expctl sweep --resume {parent[:8]}"]
    assert statuses(folder) == ["KILLED", "KILLED"]


def test_a_run_that_ended_while_we_looked_is_no_orphan(folder, left, monkeypatch):
    run_id = left("quick")
    store = store_of(folder)
    is_alive = lifecycle.is_alive

    def ends(run):
        store.client.set_terminated(run_id)
        return is_alive(run)

    monkeypatch.setattr(lifecycle, "is_alive", ends)
    checked(folder, fix=True)
    assert statuses(folder) == ["FINISHED"]


def test_a_store_of_an_older_mlflow_is_upgraded_if_that_is_asked_for(tmp_path):
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress((STORES / "mlflow-3.5.1.sql.gz").read_bytes()).decode())
    before = path.read_bytes()
    told = checked(tmp_path)["schema"]
    assert (told.status, told.next) == ("failed", "upgrade it, with a backup: expctl doctor --fix")
    assert told.found.startswith("older than that of MLflow ")
    assert path.read_bytes() == before
    checks = checked(tmp_path, fix=True)
    assert judged(checks, "failed") == []
    assert checks["schema"].status == "fixed"
    assert "and is upgraded (backup: " in checks["schema"].found
    assert len(store_of(tmp_path).find()) == 4
    assert checked(tmp_path, fix=True)["schema"].status == "ok"


def test_an_upgrade_that_fails_is_told_by_its_check(tmp_path, monkeypatch):
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress((STORES / "mlflow-3.5.1.sql.gz").read_bytes()).decode())

    def failing(uri: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("expctl.compat.upgrade_tables", failing)
    before = path.read_bytes()
    checks = checked(tmp_path, fix=True)
    assert judged(checks, "failed") == ["reachable"]
    assert (checks["reachable"].next, path.read_bytes()) == ("free some space", before)


def test_where_no_store_is_none_is_made(tmp_path):
    checks = checked(tmp_path, fix=True)
    assert checks["reachable"] == Check(
        "store", "reachable", "there is no store yet", "warning", "expctl train makes one"
    )
    assert "schema" not in checks
    assert names(tmp_path) == []


def test_a_server_that_is_not_there_is_one_failure_without_its_password(folder):
    settings = settings_of(folder).__class__(tracking_uri="http://me:SECRET@127.0.0.1:9")
    checks = list(examine(settings))
    assert [one.name for one in checks if one.status == "failed"] == ["reachable"]
    assert "SECRET" not in repr(checks)
