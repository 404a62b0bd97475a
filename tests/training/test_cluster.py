"""Trials on a Dask cluster: a scheduler and two worker processes on loopback give what this machine alone gives."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, write_reviews

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = ["-g", "c=0.01,0.1,1,10", "-g", "ngram_max=1,2"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Cluster:
    """A Dask scheduler and worker processes of one thread each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        self.workers = [
            self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)
        ]
        self._wait()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=self.folder, env=environment, **quiet)

    def _wait(self) -> None:
        from distributed import Client

        with Client(self.address, timeout="30s", set_as_default=False) as client:
            client.wait_for_workers(2, timeout=300)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    started = Cluster(folder)
    yield started
    started.close()


def trials(run_command: Any, *words: str) -> list[dict[str, Any]]:
    done = run_command("sweep", *SPACE, "--data", "small.csv", "--format", "json", *words, fresh=True)
    assert done.exit_code == 0, done.stderr
    return sorted(json.loads(done.stdout)["rows"], key=lambda row: (row["c"], row["ngram_max"]))


def predictions(row: dict[str, Any]) -> bytes:
    (found,) = Path("mlartifacts").glob(f"*/{row['run_id']}/artifacts/predictions.parquet")
    return found.read_bytes()


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_as_this_machine(cluster, folder, run_command):
    write_reviews(folder / "small.csv", 200)
    there = trials(run_command, "--backend", "dask", "--scheduler", cluster.address)
    here = trials(run_command, "--jobs", "1")
    assert len(there) == 8
    assert [row["f1_score"] for row in there] == [row["f1_score"] for row in here]
    assert [predictions(row) for row in there] == [predictions(row) for row in here]


@pytest.mark.slow
def test_a_worker_that_dies_does_not_cost_the_sweep(cluster, folder, run_command):
    write_reviews(folder / "small.csv", 2000)

    def kill_when_trials_are_running() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(Path("mlartifacts").glob("*/*/artifacts/trials.csv"))) == 0:
            if len(list(Path("mlartifacts").glob("*/*/artifacts/predictions.parquet"))) >= 2:
                cluster.workers[0].send_signal(signal.SIGKILL)
                return
            time.sleep(0.02)

    killer = threading.Thread(target=kill_when_trials_are_running)
    killer.start()
    found = trials(run_command, "--backend", "dask", "--scheduler", cluster.address)
    killer.join()
    assert cluster.workers[0].poll() is not None, "it was never killed"
    assert len(found) == 8


@pytest.mark.slow
def test_no_scheduler_is_told_before_any_run_is_made(folder, run_command):
    write_reviews(folder / "small.csv", 60)
    address = f"tcp://127.0.0.1:{free_port()}"
    done = run_command("sweep", "-g", "c=1,2", "--data", "small.csv", "--backend", "dask", "--scheduler", address)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == (
        f"expctl: cannot connect to a Dask scheduler at {address} (is it running, and the port right?)\n"
    )
