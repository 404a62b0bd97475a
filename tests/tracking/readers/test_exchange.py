"""Calls to a server end, whatever it does: it waits, trickles, floods, or speaks no HTTP."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from expctl.errors import StoreError
from expctl.tracking.readers import exchange
from expctl.tracking.readers.exchange import Exchange
from tests.tracking.forged import forging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """The address of a server that does so with each connection, once it was asked."""
    ended = threading.Event()
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        door.listen()

        def serve(connection: socket.socket) -> None:
            with closing(connection):
                try:
                    connection.recv(65536)
                    speak(connection, ended)
                except OSError:
                    return

        def accept() -> None:
            while not ended.is_set():
                try:
                    connection, _ = door.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        ended.set()


def trickling(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """A byte now and then, none of them late."""

    def speak(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(head)
        while not ended.wait(0.02):
            connection.sendall(b"1")

    return speak


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ids=["status line", "header", "body", "size of a chunk"],
)
@pytest.mark.parametrize("file", [False, True], ids=["answer", "file"])
def test_an_answer_that_trickles_is_not_waited_for_to_its_end(hurried, head, file):
    with speaking(trickling(head)) as address, pytest.raises(StoreError, match="its answer does not end"):
        Exchange(address, {}).call("GET", "mlflow/x", file=file)


def test_a_file_that_trickles_into_a_folder_is_not_waited_for(hurried, tmp_path):
    with speaking(trickling(HEAD)) as address, pytest.raises(StoreError, match="its answer does not end"):
        Exchange(address, {}).call("GET", "mlflow/x", into=tmp_path / "file")


def test_a_file_that_takes_long_but_comes_is_read_whole(hurried, monkeypatch):
    monkeypatch.setattr(exchange, "_PIECE", 4)

    def speak(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\nConnection: close\r\n\r\n")
        for _ in range(40):
            ended.wait(0.03)
            connection.sendall(b"x")

    with speaking(speak) as address:
        assert Exchange(address, {}).call("GET", "mlflow/x", file=True) == (200, b"x" * 40)


def test_an_answer_without_an_end_is_not_kept(monkeypatch):
    monkeypatch.setattr(exchange, "LARGEST", 10**6)

    def speak(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"1" * 100_000)

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with speaking(speak) as address, pytest.raises(StoreError, match="its answer is larger than 1,000,000 bytes"):
        Exchange(address, {}).call("GET", "mlflow/x")


@pytest.mark.parametrize("seconds", ["99999999", "9" * 400, "31"])
def test_the_waits_that_a_server_asks_for_have_an_end_together(monkeypatch, seconds):
    waits: list[float] = []
    monkeypatch.setattr(exchange.time, "sleep", waits.append)
    with forging(lambda call, asked: {}) as server:
        server.status, server.headers = 503, {"Retry-After": seconds}
        calls = Exchange(server.address, {})
        for _ in range(5):
            assert calls.call("GET", "mlflow/x")[0] == 503
    assert sum(waits) == 30


@pytest.mark.parametrize("seconds", ["-5", "Fri, 31 Dec 9999 23:59:59 GMT", "1e9", "nan", "٣"])
def test_a_wait_that_is_no_number_is_our_own(monkeypatch, seconds):
    waits: list[float] = []
    monkeypatch.setattr(exchange.time, "sleep", waits.append)
    with forging(lambda call, asked: {}) as server:
        server.status, server.headers = 503, {"Retry-After": seconds.encode().decode("latin-1")}
        Exchange(server.address, {}).call("GET", "mlflow/x")
    assert waits == [1, 2, 4]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 9999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"\0" * 1000,
    ],
)
def test_what_is_no_http_is_told(monkeypatch, said):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with speaking(lambda connection, ended: connection.sendall(said)) as address:
        with pytest.raises(StoreError, match=r"^the store http://127\.0\.0\.1:\d+ failed: ") as told:
            Exchange(address, {}).call("GET", "mlflow/x")
        assert len(told.value.message.splitlines()) == 1


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "1e30", "x", ""])
def test_settings_that_make_no_sense_are_as_good_as_none(monkeypatch, value):
    for name in ("TIMEOUT", "MAX_RETRIES", "BACKOFF_FACTOR"):
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    with forging(lambda call, asked: {"x": 1}) as server:
        assert Exchange(server.address, {}).call("GET", "mlflow/x") == (200, b'{"x": 1}')
