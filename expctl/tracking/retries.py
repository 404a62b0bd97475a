"""How long MLflow's client tries again when a tracking server fails. MLflow reads its variables at every call.

Of a server that is away for a minute nothing is noticed; one that is gone is given up after a minute and a half, where
MLflow's own 7 retries take four, and double that at the end of a run.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_TIMEOUT: Final = "MLFLOW_HTTP_REQUEST_TIMEOUT"
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


@contextmanager
def limited_retries(retries: int) -> Iterator[None]:
    """Try the calls of the block again so many times at most, with ten seconds for each: somebody waits for the end."""
    short = {_RETRIES: str(retries), _TIMEOUT: "10"}
    before = {name: os.environ.get(name) for name in short}
    for name, value in short.items():
        os.environ[name] = str(min(int(value), int(before[name] or value)))
    try:
        yield
    finally:
        for name, old in before.items():
            os.environ.pop(name) if old is None else os.environ.update({name: old})
