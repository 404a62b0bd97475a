"""Calls to a tracking server by the standard library: sent, sent again where that may help, and given up in time.

Whatever a server does, a call ends: each waiting for bytes has an end, an answer as a whole has one, and so have the
waits between calls, together, whatever Retry-After says, and the size of an answer. Redirects are not followed, for
they would carry the password elsewhere. Knows no MLflow.

Not by urllib3, which MLflow brings: to import it takes 85 ms where http.client takes 33, beside the 160 of our whole
command line, and by itself it obeys a Retry-After of up to six hours. A connection a call costs 1 ms, some round trips
more over TLS; a `list` makes a few calls, and never meets a connection that the server has closed meanwhile.
"""

from __future__ import annotations

import os
import socket
import time
import weakref
from contextlib import contextmanager, suppress
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from ssl import SSLError
from threading import Event, Timer
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from expctl.errors import StoreError, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

_CERTIFICATES: Final = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_RETRIED: Final = (429, 500, 502, 503, 504)
_RETRIES: Final = 3  # MLflow's own 7 last four minutes, and are taken where somebody asks for them
TIMEOUT: Final = 30.0
_LONGEST_WAIT: Final = 30.0
WHOLE: Final = 4  # timeouts that an answer may take from its first byte to its last, of a file each piece of it
_PIECE: Final = 2**18
LARGEST: Final = 2**28  # bytes of an answer: a page of 1000 runs has some million
LARGEST_FILE: Final = 2**32


class Exchange:
    """Calls to one server, over connections that are kept."""

    def __init__(self, uri: str, headers: Mapping[str, str]) -> None:
        self._uri = uri
        self._headers = {"Content-Type": "application/json", **headers}
        self._idle: list[HTTPConnection] = []  # open ones, of which a thread takes one for a call
        weakref.finalize(self, _close_all, self._idle)
        self._timeout = _number_of("MLFLOW_HTTP_REQUEST_TIMEOUT", TIMEOUT) or TIMEOUT
        self._retries = int(min(_number_of("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES), 100))
        self._backoff = _number_of("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", 1)
        self._left = _LONGEST_WAIT * max(1, self._retries - 2)  # seconds to wait between calls, all in all

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        into: Path | None = None,
        *,
        file: bool = False,
        again: bool = True,
    ) -> tuple[int, bytes]:
        """Status and content of an answer, asked for again where that may help. Raises StoreError for none.

        A content that is asked for `into` a file is written there, and empty here. A `file` may be larger. Unless
        `again` is set, a 500 is an answer.
        """
        where = f"{urlsplit(self._uri).path.rstrip('/')}/api/2.0/{path}"
        most = LARGEST_FILE if file or into is not None else LARGEST
        for attempt in range(self._retries + 1):
            try:
                status, content, wait = self._send(method, where, body, into, most)
            except SSLError as error:
                raise self.failed(
                    error.reason or str(error), "is it https, and MLFLOW_TRACKING_SERVER_CERT_PATH its certificate?"
                ) from error
            except (OSError, HTTPException, ValueError) as error:  # ValueError: lines that are no HTTP
                again = attempt < self._retries and not isinstance(error, (TimeoutError, ValueError))
                if again and self._waited(self._backoff * 2**attempt):
                    continue
                told = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
                raise self.failed(mask_secrets(told[:200]), "is the server running?") from error
            if status not in _RETRIED or attempt == self._retries or (status == 500 and not again):
                break
            if not self._waited(self._backoff * 2**attempt if wait is None else wait):
                break
        return status, content

    def failed(self, why: str, hint: str | None) -> StoreError:
        """The error for a server that does not do what it should."""
        return StoreError(f"the store {mask_secrets(self._uri)} failed: {why}", hint=hint)

    def _waited(self, seconds: float) -> bool:
        """Whether so long was waited, half a minute at most; False at once where too much would be waited in all."""
        seconds = min(seconds, _LONGEST_WAIT)
        if seconds > self._left:
            return False
        self._left -= seconds
        time.sleep(seconds)
        return True

    def _send(
        self, method: str, where: str, body: bytes | None, into: Path | None, most: int
    ) -> tuple[int, bytes, float | None]:
        while True:
            try:
                connection, fresh = self._idle.pop(), False
            except IndexError:
                connection, fresh = _connection(self._uri, self._timeout), True
            try:
                if connection.sock is None:
                    connection.connect()
                with in_time(connection, WHOLE * self._timeout):
                    connection.request(method, where, body, self._headers)
                    response = connection.getresponse()
                content = self._content(connection, response, into, most)
            except (ConnectionError, BadStatusLine):
                connection.close()
                if fresh:
                    raise
                continue  # the server has closed it in the meantime
            except BaseException:
                connection.close()
                raise
            if response.will_close:
                connection.close()
            else:
                self._idle.append(connection)
            wait = response.headers.get("Retry-After", "")
            return response.status, content, float(wait) if wait.isascii() and wait.isdigit() else None

    def _content(self, connection: HTTPConnection, response: HTTPResponse, into: Path | None, most: int) -> bytes:
        """The content of an answer, or b"" where it was written into a file. Raises OSError for one without an end."""
        if into is not None and response.status == 200:
            with into.open("wb") as stream:
                self._copy(connection, response, stream, most)
            return b""
        pieces: list[bytes] = []
        if most == LARGEST:
            with in_time(connection, WHOLE * self._timeout):
                pieces = list(_pieces(response, most))
        else:
            pieces = list(self._timely(connection, response, most))
        return b"".join(pieces)

    def _copy(self, connection: HTTPConnection, response: HTTPResponse, stream: BinaryIO, most: int) -> None:
        for piece in self._timely(connection, response, most):
            stream.write(piece)

    def _timely(self, connection: HTTPConnection, response: HTTPResponse, most: int) -> Iterator[bytes]:
        """The pieces of a file, each of which has to come in time."""
        pieces = _pieces(response, most)
        while True:
            with in_time(connection, WHOLE * self._timeout):
                piece = next(pieces, b"")
            if not piece:
                return
            yield piece


class _Connected(Protocol):
    sock: Any


@contextmanager
def in_time(connection: _Connected, seconds: float) -> Iterator[None]:
    """End the connection where the block takes too long, and raise TimeoutError: a server may send a byte a minute, and
    none of them is late.
    """
    late = Event()

    def end() -> None:
        late.set()
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException) as error:
        if late.is_set():
            raise TimeoutError(_SLOW) from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(_SLOW)


_SLOW: Final = "its answer does not end"


def _pieces(response: HTTPResponse, most: int) -> Iterator[bytes]:
    """The content of an answer in pieces. Raises OSError for a too large one, IncompleteRead for one cut short."""
    size = 0
    while piece := response.read(_PIECE):
        size += len(piece)
        if size > most:
            raise OSError(f"its answer is larger than {most:,} bytes")
        yield piece
    if response.length:  # which reading takes for the end
        raise IncompleteRead(b"", response.length)


def _close_all(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _connection(uri: str, timeout: float) -> HTTPConnection:
    parts = urlsplit(uri)
    host = parts.hostname or "localhost"
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=timeout)
    import ssl

    trusted = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), None)
    folder = trusted is not None and Path(trusted).is_dir()
    context = ssl.create_default_context(cafile=None if folder else trusted, capath=trusted if folder else None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _number_of(variable: str, default: float) -> float:
    try:
        found = float(os.environ.get(variable, ""))
    except ValueError:
        return default
    return found if 0 <= found < 86_400 else default
