"""The `.env` of a folder that may be a stranger's: variables of a list, and nothing of the environment within them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from expctl.env_file import TAKEN, EnvFile, load_env_file
from expctl.errors import UsageError
from expctl.settings import VARIABLES, load_settings, traced_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOSTILE = (
    *("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "HOME", "NETRC", "TMPDIR"),
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_SSH_COMMAND", "GIT_DIR", "GIT_EXTERNAL_DIFF", "PAGER", "EDITOR"),
    *("HTTP_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"),
    *("MLFLOW_REGISTRY_URI", "MLFLOW_CONDA_HOME", "MLFLOW_CONDA_CREATE_ENV_CMD", "MLFLOW_ENV_ROOT", "DATABRICKS_HOST"),
    *("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "AZURE_AUTHORITY_HOST", "PGSERVICEFILE", "EXPCTL_OTHER", "BROWSER"),
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty current folder, and an environment that gets back what `.env` put into it."""
    monkeypatch.chdir(tmp_path)
    for name in (*TAKEN, *HOSTILE):
        if name != "PATH":
            monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def env(tmp_path: Path) -> Callable[..., EnvFile]:
    def written(text: str, **given: bool) -> EnvFile:
        (tmp_path / ".env").write_text(text)
        return load_env_file(VARIABLES.values(), **given)

    return written


@pytest.mark.parametrize("name", HOSTILE)
def test_no_variable_that_could_name_a_program_is_taken(env, name):
    before = os.environ.get(name)
    found = env(f"{name}=evil\nMLFLOW_EXPERIMENT_NAME=mine\n")
    assert os.environ.get(name) == before
    assert os.environ["MLFLOW_EXPERIMENT_NAME"] == "mine"
    assert found.taken == {"MLFLOW_EXPERIMENT_NAME"}
    if name != "PATH":  # which is set, and would be kept anyway
        assert found.told() == [f"not taken from .env: {name} (export what you want; expctl help settings)"]


@pytest.mark.parametrize("name", sorted({*TAKEN, *VARIABLES.values()}))
def test_what_the_list_has_is_taken(env, name):
    found = env(f"MLFLOW_TRACKING_URI=http://localhost:5000\n{name}=value\n")
    assert os.environ[name] == "value"
    assert found.told() == []
    assert found.names_store


def test_lines_that_cannot_be_read_are_told_in_our_words_and_by_nobody_else(env, caplog, capfd):
    found = env("a line\nMLFLOW_EXPERIMENT_NAME=mine\n\nanother one\n")
    assert (found.broken, os.environ["MLFLOW_EXPERIMENT_NAME"]) == ((1, 4), "mine")
    assert found.told() == ["warning: .env, lines 1 and 4: not NAME=value, and not taken"]
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def test_what_the_environment_has_stays_and_is_not_told_of(env, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mine:5000")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    found = env("MLFLOW_TRACKING_URI=http://theirs:5000\nHTTP_PROXY=x\nMLFLOW_TRACKING_TOKEN=t\n")
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mine:5000"
    assert found == EnvFile(frozenset({"MLFLOW_TRACKING_TOKEN"}), names_store=False)


@pytest.mark.parametrize("by", ["environment", "flag"])
def test_a_connection_that_somebody_else_names_is_not_made_less_safe(env, monkeypatch, by):
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mine")
    found = env("MLFLOW_TRACKING_INSECURE_TLS=true\nMLFLOW_TRACKING_URI=x\n", store_is_named=by == "flag")
    assert "MLFLOW_TRACKING_INSECURE_TLS" not in os.environ
    assert found.left_out == ("MLFLOW_TRACKING_INSECURE_TLS",)
    assert not found.names_store


def test_nothing_of_the_environment_comes_into_a_value(env, monkeypatch):
    monkeypatch.setenv("SECRET_OF_MINE", "s3cr3t")
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_URI takes the value of SECRET_OF_MINE") as refused:
        env("MLFLOW_TRACKING_URI=http://evil/${SECRET_OF_MINE}\n")
    assert "s3cr3t" not in refused.value.message
    assert "MLFLOW_TRACKING_URI" not in os.environ
    with pytest.raises(UsageError, match="stands on no line above it"):
        env("MLFLOW_TRACKING_URI=http://evil/${SECRET_OF_MINE}\nSECRET_OF_MINE=later\n")


def test_values_of_lines_above_and_defaults_are_put_in(env):
    env("HOST_OF_OURS=ours\nMLFLOW_TRACKING_URI=http://${HOST_OF_OURS}:${PORT_OF_OURS:-5000}\n")
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://ours:5000"


def test_a_second_reading_in_the_same_process_finds_the_same(env):
    text = "MLFLOW_TRACKING_URI=http://localhost:5000\nMLFLOW_TRACKING_TOKEN=t\nLD_PRELOAD=x\n"
    assert env(text) == env(text)
    assert load_settings().env_file == env(text)


def test_settings_say_what_the_file_gave(env):
    env("MLFLOW_TRACKING_URI=http://localhost:5000\n")
    settings, sources = traced_settings()
    assert settings.env_file.names_store
    assert sources["MLFLOW_TRACKING_URI"] == ".env"
    settings, sources = traced_settings(tracking_uri="sqlite:///mine.db")
    assert not settings.env_file.names_store
    assert sources["MLFLOW_TRACKING_URI"] == "flag"
