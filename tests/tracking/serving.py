"""MLflow's own tracking server on loopback, open or behind its basic-auth."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE: Final = 120  # seconds: it starts in 5 on an idle machine


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(database: Path, *, user: str = "", password: str = "") -> Iterator[str]:
    """The address of a server over an SQLite store, which asks for a password if there is one."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--app-name", "basic-auth"] if password else []
    log = database.parent / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{database}"],
            cwd=database.parent,
            env={
                **os.environ,
                "MLFLOW_AUTH_ADMIN_USERNAME": user,
                "MLFLOW_AUTH_ADMIN_PASSWORD": password,
                "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this server",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        ending = time.monotonic() + _PATIENCE
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > ending:
                raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/health", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
