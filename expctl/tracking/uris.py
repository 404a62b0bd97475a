"""Before MLflow is imported: is there a store at this URI at all? Answers in milliseconds, and in seconds if not.

MLflow retries a database that cannot be opened for 102 s, a server for minutes, and makes a store out of an empty
file; all of that is caught here first. Knows URIs, files and sockets; not MLflow.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from expctl.errors import OlderSchema, StoreError, UsageError, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PATIENCE: Final = 20  # seconds to wait for an SQLite writer's lock, as MLflow does within a transaction
ARTIFACT_FOLDER: Final = "mlartifacts"  # beside an SQLite file: where its experiments that are new keep their files
SQLITE_MAGIC: Final = b"SQLite format 3\0"
_CONNECT_SECONDS: Final = 8
_OPENING_SECONDS: Final = 120  # making the schema takes 1-3 s; this is for many that queue
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def sqlite_path(uri: str) -> Path | None:
    """The file of an SQLite URI (`sqlite:///relative`, `sqlite:////absolute`); None for any other URI.

    By hand: sqlalchemy.engine.make_url takes all of SQLAlchemy, 0.28 s where all else that `list` imports takes 0.2 s.
    """
    if not uri.startswith("sqlite:"):
        return None
    path = unquote(uri.partition(":///")[2].partition("?")[0])
    if not path or path == ":memory:":
        raise UsageError(f"{uri} does not persist runs", hint="use a file: sqlite:///mlflow.db")
    return Path(path)


def sqlite_uri(path: Path) -> str:
    """The SQLite URI of a file, the same wherever the process goes."""
    return f"sqlite:///{_quoted(path)}"


def sqlite_file(path: Path, mode: str) -> str:
    """How sqlite3 is told to open a file in a mode: `ro`, or `rw`, which both make none."""
    slashed = _quoted(path)
    return f"file://{'' if slashed.startswith('/') else '/'}{slashed}?mode={mode}"


def _quoted(path: Path) -> str:
    """An absolute path as it stands in a URI: `/home/x`, on Windows `C:/x` or `//server/share/x`.

    Only what would end the path is quoted, or be taken for such: SQLAlchemy before 2.1 takes a path as it stands.
    """
    return re.sub(r"[%?#]", lambda found: quote(found[0]), path.absolute().as_posix())


def is_server(uri: str) -> bool:
    """Whether a URI is that of a tracking server."""
    return uri.startswith(("http://", "https://"))


def absolute(uri: str) -> str:
    """An SQLite URI that means the same file wherever the process goes; any other URI unchanged.

    MLflow keeps an opened store by its URI: a relative one would, in another folder, still be the first folder's.
    """
    path = sqlite_path(uri)
    if path is None:
        return uri
    scheme, _, rest = uri.partition(":///")
    return sqlite_uri(path).replace("sqlite", scheme, 1) + "".join(rest.partition("?")[1:])


def patient(uri: str) -> str:
    """An SQLite URI that waits for a lock at its opening too, which MLflow gives 5 s; any other URI unchanged."""
    return f"{uri}?timeout={PATIENCE}" if uri.startswith("sqlite:") and "?" not in uri else uri


def check(uri: str, *, create: bool) -> bool:
    """Whether there is a store to open; False for an SQLite file that is not there and may not be created.

    Raises StoreError for a file that is no database or a server nobody listens on, UsageError for no URI at all.
    """
    path = sqlite_path(uri)
    if path is not None:
        return _check_sqlite(path, uri, create=create)
    try:
        parts = urlsplit(uri)
        scheme, port = parts.scheme.partition("+")[0], parts.port
    except ValueError as error:
        raise _no_uri(uri, f": {error}") from error
    if scheme in _DEFAULT_PORTS:
        _connect(parts.hostname or "localhost", port or _DEFAULT_PORTS[scheme], uri)
    elif scheme not in ("", "file", "databricks", "databricks-uc") and not Path(uri).drive:
        raise _no_uri(uri)
    return True


def _no_uri(uri: str, why: str = "") -> UsageError:
    return UsageError(
        f"{mask_secrets(uri)} is not a tracking URI{why}",
        hint="for example sqlite:///mlflow.db or http://localhost:5000",
    )


def _check_sqlite(path: Path, uri: str, *, create: bool) -> bool:
    try:
        if not path.exists():
            if create and not path.absolute().parent.is_dir():
                raise StoreError(f"{uri}: no folder {path.absolute().parent}", hint="make the folder first")
            return create
        if not path.is_file():
            raise StoreError(f"{uri}: {path} is not a file", hint="for example sqlite:///mlflow.db")
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        empty = not path.stat().st_size
        if empty:  # SQLite makes the file before its first table: another process may be doing so now
            with first_opening(uri, create=False):
                empty = not path.stat().st_size
    except OSError as error:
        raise StoreError(
            f"{uri}: {error.strerror}", hint="MLFLOW_TRACKING_URI or --tracking-uri names the store"
        ) from error
    if empty or not _is_database(path):
        what = "is empty (0 bytes)" if empty else "is not an SQLite database"
        raise StoreError(f"{uri}: {path} {what}; it is left as it is", hint="restore it from a backup, or move it away")
    return True


def _is_database(path: Path) -> bool:
    """Asked of SQLite itself: to open and close its file in any other way would let go of all locks that this process
    has on it, those of another thread's transaction too (sqlite.org/howtocorrupt.html, 2.2).
    """
    import sqlite3

    try:
        with closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=0)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:  # another: locked, or damaged, which is told when it is read
        return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_NOTADB
    return True


def older_schema(uri: str) -> OlderSchema:
    """The error for a store that an earlier MLflow wrote."""
    return OlderSchema(
        f"the store {mask_secrets(uri)} has an older schema than the installed MLflow", hint=upgrading(uri)
    )


def upgrading(uri: str) -> str:
    """How a store of an older schema is upgraded."""
    if uri.startswith("sqlite:"):
        return "upgrade it, with a backup: expctl doctor --fix"
    return f"back it up, then mlflow db upgrade {mask_secrets(uri)}"


def is_made(uri: str, tables: Collection[str]) -> bool:
    """Whether an SQLite store has all of MLflow's `tables`; False for a new one, or one whose making was cut short.

    MLflow adds what is missing to whatever it opens: to a store of an older schema without asking, and to another
    program's database. Raises StoreError for both.
    """
    path = sqlite_path(uri)
    if path is None:
        return True
    import sqlite3

    try:
        with closing(sqlite3.connect(sqlite_file(path, "ro"), uri=True, timeout=1)) as database:
            found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            # The last step of the making is an experiment called Default.
            used = "experiments" in found and database.execute("SELECT 1 FROM experiments").fetchone() is not None
    except (sqlite3.Error, UnicodeDecodeError):
        return path.exists()  # locked or damaged: MLflow's own answer tells
    if used and not found.issuperset(tables):
        raise older_schema(uri)
    if found and found.isdisjoint(tables):
        raise StoreError(f"{uri} is another program's database; it is left as it is", hint="name another file")
    return used


def _connect(host: str, port: int, uri: str) -> None:
    import socket

    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:
        raise StoreError(
            f"cannot connect to {mask_secrets(uri)} ({getattr(error, 'strerror', None) or error})",
            hint="is the server running? MLFLOW_TRACKING_URI or --tracking-uri names it",
        ) from error


@contextmanager
def first_opening(uri: str, *, create: bool) -> Iterator[None]:
    """Let one process at a time make the schema of an SQLite store: MLflow's migration breaks when two run it at once.

    The lock is a file beside the database (not in TMPDIR, which processes need not share), held for some 2 s. Without
    `create` only a lock that already exists is waited for.
    """
    path = sqlite_path(uri)
    lock = None if path is None else path.absolute().with_name(f".{path.name}.lock")
    if lock is None or not (create or os.access(lock, os.W_OK)):
        yield
        return
    import filelock

    try:
        with filelock.FileLock(lock, timeout=_OPENING_SECONDS):
            yield
    except filelock.Timeout as error:
        raise StoreError(
            f"another process has been opening {uri} for {_OPENING_SECONDS} s", hint=f"or remove {lock}"
        ) from error
    except OSError as error:
        raise StoreError(f"{uri}: {error.strerror}: {lock.parent}", hint="is the folder writable?") from error


def server_of(uri: str) -> str | None:
    """The address of a tracking server, without a password; None for a store that is no server."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def page(server: str, experiment_id: str | None, run_id: str | None = None) -> str:
    """Where a server shows the runs of an experiment, or one of them."""
    if experiment_id is None:
        return f"{server}/#/experiments"
    return f"{server}/#/experiments/{experiment_id}/runs" + (f"/{run_id}" if run_id else "")


def artifact_location(uri: str, experiment: str) -> str | None:
    """Where a new experiment of an SQLite store keeps its files: beside the database, whatever the current folder is.

    None for every other store: a server decides for itself. The folder is not called mlruns, because a later MLflow
    takes a folder of that name for its old file store.
    """
    path = sqlite_path(uri)
    if path is None:
        return None
    # No dots: Windows takes `con.v2-1f` for the console.
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", experiment).strip("-")[:60] or "experiment"
    return (artifact_folder(path) / f"{word}-{uuid.uuid4().hex[:8]}").as_uri()


def artifact_folder(path: Path) -> Path:
    """Where the experiments of an SQLite file that are new keep their files."""
    return path.absolute().parent / ARTIFACT_FOLDER


def local_folder(uri: str) -> Path | None:
    """The folder of a `file://` URI or a path; None for a URI of another kind.

    Only on Windows has a path a drive: `C:` of C:\\x and file:///C:/x, `\\\\server\\share` of file://server/share/x.
    """
    if Path(uri).drive:
        return Path(uri)
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or not parts.path:
        return None
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost"):
        shared = Path(f"//{parts.netloc}{path}")
        return shared if shared.drive else None
    if not parts.scheme:
        return Path(uri)
    return Path(path[1:]) if Path(path[1:]).drive else Path(path)
