"""Is there a store at this address? Answered in milliseconds, without MLflow, and without touching what is there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path, PureWindowsPath

import filelock
import pytest
from packaging.version import Version

from expctl.errors import StoreError, UsageError
from expctl.tracking import uris
from expctl.tracking.uris import (
    absolute,
    artifact_location,
    check,
    first_opening,
    is_made,
    local_folder,
    sqlite_file,
    sqlite_path,
    sqlite_uri,
    upgrading,
)
from tests.tracking.recorded import names


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", "mlflow.db"), ("sqlite:////var/lib/m.db", "/var/lib/m.db"),
        ("sqlite:///a%20b.db?timeout=20", "a b.db"),
    ],
)  # fmt: skip
def test_an_sqlite_address_names_a_file(uri, path):
    assert sqlite_path(uri) == Path(path)


@pytest.mark.parametrize("uri", ["sqlite:", "sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_an_sqlite_address_without_a_file_is_a_usage_error(uri):
    with pytest.raises(UsageError, match="does not persist runs"):
        check(uri, create=True)


@pytest.mark.parametrize(
    "uri",
    ["ftp://host/x", "sqllite:///m.db", "http://localhost:99999", "http://localhost:many/", "http://[::1", "s3://b/k"],
)
def test_an_address_that_is_none_is_a_usage_error_that_shows_one(uri):
    with pytest.raises(UsageError, match="is not a tracking URI") as raised:
        check(uri, create=False)
    assert "sqlite:///mlflow.db" in raised.value.hint


def test_a_secret_in_a_wrong_address_is_not_repeated():
    with pytest.raises(UsageError) as raised:
        check("postgress://ada:s3cr3t@host/db", create=False)
    assert "s3cr3t" not in raised.value.message


def test_a_relative_address_becomes_one_that_holds_in_every_folder(tmp_path, monkeypatch):
    folder = tmp_path / "50% off? ü"
    folder.mkdir()
    monkeypatch.chdir(folder)
    fixed = absolute("sqlite:///m.db?timeout=20")
    monkeypatch.chdir("/")
    assert sqlite_path(fixed) == folder / "m.db"
    assert fixed.endswith("?timeout=20")
    from sqlalchemy.engine import make_url

    if Version(version("sqlalchemy")) >= Version("2.1"):  # which decodes
        assert make_url(fixed).database == str(folder / "m.db")
    assert absolute("http://localhost:5000") == "http://localhost:5000"


def test_the_address_of_a_file_is_one_to_every_sqlalchemy(tmp_path):
    """Before 2.1 it decodes nothing."""
    assert sqlite_uri(tmp_path / "Ann Lee" / "日本+&.db") == f"sqlite:///{tmp_path}/Ann Lee/日本+&.db"


def test_where_no_file_is_only_writing_may_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check("sqlite:///m.db", create=False) is False
    assert check("sqlite:///m.db", create=True) is True
    assert check("sqlite:///none/m.db", create=False) is False
    with pytest.raises(StoreError, match="no folder"):
        check("sqlite:///none/m.db", create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "is empty"), (b"hello, world\n", "is not an SQLite"), (b"SQLite", "is not an SQLite")]
)
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path, content, what):
    path = tmp_path / "m.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=what):
        check(f"sqlite:///{path}", create=True)
    assert path.read_bytes() == content
    assert names(tmp_path) == ["m.db"]


def test_a_folder_or_device_is_no_store(tmp_path):
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(StoreError, match="is not a file"):
            check(f"sqlite:///{path}", create=True)


def test_a_port_nobody_listens_on_is_told_within_seconds():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for scheme in ("http", "postgresql", "mysql+pymysql"):
        with pytest.raises(StoreError, match="cannot connect to") as raised:
            check(f"{scheme}://ada:s3cr3t@127.0.0.1:{port}/db", create=True)
        assert "s3cr3t" not in raised.value.message


def test_a_host_name_that_no_network_can_hold_is_unreachable_like_any_other():
    with pytest.raises(StoreError, match="cannot connect to"):
        check(f"http://{'a' * 300}/", create=False)


def test_a_listening_server_is_reachable():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert check(f"http://127.0.0.1:{server.getsockname()[1]}", create=False) is True


def test_a_file_that_another_process_is_just_making_is_waited_for(tmp_path, migrated_store):
    path = tmp_path / "m.db"
    path.touch()
    held = threading.Event()

    def make() -> None:  # in a thread: the lock is by open file, so a second process would see just this
        with filelock.FileLock(tmp_path / ".m.db.lock"):
            held.set()
            time.sleep(0.3)
            shutil.copy(migrated_store, path)

    other = threading.Thread(target=make)
    other.start()
    held.wait()
    assert check(f"sqlite:///{path}", create=False) is True
    assert path.stat().st_size > 0
    other.join()


def test_the_lock_lies_beside_the_database_and_reading_makes_none(tmp_path):
    uri = f"sqlite:///{tmp_path / 'm.db'}"
    with first_opening(uri, create=False):
        assert names(tmp_path) == []
    with first_opening(uri, create=True):
        assert names(tmp_path) == [".m.db.lock"]


def test_a_lock_is_released_when_its_holder_is_killed(tmp_path):
    code = (
        "import os, signal; from expctl.tracking.uris import first_opening\n"
        f"with first_opening('sqlite:///{tmp_path}/m.db', create=True): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with first_opening(f"sqlite:///{tmp_path}/m.db", create=True):  # else refused in the end
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_a_store_error(tmp_path):
    tmp_path.chmod(0o500)
    with (
        pytest.raises(StoreError, match="Permission denied"),
        first_opening(f"sqlite:///{tmp_path}/m.db", create=True),
    ):
        pass


def make(path: Path, *statements: str) -> str:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return f"sqlite:///{path}"


TABLES = {"experiments", "runs", "brand_new"}


def test_a_store_is_made_when_it_has_all_tables_and_an_experiment(tmp_path):
    whole = [f"CREATE TABLE {name} (a)" for name in TABLES]
    assert is_made(make(tmp_path / "a.db", *whole, "INSERT INTO experiments VALUES (1)"), TABLES) is True
    assert is_made(make(tmp_path / "b.db", *whole), TABLES) is False
    assert is_made(make(tmp_path / "c.db", "CREATE TABLE runs (a)"), TABLES) is False
    assert is_made(make(tmp_path / "d.db", "PRAGMA user_version = 1"), TABLES) is False
    assert is_made("http://localhost:5000", TABLES) is True


def test_a_store_that_lacks_new_tables_is_told_to_be_older(tmp_path):
    uri = make(tmp_path / "a.db", "CREATE TABLE experiments (a)", "INSERT INTO experiments VALUES (1)")
    with pytest.raises(StoreError, match="older schema") as raised:
        is_made(uri, TABLES)
    assert raised.value.hint == "upgrade it, with a backup: expctl doctor --fix"
    assert upgrading("mysql+pymysql://me:secret@h/db") == "back it up, then mlflow db upgrade mysql+pymysql://***@h/db"


def test_another_programs_database_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="another program's"):
        is_made(make(tmp_path / "a.db", "CREATE TABLE bookmarks (a)"), TABLES)


def test_artifacts_lie_beside_the_database_whatever_the_experiment_is_called(tmp_path):
    uri = f"sqlite:///{tmp_path}/m.db"
    for name, word in (("expctl", "expctl"), ("../../etc", "etc"), ("ü b/c", "b-c"), ("...", "experiment")):
        location = artifact_location(uri, name)
        assert location.startswith(f"file://{tmp_path}/mlartifacts/{word}-"), name
    assert artifact_location(uri, "same") != artifact_location(uri, "same")
    assert artifact_location("http://localhost:5000", "any") is None


@pytest.mark.parametrize("name", ["plain.db", "a b.db", "100%.db", "what?.db", "c#.db", "日本.db"])
def test_a_file_of_any_name_is_the_same_file_in_every_spelling(tmp_path, monkeypatch, name):
    import sqlite3
    from contextlib import closing

    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(name)) as made:
        made.execute("CREATE TABLE t (a)")
    assert sqlite_path(sqlite_uri(Path(name))) == tmp_path / name
    with closing(sqlite3.connect(sqlite_file(Path(name), "ro"), uri=True)) as read:
        assert read.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            read.execute("CREATE TABLE u (a)")


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("http://localhost:5000", "http://localhost:5000"),
        ("https://me:p@ss@host/base/", "https://host/base"),
        ("sqlite:///mlflow.db", None),
        ("postgresql://me:secret@host/db", None),
    ],
)
def test_pages_have_no_password_and_only_servers_have_pages(uri, server):
    assert uris.server_of(uri) == server
    if server is not None:
        assert uris.page(server, "7", "abc") == f"{server}/#/experiments/7/runs/abc"
        assert uris.page(server, None) == f"{server}/#/experiments"


# Windows, as values: what would be asked there of its paths, which are no files here.


class WindowsPath(PureWindowsPath):
    def absolute(self) -> WindowsPath:
        assert self.is_absolute()
        return self


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(uris, "Path", WindowsPath)


LONG = "\\\\?\\C:\\" + "\\".join(["deep" * 20] * 10) + "\\m.db"


@pytest.mark.parametrize(
    ("path", "uri", "opened"),
    [
        (r"C:\Users\Ann Lee\m.db", "sqlite:///C:/Users/Ann Lee/m.db", "file:///C:/Users/Ann Lee/m.db?mode=ro"),
        (r"d:\50%\ü#.db", "sqlite:///d:/50%25/ü%23.db", "file:///d:/50%25/ü%23.db?mode=ro"),
        (r"\\server\share\m.db", "sqlite://///server/share/m.db", "file:////server/share/m.db?mode=ro"),
    ],
)
def test_a_file_of_windows_has_an_sqlite_address_that_names_it(windows, path, uri, opened):
    file = WindowsPath(path)
    assert (sqlite_uri(file), sqlite_file(file, "ro")) == (uri, opened)
    assert sqlite_path(uri) == sqlite_path(f"sqlite:///{path}".replace("%", "%25")) == file
    assert absolute(f"{uri}?timeout=20") == f"{uri}?timeout=20"


def test_a_long_path_of_windows_stays_whole(windows):
    assert sqlite_path(sqlite_uri(WindowsPath(LONG))) == WindowsPath(LONG)


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("file:///C:/Users/Ann%20Lee/1", r"C:\Users\Ann Lee\1"),
        ("file:/C:/x", r"C:\x"),
        ("file://localhost/C:/x", r"C:\x"),
        ("file://server/share/x", r"\\server\share\x"),
        (r"C:\x\y", r"C:\x\y"),
        ("C:/x/y", r"C:\x\y"),
        (r"\\server\share\x", r"\\server\share\x"),
        ("s3://bucket/C:/x", None),
        ("mlflow-artifacts:/1", None),
        ("http://c/x", None),
    ],
)
def test_a_folder_of_windows_is_found_by_its_path_and_its_address(windows, uri, folder):
    assert local_folder(uri) == (None if folder is None else WindowsPath(folder))


def test_a_drive_is_a_folder_on_windows_only(windows, monkeypatch):
    assert check(r"C:\mlruns", create=False)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="is not a tracking URI"):
        check(r"C:\mlruns", create=False)
    assert local_folder("file:///C:/x") == Path("/C:/x")
    assert local_folder("file://server/share/x") is None


@pytest.mark.parametrize("name", ["CON", "nul.v2", "com1.", "aux .x", "LPT9", "prn", "a:b", "x" * 300, "..", "<>|?*"])
def test_the_folder_of_an_experiment_is_one_that_windows_can_make(tmp_path, name):
    folder = PureWindowsPath(local_folder(artifact_location(f"sqlite:///{tmp_path}/m.db", name)).name)
    assert re.fullmatch(r"[\w-]+-[0-9a-f]{8}", folder.name, re.ASCII)  # no dot: `con.x` would be the console
    assert len(folder.name) < 70


def test_a_look_at_a_store_lets_go_of_no_lock_of_this_process(tmp_path):
    """As to close its file would, of a transaction of another thread too."""
    path = tmp_path / "mlflow.db"
    other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE runs (run_uuid TEXT)")
        database.execute("BEGIN EXCLUSIVE")
        assert check(f"sqlite:///{path}", create=False)
        done = subprocess.run([sys.executable, "-c", other, path], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
