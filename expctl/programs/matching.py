"""Regular expressions over the lines of an output, in a process of its own: one that tries without end is given up.

Python cannot be interrupted in an expression such as `(a+)+b`, and holds all of its threads up meanwhile; but in its
main thread it hears signals, and a process of its own has a main thread to spare. Started as a file by a bare
interpreter (`python -I -S matching.py`), so it imports nothing of ours.
"""

from __future__ import annotations

import json
import re
import signal
import struct
import sys

TYPE_CHECKING = False  # as typing has it, which is not imported
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from typing import IO

SECONDS = 1.0  # of its processor that an expression may take for one line
_PATIENCE = 60.0  # seconds in which it answers, however busy the machine is
_SIZE = struct.Struct(">I")


class Matcher:
    """Finds numbers in lines by `patterns`: of each name an expression and the number of the group that is the value.

    `given_up` are the names of those that are not looked for any more, and why: one line took them too long; or, of
    all, there is no such process.
    """

    def __init__(self, patterns: Mapping[str, tuple[re.Pattern[str], int]]) -> None:
        import subprocess

        self.given_up: dict[str, str] = {}
        self._names = list(patterns)
        asked = [(one.pattern, group) for one, group in patterns.values()]
        words = [sys.executable, "-I", "-S", __file__, json.dumps(asked), str(SECONDS)]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self._process: subprocess.Popen[bytes] | None = None
        try:
            # In a session of its own: Ctrl-C is for the program. Our end closes its input, which ends it.
            self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=nothing, start_new_session=True)
        except OSError as error:  # no more processes, or open files
            self.given_up = dict.fromkeys(self._names, f"what reads it cannot be started ({error.strerror})")

    def find(self, lines: Sequence[bytes]) -> list[tuple[int, str, float, float | None]]:
        """The numbers in lines without line ends, in their order: which line, the name, the value and the step."""
        import select

        process = self._process
        if process is None or len(self.given_up) == len(self._names):
            return []
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, b"\n".join(lines))
            if sys.platform != "win32":
                inputs = select.poll()  # select() knows no descriptor of 1,024 and above
                inputs.register(process.stdout, select.POLLIN)
                if not inputs.poll(_PATIENCE * 1000):
                    raise TimeoutError
            answer = _receive(process.stdout)
            if answer is None:
                raise EOFError
        except (OSError, EOFError):  # somebody has killed it, or it hangs
            process.kill()
            self.given_up |= {name: "what reads it was ended" for name in self._names if name not in self.given_up}
            return []
        found, gone = json.loads(answer)
        self.given_up |= {self._names[place]: f"a line took its expression more than {SECONDS:g} s" for place in gone}
        return [(line, self._names[place], value, step) for line, place, value, step in found]

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(_SIZE.pack(len(message)) + message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end of the stream."""
    head = stream.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    message = stream.read(size)
    return message if len(message) == size else None


class _TooLongError(Exception):
    pass


def _given_up(*_: object) -> None:
    raise _TooLongError


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


if sys.platform != "win32":  # where no program is run

    def main(asked: str, seconds: float) -> None:
        """Answer each message of lines with what is found in them, until there are no more."""
        patterns = [(place, re.compile(text), group) for place, (text, group) in enumerate(json.loads(asked))]
        signal.signal(signal.SIGVTALRM, _given_up)
        while (message := _receive(sys.stdin.buffer)) is not None:
            found: list[tuple[int, int, float, float | None]] = []
            gone: list[int] = []
            for number, line in enumerate(message.split(b"\n")):
                text = line.decode("utf-8", "replace")
                for place, pattern, group in patterns:
                    if place in gone:
                        continue
                    try:
                        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
                        here = [(one[group], one.groupdict().get("step")) for one in pattern.finditer(text)]
                        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                    except _TooLongError:
                        gone.append(place)
                        continue
                    for said, step in here:
                        value = _number(said)
                        if value is not None:
                            found.append((number, place, value, _number(step)))
            patterns = [one for one in patterns if one[0] not in gone]
            _send(sys.stdout.buffer, json.dumps([found, gone]).encode())

    if __name__ == "__main__":
        main(sys.argv[1], float(sys.argv[2]))
