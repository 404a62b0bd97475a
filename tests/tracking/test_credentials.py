"""Which store gets which credentials: one that `.env` names none of the person's, nor does another server."""

from __future__ import annotations

import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from expctl.env_file import TAKEN, EnvFile
from expctl.errors import StoreError, mask_secrets
from expctl.settings import Settings
from expctl.tracking.credentials import check_location
from tests.conftest import REVIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, a home of its own, and an environment that gets back what `.env` put into it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (*TAKEN, "NETRC", "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server without runs: its address, and the headers of what it was asked."""
    asked: list[dict[str, str]] = []

    class Empty(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def write_env(home: Path, *lines: str) -> None:
    (home / "work" / ".env").write_text("".join(f"{line}\n" for line in lines))


LOGINS = ["TOKEN", "USERNAME", "PASSWORD", "AUTH", "AWS_SIGV4", "CLIENT_CERT_PATH"]


@pytest.mark.parametrize("name", LOGINS)
def test_a_server_that_env_names_gets_no_login_of_the_environment(cli, home, server, monkeypatch, name):
    address, asked = server
    monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "s3cr3t")
    write_env(home, f"MLFLOW_TRACKING_URI={address}")
    for words in (["list"], ["show", "latest"], ["train", "--data", str(REVIEWS)], ["predict", "--run", "latest", "a"]):
        done = cli(*words)
        assert (done.exit_code, done.stdout) == (4, "")
        assert done.stderr == (
            f"expctl: .env names the store {address}, which does not get MLFLOW_TRACKING_{name} of your environment"
            " (name a store that you trust yourself, by --tracking-uri or an exported MLFLOW_TRACKING_URI; else unset"
            f" MLFLOW_TRACKING_{name})\n"
        )
    assert asked == []


def test_doctor_says_so_as_of_any_other_store_that_is_not_reached(cli, home, server, monkeypatch):
    address, asked = server
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t")
    write_env(home, f"MLFLOW_TRACKING_URI={address}")
    done = cli("doctor", "--format", "json")
    assert done.exit_code == 4
    assert "which does not get MLFLOW_TRACKING_TOKEN of your environment" in done.stdout
    assert asked == []


@pytest.mark.parametrize("by", ["environment", "flag", ".env"])
def test_a_login_goes_to_a_store_that_the_same_place_or_the_person_names(cli, home, server, monkeypatch, by):
    """Also that of `.env` to a store of the environment: nothing of the person's is given away."""
    address, asked = server
    write_env(home, "MLFLOW_TRACKING_TOKEN=t0ken", *([f"MLFLOW_TRACKING_URI={address}"] if by == ".env" else ()))
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    done = cli("list", *(["--tracking-uri", address] if by == "flag" else ()))
    assert done.exit_code == 0, done
    assert {one["Authorization"] for one in asked} == {"Bearer t0ken"}


@pytest.mark.parametrize("by", ["environment", "flag"])
def test_the_environment_s_own_login_goes_to_a_store_that_the_person_names(cli, home, server, monkeypatch, by):
    address, asked = server
    write_env(home, "MLFLOW_TRACKING_URI=http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert cli("list", *(["--tracking-uri", address] if by == "flag" else ())).exit_code == 0
    assert {one["Authorization"] for one in asked} == {"Bearer t0ken"}


@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
def test_a_server_that_env_names_gets_no_password_of_a_file(cli, home, server, entry):
    address, asked = server
    write_env(home, f"MLFLOW_TRACKING_URI={address}")
    (home / ".netrc").write_text(f"{entry} login ada password s3cr3t\n")
    done = cli("list")
    assert done.exit_code == 4
    assert "does not get the password in .netrc" in done.stderr
    (home / ".netrc").unlink()
    (home / ".mlflow").mkdir()
    (home / ".mlflow" / "credentials").write_text("[mlflow]\nmlflow_tracking_username=a\nmlflow_tracking_password=b\n")
    done = cli("list")
    assert done.exit_code == 4
    assert f"does not get the password in {home}/.mlflow/credentials" in done.stderr
    assert asked == []


def test_a_database_that_env_names_gets_no_password_of_the_environment(cli, home, monkeypatch):
    write_env(home, "MLFLOW_TRACKING_URI=postgresql+psycopg2://ada@127.0.0.1:1/mlflow")
    monkeypatch.setenv("PGPASSWORD", "s3cr3t")
    done = cli("list")
    assert done.exit_code == 4
    assert "does not get PGPASSWORD of your environment" in done.stderr


def test_a_local_store_that_env_names_needs_no_login(cli, home, monkeypatch):
    write_env(home, "MLFLOW_TRACKING_URI=sqlite:///mine.db")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t")
    assert cli("list").exit_code == 0


def test_what_is_left_out_of_env_is_told_once(cli, home, server):
    address, _ = server
    write_env(home, f"MLFLOW_TRACKING_URI={address}", "LD_PRELOAD=./evil.so", "GIT_CONFIG_COUNT=1")
    told = "expctl: not taken from .env: LD_PRELOAD, GIT_CONFIG_COUNT (export what you want; expctl help settings)\n"
    assert cli("list").stderr.count(told) == 1
    assert cli("list", "--quiet").stderr == ""


SERVER = "https://mlflow.example.com"
ELSEWHERE = [
    "https://evil.example.com/1/artifacts",
    "http://mlflow.example.com/1",
    "https://mlflow.example.com:8443/1",
    "mlflow-artifacts://evil.example.com/1/abc/artifacts",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_files_on_another_server_are_refused_since_mlflow_would_send_the_token_there(address):
    with pytest.raises(StoreError, match="on another server than the store"):
        check_location(Settings(tracking_uri=SERVER), address)
    with pytest.raises(StoreError, match="on another server than the store"):
        check_location(Settings(), address)


@pytest.mark.parametrize("address", ["mlflow-artifacts:/1/abc/artifacts", f"{SERVER}/1", "s3://bucket/1", "gs://b/1"])
def test_other_places_are_as_mlflow_has_them(address):
    check_location(Settings(tracking_uri=SERVER), address)


CLOUDS = {
    "s3://bucket/1": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
    "wasbs://container@account.blob.core.windows.net/1": {"AZURE_STORAGE_ACCESS_KEY"},
    "gs://bucket/1": {"GOOGLE_APPLICATION_CREDENTIALS"},
}


@pytest.mark.parametrize("address", [*CLOUDS, "sftp://host/1"])
def test_a_server_that_env_names_leads_to_no_cloud_with_the_person_s_login(address, monkeypatch):
    ours = Settings(tracking_uri=SERVER, env_file=EnvFile(frozenset({"MLFLOW_TRACKING_URI"}), names_store=True))
    with pytest.raises(StoreError, match=re.escape(mask_secrets(address))) as refused:
        check_location(ours, address)
    assert "export MLFLOW_TRACKING_URI" in (refused.value.hint or "")
    with_login = EnvFile(frozenset({"MLFLOW_TRACKING_URI", *CLOUDS.get(address, ())}), names_store=True)
    if address in CLOUDS:
        check_location(Settings(tracking_uri=SERVER, env_file=with_login), address)
    if address.startswith("s3"):
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of the person")
        with pytest.raises(StoreError, match="without credentials for S3"):
            check_location(Settings(tracking_uri=SERVER, env_file=with_login), address)


def test_an_s3_that_env_names_gets_no_login_of_the_person():
    endpoint = Settings(tracking_uri=SERVER, env_file=EnvFile(frozenset({"MLFLOW_S3_ENDPOINT_URL"})))
    with pytest.raises(StoreError, match="without credentials for S3"):
        check_location(endpoint, "s3://bucket/1")
    check_location(endpoint, "gs://bucket/1")
