"""Artifacts on S3, played by moto's server on loopback: proxied by a tracking server, and straight from the client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.tracking.recorded import statuses, store_of
from tests.tracking.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cr3t-of-the-bucket"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEAM", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-central-1"}


@contextmanager
def playing_s3(folder: Path) -> Iterator[str]:
    """The address of moto's server."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.kill()
        process.wait()


def bucket_at(address: str) -> Any:
    """The bucket `team`, made."""
    import boto3

    service = boto3.resource(
        "s3",
        endpoint_url=address,
        region_name="eu-central-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET,
    )
    for _ in range(600):
        try:
            return service.create_bucket(
                Bucket="team", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        except service.meta.client.exceptions.BucketAlreadyOwnedByYou:
            return service.Bucket("team")
        except Exception:
            time.sleep(0.1)
    raise RuntimeError("moto's server did not start")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The address of an S3 with a bucket, and the bucket."""
    with playing_s3(tmp_path_factory.mktemp("s3")) as address:
        yield address, bucket_at(address)


def work(cli, bucket: Any, prefix: str) -> None:
    """Train two runs, look at them, compare them and predict; no secret is in what is said or kept."""
    said = []

    def do(*words: str) -> str:
        done = cli(*words)
        said.append(done.stdout + done.stderr)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    do("train", "--data", "small.csv", "--run-name", "strong", "--c", "10")
    do("train", "--data", "small.csv", "--run-name", "weak", "--c", "0.01", "--max-features", "20", "--verbose")
    shown = json.loads(do("show", "strong", "--format", "json"))
    assert {"model/model.skops", "predictions.parquet", "requirements.txt"} <= set(shown["artifacts"])
    compared = json.loads(do("compare", "weak", "strong", "--per-class", "--format", "json"))
    assert compared["metrics"]["f1_score"]["verdict"]
    assert do("predict", "the film was superb and lovely", "--run", "strong", "--format", "csv").endswith("positive\n")
    kept = {one.key: one.get()["Body"].read() for one in bucket.objects.filter(Prefix=prefix)}
    assert [name.rpartition("/")[2] for name in kept].count("model.skops") == 2
    assert SECRET not in "".join(said)
    assert not [name for name, content in kept.items() if SECRET.encode() in content]


@pytest.mark.slow
def test_a_server_keeps_artifacts_on_s3_and_its_clients_need_no_key(cli, small, s3, monkeypatch):
    address, bucket = s3
    keys = {**KEYS, "MLFLOW_S3_ENDPOINT_URL": address}
    with serving(small.parent / "mlflow.db", artifacts="s3://team/proxied", environment=keys) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        work(cli, bucket, "proxied/")
    assert SECRET.encode() not in Path("mlflow.db").read_bytes()


@pytest.fixture
def direct(small, s3, monkeypatch):
    """An experiment of an SQLite store whose artifacts the client itself brings to S3; the bucket."""
    address, bucket = s3
    store_of(small.parent).client.create_experiment("expctl", "s3://team/direct")
    for key, value in {**KEYS, "MLFLOW_S3_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(key, value)
    return bucket


@pytest.mark.slow
def test_a_client_keeps_artifacts_on_s3_by_the_keys_of_its_environment(cli, direct):
    work(cli, direct, "direct/")
    assert SECRET.encode() not in Path("mlflow.db").read_bytes()


def refused(done, *words: str) -> None:
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (4, "", 1), done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert SECRET not in done.stderr


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: MLflow and boto3 keep what the environment said when they were first asked."""
    import boto3
    from mlflow.store.artifact.s3_artifact_repo import _cached_get_s3_client

    _cached_get_s3_client.cache_clear()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_s3_that_cannot_be_used_is_told_in_one_line_and_no_run_is_left_running(cli, direct, small, monkeypatch):
    assert cli("train", "--data", "small.csv", "--run-name", "kept").exit_code == 0
    commands = (
        ["train", "--data", "small.csv"], ["compare", "kept", "kept", "--per-class"],
        ["predict", "a film", "--run", "kept"],
    )  # fmt: skip
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    for words in commands:
        forget(monkeypatch)
        refused(cli(*words), "AWS_ACCESS_KEY_ID")
    shown = cli("show", "kept")
    assert (shown.exit_code, "f1_score" in shown.stdout) == (0, True)
    assert "its files cannot be listed: S3, where" in shown.stderr
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for words in commands:
        forget(monkeypatch)
        refused(cli(*words), "Could not connect", "MLFLOW_S3_ENDPOINT_URL")
    assert statuses(small.parent) == ["FINISHED", "FAILED", "FAILED"]
