"""Whether the installed MLflow can work with a store's tables: told with what to do, and never changed by looking."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing

import pytest

from expctl.settings import Settings
from expctl.tracking.database.schema import Fit, examine
from tests.tracking.recorded import names


def change(path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def fit(path) -> Fit:
    found = examine(Settings(tracking_uri=f"sqlite:///{path}"))
    assert found is not None
    return found


@pytest.fixture
def path(folder):
    return folder / "mlflow.db"


def test_the_tables_of_the_installed_mlflow_work(path):
    found = fit(path)
    assert (found.works, found.remedy) == (True, None)
    assert found.found.startswith("that of MLflow")


@pytest.mark.parametrize(
    ("statements", "found", "next"),
    [
        (["UPDATE alembic_version SET version_num = '0c779009ac13'"], "older than that of MLflow", "doctor --fix"),
        (["UPDATE alembic_version SET version_num = 'ffffffffffff'"], "newer than that of MLflow", "pip install"),
        (["DELETE FROM alembic_version"], "of no known MLflow", "restore it from a backup"),
        (["DELETE FROM experiments", "CREATE TABLE _alembic_tmp_runs (a)"], "its making was cut short", "mv "),
        (["CREATE TABLE _alembic_tmp_runs (a)"], "an upgrade of it was cut short: _alembic_tmp_runs", "backup"),
    ],
    ids=["older", "newer", "of no revision", "half made", "half upgraded"],
)
def test_another_schema_is_told_with_its_remedy_and_left_alone(path, statements, found, next):
    change(path, *statements)
    before = path.read_bytes()
    told = fit(path)
    assert told.works is False
    assert told.found.startswith(found)
    assert next in told.remedy
    assert path.read_bytes() == before


def test_the_remedy_of_a_half_made_store_works(path):
    change(path, "DELETE FROM experiments", "CREATE TABLE _alembic_tmp_runs (a)")
    change(path, "DROP TABLE online_scoring_configs")  # MLflow goes on with what lacks a table
    subprocess.run(fit(path).remedy.partition(";")[0], shell=True, check=True)
    assert names(path.parent) == ["mlflow.db.broken"]


def test_another_program_s_database_is_none_of_ours_and_an_empty_one_may_become_one(tmp_path):
    change(tmp_path / "other.db", "CREATE TABLE things (a)")
    told = fit(tmp_path / "other.db")
    assert (told.works, "another program's" in told.found) == (False, True)
    change(tmp_path / "new.db", "PRAGMA user_version = 1")
    assert fit(tmp_path / "new.db") == Fit(None, "it has no tables yet", "expctl train makes them")


@pytest.mark.parametrize("uri", ["http://localhost:5000", "file:///tmp/mlruns", "databricks"])
def test_what_has_no_tables_to_look_at_is_not_looked_at(uri):
    assert examine(Settings(tracking_uri=uri)) is None
