"""Stores of older MLflows in PostgreSQL and MariaDB: read as the same rows in an SQLite file, and not written."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy

from expctl import compat
from expctl.settings import Settings
from expctl.tracking.readers.older_database import connect
from tests.conftest import write_reviews
from tests.tracking.first_uses import databases
from tests.tracking.older_databases import STORES, make_older

OLDER = "has an older schema than the installed MLflow"
READING = (
    "list", "list --deleted", "list --filter c=1", "list --filter datasets.name='x'", "list --sort f1_score",
    "list --columns name,max(f1_score),team", "best --top 3", "compare old-0 old-1", "show old-1", "experiments",
)  # fmt: skip


def as_a_file(version, path):
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress((STORES / f"mlflow-{version}.sql.gz").read_bytes()).decode())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_database_of_an_older_mlflow_is_read_as_it_is_and_not_written(cli, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "small.csv", 20)
    with databases(kind) as one_more:
        for version in ("1.30.1", "2.9.2", "3.5.1"):
            as_a_file(version, tmp_path / f"{version}.db")
            address = one_more()
            make_older(address, version)
            rows = counted(address)
            here = ("--tracking-uri", address)
            for words in READING:
                done = cli(*words.split(), *here, "--format", "json")
                assert done.exit_code == 0, done.stderr
                told = done.stderr.splitlines()[0]
                assert f"{OLDER}, and is read as it is (back it up, then mlflow db upgrade {kind_of(address)}" in told
                same = cli(*words.split(), "--tracking-uri", f"sqlite:///{version}.db", "--format", "json")
                assert json.loads(done.stdout) == json.loads(same.stdout), words
            assert cli("report", "--output", "page.html", *here).exit_code == 0
            for words in ("train --data small.csv", "delete old-1 --yes", "edit old-1 -t a=b"):
                done = cli(*words.split(), *here)
                assert done.exit_code == 4, words
                assert f"{OLDER} (back it up, then mlflow db upgrade {kind_of(address)}" in done.stderr.splitlines()[-1]
            assert "***" in done.stderr
            assert counted(address) == rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_what_was_exported_of_an_older_database_comes_whole_into_a_new_store(cli, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    with databases(kind) as one_more:
        address = one_more()
        make_older(address, "2.9.2")
        assert cli("export", "old-*", "-o", "runs.zip", "--tracking-uri", address).exit_code == 0
        there = ("--tracking-uri", "sqlite:///new.db")
        assert cli("import", "runs.zip", *there).exit_code == 0
        columns = ("--columns", "name,status,f1_score,max(f1_score),c,team,note", "--format", "csv", "--sort", "name")
        assert cli("list", *there, *columns).stdout == cli("list", "--tracking-uri", address, *columns).stdout


def kind_of(address: str) -> str:
    return f"{address.partition('://')[0]}://***@"


def counted(address: str) -> dict[str, list[object]]:
    """All rows of a database, to see that nothing was written."""
    with compat.engine(address) as engine, engine.connect() as database:
        tables = sqlalchemy.MetaData()
        tables.reflect(engine)
        return {table.name: sorted(map(repr, database.execute(table.select()))) for table in tables.sorted_tables}


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ("SELECT 1", True),
        ("UPDATE alembic_version SET version_num = 'ffffffffffff'", False),  # of a newer MLflow
        ("DROP TABLE latest_metrics", False),
        ("ALTER TABLE runs DROP COLUMN user_id", False),
        ("ALTER TABLE experiments ADD COLUMN workspace VARCHAR(9) DEFAULT 'default'", True),
        ("ALTER TABLE experiments ADD COLUMN workspace VARCHAR(9) DEFAULT 'own'", False),
        ("DROP TABLE datasets", True),
    ],
)
def test_only_tables_of_an_earlier_mlflow_that_have_all_that_is_read_are_read(tmp_path, changed, read):
    as_a_file("2.9.2", tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.execute(changed)
    assert (connect(Settings(tracking_uri=f"sqlite:///{tmp_path / 'old.db'}")) is not None) is read


def test_a_database_of_the_installed_mlflow_is_left_to_it(tmp_path, migrated_store):
    shutil.copy(migrated_store, tmp_path / "new.db")
    assert connect(Settings(tracking_uri=f"sqlite:///{tmp_path / 'new.db'}")) is None
