"""The SQLite file read beside writers, in every mode it can be in, and left alone where it is not known."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from expctl.errors import StoreError
from expctl.tracking import uris
from expctl.tracking.readers import sqlite
from expctl.tracking.readers.protocol import NotServed, Query
from tests.tracking.random_stores import MadeRun, rewrite

PATH = Path("mlflow.db")
ONE = Query(("1",))


def filled(runs: int = 3) -> None:
    rewrite(PATH, [MadeRun(f"n{i}", "FINISHED", i + 1, None, False, 1, metrics={"m": float(i)}) for i in range(runs)])


def reader() -> sqlite.SqliteReader:
    return sqlite.connect(PATH, f"sqlite:///{PATH}")


def test_a_writer_that_is_at_work_is_waited_for(folder):
    filled()
    with closing(sqlite3.connect(PATH, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        ended = threading.Event()
        threading.Timer(1.0, lambda: (ended.set(), writer.execute("COMMIT"))).start()
        assert len(reader().find(ONE)) == 3
        assert ended.is_set()


def test_a_writer_that_never_ends_is_told(cli, folder, monkeypatch):
    filled()
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    known = reader()
    with closing(sqlite3.connect(PATH, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked") as raised:
            known.find(ONE)
        assert raised.value.hint == "another process is writing to it; try again"


def test_a_store_in_wal_mode_is_read_beside_its_writer(folder):
    filled()
    with closing(sqlite3.connect(PATH, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE runs SET name = 'half done'")
        found = reader()
        assert {run.name for run in found.find(ONE)} == {"n0", "n1", "n2"}
        writer.execute("COMMIT")
        assert {run.name for run in found.find(ONE)} == {"half done"}


def test_an_answer_is_of_one_moment(folder):
    """A run is never told with parameters of before and metrics of after."""
    filled(50)
    code = f"""
import sqlite3, time
database = sqlite3.connect({str(PATH.absolute())!r}, timeout=30)
i = 0
while True:
    i += 1
    time.sleep(0.003)  # or nobody else gets its lock
    with database:
        database.execute("UPDATE runs SET end_time = ?", (i,))
        database.execute("UPDATE latest_metrics SET value = ?", (i,))
"""
    found = reader()
    seen = set()
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        try:
            while len(seen) < 30:
                pairs = {(run.ended, run.metrics["m"]) for run in found.find(ONE)}
                assert len(pairs) == 1 or {ended for ended, _ in pairs} == {None}, pairs  # None: it has not begun
                seen |= {pair for pair in pairs if pair[0] is not None}
                assert writer.poll() is None
        finally:
            writer.kill()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_not_be_written_is_read(cli, runs):
    PATH.chmod(0o400)
    runs.chmod(0o500)
    try:
        assert cli("list", "--format", "id").stdout != ""
    finally:
        runs.chmod(0o700)


def test_reading_changes_no_byte_and_leaves_no_file(cli, runs):
    before = {path.name: path.read_bytes() for path in runs.iterdir() if path.is_file()}
    for words in (["list"], ["best", "--top", "2"], ["show", "latest"], ["list", "--filter", "c = 1 or has f1_score"]):
        assert cli(*words).exit_code == 0
    assert {path.name: path.read_bytes() for path in runs.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE alembic_version SET version_num = 'ffff'", "its schema ffff is not one of those tested"),
        ("DELETE FROM alembic_version", r"its schema \(none\) is not"),
        ("DROP TABLE alembic_version", "no such table"),
        ("DELETE FROM experiments", "its making was cut short"),
        ("INSERT INTO experiments (name, workspace) VALUES ('x', 'team')", "it has workspaces"),
    ],
)
def test_what_is_not_known_is_left_to_the_client(folder, change, why):
    with closing(sqlite3.connect(PATH)) as database, database:
        database.execute(change)
    with pytest.raises(NotServed, match=why):
        reader()


def test_an_address_with_options_or_a_damaged_file_is_left_to_the_client(folder):
    with pytest.raises(NotServed, match="options"):
        sqlite.connect(PATH, "sqlite:///mlflow.db?timeout=5&mode=ro")
    PATH.write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    with pytest.raises(NotServed):
        reader()


def test_an_address_that_says_how_long_to_wait_as_mlflow_is_told_it_is_read_directly(folder):
    assert isinstance(sqlite.connect(PATH, uris.patient("sqlite:///mlflow.db")), sqlite.SqliteReader)


def test_a_name_with_odd_characters_is_a_file_like_any_other(folder):
    filled()
    odd = folder / "a b?#%41.db"
    shutil.copy(PATH, odd)
    assert len(sqlite.connect(odd, "sqlite:///x").find(ONE)) == 3


def test_a_reader_that_nobody_needs_any_more_may_end_in_another_thread(runs, recwarn):
    """The garbage collector runs in whichever thread it likes."""
    import gc
    from threading import Thread

    reader = [sqlite.connect(PATH, uris.patient(f"sqlite:///{PATH.absolute()}"))]
    thread = Thread(target=lambda: (reader.clear(), gc.collect()))
    thread.start()
    thread.join()
    assert [str(one.message) for one in recwarn] == []
