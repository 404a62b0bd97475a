"""MLflow's own servers on loopback: of runs, open or behind its basic-auth, and of models."""

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
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PATIENCE: Final = 120  # seconds: it starts in 5 on an idle machine


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(database: Path, *, user: str = "", password: str = "") -> Iterator[str]:
    """The address of a server over an SQLite store, which asks for a password if there is one."""
    options = ["--workers", "1", "--backend-store-uri", f"sqlite:///{database}"]
    options += ["--app-name", "basic-auth"] if password else []
    variables = {
        "MLFLOW_AUTH_ADMIN_USERNAME": user,
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this server",
    }
    with listening(["server", *options], database.parent, variables) as address:
        yield address


@contextmanager
def listening(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The address of `mlflow WORDS --port ...`, started in a folder."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, "--port", str(port)],
            cwd=folder,
            env={**os.environ, **variables, "MLFLOW_DISABLE_TELEMETRY": "true"},
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
