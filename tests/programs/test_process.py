"""A program from its start to its end: how it ends, what is passed on to it, and that nothing of it is left."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from expctl.errors import DataError, ExitCode, Stopped
from expctl.programs import guard, process
from expctl.programs.leash import Leash
from expctl.programs.output import Ended, Output
from expctl.programs.process import MARK, Program


def run(*command: str, timeout: float | None = None, mark: str = "", **environment: str) -> tuple[Ended, bytes]:
    output = Output()
    mark = mark or os.urandom(8).hex()
    with Program(command, output, {**os.environ, MARK: mark, **environment}) as program:
        ended = program.wait(timeout)
    assert left(mark) == []
    return ended, output.log()


def left(mark: str) -> list[str]:
    """The processes that have the mark."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.status() != psutil.STATUS_ZOMBIE and one.environ().get(MARK) == mark:
                found.append(f"{one.pid} {one.cmdline()}")
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("true",), 0),
        (("sh", "-c", "exit 3"), 3),
        (("sh", "-c", "kill -9 $$"), -signal.SIGKILL),
        (("sh", "-c", "kill -SEGV $$"), -signal.SIGSEGV),
        (("sh", "-c", "exec >&- 2>&- <&-; exit 4"), 4),
        (("sh", "-c", "kill -9 0"), -signal.SIGKILL),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_how_it_ends(command, code):
    assert run(*command)[0] == Ended(code)


def test_a_process_with_thousands_of_open_files_runs_one_too():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip(f"a process may have {hard} open files here")
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):  # select(2) knows 1,024
            stack.enter_context(Path(os.devnull).open())
        assert run("sh", "-c", "sleep 0.5; exit 3")[0] == Ended(3)


def test_a_program_that_cannot_be_started_says_why(tmp_path):
    assert run("no such program")[0] == Ended(None, error=os.strerror(2))
    (tmp_path / "text").write_text("text")
    assert run(str(tmp_path / "text"))[0].error == os.strerror(13)


def test_both_streams_come_to_the_byte_and_its_signals_are_as_usual():
    ended, log = run("sh", "-c", r"printf 'a\000\377\r\n'; printf 'b\n' >&2")
    assert (ended.code, sorted(log)) == (0, sorted(b"a\x00\xff\r\nb\n"))
    _, handled = run("sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status; yes | head -1")
    assert b"SigBlk:\t0000000000000000" in handled
    ignored = int(handled.split(b"SigIgn:")[1].split()[0], 16)
    assert ignored & (2**31 - 1) == 0  # from 32 on they are the C library's own


@pytest.mark.parametrize(
    "left_behind",
    ["sleep 600 & exit 0", "setsid sleep 600 & exit 0", "(trap '' TERM HUP; setsid sh -c 'sleep 600; :' &) ; exit 0"],
    ids=["in the background", "in a session of its own", "deaf"],
)
def test_what_it_leaves_behind_is_ended(left_behind):
    assert run("sh", "-c", left_behind)[0].code == 0


def test_where_its_guard_is_killed_nothing_is_left_either():
    ended, _ = run("sh", "-c", "setsid sleep 600 & kill -9 $PPID; sleep 600")
    assert ended.code is None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
def test_what_is_just_beginning_when_its_guard_is_killed_is_found_too(tmp_path, monkeypatch):
    """In exec a process has no environment for a moment, which is when the guard's end is heard of, if it is killed
    as it starts the program.
    """
    really, begun = process._environ, set()

    def environ(folder: Path) -> bytes | None:
        first = folder.name not in begun
        begun.add(folder.name)
        return b"" if first and really(folder) is not None else really(folder)

    monkeypatch.setattr(process, "_environ", environ)
    monkeypatch.chdir(tmp_path)
    ended, _ = run("sh", "-c", "setsid sh -c 'echo >begun; sleep 600' & until [ -e begun ]; do :; done; kill -9 $PPID")
    assert ended.code is None
    assert begun


def test_a_program_that_is_deaf_to_sigterm_is_killed_when_its_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "GRACE", 0.2)
    code = "trap 'touch asked' TERM; touch up; while :; do sleep 0.05; done"
    with Program(["sh", "-c", code], Output(), {**os.environ, MARK: "deaf"}, folder=tmp_path) as program:
        while not (tmp_path / "up").exists():
            time.sleep(0.01)
        ended = program.wait(0)
    assert (ended.code, ended.timed_out) == (-signal.SIGKILL, True)


@pytest.mark.parametrize(
    ("error", "number"),
    [(KeyboardInterrupt(), signal.SIGINT), (Stopped("SIGTERM", ExitCode.TERMINATED), signal.SIGTERM)],
)
def test_what_stops_us_is_passed_on_to_its_process_group(error, number, tmp_path, monkeypatch):
    mark = os.urandom(8).hex()
    code = f"trap 'touch got; exit 7' {number.name[3:]}; (sleep 600) & touch up; wait"
    with Program(["sh", "-c", code], Output(), {**os.environ, MARK: mark}, folder=tmp_path) as program:
        woken = program._leash.woken
        wait = woken.wait
        raised = iter([error])

        def interrupted(left: float | None) -> bool:
            for error in raised:
                while not (tmp_path / "up").exists():
                    time.sleep(0.01)
                raise error
            return wait(left)

        monkeypatch.setattr(woken, "wait", interrupted)
        ended = program.wait()
    assert (ended.code, ended.stopped) == (7, error)
    assert (tmp_path / "got").exists()
    assert left(mark) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_leash_stops_it_from_another_thread_the_second_time_by_force(times, tmp_path):
    mark, leash, cause = os.urandom(8).hex(), Leash(), DataError("enough")
    trap = "exit 7" if times == 1 else ":"
    command = ["sh", "-c", f"trap '{trap}' TERM; touch up; while :; do sleep 0.05; done"]

    def pull() -> None:
        while not (tmp_path / "up").exists():
            time.sleep(0.01)
        for _ in range(times):
            leash.pull(cause)
            while leash.woken.is_set():
                time.sleep(0.01)

    thread = threading.Thread(target=pull)
    with Program(command, Output(), {**os.environ, MARK: mark}, folder=tmp_path, leash=leash) as program:
        thread.start()
        ended = program.wait()
    thread.join()
    assert (ended.code, ended.stopped, ended.timed_out) == (7 if times == 1 else -signal.SIGKILL, cause, False)
    assert left(mark) == []


def test_leaving_by_an_error_ends_the_program(tmp_path):
    mark = os.urandom(8).hex()
    with (
        pytest.raises(ZeroDivisionError),
        Program(["sh", "-c", "sleep 600"], Output(), {**os.environ, MARK: mark}),
    ):
        raise ZeroDivisionError
    assert left(mark) == []


def test_several_programs_at_once_do_not_hold_each_other(tmp_path):
    ended: list[Ended] = []

    def one(number: int) -> None:
        ended.append(run("sh", "-c", f"sleep 0.{number}; exit {number}")[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.code for one in ended) == [0, 1, 2, 3]


def test_the_input_is_ours_and_the_folder_is_the_one_that_was_named(tmp_path, monkeypatch):
    output = Output()
    with Program(["pwd"], output, {**os.environ, MARK: "m"}, folder=tmp_path) as program:
        assert program.wait().code == 0
    assert Path(output.log().decode().strip()).samefile(tmp_path)
