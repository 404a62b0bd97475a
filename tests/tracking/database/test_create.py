"""A new SQLite store appears whole in its place, and nothing is left of what was begun."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.metadata import version

import pytest
from packaging.version import Version

from expctl.tracking.database.create import create_file
from tests.tracking.recorded import names


def tables(path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture
def quick(monkeypatch):
    """MLflow's making of tables, which takes seconds, in short."""
    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", make)


def make(engine) -> None:
    import sqlalchemy

    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE experiments (a)"))


def test_a_new_file_has_the_tables_and_nothing_lies_beside_it(tmp_path, quick):
    name = "a b#c.db" if Version(version("sqlalchemy")) >= Version("2.1") else "a b.db"  # before, # has no spelling
    (tmp_path / f".{name}.new").write_bytes(b"what is left of one that was killed")
    (tmp_path / f".{name}.new-journal").write_bytes(b"its journal")
    create_file(tmp_path / name)
    assert tables(tmp_path / name) == {"experiments"}
    assert names(tmp_path) == [name]


def test_a_making_that_fails_leaves_no_store_and_no_part_of_one(tmp_path, monkeypatch):
    def cut_short(engine) -> None:
        make(engine)
        raise KeyboardInterrupt

    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", cut_short)
    with pytest.raises(KeyboardInterrupt):
        create_file(tmp_path / "new.db")
    assert names(tmp_path) == []


def test_a_store_that_another_program_made_meanwhile_is_kept(tmp_path, monkeypatch):
    place = tmp_path / "new.db"

    def overtaken(engine) -> None:
        make(engine)
        place.write_bytes(b"another's")

    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", overtaken)
    create_file(place)
    assert (place.read_bytes(), names(tmp_path)) == (b"another's", ["new.db"])


def test_a_link_stays_a_link_to_the_new_store(tmp_path, quick):
    (tmp_path / "disk").mkdir()
    (tmp_path / "new.db").symlink_to(tmp_path / "disk" / "real.db")
    create_file(tmp_path / "new.db")
    assert (tmp_path / "new.db").is_symlink()
    assert tables(tmp_path / "disk" / "real.db") == {"experiments"}
    assert names(tmp_path / "disk") == ["real.db"]
