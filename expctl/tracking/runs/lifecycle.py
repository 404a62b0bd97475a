"""The process that records a run: by which tags it is known, whether it still lives, and when signals may reach it.

Knows nothing of what is written (`writer.py`).
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from expctl.records import Tag
from expctl.tracking import uris
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from expctl.records import RunRecord

# Seconds by which the start of one process may differ from one reading to the next: Linux tells it since the boot, and
# when that was moves with each correction of the clock.
_ADRIFT: Final = 5.0


def process_tags() -> dict[str, str]:
    """Which process records: host, pid, and its start in seconds since 1970, as a pid alone is used again."""
    return {Tag.HOST: socket.gethostname(), Tag.PID: str(os.getpid()), Tag.STARTED: _start(os.getpid())}


@cache
def _start(pid: int) -> str:
    """When this process, whose pid it is, started; asked once, so that it is the same whatever the clock does."""
    import psutil

    return f"{psutil.Process(pid).create_time():.2f}"


def is_alive(run: RunRecord) -> bool | None:
    """Whether the process that records a run still lives; None if that cannot be told from this machine."""
    import psutil

    pid, host = run.tags.get(Tag.PID, ""), run.tags.get(Tag.HOST)
    if host != socket.gethostname() or not pid.isdecimal():
        return None
    try:
        process = psutil.Process(int(pid))
        created = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:  # ended, though nobody has asked how: so in many a container
            return False
    except psutil.NoSuchProcess:
        return False
    try:
        return Tag.STARTED not in run.tags or abs(float(run.tags[Tag.STARTED]) - created) < _ADRIFT
    except ValueError:
        return False


def recorder_of(run: RunRecord) -> str:
    """Who records a run, or did, for people."""
    pid, host, started = (run.tags.get(key) for key in (Tag.PID, Tag.HOST, Tag.STARTED))
    if pid is None or host is None:
        return "an unknown process"
    try:
        begun = f", begun {datetime.fromtimestamp(float(started or 'nan'), UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        begun = ""
    return f"process {pid} on {host}{begun}"


def orphans(store: Store, runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Those of the runs that are RUNNING although the process on this machine that recorded them is gone."""
    found = []
    for run in runs:
        if run.status == "running" and is_alive(run) is False:
            now = store.get(run.run_id)  # it may have ended by itself between its being read and its process's end
            if now.status == "running" and is_alive(now) is False:
                found.append(now)
    return found


@contextmanager
def defer_signals() -> Iterator[None]:
    """Hold back the first Ctrl-C, SIGTERM or SIGHUP until the block is done; a second one gets through at once.

    Between the store's making a run and our knowing its id, a signal would leave it RUNNING for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def hold(number: int, _frame: Any) -> None:
        if caught:
            restore()
            signal.raise_signal(number)
        caught.append(number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        restore()
        if caught:
            signal.raise_signal(caught[0])


def defer_signals_if_local(store: Store) -> AbstractContextManager[None]:
    """For a transaction of MLflow's: `defer_signals`, but where it is a call to a server, which may take a minute.

    A signal within an SQLite transaction leaves it open, and closing the run then waits for our own lock in vain.
    """
    return nullcontext() if uris.is_server(store.settings.tracking_uri) else defer_signals()


_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
