"""A recorded sweep before the reading commands: one row, its trials on request, never a run that ranks."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import write_reviews

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tracking.kinds import Kinds


def make_swept(folder: Path) -> None:
    """A sweep of three trials and a run of its own."""
    write_reviews(folder / "small.csv", 120)
    sweep = ["sweep", "-g", "c=0.01,1,100", "--run-name", "many", "--jobs", "1"]
    for command in (["train", "--run-name", "alone"], sweep):
        words = [sys.executable, "-m", "expctl", *command, "--data", "small.csv", "--quiet"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def swept(tmp_path: Path, kinds: Kinds, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what `make_swept` made."""
    monkeypatch.chdir(tmp_path)
    kinds.fill(store_kind, tmp_path, make_swept)
    return tmp_path


def rows(done):
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["rows"]


@pytest.mark.slow
def test_a_sweep_is_one_row_with_the_number_of_its_trials_and_the_best_value(cli, swept):
    found = {row["name"]: row for row in rows(cli("list", "--format", "json"))}
    trials = rows(cli("list", "--flat", "--filter", "tags.`mlflow.parentRunId` != ''", "--format", "json"))
    assert set(found) == {"many", "alone"}
    assert found["many"]["trials_finished"] == 3
    assert found["many"]["best_f1_score"] == max(row["f1_score"] for row in trials)
    assert found["alone"]["trials_finished"] is None


@pytest.mark.parametrize("opened", [["--flat"], ["--filter", "metrics.f1_score > 0"], ["--status", "finished"]])
def test_flat_filter_and_status_show_the_trials(cli, swept, opened):
    names = {row["name"] for row in rows(cli("list", *opened, "--format", "json"))}
    assert {"many-1", "many-2", "many-3", "alone"} <= names


def test_a_list_without_sweeps_has_no_columns_of_theirs(cli, swept):
    (row,) = rows(cli("list", "--filter", "attributes.run_name = 'alone'", "--format", "json"))
    assert not [key for key in row if key.startswith(("trials", "best_"))]


def test_a_sweep_itself_never_ranks_and_is_not_reported_as_left_out(cli, store_kind, swept):
    done = cli("best", "--top", "9", "--format", "json")
    assert {row["name"] for row in rows(done)} == {"many-1", "many-2", "many-3", "alone"}
    counted = (
        "" if store_kind == "sqlite" else "expctl: left out: runs that are unfinished or without a finite f1_score\n"
    )
    assert done.stderr == counted


def test_show_has_the_command_that_makes_the_sweep_again(cli, swept):
    shown = json.loads(cli("show", "many", "--format", "json").stdout)
    assert shown["run"]["command"] == (
        "expctl sweep -g c=0.01,1,100 --data small.csv --sampler grid --metric f1_score --jobs 1 --run-name many"
    )
    assert shown["parameters"]["space.c"] == "0.01,1,100"
    assert {"parallel_coordinates.png", "scatter.png", "trials.csv"} <= set(shown["artifacts"])


def test_predicting_with_a_sweep_names_its_best_run(cli, swept):
    best = cli("best", "--filter", "attributes.run_name LIKE 'many-%'", "--format", "id").stdout.strip()
    done = cli("predict", "--run", "many", "a text")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == f"expctl: run many is a sweep, which has no model of its own (its best run is {best[:8]})\n"


def test_a_trial_is_shown_with_the_train_command_that_makes_it_again(cli, swept):
    shown = json.loads(cli("show", "many-1", "--format", "json").stdout)
    assert shown["run"]["command"] == "expctl train --data small.csv --c 0.01 --run-name many-1"
