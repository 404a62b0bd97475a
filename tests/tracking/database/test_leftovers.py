"""Files of no run are found and moved aside, runs without files are found; nothing is deleted."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from expctl.errors import StoreError
from expctl.tracking.database import leftovers
from tests.tracking.recorded import store_of


@pytest.fixture
def database(runs):
    return runs / "mlflow.db"


def folder_of(runs, name="strong"):
    (run,) = store_of(runs).find(f"attributes.run_name = '{name}'")
    return Path(run.artifact_uri.removeprefix("file://")), run


def test_a_store_in_order_has_neither(database):
    assert leftovers.unowned(database) == []
    assert leftovers.bare(database) == []


def test_files_of_no_run_are_moved_aside_whole(database, runs):
    folder, _ = folder_of(runs)
    stray = folder.parents[1] / ("f" * 32) / "artifacts"
    stray.mkdir(parents=True)
    (stray / "kept.txt").write_text("kept")
    (one,) = leftovers.unowned(database)
    assert (one.folder, one.size) == (stray.parent, 4)
    aside = leftovers.move_aside(database, [one])
    assert not stray.exists()
    assert [path.read_text() for path in aside.rglob("kept.txt")] == ["kept"]
    assert leftovers.unowned(database) == []
    assert folder.is_dir()


def test_files_of_another_database_in_the_folder_are_left_alone(database, runs):
    folder, run = folder_of(runs)
    shutil.copy(database, runs / "other.db")
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("DELETE FROM runs WHERE run_uuid = ?", (run.run_id,))
    assert folder.parent not in [one.folder for one in leftovers.unowned(database)]
    (runs / "other.db").unlink()
    assert folder.parent in [one.folder for one in leftovers.unowned(database)]


def test_a_link_among_them_is_not_followed(database, runs, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "own.txt").write_text("own")
    (folder_of(runs)[0].parents[1] / ("e" * 32)).symlink_to(elsewhere)
    assert leftovers.unowned(database) == []


def test_a_complete_run_whose_files_are_gone_is_told(database, runs):
    folder, run = folder_of(runs)
    shutil.rmtree(folder)
    (one,) = leftovers.bare(database)
    assert (one.run_id, one.name, one.elsewhere) == (run.run_id, "strong", False)


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
def test_a_run_that_is_not_finished_need_not_have_files(database, runs, status):
    folder, run = folder_of(runs)
    shutil.rmtree(folder)
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE runs SET status = ? WHERE run_uuid = ?", (status, run.run_id))
    assert leftovers.bare(database) == []


def test_a_folder_that_may_not_be_read_is_told(database, runs, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(leftovers.os, "scandir", refused)
    with pytest.raises(StoreError, match=r"cannot read .*mlartifacts: Permission denied"):
        leftovers.unowned(database)
