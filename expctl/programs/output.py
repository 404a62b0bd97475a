"""What a program writes, shown as it comes, kept up to a limit and without secrets, read for metrics; how it ended.

Takes bytes from any thread; knows nothing of processes and runs.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.errors import mask_secrets
from expctl.programs.matching import Matcher
from expctl.wording import name_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

KEPT: Final = 5 * 2**20  # bytes from the beginning, and as many from the end
_LINE: Final = 10_000  # bytes of a line that are read for metrics
_WAITING: Final = 65_536  # bytes of lines that are looked at together
_MOMENT: Final = 0.1  # seconds between two looks, where there is something to look at
_TOLD: Final = 300  # characters of the last line
MOST_READINGS: Final = 100_000  # values of one metric; each is a row of the store
_LARGEST_STEP: Final = 2**53  # beyond it floats skip integers, and 2**63 is more than a store holds
_PASSWORD: Final = re.compile(r"passw|(?:^|_)(?:pwd|passphrase)(?:_|$)")
_SECRET: Final = re.compile(
    r"(?:^|_)(?:[a-z]*token(?!_(?:pattern|type|length|limit|count)(?:_|$))|[a-z]*secrets?|credentials?|o?auth|authorization"
    r"|[a-z]*(?:api|access|private|secret)_?keys?(?:id)?)(?:_|$)"
)
_SMALL: Final = re.compile(r"-?(?:\d{1,6}|\d{0,3}\.\d{1,3})")  # a number that says how many or how much
_FOLDERS: Final = ("PWD", "OLDPWD")  # of the shell: no passwords
_AUTHORIZATION: Final = re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?\w+\s+)[^\s'\"]+", re.IGNORECASE)
_LEAST: Final = 6  # characters of a secret: shorter values are words that stand everywhere
_ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of a metric that stood in the output, at so many milliseconds since 1970."""

    key: str
    value: float
    step: int
    moment: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: `code` is its exit status, negative for a signal; None where that is not known.

    `error` says why it could not be started; `stopped` is what stopped our own command meanwhile.
    """

    code: int | None
    timed_out: bool = False
    error: str | None = None
    stopped: BaseException | None = None


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable or an option of this name holds a secret, by the words of its name.

    A small number is none (`--auth 3`), but as a password.
    """
    if name in _FOLDERS:
        return False
    words = "_".join(name_words(name))
    return bool(_PASSWORD.search(words) or (_SECRET.search(words) and not _SMALL.fullmatch(value)))


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of the environment that must not be kept, the longest first."""
    found = {value for name, value in environment.items() if len(value) >= _LEAST and is_secret(name, value)}
    return sorted(found, key=len, reverse=True)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text without these values, and without user, password and query of addresses and the credentials of an
    Authorization header.
    """
    for secret in secrets:
        text = text.replace(secret, "***")
    return mask_secrets(_AUTHORIZATION.sub(r"\1***", text))


class Output:
    """The output of one program, of both of its streams.

    `show` is given every piece as it comes. `patterns`: a metric's name and the expression whose `value_group` is its
    value; a group `step` is its step, else the values of a name are counted from 0. `heard` is told each that is kept.
    Lines are looked at some at a time: what came within the last moment may be looked at later, `readings` has it all.
    """

    def __init__(
        self,
        show: Callable[[bytes], None] | None = None,
        *,
        patterns: Mapping[str, re.Pattern[str]] | None = None,
        secrets: Iterable[str] = (),
        heard: Callable[[Reading], None] | None = None,
        kept: int = KEPT,
    ) -> None:
        self._show = show
        self._heard = heard
        self._patterns = {key: (one, value_group(one)) for key, one in (patterns or {}).items()}
        self._secrets = list(secrets)
        self._kept = kept
        self._lock = threading.Lock()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._left_out = 0
        self._ends: dict[str, bytes] = {}  # of each stream: the end of it, for its last line
        self._begun: dict[str, bytes] = {}  # of each stream: a line that has not ended
        self._steps: dict[str, int] = {}
        self._waiting: list[tuple[int, bytes]] = []  # lines that are to be looked at, each with when it came
        self._waiting_size = 0
        self._looked = 0.0
        self._matcher: Matcher | None = None
        self._readings: list[Reading] = []

    def feed(self, stream: str, piece: bytes) -> None:
        """Take a piece of what came from a stream."""
        if self._show is not None:
            self._show(piece)
        with self._lock:
            self._keep(piece)
            self._ends[stream] = (self._ends.get(stream, b"") + piece)[-2 * _LINE :]
            if self._patterns:
                self._read(stream, piece)

    def _keep(self, piece: bytes) -> None:
        room = self._kept - len(self._head)
        if room > 0:
            self._head += piece[:room]
            piece = piece[room:]
        if not piece:
            return
        self._tail.append(piece)
        self._tail_size += len(piece)
        while self._tail_size - len(self._tail[0]) >= self._kept:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._left_out += gone

    def _read(self, stream: str, piece: bytes) -> None:
        *lines, rest = re.split(rb"[\r\n]+", self._begun.get(stream, b"") + piece)
        self._begun[stream] = rest[:_LINE]
        self._wait(lines)
        if self._waiting_size > _WAITING or time.monotonic() - self._looked > _MOMENT:
            self._look()

    def _wait(self, lines: Iterable[bytes]) -> None:
        moment = time.time_ns() // 1_000_000
        for line in lines:
            if line:
                shown = _ESCAPES.sub(b"", line[:_LINE])
                self._waiting.append((moment, shown))
                self._waiting_size += len(shown) + 1

    def _look(self) -> None:
        """Find the metrics in the lines that wait."""
        if self._waiting:
            lines, self._waiting, self._waiting_size = self._waiting, [], 0
            self._matcher = self._matcher or Matcher(self._patterns)
            for place, key, value, step in self._matcher.find([line for _, line in lines]):
                self._note(key, value, step, lines[place][0])
        self._looked = time.monotonic()

    def _note(self, key: str, value: float, step: float | None, moment: int) -> None:
        count = self._steps.get(key, 0)
        self._steps[key] = count + 1
        if count < MOST_READINGS:
            told = step is not None and abs(step) < _LARGEST_STEP and step.is_integer()
            reading = Reading(key, value, int(step) if told and step is not None else count, moment)
            self._readings.append(reading)
            if self._heard is not None:
                self._heard(reading)

    @property
    def readings(self) -> list[Reading]:
        """The values of metrics in the lines that have ended so far."""
        with self._lock:
            self._look()
            return self._readings

    @property
    def given_up(self) -> dict[str, str]:
        """The metrics that are not looked for any more, and why."""
        return {} if self._matcher is None else dict(self._matcher.given_up)

    def left_out(self) -> dict[str, int]:
        """How many values of each metric were more than are kept."""
        with self._lock:
            return {key: count - MOST_READINGS for key, count in self._steps.items() if count > MOST_READINGS}

    def close(self) -> None:
        """The streams have ended: read the lines that nothing ended."""
        with self._lock:
            self._wait(self._begun.values())
            self._begun.clear()
            self._look()
            if self._matcher is not None:
                self._matcher.close()

    def log(self) -> bytes:
        """What is kept: all of it, or beginning and end with a line that says how much lay between. Without secrets."""
        with self._lock:
            head, tail, left_out = bytes(self._head), b"".join(self._tail), self._left_out
        if not left_out:
            return self._masked(head + tail)
        head, cut = head[: head.rfind(b"\n") + 1] or head, tail[tail.find(b"\n") + 1 :] or tail
        left_out += self._kept - len(head) + len(tail) - len(cut)
        return self._masked(head) + b"[expctl: %d bytes left out]\n" % left_out + self._masked(cut)

    def _masked(self, content: bytes) -> bytes:
        # By way of Latin-1, which has a character for each byte: what is no secret stays as it is.
        secrets = [secret.encode("utf-8", "surrogateescape").decode("latin-1") for secret in self._secrets]
        return without_secrets(content.decode("latin-1"), secrets).encode("latin-1")

    def last_line(self) -> str | None:
        """The last line of stderr, or of all there is, for people; None if nothing was written."""
        for stream in ("stderr", "stdout"):
            lines = _ESCAPES.sub(b"", self._ends.get(stream, b"")).replace(b"\r", b"\n").split(b"\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), None)
            if last is not None:
                return without_secrets(last.decode("utf-8", "replace"), self._secrets)[:_TOLD]
        return None


def value_group(pattern: re.Pattern[str]) -> int:
    """The number of the group that is the value: the one called `value`, else the first that is not called `step`.

    Raises ValueError where there is none.
    """
    named = pattern.groupindex
    others = (number for number in range(1, pattern.groups + 1) if number != named.get("step"))
    group = named["value"] if "value" in named else next(others, None)
    if group is None:
        raise ValueError("the expression has no group for the number")
    return group


def shown_on(descriptor: int) -> Callable[[bytes], None]:
    """What writes to a descriptor as long as somebody reads it."""
    gone = False

    def show(piece: bytes) -> None:
        nonlocal gone
        view = memoryview(piece)
        while view and not gone:
            try:
                view = view[os.write(descriptor, view) :]
            except OSError:
                gone = True

    return show
