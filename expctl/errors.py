"""The exit codes and the one family of exceptions that carry them. Knows nothing of how an error is shown."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """How a command ended, for scripts. `MEANINGS` has the words that `--help` and the README print."""

    DONE = 0
    WORK_FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    STORE = 4
    DATA = 5
    UNDECIDED = 6
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.WORK_FAILED: (
        "the work failed: a run failed or lacks a metric, the gate found a regression, a reproduction differs"
    ),
    ExitCode.USAGE: "usage: an option, parameter, filter or config file is wrong",
    ExitCode.NOT_FOUND: (
        "no such run, or metric, several that match, or one that the command cannot use: a sweep, a failed run"
    ),
    ExitCode.STORE: "the store is unreachable, locked, not writable or of another schema",
    ExitCode.DATA: "bad data, or a model file that is damaged or not trusted",
    ExitCode.UNDECIDED: "undecided: the gate is inconclusive or the runs are not comparable",
    ExitCode.HANGUP: "the terminal was closed (SIGHUP)",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.TERMINATED: "terminated (SIGTERM)",
}


class ExpctlError(Exception):
    """Something a user can cause and mend: `message` says what is wrong and where, `hint` what to type next.

    `excerpt` is a text that could not be read, with the position of the character where it went wrong.
    """

    exit_code: ExitCode = ExitCode.WORK_FAILED
    excerpt: tuple[str, int] | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TrainingFailed(ExpctlError):
    """The estimator raised while it was fitted or asked for predictions."""


class UsageError(ExpctlError):
    """An option, parameter, filter or config file is wrong."""

    exit_code = ExitCode.USAGE


class RunNotFound(ExpctlError):
    """No run, or more than one, answers to a reference or filter, or it is one that the command cannot use."""

    exit_code = ExitCode.NOT_FOUND


class StoreError(ExpctlError):
    """The store cannot be read or written."""

    exit_code = ExitCode.STORE


class OlderSchema(StoreError):
    """An earlier MLflow than the installed one wrote the store: it can be read, and is written once it is upgraded."""


class DataError(ExpctlError):
    """The data, or a model file, cannot be used as it is."""

    exit_code = ExitCode.DATA


class Undecided(ExpctlError):
    """Nobody can say which is better, or what was compared is not what it was."""

    exit_code = ExitCode.UNDECIDED


class Stopped(BaseException):
    """A signal asked the process to end. Not an `Exception`: nothing may catch it by accident."""

    def __init__(self, signal_name: str, exit_code: ExitCode) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name
        self.exit_code = exit_code


# Up to the last @ of the authority; after user: also over slashes, which people forget to escape in passwords.
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s'\"]+@|[^/:\s'\"]*:(?!\d+/)[^\s'\"]*@)")
_QUERY = re.compile(r"(?<=://)([^?\s'\"]*)\?[^\s'\"]+")
# Of a query or a fragment: the values of names that stand for secrets.
_NAMED = re.compile(
    r"([?&;#](?:[\w.~-]*(?:token|secret|passw|pwd|signature|credential|api[_-]?key|access[_-]?key)[\w.~-]*|sig|key|auth)=)"
    r"[^&;#\s'\"]+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"://[^\s'\"]+")


def mask_secrets(text: str) -> str:
    """Replace user, password and query of every URI in `text`, so that it can be shown or stored."""
    return _QUERY.sub(r"\1?***", mask_passwords(text))


def mask_passwords(text: str) -> str:
    """Replace user and password of every URI in `text`, and of its query what is called a secret: notes hold links."""
    masked = _USER_INFO.sub("***@", text)
    return _ADDRESS.sub(lambda found: _NAMED.sub(r"\1***", found[0]), masked) if "=" in masked else masked


def closest(word: str, words: Iterable[str], *, cutoff: float = 0.5) -> str:
    """`, did you mean 'c'?` for the most similar of `words`, or an empty string.

    The beginning of some means the shortest of them, the first of several: `f1` is f1_score.
    """
    known: dict[str, str] = {}
    for one in words:
        known.setdefault(one.lower(), one)
    begun = [one for one in known if len(word) > 1 and one.startswith(word.lower())]
    found = sorted(begun, key=len)[:1] or get_close_matches(word.lower(), list(known), n=1, cutoff=cutoff)
    return f", did you mean {known[found[0]]!r}?" if found else ""
