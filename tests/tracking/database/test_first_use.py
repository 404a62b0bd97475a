"""The first use of an empty database: by one process at a time, whatever becomes of it. A used one pays one look."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from expctl.errors import StoreError
from expctl.settings import Settings
from expctl.tracking.database import first_use
from expctl.tracking.errors import store_errors
from expctl.tracking.store import open_store
from tests.tracking import mariadb, postgres
from tests.tracking.first_uses import databases, finished, use

ROOT = Path(__file__).parents[3]
INSTALLED = {"sqlite": lambda: True, "postgres": postgres.programs, "mariadb": mariadb.programs}
SERVERS = ("postgres", "mariadb")


@pytest.mark.slow
@pytest.mark.parametrize("kind", INSTALLED)
def test_every_one_of_several_first_uses_comes_to_its_run(kind):
    if not INSTALLED[kind]():
        pytest.skip(f"{kind} is not installed")
    words = [sys.executable, "-m", "tests.tracking.first_uses", "--store", kind, "--rounds", "1", "--clients", "5"]
    done = subprocess.run(
        words,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.partition(" first uses")[0].split()) == (0, [kind, "5", "of", "5"]), (
        done.stdout + done.stderr
    )


@pytest.fixture(scope="module", params=SERVERS)
def one_more(request):
    """Gives the address of an empty database."""
    with databases(request.param) as give:
        yield give


@contextmanager
def opening(address: str):
    with store_errors(Settings(tracking_uri=address)), first_use.opening(address, create=True) as made:
        yield made


def tables(address: str) -> list[str]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    return sqlalchemy.inspect(engine).get_table_names()


def test_whoever_waits_too_long_is_told_and_makes_nothing(one_more, monkeypatch):
    monkeypatch.setattr(first_use, "PATIENCE", 0)
    address, other = one_more(), one_more()
    with opening(address) as made:
        assert made is False
        with pytest.raises(StoreError, match=r"another process has been making the tables of .* for 0 s") as told:
            open_store(Settings(tracking_uri=address), create=True)
        assert (told.value.exit_code, told.value.hint) == (4, "end it, or try again")
        assert address.rpartition("@")[0].rpartition(":")[2] not in str(told.value)
        with opening(other) as made:  # another database of the same server
            assert made is False
    assert tables(address) == []
    with opening(address) as made:  # and given back
        assert made is False


@pytest.mark.slow
def test_a_dead_holder_blocks_nobody(one_more):
    address = one_more()
    code = (
        "import os, signal; from expctl.tracking.database.first_use import opening\n"
        f"with opening({address!r}, create=True): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -9
    use(address, "n0")
    assert finished(address) == ["n0"]


@pytest.mark.slow
def test_a_database_in_use_is_opened_whoever_holds_the_lock(one_more, monkeypatch):
    address = one_more()
    use(address, "n0")
    monkeypatch.setattr(first_use, "PATIENCE", 0)
    monkeypatch.setattr(first_use, "_is_made", lambda *_: False)
    with opening(address):
        monkeypatch.undo()
        monkeypatch.setattr(first_use, "PATIENCE", 0)
        use(address, "n1")
    assert finished(address) == ["n0", "n1"]


def test_reading_an_empty_database_makes_nothing(one_more, cli, folder):
    address = one_more()
    done = cli("list", "--tracking-uri", address, "--format", "id")
    assert (done.exit_code, done.stdout) == (0, "")
    assert cli("best", "--tracking-uri", address).exit_code == 3
    assert tables(address) == []


@pytest.mark.slow
def test_tables_of_an_older_mlflow_are_told_and_not_upgraded(one_more, cli, small):
    """MLflow adds the tables that are lacking to whatever it opens."""
    import sqlalchemy

    address = one_more()
    use(address, "n0")
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE logged_model_tags"))
    before = tables(address)
    for words in (["list"], ["train", "--data", "small.csv"]):
        done = cli(*words, "--tracking-uri", address)
        assert (done.exit_code, done.stdout) == (4, "")
        assert "has an older schema than the installed MLflow (back it up, then mlflow db upgrade mysql" in (
            done.stderr.replace("postgresql+psycopg2", "mysql")
        )
    assert tables(address) == before
