"""The reader of tracking servers: against MLflow's own server, and against ones that misbehave."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given, seed, settings

from expctl.errors import StoreError
from expctl.settings import Settings, load_settings
from expctl.tracking.readers import exchange, mlflow_search, rest
from expctl.tracking.readers.mlflow_client import ClientReader
from expctl.tracking.readers.protocol import NotServed, Query
from expctl.tracking.runs.references import resolve
from expctl.tracking.store import Store, open_store
from tests.tracking.forged import forging
from tests.tracking.random_stores import rewrite, stores
from tests.tracking.serving import serving
from tests.tracking.test_readers import CASES, SEED, many, queries, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from expctl.tracking.runs.artifacts import Artifact


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[tuple[str, Path]]:
    """MLflow's own server over a store that tests rewrite: its address and the store's file."""
    path = tmp_path_factory.mktemp("server") / "mlflow.db"
    shutil.copy(migrated_store, path)
    with serving(path) as address:
        yield address, path


@pytest.mark.slow
@seed(SEED)
@settings(many, max_examples=CASES // 5)
@given(stores, queries)
def test_a_server_read_directly_tells_what_mlflow_s_client_tells(server, runs, query):
    address, path = server
    rewrite(path, runs)
    page, mlflow_search.PAGE = mlflow_search.PAGE, 3
    try:
        direct = rest.connect(address)
        import mlflow

        through = ClientReader(mlflow.MlflowClient(address), Settings(tracking_uri=address))
        assert [told(run) for run in direct.find(query)] == [told(run) for run in through.find(query)]
        for run in through.find(Query(("1", "2"))):
            assert told(direct.get(run.run_id) or run) == told(run)
            for key in run.metrics:
                assert list(map(repr, direct.history(run.run_id, key))) == list(
                    map(repr, through.history(run.run_id, key))
                )
        assert direct.get("f" * 32) is None
        assert direct.experiments() == through.experiments()
        assert set(direct.spaces("c", ["1"])) == set(through.spaces("c", ["1"]))
    finally:
        mlflow_search.PAGE = page


@pytest.mark.parametrize("store_kind", ["server"], indirect=True)
def test_files_that_a_server_hands_out_are_those_of_mlflow_s_client(runs, monkeypatch):
    store = open_store(load_settings())
    strong = resolve(store, "strong")
    assert rest.hands_out(strong.artifact_uri)
    store.client.log_text(strong.run_id, "é", "a folder/with a name & 50% [of it]#1.txt")

    def told() -> tuple[list[Artifact], list[bytes | None]]:
        files = store.artifacts(strong)
        own = [file.path for file in files if not file.path.startswith("model/")]
        return files, [store.read_artifact(strong, path) for path in [*own, "none.txt", "no folder/none.txt"]]

    with monkeypatch.context() as alone:
        alone.setattr(Store, "client", None)
        direct = told()
    monkeypatch.setattr(rest, "hands_out", lambda uri: False)
    assert direct == told()
    assert len(direct[0]) > 12
    assert direct[1][-2:] == [None, None]


@pytest.mark.parametrize(
    ("uri", "handed"),
    [
        ("mlflow-artifacts:/1/abc/artifacts", True),
        ("mlflow-artifacts://other:5000/1/abc/artifacts", False),
        ("mlflow-artifacts:/1/a b/artifacts", False),
        ("mlflow-artifacts:/1/abc?x=1", False),
        ("s3://bucket/1/abc/artifacts", False),
    ],
)
def test_only_plain_folders_of_the_server_itself_are_asked_of_it(uri, handed):
    assert rest.hands_out(uri) is handed


@pytest.mark.slow
def test_a_server_with_passwords_is_read_with_the_right_one_and_only_then(cli, runs, monkeypatch):
    reading = [
        [*words.split(), "--format", "json"]
        for words in ("list --filter c<=10", "show strong", "best --top 2", "compare weak strong")
    ]
    local = [json.loads(cli(*words).stdout) for words in reading]
    with serving(runs / "mlflow.db", user="ada", password="the-right-one") as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "the-right-one")
        assert isinstance(open_store(load_settings()).reader, rest.RestReader)
        assert [json.loads(cli(*words).stdout) for words in reading] == local
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "an0ther")
        for words in (*reading, ["train", "--data", "small.csv"]):
            done = cli(*words)
            assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (4, "", 1), done
            assert "(check MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN)" in done.stderr
            assert "an0ther" not in done.stderr


class Odd(BaseHTTPRequestHandler):
    """Answers from a list, the last one again and again, and keeps what it was asked."""

    answers: ClassVar[list[tuple[int, str, dict[str, str]]]] = []
    asked: ClassVar[list[Any]] = []
    bodies: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        self.asked.append(dict(self.headers))
        self.bodies.append(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        status, text, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[str]:
    """The address of a server that answers what `Odd.answers` says."""
    Odd.answers, Odd.asked, Odd.bodies = [], [], []
    found = HTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://ada:s3cr3t@127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()


EMPTY = (200, json.dumps({"experiments": []}), {})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, "no", {}), "refused (401)"),
        ((403, "{}", {}), "refused (403)"),
        ((200, "<html>log in</html>", {}), "is not MLflow's"),
        ((302, "", {"Location": "http://elsewhere/"}), "is not MLflow's"),
        ((404, "not here", {}), "is not MLflow's"),
        ((500, json.dumps({"error_code": "INTERNAL_ERROR", "message": "the moon\nis full"}), {}), "the moon"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line_without_the_password(cli, odd, tmp_path, monkeypatch, answer, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    Odd.answers = [answer]
    done = cli("list", "--tracking-uri", odd)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (4, "", 1)
    assert words in done.stderr
    assert "s3cr3t" not in done.stderr


def test_a_server_that_is_busy_is_asked_again_and_not_for_ever(odd, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    Odd.answers = [(503, "", {"Retry-After": "0"}), (429, "", {"Retry-After": "0"}), EMPTY]
    assert rest.connect(odd).experiments() == []
    assert len(Odd.asked) == 3
    Odd.answers = [(503, "", {"Retry-After": "0"})]
    with pytest.raises(StoreError):
        rest.connect(odd).experiments()
    assert len(Odd.asked) == 6


def test_a_server_that_wants_to_be_left_alone_for_years_is_asked_again_in_half_a_minute(odd, monkeypatch):
    waits = []
    monkeypatch.setattr(exchange.time, "sleep", waits.append)
    Odd.answers = [(503, "", {"Retry-After": "99999999"}), EMPTY]
    assert rest.connect(odd).experiments() == []
    assert waits == [30]


def test_passwords_and_tokens_are_sent_as_mlflow_sends_them(odd, monkeypatch):
    Odd.answers = [EMPTY]
    rest.connect(odd).experiments()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    address = odd.replace("ada:s3cr3t@", "")
    rest.connect(address).experiments()
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "päss")
    rest.connect(address).experiments()
    assert [one.get("Authorization") for one in Odd.asked] == [
        "Basic YWRhOnMzY3IzdA==",
        "Bearer t0ken",
        "Basic Ym9iOnDDpHNz",
    ]


def test_a_server_that_accepts_and_never_answers_is_given_up(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.3")
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreError, match="failed"):
            rest.connect(f"http://127.0.0.1:{silent.getsockname()[1]}").experiments()


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "HTTPS_PROXY", "http_proxy"])
def test_what_only_mlflow_s_client_can_do_is_left_to_it(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    with pytest.raises(NotServed, match=name):
        rest.connect("http://127.0.0.1:9")


def test_where_it_steps_aside_the_client_answers_and_verbose_says_so(cli, runs, monkeypatch):
    direct = cli("list", "--format", "json")
    monkeypatch.setattr("expctl.tracking.readers.sqlite.REVISIONS", {})
    through = cli("list", "--format", "json", "--verbose")
    assert through.stdout == direct.stdout
    told = r"read through MLflow's client, not directly: its schema [0-9a-f]{12} is not one of those tested"
    assert re.search(told, through.stderr)
    assert "not directly" not in cli("list").stderr
    assert open_store(Settings()).aside is not None


def test_a_server_is_asked_for_no_more_runs_than_an_answer_takes(cli, odd, monkeypatch):
    """Few first, then whole pages; what the names of a filter mean is looked up once, and so is the experiment."""
    run = {
        "info": {"run_id": "a" * 32, "status": "FINISHED", "experiment_id": "1", "start_time": 5},
        "data": {"params": [{"key": "c", "value": "1"}], "metrics": [{"key": "f1_score", "value": 0.5}], "tags": []},
    }
    trial = {"info": {**run["info"], "run_id": "b" * 32}, "data": {"tags": [{"key": "expctl.trial", "value": "1"}]}}
    experiments = (200, json.dumps({"experiments": [{"experiment_id": "1", "name": "expctl"}]}), {})
    newest = (200, json.dumps({"runs": [run]}), {})
    first = (200, json.dumps({"runs": [trial], "next_page_token": "more"}), {})
    Odd.answers = [experiments, newest, first, newest]
    done = cli("list", "--tracking-uri", odd, "--filter", "c = 1 and f1_score > 0.1", "--limit", "2", "--format", "id")
    assert (done.exit_code, done.stdout) == (0, f"{'a' * 32}\n"), done.stderr
    assert [one["max_results"] for one in Odd.bodies if "order_by" in one] == [1000, 12, 1000]
    assert len(Odd.bodies) == 4


def test_a_password_in_netrc_is_left_to_mlflows_client(monkeypatch, tmp_path):
    file = tmp_path / "passwords"
    file.write_text("machine mlflow.example login ada password s3cr3t\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    with pytest.raises(NotServed, match="netrc"):
        rest.connect("http://mlflow.example:5000")
    rest.connect("http://elsewhere.example:5000")
    file.write_text("machine machine machine\n")
    rest.connect("http://mlflow.example:5000")


def test_netrc_is_looked_for_at_home(monkeypatch, tmp_path):
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    rest.connect("http://mlflow.example")
    (tmp_path / ".netrc").write_text("default login ada password s3cr3t\n")
    (tmp_path / ".netrc").chmod(0o600)
    with pytest.raises(NotServed, match="netrc"):
        rest.connect("http://mlflow.example")


class Lasting(BaseHTTPRequestHandler):
    """Answers with no experiments, and counts its connections; `left` calls on each, then it closes without a word."""

    protocol_version = "HTTP/1.1"
    opened = 0
    left = 100

    def setup(self) -> None:
        super().setup()
        type(self).opened += 1
        self.calls = type(self).left

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.calls -= 1
        self.close_connection = self.calls == 0

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("left", "opened"), [(100, 1), (1, 3)], ids=["kept open", "closed by the server each time"])
def test_a_connection_is_used_again_and_one_that_the_server_has_closed_is_made_anew(monkeypatch, left, opened):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(Lasting, "opened", 0)
    monkeypatch.setattr(Lasting, "left", left)
    with ThreadingHTTPServer(("127.0.0.1", 0), Lasting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        reader = rest.connect(f"http://127.0.0.1:{server.server_port}")
        assert [reader.experiments() for _ in range(3)] == [[], [], []]
        server.shutdown()
        thread.join()
    assert Lasting.opened == opened


def test_an_older_server_that_fails_for_a_file_that_is_not_there_is_not_asked_again(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    folder, files = "mlflow-artifacts:/1/abc/artifacts", "mlflow-artifacts/artifacts"
    failures = 1

    def say(call, asked):
        nonlocal failures
        if call == files:
            server.status = 200
            return {"files": [{"path": "there.txt", "is_dir": False, "file_size": 2}]}
        server.status = 500
        if call.endswith("there.txt") and failures == 0:
            server.status = 200
            return b"hi"
        failures -= call.endswith("there.txt")
        return {"error_code": "INTERNAL_ERROR", "message": "[Errno 2] No such file or directory"}

    with forging(say) as server:
        reader = rest.connect(server.address)
        assert reader.file(folder, "none.txt") is None
        assert reader.download(folder, "none.txt", tmp_path / "none.txt") is False
        assert len(server.asked) == 4
        assert reader.file(folder, "there.txt") == b"hi"  # it failed for another reason, and passed
        there = f"{files}/1/abc/artifacts/there.txt"
        assert [call for call, _ in server.asked[4:]] == [there, files, there]
        failures = 99
        with pytest.raises(StoreError, match="No such file or directory"):
            reader.file(folder, "there.txt")
