"""`expctl ui`: a real server of MLflow's on the store, its address on stdout, and no process left at its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from expctl.errors import StoreError
from expctl.tracking import ui_server as served
from expctl.tracking import uris
from tests.test_house import clean_environment
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


@pytest.mark.slow
def test_it_prints_the_page_of_the_experiment_and_serves_it(running):
    store = store_of(running.folder)
    assert running.page == f"{running.address}/#/experiments/{store.experiment_id()}/runs"
    with urllib.request.urlopen(running.address) as answer:
        assert b"MLflow" in answer.read()
    assert (running.folder / "err").read_text() == "expctl: Ctrl-C ends it\n"
    assert len(running.started) >= 2
    assert "opened" not in names(running.folder)  # stdout is no terminal


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_server_is_examined_and_runs_of_it_are_hidden_but_not_purged(running, cli, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running.address)
    done = cli("doctor", "--format", "json")
    assert done.exit_code == 0, done.stdout
    store = json.loads(done.stdout)["store"]
    assert store["kind"]["found"] == f"the tracking server {running.address}"
    assert store["reachable"]["status"] == store["experiment"]["status"] == "ok"
    purged = cli("delete", "bayes", "--purge", "-y")
    assert (purged.exit_code, purged.stdout) == (2, "")
    assert "only MLflow's server can delete its runs for good" in purged.stderr
    assert cli("delete", "bayes", "-y").exit_code == 0
    assert cli("restore", "bayes").exit_code == 0


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(running, cli, folder):
    port = running.address.rpartition(":")[2]
    done = cli("ui", "--port", port, "-q")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


@pytest.mark.slow
def test_ctrl_c_ends_it_with_all_that_it_started(running):
    """The last test here: the others use it."""
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 130
    assert (running.folder / "err").read_text().endswith("expctl: interrupted\n")
    assert not any(one.is_running() for one in running.started)


TREE = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(99)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(99)"


def test_children_that_do_not_listen_are_ended_too(folder):
    command = [sys.executable, "-c", TREE.format(child=DEAF)]
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while not (folder / "deaf").exists():
            time.sleep(0.02)
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert len(tree) == 2
        served.Server(process, log).end()
    assert psutil.wait_procs(tree, timeout=5)[1] == []


@pytest.mark.parametrize(
    ("then", "told"), [("raise SystemExit(1)", "does not start"), ("time.sleep(99)", r"has not answered in 0\.5 s")]
)
def test_a_server_that_ends_or_never_answers_is_given_up_with_its_last_words(folder, monkeypatch, then, told):
    monkeypatch.setattr(served, "_START_SECONDS", 0.5)
    code = f"import time; print('thinking of http://me:SECRET@host', flush=True); {then}"
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=log)
        while not (folder / "log").stat().st_size:
            time.sleep(0.02)
        with pytest.raises(StoreError, match=rf"{told}: thinking of http://\*\*\*@host$"):
            served.Server(process, log).wait_until_ready("127.0.0.1", 9)
        process.kill()
        process.wait()


def test_where_no_store_is_none_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("ui")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "expctl: there is no store at sqlite:///mlflow.db yet (try: expctl train)\n"
    assert names(tmp_path) == []


def test_mlflow_s_own_port_is_taken_where_it_is_free_else_another(monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        monkeypatch.setattr(served, "_PORT", taken.getsockname()[1])
        assert served._free("127.0.0.1", None) not in (0, taken.getsockname()[1])
    assert served._free("127.0.0.1", None) == served._PORT


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("http://localhost:5000", "http://localhost:5000"),
        ("https://me:p@ss@host/base/", "https://host/base"),
        ("sqlite:///mlflow.db", None),
        ("postgresql://me:secret@host/db", None),
    ],
)
def test_pages_have_no_password_and_only_servers_have_pages(uri, server):
    assert uris.server_of(uri) == server
    if server is not None:
        assert uris.page(server, "7", "abc") == f"{server}/#/experiments/7/runs/abc"
        assert uris.page(server, None) == f"{server}/#/experiments"
