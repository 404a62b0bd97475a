"""Statistics of SQLite stores: taken after writing, kept up with growth, never taken by reading."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from expctl.tracking.database.planner_stats import are_stale, keep
from tests.tracking.random_stores import MadeRun, rewrite


def filled(path: Path, runs: int) -> None:
    rewrite(path, [MadeRun(f"n{i}", "FINISHED", i + 1, None, False, 1, metrics={"m": i / 7}) for i in range(runs)])


def stale(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        return are_stale(database)


def test_a_store_gets_statistics_once_and_again_when_it_has_grown(folder):
    path = Path("mlflow.db")
    assert not stale(path)  # there is nothing to take statistics of
    filled(path, 10)
    assert stale(path)
    assert (keep(path), keep(path), stale(path)) == (True, False, False)
    filled(path, 15)
    assert not stale(path)
    filled(path, 30)
    assert (stale(path), keep(path), stale(path)) == (True, True, False)


def test_statistics_change_no_answer_and_make_the_plan_follow_the_index(folder):
    path = Path("mlflow.db")
    filled(path, 2_000)
    ask = {"experiment_ids": ["1"], "order_by": ["metrics.m DESC"]}
    # Two addresses of one file: MLflow keeps one engine an address for as long as the process lives.
    once = f"sqlite:///{path.absolute().parent}/./{path}"
    before = [run.info.run_id for run in mlflow.MlflowClient(once).search_runs(**ask)]
    assert len(before) == 1_000
    keep(path)
    assert [run.info.run_id for run in mlflow.MlflowClient(f"sqlite:///{path.absolute()}").search_runs(**ask)] == before
    # What MLflow asks; without statistics SQLite scans all values of the metric once for each run.
    sql = (
        "EXPLAIN QUERY PLAN SELECT DISTINCT runs.run_uuid, CASE WHEN a.value IS NULL THEN 1 ELSE 0 END AS c, a.value"
        " FROM runs LEFT OUTER JOIN (SELECT key, value, run_uuid FROM latest_metrics WHERE key = 'm') AS a"
        " ON runs.run_uuid = a.run_uuid WHERE runs.experiment_id IN (1) ORDER BY c, a.value"
    )
    with closing(sqlite3.connect(path)) as database:
        plan = " ".join(row[-1] for row in database.execute(sql))
    assert "SCAN a " not in plan


def test_training_takes_them_and_reading_does_not(cli, small):
    assert cli("train", "--data", "small.csv", "--quiet").exit_code == 0
    assert not stale(Path("mlflow.db"))
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("DROP TABLE sqlite_stat1")
    before = Path("mlflow.db").read_bytes()
    for words in (["list"], ["best"], ["show", "latest"], ["compare", "latest", "latest"]):
        assert cli(*words).exit_code == 0
    assert Path("mlflow.db").read_bytes() == before


@pytest.mark.parametrize("state", ["locked", "damaged", "not there"])
def test_a_store_that_cannot_be_written_is_left_alone(folder, state):
    path = Path("mlflow.db")
    filled(path, 5)
    if state == "locked":
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert keep(path) is False
    elif state == "damaged":
        path.write_bytes(path.read_bytes()[:70_000])
        assert keep(path) is False
    else:
        assert keep(Path("nowhere.db")) is False
        assert not Path("nowhere.db").exists()
