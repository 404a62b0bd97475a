"""Processes that are killed, stopped or starved (section A of what expctl survives)."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import LONG

if TYPE_CHECKING:
    from tests.faults.bench import Bench


CLIENT = "mlflow:MlflowClient."
# Where the process that writes a sweep is killed, one after another, in the same sweep.
STEPS = [
    ("expctl.tracking.runs.writer:send_folder", "after", 2),  # a trial's: the first is the sweep's own
    ("expctl.tracking.runs.writer:RunWriter.finish", "before", 1),
]
MORE_STEPS = [
    (CLIENT + "create_run", "after", 1),
    (CLIENT + "create_logged_model", "after", 1),
    ("expctl.tracking.models.writing:send_folder", "before", 1),
    ("expctl.tracking.models.writing:send_folder", "after", 1),
    (CLIENT + "finalize_logged_model", "after", 1),
    (CLIENT + "log_batch", "after", 1),
    ("expctl.tracking.runs.writer:RunWriter.finish", "after", 1),
    ("expctl.workflows.sweep_record:trials_of", "before", 2),
]
KILLERS = """
import os, signal
from sklearn.linear_model import LogisticRegression
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

class Model(LogisticRegression):
    def __init__(self, end="well"):
        super().__init__()
        self.end = end
    def fit(self, X, y):
        if self.end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.end == "starved":
            import resource
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
            try:
                bytearray(8 << 30)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return super().fit(X, y)

def model(end="well"):
    return make_pipeline(CountVectorizer(), Model(end) if end != "well" else LogisticRegression())
"""


@pytest.mark.parametrize("steps", [pytest.param(STEPS + (MORE_STEPS if LONG else []), id="A01-killed-at-named-steps")])
def test_a_sweep_killed_at_each_step_of_its_writing_goes_on(empty: Bench, steps):
    sweep = ["sweep", "--data", "small.csv", "-g", "c=0.1,1,10", "--jobs", "1", "--model", "logreg", "--quiet"]
    for number, (where, when, count) in enumerate(steps):
        again = [] if not number else ["--resume", _parent(empty)]
        empty.killed_at(where, *(["sweep", *again, "--jobs", "1", "-q"] if again else sweep), when=when, count=count)
    done = empty.run("sweep", "--resume", _parent(empty), "--jobs", "1", "--format", "id")
    assert len(done.stdout.split()) == 1
    empty.check()
    trials = empty.rows(
        "SELECT p.value, r.status FROM runs r JOIN params p USING (run_uuid) JOIN tags t USING (run_uuid)"
        " WHERE p.key = 'c' AND t.key = 'expctl.trial'"
    )
    assert sorted(c for c, status in trials if status == "FINISHED") == ["0.1", "1.0", "10.0"]
    assert {status for _, status in trials} == {"FINISHED", "KILLED"}


def _parent(bench: Bench) -> str:
    ((run_id,),) = bench.rows("SELECT run_uuid FROM tags WHERE key = 'expctl.sweep'")
    return str(run_id)


# Sends SIGTERM while SQLAlchemy writes the metrics of a run, within the transaction.
STOPPER = """
import os, signal
import mlflow
from sqlalchemy.engine.default import DefaultDialect as Dialect
write, log, on = Dialect.do_executemany, mlflow.MlflowClient.log_batch, []
def stopping(*given, **named):
    write(*given, **named)
    if on.pop() if on else False:
        os.kill(os.getpid(), signal.SIGTERM)
def logging(*given, **named):
    on.append(True)
    return log(*given, **named)
Dialect.do_executemany, mlflow.MlflowClient.log_batch = stopping, logging
from expctl.cli.app import main
main()
"""


@pytest.mark.parametrize("code", [pytest.param(143, id="A02-a-signal-within-a-transaction")])
def test_a_signal_within_a_transaction_leaves_no_run_open(empty: Bench, code):
    running = empty.start("train", "--data", "small.csv", "--model", "dummy", python=(sys.executable, "-c", STOPPER))
    running.ended(code, "stopped by SIGTERM")
    assert empty.statuses() == {"KILLED": 1}
    empty.check()


@pytest.mark.parametrize("wait", [pytest.param(0.05, id="A03-second-ctrl-c")])
def test_a_second_ctrl_c_ends_at_once_and_leaves_no_lie(empty: Bench, wait):
    running = empty.start("train", "--data", "small.csv", "--model", "own_models:sleepy", "-p", "mark=fitting")
    _wait_for(empty, "fitting")
    os.kill(running.process.pid, signal.SIGINT)
    time.sleep(wait)
    os.kill(running.process.pid, signal.SIGINT)
    code = running.process.wait(10)
    running.process.communicate()
    assert code in (130, -signal.SIGINT)
    assert set(empty.statuses()) <= {"KILLED", "RUNNING"}


def _wait_for(bench: Bench, name: str) -> None:
    end = time.monotonic() + 60
    while not (bench.folder / name).exists():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [pytest.param("2", id="A05-worker-killed-and-memory")])
def test_a_trial_that_kills_its_worker_or_eats_the_memory_fails_alone(empty: Bench, jobs):
    (empty.folder / "killers.py").write_text(KILLERS)
    done = empty.run(
        "sweep", "--data", "small.csv", "--model", "killers:model", "-g", "end=well,killed,starved", "--jobs", jobs,
        "--format", "id", code=1,
    )  # fmt: skip
    assert len(done.stdout.split()) == 1
    told = dict(
        empty.rows(
            "SELECT p.value, r.status FROM runs r JOIN params p USING (run_uuid) JOIN tags t USING (run_uuid)"
            " WHERE p.key = 'end' AND t.key = 'expctl.trial'"
        )
    )
    assert told == {"well": "FINISHED", "killed": "FAILED", "starved": "FAILED"}
    reasons = [text for (text,) in empty.rows("SELECT value FROM tags WHERE key = 'expctl.reason' ORDER BY value")]
    assert any("memory" in reason for reason in reasons), reasons
    assert any("died" in reason or "killed" in reason or "SIGKILL" in reason for reason in reasons), reasons
    empty.check()


@pytest.mark.parametrize(
    ("where", "when"),
    [pytest.param("expctl.tracking.models.writing:send_folder", "before", id="A08-killed-in-the-models-upload")],
)
def test_a_killed_training_is_seen_and_predicts_nothing(empty: Bench, where, when):
    empty.killed_at(where, "train", "--data", "small.csv", "--run-name", "orphan", when=when)
    assert empty.statuses() == {"RUNNING": 1}
    assert "running" in empty.run("list", "--format", "csv").stdout
    empty.run("predict", "a film", "--run", "orphan", code=3, says="orphan")
    empty.run("best", code=3)
    empty.check(running=1)
    empty.run("doctor", "--fix")
    assert empty.statuses() == {"KILLED": 1}
    empty.check()
