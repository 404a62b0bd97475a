"""A tracking server that says whatever a test wants, on loopback, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN_ID: Final = "0123456789abcdef" * 2


@dataclass
class Forged:
    """What it answers: `say(call, asked)` gives JSON's value, or bytes as they are; `headers` come with each answer."""

    say: Callable[[str, Any], Any]
    address: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def forging(say: Callable[[str, Any], Any]) -> Iterator[Forged]:
    """Such a server as long as the block lasts."""
    forged = Forged(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = json.loads(content) if content else {key: one[0] for key, one in parse_qs(parts.query).items()}
            call = parts.path.partition("/2.0/")[2].removeprefix("mlflow/")
            forged.asked.append((call, asked))
            said = forged.say(call, asked)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(forged.status)
            for name, value in forged.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    forged.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield forged
    finally:
        server.shutdown()
        server.server_close()


def a_run(artifact_uri: str = "", run_id: str = RUN_ID, **tags: str) -> dict[str, Any]:
    """A finished run as a server describes it."""
    return {
        "info": {
            "run_id": run_id,
            "run_name": "forged",
            "experiment_id": "1",
            "status": "FINISHED",
            "start_time": 1_700_000_000_000,
            "end_time": 1_700_000_001_000,
            "lifecycle_stage": "active",
            "artifact_uri": artifact_uri,
        },
        "data": {
            "params": [{"key": "c", "value": "1"}],
            "metrics": [{"key": "f1_score", "value": 0.5, "timestamp": 1, "step": 0}],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
        "inputs": {},
        "outputs": {"model_outputs": []},
    }


def whole(run: dict[str, Any], *, model: dict[str, Any] | None = None) -> Callable[[str, Any], Any]:
    """What a server with one run in the experiment `expctl`, and perhaps a model, says to each call."""

    def say(call: str, _asked: Any) -> Any:
        if call == "experiments/search":
            return {"experiments": [{"experiment_id": "1", "name": "expctl", "lifecycle_stage": "active"}]}
        if call == "runs/search":
            return {"runs": [run]}
        if call == "runs/get":
            return {"run": run}
        if call.startswith("logged-models") and model is not None:
            return {"models": [model]} if call.endswith("search") else {"model": model}
        return {}

    return say
