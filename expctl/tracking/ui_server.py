"""MLflow's pages of a store that is no server: one started for them, and ended with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

from expctl.errors import StoreError, UsageError, mask_secrets
from expctl.tracking import uris

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from expctl.settings import Settings

_PORT: Final = 5000  # MLflow's own, taken where it is free
_START_SECONDS: Final = 60
_END_SECONDS: Final = 5


@contextmanager
def serving(settings: Settings, host: str, port: int | None, *, verbose: bool = False) -> Iterator[tuple[str, Server]]:
    """MLflow's pages of a store as long as the block lasts: their address, and the server.

    Raises UsageError for a port that is taken, StoreError, with the cause, for a server that does not start.
    """
    port = _free(host, port)
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    path = uris.sqlite_path(settings.tracking_uri)
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    own = {
        "MLFLOW_BACKEND_STORE_URI": uris.absolute(settings.tracking_uri),  # not for all to see in a list of processes
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # for language models; it starts five processes more
        "MLFLOW_LOGGING_LEVEL": "INFO" if verbose else "ERROR",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, *(() if verbose else ("--uvicorn-opts", "--log-level warning"))],
            cwd=None if path is None else path.absolute().parent,
            env=kept | own,
            stdin=subprocess.DEVNULL,
            stdout=log if not verbose else sys.stderr,
            stderr=log if not verbose else sys.stderr,
            start_new_session=True,
        )
        server = Server(process, log)
        try:
            server.wait_until_ready(near, port)
            yield f"http://{f'[{near}]' if ':' in near else near}:{port}", server
        finally:
            server.end()


def _free(host: str, port: int | None) -> int:
    """The port that is asked for, else MLflow's own, else any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    cause = ""
    for wanted in (_PORT, 0) if port is None else (port,):
        try:
            with closing(socket.create_server((host, wanted), family=family)) as found:
                return int(found.getsockname()[1])
        except (OSError, UnicodeError) as error:
            cause = getattr(error, "strerror", None) or str(error)
    where = f"{host}, port {port}" if port is not None else host
    raise UsageError(f"cannot listen on {where}: {cause}", hint="without --port and --host a free port is found")


class Server:
    """A server process, all that it started, and what they said."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process = process
        self._log = log

    def wait_until_ready(self, host: str, port: int) -> None:
        """Raises StoreError if it ends instead, or takes too long."""
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if self._process.poll() is not None:
                raise StoreError(f"MLflow's server does not start: {self._said()}", hint="expctl doctor")
            with suppress(OSError, HTTPException), closing(HTTPConnection(host, port, timeout=2)) as connection:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.1)
        raise StoreError(f"MLflow's server has not answered in {_START_SECONDS} s: {self._said()}", hint="--verbose")

    def wait(self) -> None:
        """Until it ends, which it does not by itself: raises StoreError."""
        self._process.wait()
        raise StoreError(f"MLflow's server exited: {self._said()}", hint="expctl ui --verbose")

    def end(self) -> None:
        """End it and all that it started, politely for some seconds; at once when somebody asks again."""
        try:
            self._stop()
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._stop(at_once=True)
            self._process.wait()

    def _stop(self, *, at_once: bool = False) -> None:
        if sys.platform == "win32":  # which has no groups of processes to send a signal to, and no signals but one
            self._process.terminate()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def _said(self) -> str:
        """The last line that it wrote."""
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return mask_secrets(lines[-1]) if lines else "it printed nothing"
