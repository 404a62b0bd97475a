"""The runs that a program begins by itself with MLflow: led below ours, found, and closed."""

from __future__ import annotations

import json

import pytest

from expctl.records import Tag
from expctl.tracking.runs.program_runs import close_runs, environment_of, runs_below
from expctl.tracking.runs.writer import RunWriter, recording
from tests.tracking.recorded import store_of


def begin(store, parent: str, name: str, ended: str | None = None) -> RunWriter:
    writer = RunWriter.begin(store, store.ensure_experiment(), name, {Tag.PARENT: parent})
    if ended == "finished":
        writer.finish()
    elif ended:
        writer.fail("its own reason")
    return writer


def test_the_environment_leads_every_run_below_ours(folder):
    store = store_of(folder)
    store = store_of(folder) if store.exists else store
    with recording(store, "ours", {}) as writer:
        tags = {"git_commit": "abc", "mlflow.user": "me"}
        given = {"MLFLOW_RUN_ID": "x", "MLFLOW_EXPERIMENT_NAME": "y", "HOME": "/h"}
        found = environment_of(store, writer.run, tags, given)
    assert json.loads(found["MLFLOW_RUN_CONTEXT"]) == {"git_commit": "abc", Tag.PARENT: writer.run_id}
    assert found["MLFLOW_EXPERIMENT_ID"] == writer.run.experiment_id
    assert "MLFLOW_RUN_ID" not in found
    assert "MLFLOW_EXPERIMENT_NAME" not in found
    assert found["HOME"] == "/h"


@pytest.mark.parametrize(
    ("begun", "reason", "after"),
    [
        (["finished", "finished"], None, ["finished", "finished"]),
        (["finished", "finished"], "bad", ["finished", "failed"]),
        (["failed", "finished"], "bad", ["failed", "finished"]),
        (["finished", None], "bad", ["finished", "failed"]),
        ([None], None, ["failed"]),
    ],
)
def test_what_becomes_of_them_when_the_program_has_ended(folder, begun, reason, after):
    store = store_of(folder)
    with recording(store, "ours", {}) as writer:
        for number, ended in enumerate(begun):
            begin(store, writer.run_id, f"r{number}", ended)
        close_runs(store, writer.run_id, reason, killed=False)
        below = {run.name: run.status for run in runs_below(store, writer.run_id)}
    assert [below[f"r{number}"] for number in range(len(begun))] == after
