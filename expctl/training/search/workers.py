"""Where the trials of a sweep are computed: worker processes of this machine (loky), or of a Dask cluster.

Hands out tasks and takes back what became of them; knows nothing of what a task is. A worker writes nothing, holds no
pipe of its parent, ignores Ctrl-C (its parent hears it too) and ends when its parent does. joblib.Parallel promises
none of that: a worker that dies takes all tasks with it, and which one it had is not told.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, Protocol

from expctl import compat
from expctl.errors import ExpctlError, StoreError, TrainingFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A worker computes in one thread: as many as there are cores are busy already, and sums over several threads end in
# other last bits. The libraries read these once, when they are loaded. Nor does it import a joblib.py of the current
# folder, which may be a stranger's: the path of a parent that does comes later.
_OF_WORKERS: Final = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"),
    compat.SAFE_PATH: "1",
}
DIED: Final = "its worker process died: killed, or out of memory"


class LocalPool:
    """`jobs` processes of this machine, each with an executor of its own: if one dies, we know whose trial it had."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        # This starts loky's tracker: were it to die with us of a closed terminal, its successor would complain.
        with _temporary_files(), _blocked("SIGHUP"):
            self.scratch = _registered_folder()
        self._free = [_new_worker() for _ in range(jobs)]
        self._busy: dict[Future[Any], Any] = {}
        self._shared = str(self.scratch / "shared")

    def warm(self, modules: tuple[str, ...]) -> None:
        """Let every worker start and import what it will need, while we do other things."""
        for worker in self._free:
            _submit(worker, _import, modules)

    def share(self, value: Any) -> None:
        """Give the workers what all tasks read. They map its arrays into memory: one copy for all of them."""
        import joblib

        with _temporary_files():
            joblib.dump(value, self._shared)

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]:
        """Have `work(shared, task)` done by a free worker; there must be one."""
        worker = self._free.pop()
        try:
            future = _submit(worker, _work_mapped, work, self._shared, task)
        except _broken():  # it died while it was idle
            worker.shutdown(wait=False, kill_workers=True)
            worker = _new_worker()
            future = _submit(worker, _work_mapped, work, self._shared, task)
        self._busy[future] = worker
        return future

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]:
        """Wait until some of the futures are done, and give these."""
        finished, _ = wait(futures, return_when=FIRST_COMPLETED)
        for future in finished:
            worker = self._busy.pop(future)
            if isinstance(future.exception(), _broken()):
                worker.shutdown(wait=False, kill_workers=True)
                worker = _new_worker()
            self._free.append(worker)
        return finished

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        for worker in [*self._free, *self._busy.values()]:
            worker.shutdown(wait=False, kill_workers=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        compat.forget_folder(str(self.scratch))


class InProcess:
    """No workers: tasks are done in this process, one after the other, when their results are asked for."""

    jobs = 1
    scratch = None

    def __init__(self) -> None:
        self._waiting: dict[Future[Any], Callable[[], Any]] = {}

    def warm(self, modules: tuple[str, ...]) -> None:
        """Nothing to do."""

    def share(self, value: Any) -> None:
        """Keep what all tasks read."""
        self._shared = value

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]:
        """Take note of `work(shared, task)`."""
        future: Future[Any] = Future()
        self._waiting[future] = partial(work, self._shared, task)
        return future

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]:
        """Do what has waited longest."""
        future = next(iter(self._waiting))
        assert future in futures
        try:
            future.set_result(self._waiting.pop(future)())
        except Exception as error:
            future.set_exception(error)
        return {future}

    def close(self) -> None:
        """Nothing to do."""


class DaskPool:
    """The workers of a Dask cluster. One that dies costs nothing: Dask gives its task to another."""

    scratch = None

    def __init__(self, address: str, jobs: int | None) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise UsageError(
                "--backend dask needs Dask", hint="in a checkout of expctl: pip install '.[dask]'"
            ) from error
        try:
            connect: Any = Client  # it has no types
            self._client = connect(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            raise StoreError(
                f"cannot connect to a Dask scheduler at {address}", hint="is it running, and the port right?"
            ) from error
        threads = sum(self._client.nthreads().values())
        if not threads:
            raise StoreError(f"the Dask scheduler at {address} has no workers", hint=f"dask worker {address}")
        self.jobs = jobs if jobs is not None else threads

    def warm(self, modules: tuple[str, ...]) -> None:
        """Let every worker import what it will need."""
        self._warming = [
            self._client.submit(_import, modules, workers=[worker], pure=False) for worker in self._client.nthreads()
        ]

    def share(self, value: Any) -> None:
        """Send the workers what all tasks read, once to each."""
        self._shared = self._client.scatter(value, broadcast=True, hash=False)

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]:
        """Have `work(shared, task)` done by a worker of the cluster."""
        future: Future[Any] = self._client.get_executor(pure=False).submit(work, self._shared, task)
        return future

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]:
        """Wait until some of the futures are done, and give these. Raises StoreError if the cluster is gone."""
        finished = wait(futures, return_when=FIRST_COMPLETED).done
        if any(future.cancelled() for future in finished):
            raise StoreError("the Dask cluster was lost, with its running trials", hint="start it, then resume")
        return finished

    def close(self) -> None:
        """Give up what has not been done; the cluster itself stays."""
        self._client.close()


class Workers(Protocol):
    """Who does the tasks of a sweep, `jobs` at once; `scratch` is a folder for temporary files, None: the system's."""

    @property
    def jobs(self) -> int: ...

    @property
    def scratch(self) -> Path | None: ...

    def warm(self, modules: tuple[str, ...]) -> None: ...

    def share(self, value: Any) -> None: ...

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]: ...

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]: ...


@contextmanager
def workers(jobs: int | None, scheduler: str | None, *, most: int | None = None) -> Iterator[Workers]:
    """Workers for the block: of the Dask cluster at `scheduler`, or `jobs` processes here (None: one a core).

    Not more than `most`, the number of tasks, if that is known.
    Raises UsageError if Dask is not installed, StoreError if no scheduler answers.
    """
    if scheduler is not None:
        found: LocalPool | InProcess | DaskPool = DaskPool(scheduler, jobs)
    else:
        import joblib

        jobs = joblib.cpu_count() if jobs is None else jobs
        jobs = jobs if most is None else min(jobs, most)
        found = LocalPool(jobs) if jobs > 1 else InProcess()
    try:
        yield found
    finally:
        found.close()


def failure(error: BaseException) -> TrainingFailed:
    """Why a task has no result. An error that is nobody's but ours is raised."""
    if isinstance(error, ExpctlError):
        return TrainingFailed(error.message, hint=error.hint)
    if not isinstance(error, Exception):  # the model's own code raised it: a worker hears no signal
        return TrainingFailed(f"{type(error).__name__}: {error}")
    if isinstance(error, MemoryError):
        return TrainingFailed("out of memory", hint="fewer --jobs need less memory")
    if type(error).__name__ in ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker"):
        return TrainingFailed(DIED, hint="fewer --jobs need less memory")
    raise error


@contextmanager
def _temporary_files() -> Iterator[None]:
    """Raises StoreError where the block cannot write temporary files."""
    try:
        yield
    except OSError as error:
        where = os.environ.get("TMPDIR") or tempfile.gettempprefix()
        raise StoreError(
            f"cannot write temporary files: {error.strerror or error}", hint=f"TMPDIR ({where}) needs space"
        ) from error


def _new_worker() -> Any:
    # Never idle out: the trials of a sweep may wait long for one another.
    pool = compat.process_pool()
    return pool(max_workers=1, timeout=None, env=_OF_WORKERS, initializer=_settle, initargs=(os.getpid(),))


def _submit(worker: Any, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Submit, deaf to Ctrl-C where that starts the process."""
    with _blocked("SIGINT"):
        future: Future[Any] = worker.submit(function, *arguments)
    return future


@contextmanager
def _blocked(name: str) -> Iterator[None]:
    """Hold a signal back; a process that is started meanwhile never hears it, from its first moment on."""
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {getattr(signal, name)})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _broken() -> type[Exception]:
    from concurrent.futures.process import BrokenProcessPool

    return BrokenProcessPool


def _settle(parent: int) -> None:
    """Make this process a worker: deaf to Ctrl-C, with no pipe of its parent, and gone when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _import(modules: tuple[str, ...]) -> None:
    import importlib

    for module in modules:
        importlib.import_module(module)


def _work_mapped(work: Callable[[Any, Any], Any], path: str, task: Any) -> Any:
    """Do a task on what the workers share. Errors leave as text: those of a model's own code may not be pickled."""
    try:
        return work(_mapped(path), task)
    except ExpctlError as error:
        plain = TrainingFailed(error.message, hint=error.hint)
    raise plain


@lru_cache(maxsize=1)
def _mapped(path: str) -> Any:
    import joblib

    return joblib.load(path, mmap_mode="r")


def _registered_folder() -> Path:
    """A new temporary folder that is removed when this process is gone, even by SIGKILL.

    Registered before it is there: starting the process that removes it takes long enough to be killed meanwhile.
    """
    folder = Path(tempfile.gettempdir(), f"expctl-{token_hex(8)}")
    compat.remove_when_gone(str(folder))
    try:
        folder.mkdir(0o700)
    except OSError:
        compat.forget_folder(str(folder))
        raise
    return folder
