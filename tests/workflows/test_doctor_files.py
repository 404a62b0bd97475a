"""A project that was moved or copied works at its new place, and nothing is written to the old one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from expctl.tracking.database import addresses
from expctl.workflows.doctor import examine
from tests.tracking.recorded import settings_of


@pytest.fixture
def moved(runs, monkeypatch):
    place = runs.with_name(f"{runs.name}-elsewhere")
    runs.rename(place)
    monkeypatch.chdir(place)
    return place


def checked(folder, *, fix=False):
    return {one.name: one for one in examine(settings_of(folder), fix=fix)}


def listed(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def works(cli, there):
    for words in (["show", "strong"], ["compare", "weak", "strong"], ["predict", "--run", "strong", "a fine film"]):
        done = cli(*words, *there)
        assert done.exit_code == 0, done.stderr


def test_a_moved_project_is_read_where_it_is_and_left_as_it_is(cli, moved, runs):
    before = (moved / "mlflow.db").read_bytes()
    works(cli, ("--tracking-uri", f"sqlite:///{moved / 'mlflow.db'}"))
    assert (moved / "mlflow.db").read_bytes() == before
    assert not runs.exists()


def test_a_training_in_a_moved_project_sets_its_addresses_right_and_says_so(cli, moved, runs):
    there = ("--tracking-uri", f"sqlite:///{moved / 'mlflow.db'}")
    done = cli("train", "--data", "small.csv", "--run-name", "after", *there)
    assert done.exit_code == 0, done.stderr
    assert "the store was moved or copied" in done.stderr
    assert len(list(moved.glob("mlflow.db.backup-*"))) == 1
    assert not runs.exists()
    works(cli, there)
    assert cli("compare", "strong", "after", *there).exit_code == 0
    assert checked(moved)["addresses"].status == "ok"


def test_a_copy_is_written_to_and_not_what_it_was_copied_from(cli, runs, monkeypatch):
    copy = runs.with_name(f"{runs.name}-copy")
    shutil.copytree(runs, copy)
    before = listed(runs)
    database = (runs / "mlflow.db").read_bytes()
    monkeypatch.chdir(copy)
    there = ("--tracking-uri", f"sqlite:///{copy / 'mlflow.db'}")
    assert cli("train", "--data", "small.csv", *there).exit_code == 0
    assert cli("delete", "weak", "--purge", "--yes", *there).exit_code == 0
    assert listed(runs) == before
    assert (runs / "mlflow.db").read_bytes() == database


def test_doctor_tells_and_sets_right(moved, runs):
    found = checked(moved)["addresses"]
    assert (found.status, found.next) == ("warning", "expctl doctor --fix")
    assert str(runs) in found.whole
    fixed = checked(moved, fix=True)["addresses"]
    assert fixed.status == "fixed"
    assert str(moved) in fixed.whole
    assert checked(moved)["addresses"].status == "ok"
    assert not runs.exists()


def test_purging_in_a_moved_project_takes_the_files_along(cli, moved):
    there = ("--tracking-uri", f"sqlite:///{moved / 'mlflow.db'}")
    before = len(list(Path("mlartifacts").rglob("predictions.parquet")))
    assert cli("delete", "strong", "--purge", "--yes", *there).exit_code == 0
    assert len(list(Path("mlartifacts").rglob("predictions.parquet"))) == before - 1


def test_files_of_no_run_and_runs_without_files_are_told(runs):
    stray = next(Path("mlartifacts").iterdir()) / ("f" * 32) / "artifacts"
    stray.mkdir(parents=True)
    (stray / "kept.txt").write_text("kept")
    found = checked(runs)["files_of_no_run"]
    assert (found.status, found.found) == ("warning", "1 folder, 4 bytes")
    assert str(stray.parent) in found.whole
    assert stray.exists()
    assert checked(runs, fix=True)["files_of_no_run"].status == "fixed"
    assert not stray.exists()
    assert checked(runs)["files_of_no_run"].status == "ok"


@pytest.mark.parametrize(
    ("words", "alone"),
    [
        (["list"], 0),
        (["compare", "weak", "strong"], 4),
        (["predict", "--run", "strong", "a fine film"], 4),
        (["export", "strong", "-o", "runs.zip"], 4),
        (["doctor"], 0),
        (["doctor", "--fix"], 0),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_a_former_place_that_one_may_not_look_into_is_as_good_as_gone(cli, runs, forbidden, monkeypatch, words, alone):
    copy, database = (runs.with_name(f"{runs.name}-{name}") for name in ("copy", "database"))
    shutil.copytree(runs, copy)
    database.mkdir()
    shutil.copy(runs / "mlflow.db", database)
    forbidden(runs)
    for place, code in ((copy, 0), (database, alone)):
        monkeypatch.chdir(place)
        done = cli(*words, "--tracking-uri", f"sqlite:///{place / 'mlflow.db'}")
        assert done.exit_code == code, done.stderr


def test_addresses_that_cannot_be_set_right_are_a_failure_and_the_former_place_is_not_said_to_be_fine(
    moved, runs, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(addresses.os, "fsync", full)
    checks = checked(moved, fix=True)
    failed = checks["addresses"]
    assert (failed.status, failed.next) == ("failed", "free some space")
    assert failed.found == "cannot set the addresses in mlflow.db right: No space left on device"
    assert str(runs) in failed.whole
    assert checks["artifact_root"].found.startswith(f"{moved}/")


def test_of_a_store_whose_addresses_are_right_none_has_to_be_written(runs, monkeypatch):
    monkeypatch.setattr(addresses, "rewrite", lambda path: pytest.fail("there was nothing to set right"))
    assert checked(runs, fix=True)["addresses"].status == "ok"


def test_what_is_told_of_files_fits_on_a_line_and_machines_get_the_whole_paths(cli, moved, runs):
    stray = next(Path("mlartifacts").iterdir()) / ("f" * 32) / "artifacts"
    stray.mkdir(parents=True)
    (stray / "kept.txt").write_text("kept")
    for words in ([], ["--fix"]):
        there = ("--tracking-uri", f"sqlite:///{moved / 'mlflow.db'}")
        names = ("addresses", "files_of_no_run", "runs_without_files")
        if not words:
            whole = json.loads(cli("doctor", *there, "--format", "json").stdout)["store"]
            assert str(runs) in whole["addresses"]["found"]
            assert stray.parent.name in whole["files_of_no_run"]["found"]
        lines = [line for line in cli("doctor", *words, *there).stdout.splitlines() if line.startswith(names)]
        assert len(lines) == 3
        assert max(len(re.sub("  +", "  ", line)) for line in lines) <= 100  # the paths of others widen the column
