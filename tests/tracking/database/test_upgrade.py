"""An SQLite store of an older MLflow is upgraded whole, with a backup, or stays as it is: whatever cuts it short."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from expctl import compat
from expctl.errors import StoreError
from expctl.tracking.database.schema import examine
from expctl.tracking.database.upgrade import upgrade, upgraded_copy
from tests.tracking.recorded import names, settings_of, store_of

ROOT = Path(__file__).parents[3]
STORES = ROOT / "tests/tracking/stores"


@pytest.fixture(params=["2.9.2"])
def old(request, tmp_path):
    """The folder of a store that an older MLflow wrote."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.executescript(gzip.decompress((STORES / f"mlflow-{request.param}.sql.gz").read_bytes()).decode())
    return tmp_path


def told(folder):
    return [(run.name, run.status, run.params, str(run.metrics), run.tags) for run in store_of(folder).find()]


def half(uri: str) -> None:
    """An upgrade in short, of tables and rows that are not all there yet."""
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        database.execute("DROP TABLE metrics")


@pytest.mark.parametrize("old", ["1.30.1", "2.9.2", "3.5.1"], indirect=True)
def test_what_is_in_an_old_store_is_in_the_upgraded_one_and_the_backup_is_as_it_was(old):
    path, before = old / "mlflow.db", told(old)
    content = path.read_bytes()
    path.chmod(0o640)
    backup = upgrade(settings_of(old), path)
    assert (told(old), examine(settings_of(old)).works) == (before, True)
    assert (backup.parent, path.stat().st_mode & 0o777) == (old, 0o640)
    assert names(old) == [".mlflow.db.lock", "mlflow.db", backup.name]
    path.write_bytes(backup.read_bytes())
    assert told(old) == before
    assert len(backup.read_bytes()) == len(content)


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(old, monkeypatch):
    def failing(uri: str) -> None:
        half(uri)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(compat, "upgrade_tables", failing)
    before = (old / "mlflow.db").read_bytes()
    with pytest.raises(StoreError, match=r"cannot upgrade .*mlflow.db: database or disk is full") as raised:
        upgrade(settings_of(old), old / "mlflow.db")
    assert (raised.value.exit_code, raised.value.hint) == (4, "free some space")
    assert (old / "mlflow.db").read_bytes() == before
    assert ".mlflow.db.new" not in names(old)


def test_a_revision_that_mlflow_cannot_upgrade_is_told(old, monkeypatch):
    import alembic.util

    def unknown(uri: str) -> None:
        raise alembic.util.CommandError("Can't locate revision identified by 'x'")

    monkeypatch.setattr(compat, "upgrade_tables", unknown)
    with pytest.raises(StoreError, match=r"MLflow cannot upgrade .*: Can't locate revision"):
        upgrade(settings_of(old), old / "mlflow.db")


@pytest.mark.parametrize("where", ["in the copy", "before its turn"])
def test_a_kill_leaves_the_store_as_it_was_and_the_next_upgrade_does_it(old, where, monkeypatch):
    before = told(old)
    content = (old / "mlflow.db").read_bytes()
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from expctl import compat\n"
        "from expctl.tracking.database.upgrade import upgrade\n"
        "from tests.tracking.database.test_upgrade import half\n"
        "from tests.tracking.recorded import settings_of\n"
        "def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        "def cut_short(uri): half(uri); kill()\n"
        "in_the_copy = sys.argv[2] == 'in the copy'\n"
        "compat.upgrade_tables = cut_short if in_the_copy else half\n"
        "if not in_the_copy: Path.replace = kill\n"
        "folder = Path(sys.argv[1]); upgrade(settings_of(folder), folder / 'mlflow.db')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old), where], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert (old / "mlflow.db").read_bytes() == content
    assert ".mlflow.db.new" in names(old)
    assert told(old) == before
    monkeypatch.setattr(compat, "upgrade_tables", lambda uri: None)
    upgrade(settings_of(old), old / "mlflow.db")
    assert ".mlflow.db.new" not in names(old)
    assert told(old) == before


def test_a_store_in_wal_mode_stays_one_with_what_lay_beside_it(old, monkeypatch):
    path = old / "mlflow.db"
    monkeypatch.setattr("expctl.tracking.database.upgrade.PATIENCE", 0)
    monkeypatch.setattr(compat, "upgrade_tables", lambda uri: None)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE params SET value = 'late' WHERE key = 'c'")
    writer.commit()
    assert (old / "mlflow.db-wal").stat().st_size > 0
    with pytest.raises(StoreError, match="database is locked"):  # its writer goes on
        upgrade(settings_of(old), path)
    writer.close()
    upgrade(settings_of(old), path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert {params["c"] for _, _, params, *_ in told(old)} == {"late"}


def test_whoever_writes_meanwhile_is_refused_and_loses_nothing_unsaid(old, monkeypatch):
    path = old / "mlflow.db"
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("SELECT count(*) FROM runs").fetchall()
    said = []

    def write() -> None:
        try:
            other.execute("UPDATE params SET value = 'late'")
        except sqlite3.OperationalError as error:
            said.append(str(error))

    monkeypatch.setattr(compat, "upgrade_tables", lambda uri: write())
    upgrade(settings_of(old), path)
    write()
    assert said == ["database is locked", "attempt to write a readonly database"]
    other.close()


def test_a_copy_is_upgraded_and_its_original_left_alone(old, monkeypatch):
    monkeypatch.setattr(compat, "upgrade_tables", half)
    before = (old / "mlflow.db").read_bytes()
    upgraded_copy(settings_of(old), old / "mlflow.db", old / "copy.db")
    with closing(sqlite3.connect(old / "copy.db")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "runs" in tables
    assert "metrics" not in tables
    assert (old / "mlflow.db").read_bytes() == before
    assert (old / "copy.db").stat().st_mode & 0o077 == 0
