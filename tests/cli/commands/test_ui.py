"""`expctl ui`: a real server of MLflow's on the store, its address on stdout, and no process left at its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from tests.forks import clean_environment
from tests.tracking.recorded import make_runs, names, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tracking.kinds import Kinds


class Running(NamedTuple):
    """`expctl ui` as a process: its folder, what it printed, the server's address, and every process it started."""

    process: subprocess.Popen[str]
    folder: Path
    page: str
    address: str
    started: list[psutil.Process]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kinds: Kinds) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("ui")
    kinds.fill("sqlite", folder, make_runs)
    with (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "expctl", "ui", "--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}"],
            cwd=tmp_path_factory.mktemp("elsewhere"),
            env=clean_environment() | {"DISPLAY": ":99", "BROWSER": "touch opened"},
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    assert process.stdout is not None
    page = process.stdout.readline().strip()
    try:
        started = psutil.Process(process.pid).children(recursive=True)
        yield Running(process, folder, page, page.partition("/#")[0], started)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_prints_the_page_of_the_experiment_and_serves_it(running):
    store = store_of(running.folder)
    assert running.page == f"{running.address}/#/experiments/{store.experiment_id()}/runs"
    with urllib.request.urlopen(running.address) as answer:
        assert b"MLflow" in answer.read()
    assert (running.folder / "err").read_text() == "expctl: stop it with Ctrl-C\n"
    assert len(running.started) >= 2
    assert "opened" not in names(running.folder)  # stdout is no terminal


def test_a_server_tells_its_pages_and_is_not_started_again(running, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running.address.replace("://", "://me:SECRET@"))
    assert cli("ui").stdout == f"{running.page}\n"
    assert cli("list").stderr == f"expctl: page: {running.page}\n"
    run = store_of(running.folder).find("name = 'weak'")[0]
    assert cli("show", "weak").stderr == f"expctl: page: {running.page}/{run.run_id}\n"
    done = cli("train", "--data", str(running.folder / "small.csv"), "--format", "id", "--max-features", "10")
    assert done.stderr.startswith(f"expctl: page: {running.page}/{done.stdout.strip()}\n")
    assert names(tmp_path) == []


def test_a_server_is_examined_and_runs_of_it_are_hidden_but_not_purged(running, cli, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running.address)
    done = cli("doctor", "--format", "json")
    assert done.exit_code == 0, done.stdout
    store = json.loads(done.stdout)["store"]
    assert store["kind"]["found"] == f"the tracking server {running.address}"
    assert store["reachable"]["status"] == store["experiment"]["status"] == "ok"
    purged = cli("delete", "bayes", "--purge", "-y")
    assert (purged.exit_code, purged.stdout) == (2, "")
    assert "only MLflow's server can delete its runs permanently" in purged.stderr
    assert cli("delete", "bayes", "-y").exit_code == 0
    assert cli("restore", "bayes").exit_code == 0


def test_a_port_that_is_taken_is_told(running, cli, folder):
    port = running.address.rpartition(":")[2]
    done = cli("ui", "--port", port, "-q")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


def test_ctrl_c_ends_it_with_all_that_it_started(running):
    """The last test here: the others use it."""
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 130
    assert (running.folder / "err").read_text().endswith("expctl: interrupted\n")
    assert not any(one.is_running() for one in running.started)


def test_where_no_store_is_none_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("ui")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "expctl: there is no store at sqlite:///mlflow.db yet (try: expctl train)\n"
    assert names(tmp_path) == []
