"""A program from its start to its end: its streams read, its terminal, signals passed on, and nothing left of it.

Below us is its guard (`guard.py`), which is the parent of the program. Knows nothing of runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import Stopped
from expctl.programs import guard
from expctl.programs.leash import Leash
from expctl.programs.output import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import BinaryIO

    from expctl.programs.output import Output

assert sys.platform != "win32"

MARK: Final = "EXPCTL_RUN_ID"  # the variable by which what belongs to a program is found where its guard is gone
_PIECE: Final = 65_536
_INSISTING: Final = 3  # signals that were sent without an effect
_LOOKS: Final = 20  # at the processes, until none of them is just beginning
_LOOK: Final = 0.05  # seconds between two
_OF_KERNEL: Final = 0x200000  # PF_KTHREAD of the flags in /proc/PID/stat
_PATIENCE: Final = 2.0  # seconds for the streams to end after the processes


class Program:
    """A running program. Leaving the block ends it, and whatever it started.

    `environment` has the variable MARK. With `terminal` it has a terminal of its own, of the size of ours; what is
    typed at ours goes there. Without `input` it reads nothing.
    """

    def __init__(
        self,
        command: Sequence[str],
        output: Output,
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        terminal: bool = False,
        input: bool = True,
        leash: Leash | None = None,
    ) -> None:
        self._output = output
        self._input = input and sys.stdin is not None
        self._leash = leash or Leash()
        self._mark = environment[MARK]
        self._done = threading.Event()
        self._told: list[bytes] = []
        self._stack = ExitStack()
        with ExitStack() as passing:  # our copies of what the guard gets
            life, told_end = self._connect(passing)
            streams = self._terminal(passing) if terminal else self._pipes(passing)
            words = [sys.executable, "-I", "-S", guard.__file__, str(life), str(told_end), str(int(terminal)), *command]
            self._guard = subprocess.Popen(
                words, stdin=streams[0], stdout=streams[1], stderr=streams[2], env=dict(environment), cwd=folder,
                start_new_session=True, pass_fds=(life, told_end),
            )  # fmt: skip
        for thread in self._threads:
            thread.start()

    def _connect(self, passing: ExitStack) -> tuple[int, int]:
        """The pipes between us and the guard; gives its ends."""
        life, self._life = self._pipe(passing, ours="written")
        told_end, told = self._pipe(passing, ours="read")
        self._threads = [threading.Thread(target=self._listen, args=(told,), daemon=True)]
        self._readers: list[threading.Thread] = []
        return life, told_end

    def _pipe(self, passing: ExitStack, *, ours: str) -> tuple[int, BinaryIO]:
        """A pipe: the descriptor of their end, which is closed with `passing`, and our end."""
        read, written = os.pipe()
        theirs, mine = (read, written) if ours == "written" else (written, read)
        passing.callback(os.close, theirs)
        return theirs, self._stack.enter_context(open(mine, "wb" if ours == "written" else "rb", buffering=0))  # noqa: PTH123

    def _pipes(self, passing: ExitStack) -> tuple[int | None, int, int]:
        """Streams that are pipes, but for the input, which is ours."""
        ends = []
        for name in ("stdout", "stderr"):
            end, mine = self._pipe(passing, ours="read")
            self._read(name, mine)
            ends.append(end)
        return None if self._input else subprocess.DEVNULL, ends[0], ends[1]

    def _terminal(self, passing: ExitStack) -> tuple[int | None, int, int]:
        """Streams that are a terminal; the input too where ours is one, and we are in its foreground."""
        from expctl.programs.terminal import Terminal

        terminal = self._stack.enter_context(Terminal(passing, self._insisted))
        self._read("stdout", terminal.stream)
        return terminal.theirs if terminal.takes_input else None, terminal.theirs, terminal.theirs

    def _read(self, name: str, stream: BinaryIO) -> None:
        thread = threading.Thread(target=self._pump, args=(name, stream), daemon=True)
        self._threads.append(thread)
        self._readers.append(thread)

    def _pump(self, name: str, stream: BinaryIO) -> None:
        with suppress(OSError, ValueError):  # EIO: a terminal that nobody has open; ValueError: closed by us
            while piece := stream.read(_PIECE):
                self._output.feed(name, piece)

    def _listen(self, told: BinaryIO) -> None:
        with suppress(OSError, ValueError):
            while piece := told.read(_PIECE):
                self._told.append(piece)
        self._guard.wait()
        self._done.set()
        self._leash.woken.set()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.send(signal.SIGKILL)
        self._life.close()  # the guard ends what is left
        with suppress(subprocess.TimeoutExpired):
            self._guard.wait(2 * guard.GRACE)
        if "pid" not in self._words() or self._code() is None:  # it was killed, or hangs: then we do its work
            self._guard.kill()
            with suppress(KeyError, OSError):
                os.killpg(self._words()["pid"], signal.SIGKILL)
            guard.end_all(self._marked, 0)
        for reader in self._readers:
            reader.join(_PATIENCE)
        self._stack.close()
        self._output.close()

    def wait(self, timeout: float | None = None) -> Ended:
        """Wait for the end. Ctrl-C, SIGTERM and SIGHUP, a pull at the leash, and the end of `timeout` seconds, are
        passed on to the process group of the program; after five seconds, or another signal, it is killed.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        stopped: BaseException | None = None
        timed_out, asked = False, 0
        while not self._done.is_set():
            try:
                left = None if limit is None else max(limit - time.monotonic(), 0)
                woken = self._leash.woken.wait(left)
                cause = self._leash.pulled()
                if self._done.is_set() or (woken and cause is None):
                    continue
                timed_out = timed_out or (cause is None and stopped is None)
            except (KeyboardInterrupt, Stopped) as error:
                cause = error
            stopped = stopped or cause
            self.send(signal.SIGKILL if asked else _signal_of(cause))
            asked += 1
            limit = time.monotonic() + guard.GRACE
            if asked > _INSISTING:
                self._guard.kill()  # it does not answer
        return Ended(self._code(), timed_out, self._error(), stopped)

    def send(self, number: int) -> None:
        """Send a signal to the process group of the program."""
        with suppress(OSError, ValueError):
            self._life.write(bytes([number]))

    def _insisted(self) -> None:
        """Somebody presses Ctrl-C again and again: the program does not heed it."""
        self.send(signal.SIGKILL)

    def _words(self) -> dict[str, int]:
        """What the guard has told."""
        lines = (line.split() for line in b"".join(self._told).splitlines())
        return {line[0].decode(): int(line[1]) for line in lines if len(line) == 2}

    def _code(self) -> int | None:
        words = self._words()
        return -words["signal"] if "signal" in words else words.get("exit")

    def _error(self) -> str | None:
        number = self._words().get("error")
        return None if number is None else os.strerror(number)

    def _marked(self) -> list[int]:
        """The processes that have our mark, by /proc."""
        mark = f"{MARK}={self._mark}".encode()
        for _ in range(_LOOKS):
            found, beginning = [], False
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    environ = _environ(folder)
                    beginning = beginning or environ == b""
                    if environ is not None and mark in environ.split(b"\0"):
                        found.append(int(folder.name))
            if found or not beginning:
                return found
            time.sleep(_LOOK)
        return []


def _environ(folder: Path) -> bytes | None:
    """The environment of a process by its folder in /proc; None of one that has ended, and of those of the kernel.

    It is empty for the moment in which a process becomes another program (exec).
    """
    state = (folder / "stat").read_bytes().rpartition(b")")[2].split()
    if state[0] in (b"Z", b"X") or int(state[6]) & _OF_KERNEL:
        return None
    return (folder / "environ").read_bytes()


def _signal_of(cause: BaseException | None) -> signal.Signals:
    """What a program is told that is to end for a cause; None: its time is up."""
    if isinstance(cause, KeyboardInterrupt):
        return signal.SIGINT
    return signal.Signals[cause.signal_name] if isinstance(cause, Stopped) else signal.SIGTERM
