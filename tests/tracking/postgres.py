"""A PostgreSQL of the tests' own on loopback, by the programs that Debian's package (or PATH) has."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.tracking.serving import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE: Final = 60  # seconds: it starts in one
_USER: Final = "expctl"


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    path = Path(named).resolve() if named else found[-1] if found else None
    return None if path is None else path.parent


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The address of an empty database, with its password; skips the test where PostgreSQL is not installed.

    Unless `durable` it does not wait for the disk, for its data are never needed again.
    """
    found = programs()
    if found is None:
        pytest.skip(
            "PostgreSQL is not installed: no initdb in PATH or below /usr/lib/postgresql (apt install postgresql)"
        )
    folder = Path(tempfile.mkdtemp(prefix="expctl-postgres-"))
    try:
        password, port = secrets.token_hex(16), free_port()
        (folder / "password").write_text(password)
        # PostgreSQL refuses to be run by root; the folder of pytest may be entered by nobody else.
        own: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:
            user = _unprivileged()
            own |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for path in (folder, folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        data = folder / "data"
        _run(
            [found / "initdb", "-D", data, "-U", _USER, "--auth=scram-sha-256", "--pwfile=password", "--no-sync",
             "--encoding=UTF8", "--locale=C.UTF-8"],
            **own,
        )  # fmt: skip
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        settings += [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        words = [str(found / "postgres"), "-D", str(data), *(word for one in settings for word in ("-c", one))]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, **own)
        place = f"{_USER}:{password}@127.0.0.1:{port}/postgres"
        try:
            _wait_for(f"postgresql://{place}", process, folder / "log")
            yield f"postgresql+psycopg2://{place}"  # SQLAlchemy 2.1 takes plain postgresql: for another driver
        finally:
            process.send_signal(signal.SIGQUIT)  # at once, whoever is connected
            process.wait()
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> pwd.struct_passwd:
    """The user that Debian's package makes, else the one that owns nothing."""
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _run(words: list[Any], **own: Any) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, **own)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stderr}")


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg2

    ending = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg2.connect(address).close()
        except psycopg2.OperationalError:
            if process.poll() is not None or time.monotonic() > ending:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)
        else:
            return
