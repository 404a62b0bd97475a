"""The life of a run: created RUNNING with host, pid and process start; whatever happens short of SIGKILL it ends
FINISHED, FAILED or KILLED with a reason.

The completion mark is the last thing written into a run, its status is set after that: without the mark no run is
complete, whatever its status says. Knows nothing of what else is written.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
import uuid
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import ExpctlError, Stopped, StoreError, mask_secrets
from expctl.records import Tag
from expctl.tracking import retries, uris
from expctl.tracking.errors import store_errors
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mlflow import MlflowClient

    from expctl.records import RunRecord

# MLflow cuts longer tags with no more than a warning.
TAG_LIMIT: Final = 8000


@contextmanager
def recording(store: Store, name: str | None, tags: Mapping[str, str], *, run_id: str | None = None) -> Iterator[str]:
    """Create a run, or take up again the one with `run_id`, and give its id; end it by how the block ends."""
    experiment = store.ensure_experiment()
    finished = False
    try:
        with defer_signals():
            if run_id is None:
                run_id = begin(store, experiment, name, tags)
            else:
                _reopen(store, run_id, tags)
        yield run_id
        with defer_signals():
            finish(store, run_id)
            finished = True
    except BaseException as error:
        if run_id is not None and not finished:
            with suppress(StoreError):  # a store that fails now is mostly what `error` tells of
                abort(store, run_id, error)
        raise


def begin(
    store: Store, experiment: str, name: str | None, tags: Mapping[str, str], *, started: int | None = None
) -> str:
    """Create a RUNNING run, `started` at so many milliseconds since 1970, or now, and return its id.

    To be called `defer_signals`, until the id is where `abort` finds it.
    """
    with store_errors(store.settings):
        if uris.is_server(store.settings.tracking_uri):
            return _begin_once(store.client, experiment, name, tags, started)
        return str(store.client.create_run(experiment, started, dict(tags), name).info.run_id)


def _begin_once(
    client: MlflowClient, experiment: str, name: str | None, tags: Mapping[str, str], started: int | None
) -> str:
    """Create one run, also where the server's answer is lost: MLflow would ask again and leave the first for ever.

    The run has a tag by which it is looked for before another is made.
    """
    from mlflow.exceptions import MlflowException

    key = uuid.uuid4().hex
    for wait in (0, 2, 4, 8, None):
        try:
            with retries.limited_retries(retries=0):
                return str(client.create_run(experiment, started, {**tags, Tag.KEY: key}, name).info.run_id)
        except MlflowException as error:
            if wait is None or error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
                raise
        time.sleep(wait)
        made = client.search_runs([experiment], f"tags.`{Tag.KEY}` = '{key}'")
        if made:
            return str(made[0].info.run_id)
    raise AssertionError("the last attempt returns or raises")


def _reopen(store: Store, run_id: str, tags: Mapping[str, str]) -> None:
    with store_errors(store.settings):
        for key, value in tags.items():
            store.client.set_tag(run_id, key, value)
        for key in (Tag.COMPLETE, Tag.REASON):
            if key in store.get(run_id).tags:
                store.client.delete_tag(run_id, key)
        store.client.update_run(run_id, status="RUNNING")


def finish(store: Store, run_id: str) -> None:
    """Mark a run complete and end it FINISHED."""
    with store_errors(store.settings):
        store.client.set_tag(run_id, Tag.COMPLETE, "true")
        store.client.set_terminated(run_id, "FINISHED")


class Abandoned(ExpctlError):
    """A run that was given up through no fault of its own."""


def abort(store: Store, run_id: str, error: BaseException) -> None:
    """End a run with the reason: KILLED if somebody stopped it, FAILED for everything else."""
    killed = isinstance(error, (KeyboardInterrupt, Stopped, Abandoned))
    with defer_signals(), store_errors(store.settings), retries.limited_retries(retries=2):
        store.client.set_tag(run_id, Tag.REASON, _reason(error)[:TAG_LIMIT])
        store.client.set_terminated(run_id, "KILLED" if killed else "FAILED")


def close_orphan(store: Store, run: RunRecord) -> None:
    """End a RUNNING run whose process is gone: FINISHED if it is complete, else KILLED."""
    if Tag.COMPLETE in run.tags:
        finish(store, run.run_id)
        return
    with defer_signals(), store_errors(store.settings):
        store.client.set_tag(run.run_id, Tag.REASON, "its process ended without a word")
        store.client.set_terminated(run.run_id, "KILLED")


def _reason(error: BaseException) -> str:
    if isinstance(error, Stopped):
        return f"stopped by {error.signal_name}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted (Ctrl-C)"
    return mask_secrets(error.message if isinstance(error, ExpctlError) else f"{type(error).__name__}: {error}")


def process_tags() -> dict[str, str]:
    """Which process records: host, pid, and its start in seconds since 1970, as a pid alone is used again."""
    import psutil

    process = psutil.Process()
    return {Tag.HOST: socket.gethostname(), Tag.PID: str(process.pid), Tag.STARTED: f"{process.create_time():.2f}"}


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
    started = run.tags.get(Tag.STARTED)
    return started is None or f"{created:.2f}" == started


def recorder_of(run: RunRecord) -> str:
    """Who records a run, or did, for people."""
    pid, host, started = (run.tags.get(key) for key in (Tag.PID, Tag.HOST, Tag.STARTED))
    if pid is None or host is None:
        return "a process that it does not name"
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
