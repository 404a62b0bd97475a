"""`expctl doctor`: each check by itself, on real stores in every bad state; orphans told, and closed by --fix only."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
from contextlib import closing

import pytest

from expctl.records import Tag
from expctl.tracking.database import planner_stats
from expctl.tracking.runs import lifecycle
from expctl.workflows import doctor
from tests.tracking.recorded import names, statuses, store_of


def checked(cli, *words: str, code: int = 0) -> dict:
    done = cli("doctor", "--format", "json", *words)
    assert done.exit_code == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def judged(document: dict, status: str) -> list[str]:
    """The checks of the store and of runs with a status."""
    parts = {**document["store"], **document.get("runs", {})}
    return [name for name, one in parts.items() if one.get("status") == status]


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


def test_a_store_in_order_has_every_check_ok_and_is_left_as_it_is(cli, runs):
    planner_stats.keep(runs / "mlflow.db")
    before = (runs / "mlflow.db").read_bytes()
    document = checked(cli)
    assert judged(document, "failed") == judged(document, "warning") == []
    assert judged(document, "ok") == [
        *("writable", "damage", "schema", "reachable", "experiment", "artifact_root", "free_disk"),
        *("planner_statistics", "running"),
    ]
    assert document["store"]["kind"]["found"] == f"the SQLite file {runs / 'mlflow.db'}"
    assert document["store"]["free_disk"]["found"] > 0
    assert {"expctl", "mlflow", "python", "sqlite"} <= set(document["versions"])
    assert (runs / "mlflow.db").read_bytes() == before


def test_where_no_store_is_none_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = checked(cli)
    assert document["store"]["reachable"] == {
        "found": "there is no store yet", "status": "warning", "next": "expctl train makes one"
    }  # fmt: skip
    again = checked(cli, "--fix")
    for store in (document["store"], again["store"]):
        assert store.pop("free_disk")["found"] > 0  # other programs write to the same disk between the two
    assert again["store"] == document["store"]
    assert names(tmp_path) == []


def test_each_setting_says_where_it_comes_from_and_no_secret(cli, folder, monkeypatch):
    (folder / ".env").write_text("EXPCTL_DEVELOPER=Ann\nMLFLOW_TRACKING_PASSWORD=SECRET\nEXPCTL_DATA=here.csv\n")
    for name in ("EXPCTL_DEVELOPER", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")  # so that it is gone again after the test
        monkeypatch.delenv(name)
    monkeypatch.delenv("EXPCTL_TEST_DATA", raising=False)
    monkeypatch.setenv("EXPCTL_DATA", "https://me:SECRET@host/there.csv")
    document = checked(cli, "-e", "other")
    assert {name: (one["found"], one["from"]) for name, one in document["settings"].items()} == {
        "MLFLOW_TRACKING_URI": ("sqlite:///mlflow.db", "default"),
        "MLFLOW_EXPERIMENT_NAME": ("other", "flag"),
        "EXPCTL_DATA": ("https://***@host/there.csv", "environment"),
        "EXPCTL_DEVELOPER": ("Ann", ".env"),
        "EXPCTL_CSV_FORMULAS": ("escape", "default"),
        "MLFLOW_TRACKING_PASSWORD": ("***", ".env"),
        "MLFLOW_DISABLE_TELEMETRY": ("true", "environment"),
    }
    assert document["store"]["experiment"]["found"] == "other, to be made by the first run"


def test_a_server_that_is_not_there_is_a_row_without_its_password(cli, folder):
    done = cli("doctor", "--tracking-uri", "http://me:SECRET@127.0.0.1:9")
    assert done.exit_code == 4
    assert "nobody answers at http://***@127.0.0.1:9" in done.stdout
    assert "is the server running?" in done.stdout
    assert done.stderr == "expctl: this keeps expctl from working: reachable\n"
    assert "SECRET" not in done.stdout + done.stderr


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
def test_a_damaged_file_is_told_and_left_as_it_is(cli, folder, damaged):
    content = damaged((folder / "mlflow.db").read_bytes())
    (folder / "mlflow.db").write_bytes(content)
    assert (cli("list").exit_code, cli("list").stderr.count("\n")) == (4, 1)
    document = checked(cli, "--fix", code=4)
    (first, *_) = judged(document, "failed")
    assert "backup" in document["store"][first]["next"]
    assert (folder / "mlflow.db").read_bytes() == content


def test_a_store_that_somebody_locks_is_told_so(cli, folder, monkeypatch):
    monkeypatch.setattr(doctor, "_PATIENCE", 0.1)
    with closing(sqlite3.connect("mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        document = checked(cli, code=4)
    assert judged(document, "failed") == ["writable"]
    assert document["store"]["writable"] == {
        "found": "no: database is locked", "status": "failed", "next": "another process is writing to it; try again"
    }  # fmt: skip


def test_a_place_for_files_that_cannot_be_written_to_is_a_failure(cli, folder):
    (folder / "mlartifacts").write_text("a file where a folder should be")
    document = checked(cli, code=4)
    assert judged(document, "failed") == ["artifact_root"]
    assert document["store"]["artifact_root"]["next"] == "may you write there?"


def test_a_deleted_experiment_is_told_with_what_brings_it_back(cli, folder):
    store = store_of(folder)
    store.client.delete_experiment(store.ensure_experiment())
    document = checked(cli, code=4)
    assert judged(document, "failed") == ["experiment"]
    assert "mlflow experiments restore -x" in document["store"]["experiment"]["next"]


def test_little_room_on_the_disk_is_a_warning(cli, folder, monkeypatch):
    monkeypatch.setattr(doctor, "_SCARCE", 1 << 60)
    assert judged(checked(cli), "warning") == ["free_disk"]


def test_missing_statistics_are_told_and_taken(cli, runs):
    assert judged(checked(cli), "warning") == ["planner_statistics"]
    assert judged(checked(cli, "--fix"), "fixed") == ["planner_statistics"]
    assert judged(checked(cli), "warning") == []


def test_orphans_are_told_with_process_host_and_start_and_closed_by_fix_only(cli, folder, left, gone):
    lost, done = left("lost"), left("done", COMPLETE="true")
    document = checked(cli)
    assert judged(document, "warning") == ["running", done[:8], lost[:8]]
    where = f"process {gone} on {socket.gethostname()}, begun 2026-09-21 14:13:20 UTC"
    assert document["runs"][lost[:8]] == {
        "found": f"lost: {where}, is gone", "status": "warning", "next": "expctl doctor --fix"
    }  # fmt: skip
    assert statuses(folder) == ["RUNNING", "RUNNING"]
    assert cli("doctor", "--format", "id").stdout.split() == [done, lost]
    assert judged(checked(cli, "--fix"), "fixed") == [done[:8], lost[:8]]
    store = store_of(folder)
    assert [store.get(one).status for one in (lost, done)] == ["killed", "finished"]
    assert store.get(lost).tags[Tag.REASON] == "its process ended without a word"
    assert checked(cli)["runs"]["running"]["found"] == "none"


def test_no_run_of_a_living_process_of_another_machine_or_of_nobody_is_touched(cli, folder, left):
    left("alive", PID=str(os.getpid()), STARTED="")
    left("elsewhere", HOST="another")
    left("plain", HOST="", PID="", STARTED="")
    document = checked(cli, "--fix")
    assert document["runs"] == {
        "running": {"found": "1 at work on this machine, 2 of other machines or programs", "status": "ok"}
    }
    assert statuses(folder) == ["RUNNING"] * 3


def test_a_sweep_is_closed_with_its_trials_and_the_command_that_goes_on_with_it(cli, folder, left):
    parent = left("sweep", SWEEP="{}")
    left("sweep-0", PARENT=parent, TRIAL="0")
    fixed = checked(cli, "--fix")["runs"]
    assert len(fixed) == 3
    assert fixed[parent[:8]]["next"] == f"expctl sweep --resume {parent[:8]}"
    assert statuses(folder) == ["KILLED", "KILLED"]


def test_a_run_that_ended_while_we_looked_is_no_orphan(cli, folder, left, monkeypatch):
    run_id = left("quick")
    store = store_of(folder)
    is_alive = lifecycle.is_alive

    def ends(run):
        store.client.set_terminated(run_id)
        return is_alive(run)

    monkeypatch.setattr(lifecycle, "is_alive", ends)
    checked(cli, "--fix")
    assert statuses(folder) == ["FINISHED"]


def test_list_tells_of_the_orphans_among_its_rows(cli, folder, left, gone):
    lost = left("lost")
    left("elsewhere", HOST="another")
    for words in ((), ("--columns", "name"), ("--columns", "tags.*"), ("--all-experiments",), ("--vary",)):
        done = cli("list", *words)
        assert done.exit_code == 0
        assert done.stderr == (
            f"expctl: lost ({lost[:8]}) is not running: process {gone} on {socket.gethostname()}, "
            "begun 2026-09-21 14:13:20 UTC, is gone\nexpctl: expctl doctor --fix closes it\n"
        )
    assert cli("list", "-q").stderr == cli("list", "--filter", "name = 'elsewhere'").stderr == ""
    for i in range(6):
        left(f"lost{i}")
    assert cli("list").stderr.endswith("expctl: and 2 more\nexpctl: expctl doctor --fix closes them\n")


def test_every_format_tells_of_the_store(cli, runs):
    for format in ("table", "json", "jsonl", "csv", "md"):
        done = cli("doctor", "--format", format)
        assert (done.exit_code, done.stderr) == (0, "")
        assert str(runs / "mlflow.db") in done.stdout.replace("\\", "")
    assert cli("doctor", "--format", "id").stdout == ""
