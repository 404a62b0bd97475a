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
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PATIENCE: Final = 600  # seconds: it starts in 5 on an idle machine
_AUTH: Final = """[mlflow]
default_permission = READ
database_uri = sqlite:///basic_auth.db
admin_username = {user}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
_LEAN: Final = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(
    store: Path | str,
    folder: Path | None = None,
    *,
    artifacts: str = "artifacts",
    user: str = "",
    password: str = "",
    workers: int = 1,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """The address of a server over an SQLite file, or the database of an address, through which its artifacts go too.

    It asks for a password if there is one, and has its log and its artifacts in `folder`, else beside the SQLite file.
    """
    command = ["server", "--workers", str(workers), "--serve-artifacts", "--artifacts-destination", artifacts]
    command += ["--app-name", "basic-auth"] if password else []
    folder = folder or Path(store).parent
    variables = {
        "MLFLOW_BACKEND_STORE_URI": store if isinstance(store, str) else f"sqlite:///{store}",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this server",
        **environment,
    }
    if password:  # by a file: MLflow before 3.17 knows no variables for them
        variables["MLFLOW_AUTH_CONFIG_PATH"] = str(folder / "basic_auth.ini")
        (folder / "basic_auth.ini").write_text(_AUTH.format(user=user, password=password))
    with listening(command, folder, variables) as address:
        yield address


@contextmanager
def listening(
    words: Sequence[str], folder: Path, variables: Mapping[str, str], *, python: str = sys.executable
) -> Iterator[str]:
    """The address of `mlflow WORDS --port ...`, started in a folder, with the packages of a Python."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    # MLflow starts its web server by its name: of that environment, which nobody need have activated.
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python, "-m", "mlflow", *words, "--port", str(port)],
            cwd=folder,
            # Its runner of jobs, which nothing here asks for, is eight more processes of 170 MB.
            env={**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", **_LEAN, **variables},
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
            os.killpg(process.pid, signal.SIGKILL)  # asked kindly, it takes seconds to say goodbye
        process.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/health", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
