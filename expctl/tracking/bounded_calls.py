"""Calls of MLflow's own client to a server, which end whatever the server does.

MLflow gives each waiting for bytes an end, but an answer none: a byte a minute, or one after the other for ever, is
never late. Here an answer has an end in time and in size as in `readers/exchange.py`, whose limits are taken. Calls
through a proxy of the environment are MLflow's as they were.
"""

from __future__ import annotations

import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.tracking.readers.exchange import LARGEST, LARGEST_FILE, TIMEOUT, WHOLE, in_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Session

_FILES: Final = "/mlflow-artifacts/artifacts"
_PACKED: Final = 2**22  # bytes of an answer that is compressed, which may become a thousand times as many


class EndlessAnswer(Exception):
    """An answer that does not end. Neither an OSError nor an HTTPException: MLflow would ask again."""


class _Stream:
    """What an answer is read from: `most` bytes at most, in `seconds`; of a file each piece has them.

    `sock` is shut down where that takes longer.
    """

    def __init__(self, stream: Any, sock: Any, *, is_file: bool) -> None:
        self._stream = stream
        self.sock = sock
        self.most = LARGEST_FILE if is_file else LARGEST
        self._is_file = is_file
        self._size = 0
        self._seconds = WHOLE * (sock.gettimeout() or TIMEOUT)
        self._end = time.monotonic() + self._seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def read(self, *given: int) -> Any:
        """As of any stream."""
        return self._counted(len, self._stream.read, *given)

    def read1(self, *given: int) -> Any:
        """As of any stream."""
        return self._counted(len, self._stream.read1, *given)

    def readline(self, *given: int) -> Any:
        """As of any stream."""
        return self._counted(len, self._stream.readline, *given)

    def readinto(self, place: Any) -> Any:
        """As of any stream."""
        return self._counted(int, self._stream.readinto, place)

    def _counted(self, size: Callable[[Any], int], read: Callable[..., Any], *given: Any) -> Any:
        left = self._seconds if self._is_file else max(self._end - time.monotonic(), 0.001)
        try:
            with in_time(self, left):
                found = read(*given)
        except TimeoutError as error:
            raise EndlessAnswer(str(error)) from error
        self._size += size(found)
        if self._size > self.most:
            raise EndlessAnswer(f"its answer is larger than {self.most:,} bytes")
        return found


class _Response(HTTPResponse):
    """An answer that ends."""

    def __init__(self, sock: Any, *given: Any, is_file: bool, **more: Any) -> None:
        super().__init__(sock, *given, **more)
        self._is_file = is_file
        self._bounded = _Stream(self.fp, sock, is_file=is_file)
        self.fp = self._bounded  # type: ignore[assignment]

    def begin(self) -> None:
        """Read status and headers."""
        super().begin()
        if not self._is_file and self.headers.get("Content-Encoding"):
            self._bounded.most = _PACKED


def bound() -> None:
    """Have MLflow's client make bounded calls from now on, in this process."""
    compat.replace_sessions(_bounded)


def _bounded(session: Session) -> Session:
    pools = {"http": _pool("HTTP"), "https": _pool("HTTPS")}
    for adapter in session.adapters.values():
        adapter.poolmanager.pool_classes_by_scheme = pools  # type: ignore[attr-defined]
    return session


def _pool(scheme: str) -> Any:
    """urllib3's class of connection pools of a scheme, with connections that have bounded answers."""
    from urllib3 import connectionpool

    pool = getattr(connectionpool, f"{scheme}ConnectionPool")
    plain: Any = pool.ConnectionCls

    class Connection(plain):  # type: ignore[misc]
        """A connection of urllib3."""

        def putrequest(self, method: str, url: str, *given: Any, **more: Any) -> None:
            self.asked = url
            super().putrequest(method, url, *given, **more)

        def response_class(self, *given: Any, **more: Any) -> _Response:
            return _Response(*given, is_file=_FILES in self.asked, **more)

    return type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": Connection})
