"""A server that misbehaves: stands before a real tracking server, and breaks the calls it is told to."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What becomes of a call, other than an answer with a status of ours.
LOST_BEFORE = "lost before it arrives"
LOST_AFTER = "done, and its answer lost"
SILENCE = "never answered"
TRICKLES = "answered by a byte now and then, without an end"


@dataclass
class Fault:
    """What happens to the calls whose `METHOD /path` contains `call`: to the first `times` of them, None: to all."""

    call: str
    action: str | int
    times: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 0  # so many of them go through before


class Proxy(ThreadingHTTPServer):
    """Forwards every call to `upstream` but for its faults; `calls` are those it was asked, `bodies` what they sent."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.ended = threading.Event()
        self.dead = False
        self._lock = threading.Lock()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self, call: str, body: bytes) -> Fault | None:
        """The fault that this call meets, which is used up by it."""
        with self._lock:
            self.calls.append(call)
            self.bodies.append(body)
            for fault in self.faults:
                if fault.call not in call or fault.times == 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def count(self, call: str) -> int:
        return sum(call in one for one in self.calls)

    def die(self) -> None:
        """From now on nothing is answered: connections are cut."""
        self.dead = True

    def revive(self) -> None:
        self.dead = False

    def handle_error(self, *_: object) -> None:
        """A caller that went away in the middle, as ours are meant to."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        fault = self.server.fault(f"{self.command} {self.path}", body)
        action = LOST_BEFORE if self.server.dead else fault.action if fault is not None else None
        if action == SILENCE:
            self.server.ended.wait(60)
        if action == TRICKLES:
            self._trickle()
        if action in (LOST_BEFORE, SILENCE, TRICKLES):
            self.close_connection = True
            return
        if isinstance(action, int):
            assert fault is not None
            self._answer(action, fault.body.encode(), fault.headers)
            return
        answer = self._forwarded(body)
        if action == LOST_AFTER:
            self.close_connection = True
            return
        self._answer(*answer)

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.ended.wait(0.02):
            self.wfile.write(b" ")

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _forwarded(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        there = self.server.upstream
        headers = {
            key: value
            for key, value in self.headers.items()
            if key.lower() not in ("host", "connection", "transfer-encoding", "content-length", "accept-encoding")
        }
        with closing(http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)) as connection:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            kept = {key: value for key, value in response.getheaders() if key.lower() == "content-type"}
            return response.status, response.read(), kept

    def _answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def before(upstream: str, *faults: Fault) -> Iterator[Proxy]:
    """A proxy before a server, that listens; gone at the end of the block."""
    proxy = Proxy(upstream)
    proxy.faults.extend(faults)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def revive_later(proxy: Proxy, seconds: float) -> threading.Thread:
    def later() -> None:
        time.sleep(seconds)
        proxy.revive()

    thread = threading.Thread(target=later, daemon=True)
    thread.start()
    return thread
