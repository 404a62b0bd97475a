"""Commands in processes that have loaded the command line and nothing else, and which modules each has loaded.

Forked from one process that has imported `expctl.cli.app` alone: the command of a fresh process at a tenth of its time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextmanager
def forking(folder: Path) -> Iterator[Callable[..., tuple[int, set[str], str]]]:
    """Runs a command in a folder: its exit code, every module it loaded, and both streams. `folder` is for our own."""
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.forks import serve; serve()"],
        cwd=Path(__file__).parent.parent,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    said, modules = folder / "said", folder / "modules.json"

    def run(where: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, set[str], str]:
        modules.unlink(missing_ok=True)
        asked = {"where": str(where), "words": arguments, "said": str(said), "modules": str(modules)}
        server.stdin.write(json.dumps({**asked, "env": {**clean_environment(), **(env or {})}}) + "\n")
        server.stdin.flush()
        ended = server.stdout.readline()
        told = said.read_text()
        assert modules.is_file(), (ended, told)
        return int(ended), set(json.loads(modules.read_text())), told

    with server:
        yield run
        server.stdin.close()


def clean_environment() -> dict[str, str]:
    """Without settings: mlflow writes MLFLOW_TRACKING_URI into this process where a fixture has opened a store."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EXPCTL_", "MLFLOW_"))}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true"}


def serve() -> None:
    """Fork a process for each line of stdin, and write its exit code: what the process of `forking` does."""
    import expctl.cli.app  # noqa: F401

    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _command(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")
        sys.stdout.flush()


def _command(asked: dict[str, Any]) -> None:
    """The command, as `python -m expctl` runs it, to its end."""
    from expctl.cli.app import main

    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["where"])
    out = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, number in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (out, 2)):
        os.dup2(stream, number)
    sys.argv = ["expctl", *asked["words"]]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    Path(asked["modules"]).write_text(json.dumps(sorted(sys.modules)))
    os._exit(code)
