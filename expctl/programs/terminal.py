"""A terminal of its own for a program, as large as ours, that gets what is typed at ours (as script(1) does)."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

assert sys.platform != "win32"

import fcntl  # noqa: E402 (mypy takes no notice of what stands behind the line above on Windows)
import termios  # noqa: E402
import tty  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_PRESSES: Final = 3  # of Ctrl-C, within so many seconds
_SECONDS: Final = 2.0
_CTRL_C: Final = b"\x03"
_OUTPUT: Final = 1  # its place among the attributes of a terminal


class Terminal(ExitStack):
    """A pseudo-terminal. `theirs` is the descriptor of the program's side, closed with `passing`; `stream` is ours.

    While the block lasts, our terminal hands on every key; `insisted` is called where somebody presses Ctrl-C again and
    again.
    """

    def __init__(self, passing: ExitStack, insisted: Callable[[], None]) -> None:
        super().__init__()
        ours, self.theirs = os.openpty()
        passing.callback(os.close, self.theirs)
        self.stream = self.enter_context(open(ours, "rb", buffering=0))  # noqa: PTH123, SIM115
        self.takes_input = sys.stdin is not None and sys.stdin.isatty() and os.tcgetpgrp(0) == os.getpgrp()
        self._insisted = insisted
        attributes = termios.tcgetattr(self.theirs)
        attributes[_OUTPUT] &= ~termios.ONLCR  # ours does that: what is kept has the program's own line ends
        termios.tcsetattr(self.theirs, termios.TCSANOW, attributes)

    def __enter__(self) -> Terminal:
        self._resize()
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGWINCH, lambda number, frame: self._resize())
            self.callback(signal.signal, signal.SIGWINCH, before)
        if self.takes_input:
            self._hand_on_keys()
        return self

    def _resize(self) -> None:
        with suppress(OSError):
            size = fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, size)

    def _hand_on_keys(self) -> None:
        usual = termios.tcgetattr(0)
        tty.setraw(0)
        raw = termios.tcgetattr(0)
        raw[_OUTPUT] = usual[_OUTPUT]
        termios.tcsetattr(0, termios.TCSANOW, raw)
        self.callback(termios.tcsetattr, 0, termios.TCSADRAIN, usual)
        end, ending = os.pipe()
        self.callback(os.close, end)
        thread = threading.Thread(target=self._hand_on, args=(end,), daemon=True)
        thread.start()
        self.callback(thread.join)
        self.callback(os.close, ending)

    def _hand_on(self, end: int) -> None:
        presses: deque[float] = deque(maxlen=_PRESSES)
        with suppress(OSError):
            while True:
                ready, _, _ = select.select([0, end], [], [])
                if end in ready:
                    return
                keys = os.read(0, 1000)
                if not keys:
                    return
                os.write(self.stream.fileno(), keys)
                if _CTRL_C in keys:
                    presses.append(time.monotonic())
                    if len(presses) == _PRESSES and presses[-1] - presses[0] < _SECONDS:
                        self._insisted()
