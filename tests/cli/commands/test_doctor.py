"""`expctl doctor`: each check by itself, on real stores in every bad state; orphans told, and closed by --fix only."""

from __future__ import annotations

import json
import socket
import subprocess

import pytest

from expctl.records import Tag
from tests.tracking.recorded import names, store_of


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
        "EXPCTL_MARGIN": ("0", "default"),
        "MLFLOW_TRACKING_PASSWORD": ("***", ".env"),
        "MLFLOW_DISABLE_TELEMETRY": ("true", "environment"),
    }
    assert document["store"]["experiment"]["found"] == "other, to be made by the first run"


def test_a_server_that_is_not_there_is_a_row_without_its_password(cli, folder):
    done = cli("doctor", "--tracking-uri", "http://me:SECRET@127.0.0.1:9")
    assert done.exit_code == 4
    assert "cannot connect to http://***@127.0.0.1:9" in done.stdout
    assert "is the server running?" in done.stdout
    assert done.stderr == "expctl: checks failed: reachable\n"
    assert "SECRET" not in done.stdout + done.stderr


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
