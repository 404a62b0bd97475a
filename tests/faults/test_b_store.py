"""The store and the disk under it (section B of what expctl survives)."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import LONG, fill, only_long, remount, small_disk
from tests.tracking.recorded import make_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.bench import Bench


TRAIN = ("train", "--data", "small.csv", "--model", "dummy", "--format", "id")


@contextmanager
def locked(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Nobody else may read or write the database in the block, or so many seconds of it."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
        database.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(seconds or 999, database.rollback)
        timer.daemon = True
        timer.start()
        yield
        timer.cancel()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writers", "each"), [pytest.param(*((32, 20) if LONG else (2, 2)), id="B03-writers-beside-readers")]
)
def test_writers_and_readers_at_once(empty: Bench, writers, each):
    wrong: list[str] = []
    over = threading.Event()

    def write() -> None:
        for _ in range(each):
            done = empty.start(*TRAIN).process.communicate(timeout=900)
            if len(done[0].split()) != 1:
                wrong.append(done[1])

    def read() -> None:
        while not over.is_set():
            for command in (["list", "--format", "id"], ["best"]):
                running = empty.start(*command)
                stderr = running.process.communicate(timeout=600)[1]
                if running.process.returncode not in ((0, 3) if command == ["best"] else (0,)):
                    wrong.append(stderr)
            time.sleep(0.2)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    reader = threading.Thread(target=read)
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    reader.join()
    assert wrong == []
    assert empty.statuses() == {"FINISHED": writers * each}
    empty.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "count"),
    [
        pytest.param("alembic.ddl.impl:DefaultImpl.drop_table", 1, id="B04-killed-in-the-first-opening"),
        pytest.param("alembic.operations:Operations.create_table", 30, id="B04-killed-near-its-end", marks=only_long),
    ],
)
def test_a_kill_in_the_first_opening_leaves_nothing_behind(fresh: Bench, where, count, bench_in, tmp_path):
    fresh.killed_at(where, *TRAIN, when="before", count=count)
    assert not (fresh.folder / "mlflow.db").exists()
    broken = bench_in(tmp_path / "broken")  # what plain MLflow, killed there, would have left
    shutil.copy(fresh.folder / ".mlflow.db.new", broken.folder / "mlflow.db")
    trained = fresh.start(*TRAIN)
    if count == 1:
        broken.run(*TRAIN, code=4, says="expctl doctor")
    assert broken.run("list", "--format", "id").stdout == ""
    trained.ended(0)
    fresh.check()
    assert fresh.statuses() == {"FINISHED": 1}


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [pytest.param(15 if LONG else 7, id="B05-locked-for-a-while")])
def test_a_lock_is_waited_for(empty: Bench, seconds):
    with locked(empty.folder / "mlflow.db", seconds):
        writer, reader = empty.start(*TRAIN), empty.start("list")
        assert reader.ended(0).seconds > seconds - 3
        writer.ended(0)
    empty.check()


@only_long
@pytest.mark.parametrize("most", [pytest.param(45, id="B05-locked-for-ever")])
def test_a_lock_that_stays_is_told(recorded: Bench, most):
    with locked(recorded.folder / "mlflow.db"):
        running = [recorded.start(*words) for words in (TRAIN, ["list"], ["best"], ["predict", "x"])]
        for one in running:
            assert one.ended(4, "locked").seconds < most
    recorded.check()


@pytest.mark.slow
@pytest.mark.parametrize("room", [pytest.param(700, id="B06-full-at-the-first-opening")])
def test_a_disk_that_is_full_when_a_store_is_made(fresh: Bench, room, bench_in):
    with small_disk(room) as disk:
        bench = bench_in(disk)
        bench.run(*TRAIN, code=4, says="free some space")
        assert not (disk / "mlflow.db").exists()
        remount(disk, "size=9m")
        bench.run(*TRAIN)
        bench.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leave", "running"),
    [
        pytest.param(0, 0, id="B06-full-before-the-run"),
        pytest.param(40, 1, id="B06-full-in-the-artifacts", marks=only_long),
    ],
)
def test_a_full_disk_costs_no_recorded_run(recorded: Bench, leave, running, kinds):
    with small_disk(3000) as disk:
        kinds.fill("sqlite", disk, make_runs)
        fill(disk, leave=leave)
        bench = type(recorded)(disk, recorded.temporary)
        bench.run(*TRAIN, code=4)
        bench.run("predict", "--run", "strong", "--input", "small.csv", "--output", "out.csv", code=1, says="No space")
        assert not (disk / "out.csv").exists()
        assert len(bench.run("list", "--format", "id").stdout.split()) == 4 + running
        assert bench.statuses()["FINISHED"] == 3
        bench.check(running=running)
        remount(disk, "size=9m")
        bench.run(*TRAIN)
        bench.check(running=running)
        assert bench.statuses()["FINISHED"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("options", [pytest.param("ro", id="B07-read-only")])
def test_a_read_only_store_is_read_and_not_trained_into(recorded: Bench, options, kinds):
    with small_disk(9000) as disk:
        kinds.fill("sqlite", disk, make_runs)
        remount(disk, options)
        bench = type(recorded)(disk, recorded.temporary)
        for words in (["list"], ["best"], ["show", "strong"], ["compare", "weak", "strong"]):
            bench.run(*words)
        bench.run(*TRAIN, code=4, says="readonly database (is the folder writable?)")
        bench.run("train", "--data", "small.csv", "--tracking-uri", "sqlite:///new.db", code=4, says="Read-only")
        bench.check()


@pytest.mark.parametrize("keep", [pytest.param(0.5, id="B08-truncated")])
def test_a_truncated_database_is_refused_and_left_alone(recorded: Bench, keep):
    path = recorded.folder / "mlflow.db"
    content = path.read_bytes()[: int(path.stat().st_size * keep)]
    path.write_bytes(content)
    running = [recorded.start(*words) for words in (["list"], TRAIN)]
    for one in running:
        one.ended(4, "damaged: restore it from a backup")
    assert path.read_bytes() == content
    assert sorted(one.name for one in recorded.folder.glob("mlflow.db*")) == ["mlflow.db"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("weak", id="B13-deleted-run-and-experiment")])
def test_what_was_deleted_is_told_with_the_command_that_restores_it(recorded: Bench, name):
    with closing(sqlite3.connect(recorded.folder / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = ?", (name,))
    recorded.run("compare", name, "strong", code=3, says="has been deleted (try: expctl restore")
    with closing(sqlite3.connect(recorded.folder / "mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'expctl'")
    running = [recorded.start(*words) for words in (["list"], ["best"], TRAIN)]
    for one in running:
        one.ended(3, "expctl experiments expctl --restore")
    recorded.check()
