"""Where a fault is tried: a folder with a store, the real command in a process of its own, and what every line of the
list promises, checked in one place."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from expctl.errors import ExitCode
from tests.warm import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cr3t-of-the-store"
COMMAND = (sys.executable, "-m", "expctl")
LONG = bool(os.environ.get("EXPCTL_FAULTS"))
# Kills the process when a method of MLflow's client, or a function of ours, is called the given time: before or after.
KILLER = """
import os, signal, sys, importlib
where, when, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.argv = ["expctl", *sys.argv[4:]]
module, _, name = where.partition(":")
holder = importlib.import_module(module)
*path, name = name.split(".")
for one in path:
    holder = getattr(holder, one)
whole, left = getattr(holder, name), [count]
def dying(*given, **named):
    left[0] -= 1
    if left[0] or when == "before":
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*given, **named)
    whole(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(holder, name, dying)
from expctl.cli.app import main
main()
"""

only_long = pytest.mark.skipif(not LONG, reason="takes minutes: python tests/faults/long.py")


@dataclass(frozen=True)
class Done:
    """A command that ended, how long that took, and what it wrote."""

    code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass
class Running:
    """A command that runs, in a session of its own."""

    bench: Bench
    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)

    def ended(self, code: int, says: str = "", *, within: float = 120) -> Done:
        """Wait for its end, which must be this one, and check what every command promises."""
        try:
            stdout, stderr = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            stdout, stderr = self.process.communicate()
            pytest.fail(f"not ended after {within:.0f} s: {stderr[-800:]}")
        done = Done(self.process.returncode, stdout, stderr, time.monotonic() - self.began)
        check_command(done, code, says)
        return done

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass
class Bench:
    """A folder, the current one of what runs in it, with a TMPDIR of its own."""

    folder: Path
    temporary: Path
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, python: tuple[str, ...] = COMMAND, **env: str) -> Running:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))}
        own = {"TMPDIR": str(self.temporary), "MLFLOW_DISABLE_TELEMETRY": "true"}
        return Running(
            self,
            Process(
                [*python, *arguments],
                cwd=self.folder,
                env={**kept, **own, **self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=_heard,
            ),
        )

    def run(self, *arguments: str, code: int = 0, says: str = "", within: float = 120, **env: str) -> Done:
        """Run a command to its end and check it; see `check_command`."""
        return self.start(*arguments, **env).ended(code, says, within=within)

    def killed_at(self, where: str, *arguments: str, when: str = "after", count: int = 1, **env: str) -> None:
        """Run a command that is killed with SIGKILL at a call of `module:name`."""
        running = self.start(where, when, str(count), *arguments, python=(sys.executable, "-c", KILLER), **env)
        stderr = running.process.communicate(timeout=600)[1]
        assert running.process.returncode == -signal.SIGKILL, f"{where} was not reached: {stderr[-800:]}"
        self.forget_temporary()

    def statuses(self) -> Counter[str]:
        """How many runs of the store have which status."""
        return Counter(status for (status,) in self.rows("SELECT status FROM runs"))

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.folder / 'mlflow.db'}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(sql).fetchall()

    def processes(self) -> list[psutil.Process]:
        """Every living process of this bench."""
        return [one for one in psutil.process_iter() if _temporary_of(one) == str(self.temporary)]

    def forget_temporary(self) -> None:
        """Wait until nobody uses the TMPDIR, then empty it: who was killed cannot have tidied up."""
        end = time.monotonic() + 10
        while self.processes():
            assert time.monotonic() < end, f"processes left: {self.processes()}"
            time.sleep(0.1)
        for path in self.temporary.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def check(self, *, running: int = 0) -> None:
        """What holds after every fault: the database whole, nobody RUNNING who could have been closed, nothing left."""
        if (self.folder / "mlflow.db").is_file():
            assert self.rows("PRAGMA integrity_check") == [("ok",)]
            assert self.statuses()["RUNNING"] == running, self.statuses()
            finished = "SELECT count(*) FROM runs WHERE status = 'FINISHED'"
            marked = f"{finished} AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'expctl.complete')"
            assert self.rows(finished) == self.rows(marked), "a run is FINISHED and not complete"
        left = [path.name for path in self.folder.rglob("*") if re.search(r"\.(new|tmp|part)$|-journal$", path.name)]
        assert left == []
        assert [path.name for path in self.temporary.iterdir()] == []
        assert self.processes() == []


def check_command(done: Done, code: int, says: str) -> None:
    """A documented exit code; of a failure the cause and a next step in one line on stderr, nothing on stdout."""
    assert done.code == code, done
    assert done.code in set(ExitCode)
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert says in done.stderr, done.stderr
    if code == 0:
        return
    last = done.stderr.splitlines()[-1]
    assert last.startswith("expctl: "), done.stderr
    stopped = code in (ExitCode.HANGUP, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
    assert stopped or last.startswith("expctl: next: ") or re.search(r"\(.+\)$", last), f"no next step: {last}"
    assert code in (ExitCode.WORK_FAILED, ExitCode.UNDECIDED) or done.stdout == "", done.stdout


@contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of this size; skips where none may be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    try:
        _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


def remount(folder: Path, options: str) -> None:
    """Change the size of a small disk (`size=9m`) or who may write to it (`ro`)."""
    _mount("-o", f"remount,{options}", str(folder))


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")


def fill(folder: Path, *, leave: int) -> None:
    """Write a file that leaves so many kilobytes free."""
    free = shutil.disk_usage(folder).free - leave * 1024
    (folder / "filling").write_bytes(b"\0" * max(free, 0))


def _heard() -> None:
    """As in a shell of one's own: whoever started the tests may have told them to ignore these."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _temporary_of(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.environ().get("TMPDIR")
    return None
