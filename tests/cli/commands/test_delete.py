"""`expctl delete` and `restore`: hidden and back, asked before, sweeps whole, and for good these runs and no others."""

from __future__ import annotations

import json
import os
import pty
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from expctl.records import Tag
from expctl.tracking.runs.lifecycle import process_tags
from tests.tracking.recorded import model_folder, store_of
from tests.tracking.swept import children, parent_of


def listed(cli, *words: str) -> list[str]:
    done = cli("list", "--flat", "--columns", "name", "--limit", "0", "--format", "csv", "-q", *words)
    return sorted(done.stdout.split()[1:])


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("mlartifacts/**/*") if path.is_file()}


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_deleted_runs_are_hidden_and_the_command_on_stderr_brings_them_back(cli, runs):
    before, kept = cli("list", "--format", "json").stdout, files(runs)
    done = cli("delete", "weak", "strong", "--yes")
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["name", "weak", "strong"]
    assert listed(cli) == ["bayes", "broken"]
    assert listed(cli, "--deleted") == ["strong", "weak"]
    assert done.stderr.startswith("expctl: back again: expctl restore ")
    back = cli(*shlex.split(done.stderr.partition(": expctl ")[2]), "--format", "json")
    assert (back.exit_code, back.stderr) == (0, "")
    assert [row["name"] for row in json.loads(back.stdout)["rows"]] == ["weak", "strong"]
    assert cli("list", "--format", "json").stdout == before
    assert files(runs) == kept


@pytest.mark.parametrize("words", [("delete", "weak"), ("delete", "*", "--purge"), ("delete", "--filter", "c < 1e9")])
def test_without_a_terminal_or_yes_and_in_a_dry_run_nothing_goes(cli, runs, words):
    before = (runs / "mlflow.db").read_bytes()
    done = cli(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("expctl: no terminal to ask on: delete ")
    assert done.stderr.endswith("? (--yes, or --dry-run)\n")
    dry = cli(*words, "--dry-run", "--yes")
    assert dry.exit_code == 0
    assert "weak" in dry.stdout
    assert " would be deleted" in dry.stderr
    assert (runs / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 3), ("n", 1, 4), ("", 1, 4), ("\x04", 1, 4)])
def test_at_a_terminal_it_asks(cli, runs, answer, code, left):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "expctl", "delete", "weak", "--format", "id"]
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        asked = b""
        while b"[y/N] " not in asked:
            asked += os.read(ours, 1000)
        os.write(ours, answer.encode() if answer == "\x04" else f"{answer}\n".encode())
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert asked.startswith(b"expctl: delete 1 run: weak (")
    assert (process.returncode, len(listed(cli))) == (code, left)
    assert len(out.split()) == 4 - left


def test_globs_and_filters_mean_runs_of_every_status(cli, runs):
    assert cli("delete", "b*", "-y").exit_code == 0
    assert listed(cli, "--deleted") == ["bayes", "broken"]
    assert cli("delete", "weak", "--filter", "team = 'nlp'", "-y").exit_code == 0
    assert listed(cli) == []
    assert cli("restore", "--filter", "status = 'failed' or c = 10").exit_code == 0
    assert listed(cli) == ["broken", "strong"]


def test_a_sweep_goes_and_comes_back_with_its_trials(cli, sweeps):
    before = listed(cli)
    grid = [parent_of(sweeps, "grid"), *children(sweeps, "grid")]
    done = cli("delete", "grid", "-y", "--format", "id")
    assert done.stdout.split() == [run.run_id for run in grid]
    assert done.stderr == f"expctl: back again: expctl restore {grid[0].run_id}\n"
    assert listed(cli, "--deleted") == sorted(run.name for run in grid)
    assert cli("restore", "grid", "--format", "id").stdout.split() == [run.run_id for run in grid]
    assert listed(cli) == before


def test_a_trial_goes_alone_and_is_named_once_beside_its_sweep(cli, sweeps):
    assert len(cli("delete", "mixed-1", "-y", "--format", "id").stdout.split()) == 1
    assert len(cli("delete", "mixed", "mixed-2", "-y", "--format", "id").stdout.split()) == 2
    assert len(cli("restore", "mixed", "--format", "id").stdout.split()) == 3


def test_a_run_that_is_being_recorded_is_not_deleted_but_an_orphan_is(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    store.client.create_run(experiment, run_name="alive", tags=process_tags())
    store.client.create_run(experiment, run_name="orphan", tags=process_tags() | {Tag.STARTED: "1.00"})
    done = cli("delete", "alive", "orphan", "-y")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"is being recorded by process {os.getpid()} on " in done.stderr
    assert cli("delete", "orphan", "-y").exit_code == 0
    assert listed(cli) == ["alive"]


def test_for_good_takes_the_files_and_models_of_these_runs_and_nothing_else(cli, runs):
    """As `mlflow gc --run-ids` would not: it takes all deleted experiments and models of the store."""
    store = store_of(runs)
    other = store.client.create_experiment("other")
    bystander = store.client.create_run(other, run_name="bystander").info.run_id
    store.client.delete_experiment(other)
    gone = [store.find(f"name = '{name}'")[0] for name in ("weak", "bayes")]
    models = [model_folder(run) for run in gone]
    cli("delete", "strong", "bayes", "-y")
    theirs = {path for path in files(runs) if any(run.run_id in str(path) for run in gone)}
    theirs |= {path for path in files(runs) if any(model in path.parents for model in models)}
    left = files(runs) - theirs
    done = cli("delete", "weak", gone[1].run_id[:8], "--purge", "-y", "--format", "id")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.split() == [run.run_id for run in gone]
    assert len(theirs) > 10
    assert files(runs) == left
    assert count(runs, "runs") == 3
    assert count(runs, "logged_models") == 1
    assert (listed(cli), listed(cli, "--deleted")) == (["broken"], ["strong"])
    assert store_of(runs).get(bystander).name == "bystander"
    assert cli("restore", "strong").exit_code == 0
    assert cli("predict", "a great film", "--run", "strong").exit_code == 0
    assert cli("restore", gone[0].run_id).exit_code == 3


def test_what_was_deleted_before_goes_for_good_by_a_filter_and_by_name(cli, runs):
    cli("delete", "broken", "weak", "-y")
    assert cli("delete", "broken", "-y").stderr == "expctl: run broken is deleted already (--purge for good)\n"
    assert cli("delete", "broken", "--filter", "c < 1", "--purge", "-y").exit_code == 0
    assert (listed(cli), listed(cli, "--deleted")) == (["bayes", "strong"], [])


def test_a_sweep_goes_for_good_with_models_that_had_been_dropped(cli, sweeps):
    assert cli("delete", "grid", "--purge", "-y").exit_code == 0
    assert [name for name in listed(cli) if name.startswith("grid")] == listed(cli, "--deleted") == []
    assert cli("delete", "--filter", "has name", "--purge", "-y").exit_code == 0
    assert files(sweeps) == set()
    assert count(sweeps, "runs") == count(sweeps, "logged_models") == count(sweeps, "metrics") == 0


def test_a_registered_model_keeps_its_run_from_going_for_good(cli, runs):
    store = store_of(runs)
    run = store.find("name = 'weak'")[0]
    store.client.create_registered_model("classifier")
    store.client.create_model_version("classifier", str(model_folder(run)), run_id=run.run_id)
    done = cli("delete", "weak", "--purge", "-y")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "is version 1 of the registered model 'classifier'" in done.stderr
    assert model_folder(run).is_dir()
    assert cli("delete", "weak", "-y").exit_code == 0


def test_what_got_through_before_the_store_failed_is_told(cli, runs, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    delete_run = MlflowClient.delete_run
    bad = store_of(runs).find("name = 'strong'")[0].run_id

    def failing(self, run_id):
        if run_id == bad:
            raise MlflowException("database is locked")
        delete_run(self, run_id)

    monkeypatch.setattr(MlflowClient, "delete_run", failing)
    done = cli("delete", "weak", "strong", "bayes", "-y", "--format", "csv")
    assert done.exit_code == 4
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == ["name", "weak"]
    assert done.stderr.splitlines()[0] == "expctl: 1 of 3 runs deleted"
    assert "database is locked" in done.stderr.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["delete"], 2, "delete which runs? (try: expctl delete RUN, or --filter EXPR)"),
        (["restore", "--filter", "  "], 2, "restore which runs?"),
        (["delete", "nobody", "-y"], 3, "no run 'nobody'"),
        (["delete", "nobody*", "-y"], 3, "no run fits 'nobody*'"),
        (["delete", "", "-y"], 3, "an empty run reference"),
        (["restore", ""], 3, "no deleted run ''"),
        (["restore", "weak"], 3, "no deleted run 'weak'"),
        (["restore", "0" * 32], 3, "no run has the id"),
        (["delete", "weak", "--filter", "c ="], 2, "filter"),
        (["delete", "weak", "--format", "xml"], 2, "no format 'xml'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_and_changes_nothing(cli, runs, words, code, word):
    before = (runs / "mlflow.db").read_bytes()
    done = cli(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert word in done.stderr.splitlines()[0]
    assert (runs / "mlflow.db").read_bytes() == before


def test_a_run_that_is_not_deleted_and_a_name_of_two_that_are_cannot_be_restored(cli, folder):
    store = store_of(folder)
    ids = [store.client.create_run(store.ensure_experiment(), run_name="twin").info.run_id for _ in range(2)]
    assert "is not deleted" in cli("restore", ids[0]).stderr
    for run_id in ids:
        cli("delete", run_id, "-y")
    done = cli("restore", "twin")
    assert (done.exit_code, done.stderr.count("(twin)")) == (3, 2)
    assert cli("restore", ids[0][:8], ids[1], "-e", "expctl").exit_code == 0


def test_where_nothing_matches_or_no_store_is_nothing_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("delete", "--filter", "c = 1", "-y").stderr == "expctl: no runs that match\n"
    assert cli("restore", "--filter", "c = 1").stderr == "expctl: no deleted runs that match\n"
    assert cli("delete", "weak", "-y").exit_code == 3
    assert list(tmp_path.iterdir()) == []
