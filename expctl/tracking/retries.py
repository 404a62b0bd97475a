"""How long MLflow's client tries again when a tracking server fails. MLflow reads its variables at every call.

Of a server that is away for a minute nothing is noticed; one that is gone is given up after a minute and a half, where
MLflow's own 7 retries take four, and double that at the end of a run.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_TIMEOUT: Final = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_SHORT: Final = 10  # seconds
_USUAL: Final = {
    _RETRIES: "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "3",  # 0, 6, 12, 24, 48 s
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # which may say years
    _TIMEOUT: "30",
}


def usual() -> None:
    """Be as patient as said above, unless the user's environment says otherwise."""
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)


class _Limits:
    """The limits that blocks have set and not left yet, in whatever threads; the least of them holds for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: list[int] = []
        self._before: dict[str, str | None] = {}

    def add(self, retries: int) -> None:
        """A block begins."""
        with self._lock:
            if not self._set:
                self._before = {name: os.environ.get(name) for name in (_RETRIES, _TIMEOUT)}
            self._set.append(retries)
            self._apply()

    def remove(self, retries: int) -> None:
        """A block ends; after the last one all is as it was before the first."""
        with self._lock:
            self._set.remove(retries)
            self._apply()

    def _apply(self) -> None:
        least = {_RETRIES: min(self._set), _TIMEOUT: _SHORT} if self._set else {}
        for name, said in self._before.items():
            if name in least:
                os.environ[name] = str(min(least[name], int(said or least[name])))
            elif said is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = said


_LIMITS: Final = _Limits()


@contextmanager
def limited_retries(retries: int) -> Iterator[None]:
    """Try the calls of the block again so many times at most, with ten seconds for each: somebody waits for the end."""
    _LIMITS.add(retries)
    try:
        yield
    finally:
        _LIMITS.remove(retries)
