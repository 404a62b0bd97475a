"""Workers for real: what becomes of a task whose worker is killed, and what a worker may and may not do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import pytest

from expctl.errors import ExitCode, StoreError, TrainingFailed, UsageError
from expctl.training.search import workers as module
from expctl.training.search.workers import DIED, InProcess, LocalPool, failure, workers

ARRAY = np.arange(200_000)


def echo(_shared: Any, task: Any) -> Any:
    return task


def killed(_shared: Any, _task: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raising(_shared: Any, task: str) -> None:
    raise TrainingFailed(task, hint="max_iter")


def kind_of(shared: dict[str, Any], _task: Any) -> tuple[str, bool, int]:
    array = shared["array"]
    return type(array).__name__, bool(array.flags.writeable), int(array.sum())


def surroundings(_shared: Any, _task: Any) -> dict[str, Any]:
    from threadpoolctl import threadpool_info

    return {
        "pid": os.getpid(),
        "threads": {name: os.environ.get(name) for name in module._OF_WORKERS},
        "pools": [pool["num_threads"] for pool in threadpool_info()],
        "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "streams": [os.fstat(stream).st_rdev == Path(os.devnull).stat().st_rdev for stream in (0, 1, 2)],
        "input": sys.stdin.read() if sys.stdin is not None else "",
    }


def interrupted(_shared: Any, _task: Any) -> str:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    return "deaf"


def result(pool: LocalPool | InProcess, work: Any, task: Any = None) -> Any:
    future = pool.submit(work, task)
    pool.done({future})  # gives the worker back, too
    return future.result()


@pytest.fixture(scope="module")
def pool():
    """Two workers that share an array. A test that kills one is given another in its place."""
    found = LocalPool(2)
    found.share({"array": ARRAY})
    yield found
    found.close()


def outcomes(pool: LocalPool, tasks: list[tuple[Any, Any]]) -> list[Any]:
    """What became of tasks that ran side by side, in their order."""
    futures = [pool.submit(*task) for task in tasks]
    waiting = set(futures)
    while waiting:
        waiting -= pool.done(waiting)
    return [future.exception() or future.result() for future in futures]


def test_tasks_come_back_with_their_own_results(pool):
    assert outcomes(pool, [(echo, "one"), (echo, "two")]) == ["one", "two"]


def test_a_worker_that_is_killed_costs_its_own_task_alone(pool):
    died, other = outcomes(pool, [(killed, None), (echo, "two")])
    assert (failure(died).message, failure(died).hint) == (DIED, "fewer --jobs need less memory")
    assert other == "two"
    assert outcomes(pool, [(echo, "three"), (echo, "four")]) == ["three", "four"]


def test_an_error_costs_no_worker(pool):
    both = [(surroundings, None)] * 2
    before = {told["pid"] for told in outcomes(pool, both)}
    error, _ = outcomes(pool, [(raising, "no convergence"), (echo, 1)])
    assert (type(error), error.message, error.hint) == (TrainingFailed, "no convergence", "max_iter")
    assert {told["pid"] for told in outcomes(pool, both)} == before


def test_a_worker_that_was_killed_while_it_waited_is_replaced():
    pool = LocalPool(1)
    try:
        pool.share(None)
        process = psutil.Process(result(pool, surroundings)["pid"])
        process.kill()
        process.wait(10)
        (worker,) = pool._free
        for _ in range(200):
            if worker._flags.broken is not None:  # loky has noticed
                break
            time.sleep(0.05)
        assert outcomes(pool, [(echo, "one")]) == ["one"]
        assert pool._free != [worker]
    finally:
        pool.close()


HANGS_UP = """
import os, signal, time
from expctl.training.search.workers import LocalPool
from joblib.externals.loky.backend.resource_tracker import _resource_tracker

pool = LocalPool(2)
os.kill(_resource_tracker._pid, signal.SIGHUP)
time.sleep(0.5)
print(os.waitpid(_resource_tracker._pid, os.WNOHANG)[0])
pool.close()
"""


def test_a_closed_terminal_does_not_end_the_tracker_of_temporary_files_before_us():
    """Its successor knows nothing of what it is asked to forget, and prints a traceback for each."""
    done = subprocess.run([sys.executable, "-c", HANGS_UP], capture_output=True, text=True, timeout=600, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


class Odd(Exception):
    """It can be pickled, and not be read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def odd(_shared: Any, _task: Any) -> None:
    try:
        raise Odd("no", "luck")
    except Odd as error:
        raise TrainingFailed(f"Odd: {error}", hint="other data") from error


def leaving(_shared: Any, _task: Any) -> None:
    sys.exit("bye")


def test_errors_that_cannot_be_sent_leave_as_text_and_cost_no_worker(pool):
    both = [(surroundings, None)] * 2
    before = {told["pid"] for told in outcomes(pool, both)}
    error, end = outcomes(pool, [(odd, None), (leaving, None)])
    assert (failure(error).message, failure(error).hint) == ("Odd: no luck", "other data")
    assert failure(end).message == "SystemExit: bye"
    assert {told["pid"] for told in outcomes(pool, both)} == before


def test_shared_arrays_are_mapped_into_memory_and_cannot_be_written(pool):
    assert result(pool, kind_of) == ("memmap", False, int(ARRAY.sum()))


def test_a_worker_computes_in_one_thread(pool):
    told = result(pool, surroundings)
    assert set(told["threads"].values()) == {"1"}
    assert set(told["pools"]) <= {1}


def test_a_worker_has_no_stream_of_its_parent(pool):
    told = result(pool, surroundings)
    assert told["streams"] == [True, True, True]
    assert told["input"] == ""


def test_a_worker_is_deaf_to_ctrl_c(pool):
    assert result(pool, surroundings)["interrupt"]
    assert result(pool, interrupted) == "deaf"


def test_closing_ends_the_processes_and_removes_the_folder():
    before = set(psutil.Process().children(recursive=True))
    pool = LocalPool(1)
    pool.share(ARRAY)
    folder = pool.scratch
    process = psutil.Process(result(pool, surroundings)["pid"])
    assert folder.is_dir()
    pool.submit(asleep, None)
    time.sleep(0.3)  # a task that has not reached its worker makes loky's thread raise
    pool.close()
    assert not folder.exists()
    gone, alive = psutil.wait_procs([process], timeout=120)
    assert (gone, alive) == ([process], [])
    left = set(psutil.Process().children(recursive=True)) - before
    assert [child for child in left if "resource_tracker" not in " ".join(child.cmdline())] == []


def asleep(_shared: Any, _task: Any) -> None:
    time.sleep(60)


def test_no_module_of_the_current_folder_takes_the_place_of_a_library(tmp_path):
    """By -m and -c, with which loky starts its processes, Python looks there first: in a stranger's folder perhaps."""
    (tmp_path / "joblib.py").write_text("open('ran', 'w')\n")
    code = (
        "from expctl.training.search.workers import LocalPool\n"
        "import os\n"
        "pool = LocalPool(1)\n"
        "pool.share(1)\n"
        "print(pool.submit(max, 2).result())\n"
        "pool.close()\n"
        "print('PYTHONSAFEPATH' in os.environ)\n"
    )
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\nFalse\n", "")
    assert not (tmp_path / "ran").exists()


def test_the_block_closes_its_workers_whatever_happens():
    folders = []

    def interrupted_sweep() -> None:
        with workers(2, None) as pool:
            assert isinstance(pool, LocalPool)
            folders.append(pool.scratch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_sweep()
    assert not folders[0].exists()


def test_one_job_needs_no_process(monkeypatch):
    with workers(1, None) as pool:
        assert isinstance(pool, InProcess)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    with workers(None, None) as pool:
        assert isinstance(pool, InProcess)


def test_without_a_number_there_is_a_job_for_each_core(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    with workers(None, None) as pool:
        assert pool.jobs == 3


@pytest.mark.parametrize(("jobs", "most", "found"), [(4, 2, 2), (2, 9, 2), (4, 1, 1), (4, 0, 1), (3, None, 3)])
def test_there_are_no_more_workers_than_tasks(monkeypatch, jobs, most, found):
    with workers(jobs, None, most=most) as pool:
        assert pool.jobs == found
    monkeypatch.setattr(joblib, "cpu_count", lambda: jobs)
    with workers(None, None, most=most) as pool:
        assert pool.jobs == found


def test_here_a_task_is_done_with_the_very_object_that_is_shared():
    pool = InProcess()
    pool.warm(("json",))
    shared = object()
    pool.share(shared)
    assert result(pool, lambda found, task: (found is shared, task), 5) == (True, 5)
    pool.close()


def test_here_an_error_is_that_of_its_task():
    pool = InProcess()
    pool.share(None)
    future = pool.submit(raising, "no convergence")
    assert pool.done({future}) == {future}
    assert failure(future.exception()).message == "no convergence"


def test_here_a_stop_is_no_result_of_a_task():
    def stopped(_shared: Any, _task: Any) -> None:
        raise KeyboardInterrupt

    pool = InProcess()
    pool.share(None)
    with pytest.raises(KeyboardInterrupt):
        pool.done({pool.submit(stopped, None)})


def test_memory_that_runs_out_fails_the_task_with_a_remedy():
    error = failure(MemoryError())
    assert (error.message, error.hint) == ("out of memory", "fewer --jobs need less memory")


def test_an_error_that_is_known_keeps_its_words():
    error = failure(UsageError("min_df 9 is more than the 8 training rows", hint="less"))
    assert (type(error), error.message, error.hint) == (
        TrainingFailed,
        "min_df 9 is more than the 8 training rows",
        "less",
    )
    assert error.exit_code == ExitCode.WORK_FAILED


def test_an_error_that_is_ours_is_raised():
    ours = KeyError("x")
    with pytest.raises(KeyError) as caught:
        failure(ours)
    assert caught.value is ours


def test_a_cluster_that_is_not_there_is_told(monkeypatch):
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("Timed out")

    monkeypatch.setattr("distributed.Client", unreachable)
    with pytest.raises(StoreError) as caught, workers(None, "tcp://127.0.0.1:1"):
        pytest.fail("there is no cluster")
    assert caught.value.message == "cannot connect to a Dask scheduler at tcp://127.0.0.1:1"


def test_dask_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught, workers(None, "tcp://127.0.0.1:1"):
        pytest.fail("there is no Dask")
    hint = "in a checkout of expctl: pip install '.[dask]'"
    assert (caught.value.message, caught.value.hint) == ("--backend dask needs Dask", hint)
