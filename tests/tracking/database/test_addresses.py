"""The addresses of a store that was moved: all are set right, with a backup, or none."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from expctl.errors import StoreError
from expctl.tracking.database import addresses, leftovers


@pytest.fixture
def moved(runs, monkeypatch):
    """The database of a project whose folder has another name now; the former one is gone."""
    place = runs.with_name(f"{runs.name}-elsewhere")
    runs.rename(place)
    monkeypatch.chdir(place)
    return place / "mlflow.db"


def recorded(path):
    with closing(sqlite3.connect(path)) as database:
        sql = "SELECT artifact_uri FROM runs UNION ALL SELECT artifact_location FROM logged_models"
        return [one for (one,) in database.execute(sql)]


def test_a_store_that_was_not_moved_has_nothing_to_set_right(runs):
    before = (runs / "mlflow.db").read_bytes()
    assert addresses.outdated(runs / "mlflow.db") == []
    assert addresses.rewrite(runs / "mlflow.db") is None
    assert (runs / "mlflow.db").read_bytes() == before


def test_every_address_of_a_moved_store_is_set_right_once(moved, runs):
    before = recorded(moved)
    assert all(str(runs) in one for one in before)
    found = addresses.outdated(moved)
    assert recorded(moved) == before
    done = addresses.rewrite(moved)
    assert [one.after for one in done.changes] == [one.after for one in found]
    after = recorded(moved)
    assert after == [one.replace(str(runs), str(moved.parent)) for one in before]
    assert recorded(done.backup) == before
    assert addresses.rewrite(moved) is None
    with closing(sqlite3.connect(moved)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_store_whose_writer_stays_is_left_as_it_is(moved, monkeypatch):
    monkeypatch.setattr(addresses, "PATIENCE", 0.1)
    before = recorded(moved)
    with closing(sqlite3.connect(moved, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            addresses.rewrite(moved)
        writer.execute("ROLLBACK")
    assert recorded(moved) == before
    assert not list(moved.parent.glob("*.backup-*"))


def test_a_backup_that_was_cut_short_goes_with_the_next(moved):
    for left in (".mlflow.db.backup-2026-01-01-000000.new", ".mlflow.db.backup-2026-01-01-000000.new-journal"):
        (moved.parent / left).write_bytes(b"SQLite format 3\0half")
    assert leftovers.unowned(moved) == []
    done = addresses.rewrite(moved)
    assert [one for one in moved.parent.iterdir() if "backup" in one.name] == [done.backup]


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OSError(28, "No space left on device"), "free some space"),
        (PermissionError(13, "Permission denied"), "is the folder writable?"),
    ],
    ids=["full", "forbidden"],
)
def test_without_a_backup_nothing_is_changed(moved, monkeypatch, error, remedy):
    before = recorded(moved)

    def failing(*_):
        raise error

    monkeypatch.setattr(addresses.os, "fsync", failing)
    with pytest.raises(StoreError) as caught:
        addresses.rewrite(moved)
    assert caught.value.message == f"cannot set the addresses in mlflow.db right: {error.strerror}"
    assert caught.value.hint == remedy
    assert recorded(moved) == before
    assert {one.name for one in moved.parent.iterdir() if "backup" in one.name} == set()


# Sets addresses right, and kills itself when a statement begins that holds a word, or a backup begins or is there.
DYING = """
import os, signal, sqlite3, sys
from pathlib import Path
from expctl.tracking.database import addresses
word = sys.argv[2]

class Dying(sqlite3.Connection):
    def execute(self, sql, *given):
        if word in sql:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *given)

    def backup(self, target, **given):
        super().backup(target, pages=10, progress=progress)

def progress(*_):
    if word == "backup":
        os.kill(os.getpid(), signal.SIGKILL)

really = sqlite3.connect
addresses.sqlite3.connect = lambda *given, **named: really(*given, **named, factory=Dying)
addresses.rewrite(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("word", ["BEGIN", "backup", "UPDATE runs", "UPDATE experiments", "COMMIT"])
def test_killed_at_any_step_the_addresses_are_the_former_or_the_right_ones_and_the_next_time_completes(
    moved, runs, word
):
    before = recorded(moved)
    done = subprocess.run([sys.executable, "-c", DYING, moved, word], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert recorded(moved) == before
    assert len(addresses.rewrite(moved).changes) >= len(before)
    assert recorded(moved) == [one.replace(str(runs), str(moved.parent)) for one in before]
    assert all(recorded(one) == before for one in moved.parent.glob("*.backup-*"))
    assert not list(moved.parent.glob(".*.backup-*"))
