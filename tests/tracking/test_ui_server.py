"""The server of MLflow's pages: its port, its last words when it fails, and no process left at its end."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest

from expctl.errors import StoreError
from expctl.tracking import ui_server as served

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
    assert psutil.wait_procs(tree, timeout=120)[1] == []


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


def test_mlflow_s_own_port_is_taken_where_it_is_free_else_another(monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        monkeypatch.setattr(served, "_PORT", taken.getsockname()[1])
        assert served._free("127.0.0.1", None) not in (0, taken.getsockname()[1])
    assert served._free("127.0.0.1", None) == served._PORT
