"""Commands in processes of their own that have loaded what takes seconds to load: forked from one that has, and does
nothing else. With their own streams, folder, environment, session and signals they are what `python -m expctl` is.

`Process(words, ...)` is a `subprocess.Popen` of it, `script()` what a shell runs.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import inspect
import io
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER: who adopts a process whose parent has ended
_LARGEST: Final = 1 << 20
_LOCK: Final = threading.Lock()
# What Python and our packages look at when they are loaded: where it is not as it is here, a process is a fresh one.
_DECIDES: Final = ("PYTHON", "LC_", "LANG", "HOME", "XDG_", "OMP_", "OPENBLAS_", "MLFLOW_LOGGING", "MPL")


class Process(subprocess.Popen[Any]):
    """`python -m expctl ...`, or `python -c CODE ...`, begun without waiting for what it imports."""

    def _execute_child(self, *given: Any) -> None:
        names = list(inspect.signature(super()._execute_child).parameters)  # type: ignore[misc]
        asked = dict(zip(names, given, strict=True))
        words, env = list(asked["args"]), dict(os.environ if asked["env"] is None else asked["env"])
        if not _can_be_forked(words, env):
            super()._execute_child(*given)  # type: ignore[misc]
            return
        streams = [asked["p2cread"], asked["c2pwrite"], asked["errwrite"]]
        files = [number if file == -1 else file for number, file in enumerate(streams)]
        with _adopting(), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(_forking()))
            session = bool(asked["start_new_session"])
            request = {
                "words": words[1:],
                "folder": str(Path(asked["cwd"] or ".").absolute()),
                "env": env,
                "adopt": True,
            }
            socket.send_fds(connection, [json.dumps({**request, "session": session}).encode()], files)
            connection.shutdown(socket.SHUT_WR)
            self.pid = int(connection.recv(64))
        self._child_created = True
        self._close_pipe_fds(*(asked[one] for one in names[names.index("p2cread") :][:6]))  # type: ignore[attr-defined]


def _can_be_forked(words: list[str], env: dict[str, str]) -> bool:
    def decides(variables: Any) -> dict[str, str]:
        return {key: value for key, value in variables.items() if key.startswith(_DECIDES)}

    ours = words[:3] == [sys.executable, "-m", "expctl"] or words[:2] == [sys.executable, "-c"]
    return sys.platform == "linux" and ours and decides(env) == decides(os.environ)


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """A process whose parent ends in this block is our child."""
    libc = ctypes.CDLL(None)
    with _LOCK:
        libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        try:
            yield
        finally:
            libc.prctl(_SUBREAPER, 0, 0, 0, 0)


@cache
def _forking() -> Path:
    """The socket of the process that forks, which is begun at the first use and ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="expctl-warm-"))
    place = folder / "s"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))}
    process = subprocess.Popen(
        [sys.executable, "-c", f"from tests.warm import serve; serve({str(place)!r})"],
        cwd=Path(__file__).parent.parent,
        env={**env, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.PIPE,  # closed when we end, however that is
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()  # it listens

    def end() -> None:
        for stream in (process.stdin, process.stdout):
            stream.close()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return place


def script() -> str:
    """How a shell runs the command, with the words behind this."""
    return shlex.join([sys.executable, "-S", str(Path(__file__).with_name("warm_client.py")), str(_forking())])


def serve(place: str) -> None:
    """Fork a process for each connection, until stdin ends: what the process of `_forking` does."""
    import select

    _load()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(64)
    os.write(1, b"listening\n")
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _begin(connection)
            return
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _load() -> None:
    """What commands import; nothing of it is used, and no thread begun."""
    from expctl.tracking.client import quieten

    quieten(verbose=False)
    for name in (
        *("expctl.cli.app", "expctl.training.fit.trainer", "expctl.workflows.train", "expctl.workflows.sweep"),
        *("expctl.workflows.predict", "mlflow.store.tracking.sqlalchemy_store", "skops.io", "pandas"),
        *("mlflow.store.model_registry.sqlalchemy_store", "matplotlib.figure", "pyarrow.parquet"),
    ):
        importlib.import_module(name)
    gc.freeze()  # it is never collected: forks would look through all of it when they end, and copy what they look at


def _begin(connection: socket.socket) -> None:
    """In a fork: begin the command in a fork of this one, whose end is told, or which somebody adopts."""
    content, files, _, _ = socket.recv_fds(connection, _LARGEST, 3)
    while more := connection.recv(_LARGEST):
        content += more
    asked, parent = json.loads(content), os.getpid()
    process = os.fork()
    if process:
        if not asked["adopt"]:
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with contextlib.suppress(OSError):
                connection.sendall(str(code).encode())
        os._exit(0)
    if asked["adopt"]:
        while os.getppid() == parent:
            time.sleep(0.001)
        connection.sendall(str(os.getpid()).encode())
    connection.close()
    _become(asked, files)


def _become(asked: dict[str, Any], files: list[int]) -> None:
    """Be a fresh process: streams, folder, environment, session; then run the command, and end as it ends."""
    import numpy as np

    if asked["session"]:
        os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        if file > 2:
            os.close(file)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    tempfile.tempdir = None
    np.random.seed()
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)), encoding="utf-8")
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        raw = io.FileIO(number, "w")
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors=errors, line_buffering=number == 2 or raw.isatty()
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    kind, rest = asked["words"][0], asked["words"][1:]
    if kind == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = ["expctl", *rest[1:]]
        from expctl.cli.app import main

        main()
    else:
        sys.path[0] = ""
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
