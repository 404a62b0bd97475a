"""An old `./mlruns` beside an empty store: told with the command that takes its runs over, which works."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from tests.tracking.recorded import store_of

RUN = "0fb8e9c85b5a48f7bb0c5cdcf2322323"
TOLD = (
    "expctl: there is no run in sqlite:///mlflow.db yet, and mlruns is a file store of MLflow's"
    " (to take its runs over: mlflow migrate-filestore --source mlruns --target sqlite:///mlflow.db)\n"
)


@pytest.fixture
def filed(tmp_path, monkeypatch):
    """A folder in which an MLflow before version 3 has recorded a run, and no store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())  # MLflow remembers a store by its address
    run = client.create_run(client.create_experiment("expctl"), run_name="filed")
    client.log_metric(run.info.run_id, "f1_score", 0.7)
    client.set_terminated(run.info.run_id)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    return tmp_path


@pytest.mark.slow
def test_whoever_reads_an_empty_store_is_told_and_the_command_takes_the_runs_over(cli, filed):
    done = cli("list", "--format", "id")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == TOLD + "expctl: no runs in experiment 'expctl'\n"
    best = cli("best")
    assert (best.exit_code, best.stderr.startswith(TOLD)) == (3, True)
    command = shlex.split(TOLD.partition("over: ")[2].rstrip(")\n"))
    assert command[0] == "mlflow"
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    done = cli("list", "--columns", "name,f1_score", "--format", "csv")
    assert (done.stdout.splitlines()[1:], done.stderr) == (["filed,0.7"], "")


def test_a_store_without_a_run_is_empty_and_one_with_a_deleted_run_is_not(cli, filed, migrated_store):
    Path("mlflow.db").write_bytes(migrated_store.read_bytes())
    assert cli("list").stderr.startswith(TOLD)
    client = store_of(filed).client
    run = client.create_run(client.create_experiment("other"))
    client.delete_run(run.info.run_id)
    assert "mlruns" not in cli("list").stderr


def test_the_files_of_runs_alone_are_no_file_store(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns" / "1" / RUN / "artifacts").mkdir(parents=True)
    (tmp_path / "mlruns" / "1" / RUN / "artifacts" / "meta.yaml").touch()
    assert "mlruns" not in cli("list").stderr
