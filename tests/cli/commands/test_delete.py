"""`expctl delete` and `restore`: hidden and back, asked before, sweeps whole, and for good these runs and no others."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracking.recorded import store_of
from tests.tracking.swept import children, parent_of
from tests.warm import Process


def listed(cli, *words: str) -> list[str]:
    done = cli("list", "--flat", "--columns", "name", "--limit", "0", "--format", "csv", "-q", *words)
    return sorted(done.stdout.split()[1:])


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("mlartifacts/**/*") if path.is_file()}


def test_deleted_runs_are_hidden_and_the_command_on_stderr_brings_them_back(cli, runs):
    before, kept = cli("list", "--format", "json").stdout, files(runs)
    done = cli("delete", "weak", "strong", "--yes")
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["name", "weak", "strong"]
    assert listed(cli) == ["bayes", "broken"]
    assert listed(cli, "--deleted") == ["strong", "weak"]
    assert done.stderr.startswith("expctl: undo: expctl restore ")
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
    assert done.stderr.startswith("expctl: no terminal to confirm on: delete ")
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
    with Process(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        asked = b""
        while b"[y/N] " not in asked:
            asked += os.read(ours, 1000)
        os.write(ours, answer.encode() if answer == "\x04" else f"{answer}\n".encode())
        out, _ = process.communicate(timeout=600)
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
    assert done.stderr == f"expctl: undo: expctl restore {grid[0].run_id}\n"
    assert listed(cli, "--deleted") == sorted(run.name for run in grid)
    assert cli("restore", "grid", "--format", "id").stdout.split() == [run.run_id for run in grid]
    assert listed(cli) == before


def test_for_good_is_for_good_and_has_no_command_that_brings_it_back(cli, runs):
    run_id = store_of(runs).find("name = 'weak'")[0].run_id
    done = cli("delete", "weak", "--purge", "-y", "--format", "id")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{run_id}\n", "")
    assert (listed(cli), listed(cli, "--deleted")) == (["bayes", "broken", "strong"], [])
    assert cli("restore", run_id).exit_code == 3


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
        (["delete"], 2, "delete: no runs given (try: expctl delete RUN, or --filter EXPR)"),
        (["restore", "--filter", "  "], 2, "restore: no runs given"),
        (["delete", "nobody", "-y"], 3, "no run 'nobody'"),
        (["delete", "nobody*", "-y"], 3, "no run matches 'nobody*'"),
        (["delete", "", "-y"], 3, "an empty run reference"),
        (["restore", ""], 3, "no deleted run ''"),
        (["restore", "weak"], 3, "no deleted run 'weak'"),
        (["restore", "0" * 32], 3, "no run has the id"),
        (["delete", "weak", "--filter", "c ="], 2, "filter"),
        (["delete", "weak", "--format", "xml"], 2, "unknown format 'xml'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_and_changes_nothing(cli, runs, words, code, word):
    before = (runs / "mlflow.db").read_bytes()
    done = cli(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert word in done.stderr.splitlines()[0]
    assert (runs / "mlflow.db").read_bytes() == before


def test_where_nothing_matches_or_no_store_is_nothing_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("delete", "--filter", "c = 1", "-y").stderr == "expctl: no runs that match\n"
    assert cli("restore", "--filter", "c = 1").stderr == "expctl: no deleted runs that match\n"
    assert cli("delete", "weak", "-y").exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_cleaning_keeps_the_best_and_says_why_others_stay(cli, runs):
    store = store_of(runs)
    store.client.create_registered_model("reviews")
    weak = store.find("name = 'weak'")[0].run_id
    store.client.create_model_version("reviews", f"runs:/{weak}/model", weak)
    done = cli("delete", "--keep-best", "1", "-y", "-f", "csv")
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == ["name", "broken", "bayes"]
    assert done.stderr.splitlines()[:2] == [
        "expctl: left: 1 run with the best f1_score", "expctl: left: 1 run of a registered model"
    ]  # fmt: skip
    assert listed(cli) == ["strong", "weak"]
    assert cli("delete", "--keep-best", "1", "--force", "-y", "-q").exit_code == 0
    assert listed(cli) == ["strong"]


def test_a_cleaning_by_age_takes_only_what_is_older(cli, runs):
    assert (
        cli("delete", "--older-than", "1h", "-y").stderr
        == "expctl: left: 4 runs begun later\nexpctl: no runs that match\n"
    )
    assert len(listed(cli)) == 4
    done = cli(
        "delete", "--older-than", "2999-01-01", "--keep-best", "2", "--metric", "log_loss", "--filter", "c > 0", "-y"
    )
    assert done.exit_code == 0
    assert len(listed(cli)) == 4  # of the two with a C, which are the best two


@pytest.mark.every_store
def test_a_dry_run_says_how_much_it_would_free(cli, runs):
    done = cli("delete", "weak", "broken", "--dry-run", "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    store = store_of(runs)
    for row in rows:
        assert row["bytes"] == sum(file.size or 0 for file in store.artifacts(store.get(row["run_id"])))
    assert rows[0]["bytes"] > 10_000
    table = cli("delete", "weak", "--dry-run")
    assert table.stdout.splitlines()[0].split()[-1] == "size"
    assert re.fullmatch(r"expctl: 1 run would be deleted: [\d.]+ kB, which --purge would free\n", table.stderr)


def test_a_dry_run_of_a_purge_frees_the_same(cli, runs):
    told = cli("delete", "weak", "--dry-run").stderr
    purge = cli("delete", "weak", "--dry-run", "--purge").stderr
    size = told.partition("deleted: ")[2].partition(",")[0]
    assert purge == f"expctl: 1 run would be deleted permanently, with files and models: frees {size}\n"
    before = sum(path.stat().st_size for path in files(runs))
    rows = json.loads(cli("delete", "weak", "--dry-run", "-f", "json").stdout)["rows"]
    assert cli("delete", "weak", "--purge", "-y").exit_code == 0
    assert before - sum(path.stat().st_size for path in files(runs)) == rows[0]["bytes"]


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["--metric", "mcc", "weak"], 2, "--metric says what --keep-best keeps"),
        (["--force", "weak"], 2, "--force goes with --keep-best or --older-than"),
        (["--older-than", "soon"], 2, "invalid --older-than: 'soon'"),
        (["--keep-best", "0"], 2, "--keep-best"),
        (["--keep-best", "1", "--metric", "f1_scor", "-y"], 3, "no finished run has f1_scor, did you mean 'f1_score'?"),
        (["--keep-best", "1"], 2, "no terminal to confirm on: delete 3 runs: "),
    ],
)
def test_a_cleaning_that_makes_no_sense_changes_nothing(cli, runs, words, code, word):
    before = (runs / "mlflow.db").read_bytes()
    done = cli("delete", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert word in done.stderr.splitlines()[-1]
    assert (runs / "mlflow.db").read_bytes() == before
