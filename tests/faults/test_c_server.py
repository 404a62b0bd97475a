"""A tracking server that misbehaves (section C of what expctl survives): MLflow's own, behind a proxy.

What takes minutes by its nature (a server that is away for good) is shortened by MLflow's own variables, and whole in
the long part.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.bench import LONG, SECRET, only_long
from tests.faults.proxy import LOST_AFTER, SILENCE, Fault, before, revive_later

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.bench import Bench, Running
    from tests.faults.proxy import Proxy


TRAIN = ("train", "--data", "small.csv", "--model", "dummy", "--format", "id")
HASTY = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "2"}


def secretly(proxy: Proxy) -> str:
    return proxy.uri.replace("http://", f"http://ada:{SECRET}@")


def found(server: str, experiment: str) -> list[dict[str, Any]]:
    """The runs of an experiment, asked of the server itself."""

    def ask(path: str, asked: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{server}/api/2.0/mlflow/{path}", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return dict(json.load(answer))

    known = ask("experiments/search", {"max_results": 1000, "filter": f"name = '{experiment}'"}).get("experiments", [])
    ids = [one["experiment_id"] for one in known]
    return list(ask("runs/search", {"experiment_ids": ids, "max_results": 1000}).get("runs", [])) if ids else []


def statuses(server: str, experiment: str) -> list[str]:
    return sorted(run["info"]["status"] for run in found(server, experiment))


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault("runs/create", LOST_AFTER, 1), Fault("log-batch", 500, 2)], id="C02-answer-lost-C03"),
        pytest.param(
            [Fault("runs/create", 500, 1), Fault("search", 503, 1, headers={"Retry-After": "1"})], id="C02-500"
        ),
    ],
)
def test_a_server_that_fails_for_a_moment_has_each_run_once(fresh: Bench, server, faults, request):
    experiment = request.node.callspec.id
    with before(server, *faults) as proxy:
        soon = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
        fresh.run(*TRAIN, "-e", experiment, "--tracking-uri", secretly(proxy), **soon)
        assert not any(fault.times for fault in proxy.faults), "a fault was not met"
    (run,) = found(server, experiment)
    assert run["info"]["status"] == "FINISHED"
    metrics = [one["key"] for one in run["data"]["metrics"]]
    assert len(metrics) == len(set(metrics)) > 5
    assert SECRET not in json.dumps(run)
    fresh.check()


@pytest.mark.slow
@pytest.mark.parametrize("away", [pytest.param(60 if LONG else 4, id="C04-away-in-mid-sweep-and-back")])
def test_a_server_that_comes_back_costs_a_sweep_nothing(fresh: Bench, server, away, request):
    experiment = request.node.callspec.id
    with before(server) as proxy:
        running = fresh.start(
            "sweep", "--data", "small.csv", "--model", "dummy", "-g", "random_state=1,2,3", "--jobs", "1",
            "-e", experiment, "--tracking-uri", secretly(proxy), "--format", "id",
        )  # fmt: skip
        while proxy.count("runs/log-batch") < 3 and running.process.poll() is None:
            time.sleep(0.01)
        proxy.die()
        revive_later(proxy, away)
        running.ended(0, within=240)
    assert statuses(server, experiment) == ["FINISHED"] * 4
    fresh.check()


PROGRAMS = ("sweep", "-g", "x=1,2,3", "--metric", r"loss=loss: (\S+)", "--format", "id")
PROGRAM = ("--", "sh", "-c", 'echo "loss: $0"; touch "up$0"; sleep 1', "{x}")


def wait_for(path: Path, running: Running) -> None:
    while not path.exists() and running.process.poll() is None:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("away", [pytest.param(60 if LONG else 4, id="C04-away-in-a-sweep-of-programs-and-back")])
def test_a_server_that_comes_back_costs_a_sweep_of_programs_nothing(fresh: Bench, server, away, request):
    experiment = request.node.callspec.id
    with before(server) as proxy:
        running = fresh.start(*PROGRAMS, "-e", experiment, "--tracking-uri", secretly(proxy), *PROGRAM)
        wait_for(fresh.folder / "up2", running)
        proxy.die()
        revive_later(proxy, away)
        running.ended(0, within=240)
    assert statuses(server, experiment) == ["FINISHED"] * 4
    fresh.check()


@pytest.mark.slow
@pytest.mark.parametrize("env", [pytest.param({} if LONG else HASTY, id="C04-gone-in-a-sweep-of-programs")])
def test_a_sweep_of_programs_whose_server_is_gone_keeps_what_they_left_and_is_resumed(
    fresh: Bench, server, env, request
):
    experiment = request.node.callspec.id
    with before(server) as proxy:
        place = ("-e", experiment, "--tracking-uri", secretly(proxy))
        running = fresh.start(*PROGRAMS, *place, *PROGRAM, **env)
        wait_for(fresh.folder / "up2", running)
        proxy.die()
        done = running.ended(4, "its output is in output-", within=240)
        (kept,) = fresh.folder.glob("output-*.log")
        assert kept.read_text() == "loss: 2\n"
        proxy.revive()
        resumed = re.search(r"expctl sweep --resume (\w+)", done.stderr)
        assert resumed, done.stderr
        fresh.run("sweep", "--resume", resumed[1], *place)
    assert statuses(server, experiment) == [*["FINISHED"] * 4, "KILLED"]
    fresh.check()


@pytest.mark.parametrize("env", [pytest.param({} if LONG else HASTY, id="C04-gone-in-mid-training-and-for-good")])
def test_a_server_that_is_gone_for_good_is_given_up(fresh: Bench, server, env, request):
    experiment = request.node.callspec.id
    with before(server) as proxy:
        running = fresh.start(*TRAIN, "-e", experiment, "--tracking-uri", secretly(proxy), **env)
        while not proxy.count("logged-models") and running.process.poll() is None:
            time.sleep(0.01)
        proxy.die()
        running.ended(4, "is the server running?", within=150)
    assert statuses(server, experiment) == ["RUNNING"]  # nobody could close it
    fresh.check()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(Fault("", 401, None, "no"), "check MLFLOW_TRACKING_USERNAME and _PASSWORD", id="C05-401"),
        pytest.param(
            Fault("", 200, None, "<html>log in</html>"), "is it the address of an MLflow", id="C05-login-page"
        ),
        pytest.param(Fault("", SILENCE), "timed out", id="C05-silence"),
    ],
)
def test_what_is_no_server_of_ours_is_told_before_fitting(fresh: Bench, server, fault, says):
    with before(server, fault) as proxy:
        done = fresh.run(*TRAIN, "--tracking-uri", secretly(proxy), code=4, says=says, within=30, **HASTY)
        assert not proxy.count("runs/create")
        assert "***@" in done.stderr
    fresh.check()


@pytest.mark.parametrize("scheme", [pytest.param("https", id="C05-no-certificate")])
def test_a_server_without_a_certificate_is_refused(fresh: Bench, server, scheme):
    with before(server) as proxy:
        fresh.run(
            *TRAIN, "--tracking-uri", proxy.uri.replace("http", scheme, 1), code=4, says="MLFLOW_TRACKING_", within=30
        )


@pytest.mark.parametrize("fault", [pytest.param(Fault("PUT ", 500), id="C06-upload-fails-C07-no-secret")])
def test_an_upload_that_fails_finishes_no_run(fresh: Bench, server, fault, request):
    experiment = request.node.callspec.id
    with before(server, fault) as proxy:
        fresh.run(*TRAIN, "-e", experiment, "--tracking-uri", secretly(proxy), code=4, says="too many 500", **HASTY)
    (run,) = found(server, experiment)
    assert run["info"]["status"] == "FAILED"
    assert SECRET not in json.dumps(run)
    fresh.check()


@only_long
@pytest.mark.parametrize("timeout", [pytest.param(8, id="C01-silent-network")])
def test_an_address_that_swallows_packets_is_given_up(fresh: Bench, timeout):
    """A listener whose queue is full takes no connection and refuses none."""
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            threading.Thread(target=one.connect_ex, args=(silent.getsockname(),), daemon=True).start()
        time.sleep(0.5)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        fresh.run(*TRAIN, "--tracking-uri", address, code=4, within=timeout + 30)
        for one in fillers:
            one.close()
