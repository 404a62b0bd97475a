"""A MariaDB of the tests' own on loopback, by the programs that Debian's package (or PATH) has."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
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


def programs() -> tuple[str, str] | None:
    """`mariadb-install-db` and `mariadbd`; None where MariaDB is not installed."""
    install, server = (
        shutil.which(name) or (usual if Path(usual).is_file() else None)
        for name, usual in (("mariadb-install-db", "/usr/bin/mariadb-install-db"), ("mariadbd", "/usr/sbin/mariadbd"))
    )
    return None if install is None or server is None else (install, server)


@contextmanager
def mariadb() -> Iterator[str]:
    """The address of an empty database, with its password; skips the test where MariaDB is not installed.

    It does not wait for the disk, for its data are never needed again.
    """
    found = programs()
    if found is None:
        pytest.skip("MariaDB is not installed: no mariadbd in PATH or /usr/sbin (apt install mariadb-server)")
    install, server = found
    folder = Path(tempfile.mkdtemp(prefix="expctl-mariadb-"))
    try:
        password, port, data = secrets.token_hex(16), free_port(), folder / "data"
        root = os.geteuid() == 0
        if root:  # which MariaDB refuses to be run by
            owner = pwd.getpwnam("nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        common = ["--no-defaults", f"--datadir={data}", *(["--user=nobody"] if root else [])]
        made = subprocess.run(
            [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True, text=True, check=False, cwd=folder,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"{install} failed:\n{made.stdout[-3000:]}{made.stderr[-3000:]}")
        start = folder / "start.sql"
        start.write_text(
            "CREATE DATABASE runs CHARACTER SET utf8mb4;\n"
            f"CREATE USER {_USER}@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON *.* TO {_USER}@'127.0.0.1';\n"
        )
        start.chmod(0o644)
        words = [
            server, *common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}",
            f"--init-file={start}", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve", "--skip-log-bin",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, cwd=folder)
        try:
            _wait_for({"host": "127.0.0.1", "port": port, "user": _USER, "password": password}, process, folder / "log")
            yield f"mysql+pymysql://{_USER}:{password}@127.0.0.1:{port}/runs"
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _wait_for(address: dict[str, Any], process: subprocess.Popen[bytes], log: Path) -> None:
    import pymysql

    ending = time.monotonic() + _PATIENCE
    while True:
        try:
            pymysql.connect(**address, database="runs").close()
        except pymysql.err.OperationalError:
            if process.poll() is not None or time.monotonic() > ending:
                raise RuntimeError(f"MariaDB did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)
        else:
            return
