"""The parent of a program, a process of its own: nothing of the program outlives it, however our command ends.

Started as a file by a bare interpreter (`python -I -S guard.py LIFE STATUS TERMINAL PROGRAM...`), so it imports nothing
of ours. LIFE is a pipe that our command holds open: each byte that comes is a signal for the program's process group,
its end means that the command is gone. STATUS takes one line: `pid N`, then `exit N`, `signal N` or `error N`.

On Linux whatever the program starts becomes our child when its own parent ends (a child subreaper, prctl(2)), also what
has left the process group and the session. Elsewhere the group is all that is known.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # as typing has it, which is not imported
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 5.0  # seconds from the request to end to SIGKILL
_LEFT = 2.0  # the same of what the program left behind
_HEARD = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE")
_BY_TERMINAL = ("SIGTSTP", "SIGTTIN", "SIGTTOU")  # nobody is there to let a program go on that was stopped by a key

assert sys.platform != "win32"


def main(life: int, status: int, terminal: bool, command: list[str]) -> None:
    """Run the program to its end, then end what is left of it."""
    _adopt_orphans()
    if terminal:
        import fcntl
        import termios

        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    wake, woken = os.pipe()
    for one in (wake, woken):
        os.set_blocking(one, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for name in (*_HEARD, "SIGCHLD"):  # handlers, as ignoring would be inherited by the program
        signal.signal(getattr(signal, name), lambda number, frame: None)
    program = _started(status, terminal, command, (life, status, wake, woken))
    _tell(status, b"pid %d\n" % program)
    code, by_force = _watched(program, life, wake)
    _tell(status, b"%s %d\n" % ((b"signal", -code) if code < 0 else (b"exit", code)))
    end_all(lambda: _left(program), 0 if by_force else _LEFT)


def _tell(status: int, line: bytes) -> None:
    try:  # noqa: SIM105 (contextlib is slower to import than all the rest)
        os.write(status, line)
    except OSError:  # our command is gone, and what is left is still to be ended
        pass


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _started(status: int, terminal: bool, command: list[str], ours: tuple[int, ...]) -> int:
    """The pid of the program, in a process group of its own, which a terminal of its own belongs to."""
    failed, failing = os.pipe()  # closed by a successful exec
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            if terminal:
                os.tcsetpgrp(1, os.getpgrp())
            signal.set_wakeup_fd(-1)
            for name in (*_HEARD, "SIGCHLD", "SIGXFSZ"):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            for one in (*ours, failed):
                os.close(one)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(failing, b"%d" % (error.errno or 1))
        finally:
            os._exit(127)
    os.close(failing)
    why = os.read(failed, 20)
    os.close(failed)
    if why:
        os.waitpid(pid, 0)
        _tell(status, b"error %s\n" % why)
        sys.exit(0)
    return pid


def _watched(program: int, life: int, wake: int) -> tuple[int, bool]:
    """The exit status of the program, negative for a signal, and whether we were told to use force.

    Passes on what comes from our command.
    """
    inputs, by_force = select.poll(), False  # select() knows no descriptor of 1,024 and above
    for one in (life, wake):
        inputs.register(one, select.POLLIN)
    deadline: float | None = None
    while True:
        code = _ended(program)
        if code is not None:
            return code, by_force
        left = None if deadline is None else max(deadline - time.monotonic(), 0) * 1000
        ready = [one for one, _ in inputs.poll(left)]
        if wake in ready:
            _drain(wake)
        if life in ready:
            asked = os.read(life, 100)
            by_force = by_force or signal.SIGKILL in asked
            for number in asked:
                _send(-program, number)
                _send(-program, signal.SIGCONT)  # one that is stopped would not hear
            if not asked:
                inputs.unregister(life)
                _send(-program, signal.SIGTERM)
                deadline = time.monotonic() + GRACE
        elif deadline is not None and time.monotonic() >= deadline:
            for pid in _left(program):
                _send(pid, signal.SIGKILL)
            deadline, by_force = None, True


def _ended(program: int) -> int | None:
    """The exit status of the program if it has ended; what a key stopped goes on."""
    while True:
        try:
            pid, state = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return 127  # somebody else has waited for it
        if not pid:
            return None
        if os.WIFSTOPPED(state):
            if os.WSTOPSIG(state) in (getattr(signal, name) for name in _BY_TERMINAL):
                _send(-program, signal.SIGCONT)
        elif pid == program:
            return os.waitstatus_to_exitcode(state)


def _drain(wake: int) -> None:
    try:
        while os.read(wake, 1000):
            pass
    except BlockingIOError:
        pass


def end_all(left: Callable[[], list[int]], grace: float) -> None:
    """End the processes that `left()` gives, asked first, then by force, until there are none."""
    asked: set[int] = set()
    started = time.monotonic()
    pause = 0.002
    while time.monotonic() - started < grace + 5:
        found = left()
        if not found:
            return
        by_force = time.monotonic() - started >= grace
        for pid in found:
            if by_force or pid not in asked:
                _send(pid, signal.SIGKILL if by_force else signal.SIGTERM)
                _send(pid, signal.SIGCONT)
        asked.update(found)
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _left(program: int) -> list[int]:
    """What is left of the program: its group, as `kill` takes it, and whatever is below us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    try:
        os.killpg(program, 0)
    except OSError:
        return _descendants(os.getpid())
    return [-program, *_descendants(os.getpid())]


def _descendants(root: int) -> list[int]:
    """The processes below one, by /proc; none where there is no such thing, and none of those that have ended."""
    children: dict[int, list[int]] = {}
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 (imports nothing)
    except OSError:
        return []
    for number in numbers:
        try:
            with open(f"/proc/{number}/stat", "rb") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state not in (b"Z", b"X"):
            children.setdefault(int(parent), []).append(number)
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _send(pid: int, number: int) -> None:
    try:
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)
    except OSError:
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4:])
