"""MLflow's own client before a server whose answers do not end: it is given up, once, in a line."""

from __future__ import annotations

import gzip

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from expctl.tracking import bounded_calls
from expctl.tracking.bounded_calls import bound
from tests.faults.proxy import TRICKLES, Fault, before
from tests.tracking.readers.test_exchange import HEAD, speaking, trickling

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def hurried(monkeypatch):
    """Of the timeouts one is an integer, a second, in MLflow: what waits for bytes is a part of that here."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    monkeypatch.setattr(bounded_calls, "WHOLE", 0.3)
    bound()


def asked(address: str) -> None:
    mlflow.MlflowClient(tracking_uri=address).create_run("0")


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, CHUNKED, CHUNKED + b"10000\r\n"],
    ids=["status line", "header", "body", "size of a chunk", "chunk"],
)
def test_an_answer_that_trickles_is_not_waited_for_to_its_end_nor_asked_for_again(hurried, head):
    calls = []

    def speak(connection, ended):
        calls.append(1)
        trickling(head)(connection, ended)

    with speaking(speak) as address, pytest.raises(MlflowException, match="its answer does not end"):
        asked(address)
    assert len(calls) == 1


@pytest.mark.parametrize("head", [OK + b"\r\n", CHUNKED], ids=["until the end", "chunks"])
def test_an_answer_without_an_end_is_not_kept(hurried, monkeypatch, head):
    monkeypatch.setattr(bounded_calls, "LARGEST", 10**6)
    monkeypatch.setattr(bounded_calls, "WHOLE", 60)

    def speak(connection, ended):
        connection.sendall(head)
        while not ended.is_set():
            connection.sendall((b"186a0\r\n" if head == CHUNKED else b"") + b"1" * 100_000 + b"\r\n")

    with speaking(speak) as address, pytest.raises(MlflowException, match="its answer is larger than 1,000,000 bytes"):
        asked(address)


def test_a_compressed_answer_may_be_no_larger_than_what_it_unfolds_to_could_be_held(hurried, monkeypatch):
    monkeypatch.setattr(bounded_calls, "_PACKED", 1000)
    monkeypatch.setattr(bounded_calls, "WHOLE", 60)
    content = gzip.compress(bytes(10**7))

    def speak(connection, ended):
        connection.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    with speaking(speak) as address, pytest.raises(MlflowException, match="its answer is larger than 1,000 bytes"):
        asked(address)


def test_a_server_that_answers_is_used_as_ever_and_binding_again_changes_nothing(server, request):
    bound()
    bound()
    client = mlflow.MlflowClient(tracking_uri=server)
    run = client.create_run(client.create_experiment(request.node.name))
    client.log_text(run.info.run_id, "x" * 100_000, "a.txt")
    assert client.list_artifacts(run.info.run_id)[0].file_size == 100_000
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "call"),
    [
        (("train", "--data", "small.csv"), "runs/create"),
        (("train", "--data", "small.csv"), "runs/log-batch"),
        (("promote", "first", "reviews"), "registered-models/get"),
    ],
)
def test_a_command_that_writes_ends_with_a_line(cli, small, server, request, monkeypatch, words, call):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", str(hash(request.node.name)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    if words[0] == "promote":
        assert cli("train", "--data", "small.csv", "--run-name", "first").exit_code == 0
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    monkeypatch.setattr(bounded_calls, "WHOLE", 0.25)  # five seconds: the other answers come on a busy machine, too
    bound()
    with before(server, Fault(call, TRICKLES)) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        done = cli(*words)
        assert (done.exit_code, done.stdout) == (4, "")
        assert "its answer does not end" in done.stderr.splitlines()[-1]
        assert done.stderr.splitlines()[-1].startswith(f"expctl: the store {proxy.uri} failed: ")
