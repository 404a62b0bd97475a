"""A terminal for a program, where we have one: seen from outside, by a terminal that has our command on it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Sequence

CODE = """
import os, sys
from expctl.programs import terminal
from expctl.programs.output import Output, shown_on
from expctl.programs.process import MARK, Program
terminal._SECONDS = 1e9  # a busy machine may take long
output = Output(shown_on(2))
with Program(sys.argv[1:], output, {**os.environ, MARK: "terminal"}, terminal=True) as program:
    ended = program.wait(60)
print("\\n", ended.code, output.log())
"""


def on_a_terminal(*command: str, keys: Sequence[bytes] = ()) -> str:
    """What a terminal shows. Each of `keys` is typed when the program has written `ready` once more."""
    child, screen = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", CODE, *command])
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    shown = b""
    typed = 0
    while True:
        try:
            piece = os.read(screen, 1000)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        while typed < len(keys) and shown.count(b"ready") > typed:
            os.write(screen, keys[typed])
            typed += 1
    os.waitpid(child, 0)
    os.close(screen)
    return shown.decode()


def test_it_is_one_of_the_same_size_and_lines_end_as_the_program_ends_them():
    code = "import os, sys; print(*(os.isatty(n) for n in (0, 1, 2)), *os.get_terminal_size())"
    assert on_a_terminal(sys.executable, "-c", code).endswith(
        "True True True 99 33\r\n\r\n 0 b'True True True 99 33\\n'\r\n"
    )


def test_what_is_typed_reaches_the_program():
    assert "got hello" in on_a_terminal("sh", "-c", "echo ready; read x; echo got $x", keys=[b"hello\r"])


def test_ctrl_c_ends_the_program_and_not_us():
    # No shell: what dash forks loses a SIGINT that comes before its exec.
    code = "import signal, time; signal.signal(2, signal.SIG_DFL); print('ready', flush=True); time.sleep(600)"
    shown = on_a_terminal(sys.executable, "-c", code, keys=[b"\x03"])
    assert shown.splitlines()[-1].startswith(" -2 ")


def test_ctrl_c_again_and_again_ends_a_program_that_does_not_heed_it():
    code = "trap 'echo ready' INT; echo ready; while :; do sleep 0.05; done"
    assert on_a_terminal("sh", "-c", code, keys=[b"\x03"] * 3).splitlines()[-1].startswith(" -9 ")


def test_a_program_that_is_stopped_by_a_key_goes_on():
    shown = on_a_terminal("sh", "-c", "echo ready; read x; echo got $x", keys=[b"\x1ahello\r"])
    assert "got hello" in shown
    assert shown.splitlines()[-1].startswith(" 0 ")
