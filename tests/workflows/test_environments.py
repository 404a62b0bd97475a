"""The environment of a run's packages: what it is made of, and why it cannot be made. The making is a stand-in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from expctl.errors import RunNotFound
from expctl.records import RunRecord
from expctl.settings import Settings
from expctl.workflows import environments
from expctl.workflows.environments import Isolated, NoEnvironment, isolated

HERE = f"{sys.version_info.major}.{sys.version_info.minor}.0"


def run(python: str = HERE) -> RunRecord:
    return RunRecord("a" * 32, "strong", "finished", "1", tags={"python": python})


def store(requirements: bytes | None):
    settings = Settings(tracking_uri="sqlite:///mlflow.db", experiment="reviews")
    return SimpleNamespace(settings=settings, read_artifact=lambda run, path: requirements)


@pytest.fixture
def made(monkeypatch):
    """What an environment would have been made of."""
    given: list[tuple] = []
    monkeypatch.setattr(environments, "_made", lambda *parts: given.append(parts) or "python of it")
    return given


def test_an_environment_has_the_pinned_packages_of_the_run_and_nothing_else_that_a_line_says(made):
    content = b"numpy==1.26.4\nexpctl==0.1\n-e .\n--index-url=http://x/==\nevil@file:///tmp/evil#==1\n"
    said: list[str] = []
    with isolated(store(content), run(), said.append) as environment:
        assert environment.python == "python of it"
    ((_, interpreter, packages, _),) = made
    assert (interpreter, packages) == (sys.executable, {"numpy": "1.26.4"})
    assert said == ["making an environment of 1 packages"]


def test_it_works_on_the_same_store_and_experiment_without_this_process_s_paths(made, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/here")
    with isolated(store(b""), run()) as environment:
        variables = environment.variables
    assert variables["MLFLOW_TRACKING_URI"] == f"sqlite:///{Path('mlflow.db').absolute()}"
    assert variables["MLFLOW_EXPERIMENT_NAME"] == "reviews"
    assert "PYTHONPATH" not in variables


def test_its_folder_is_gone_after_the_block_and_after_an_error_in_it(made):
    with pytest.raises(KeyboardInterrupt), isolated(store(b""), run()):
        raise KeyboardInterrupt
    assert not made[0][0].parent.exists()


def test_a_run_without_requirements_is_not_found(made):
    with pytest.raises(RunNotFound, match=r"run strong has no requirements\.txt"), isolated(store(None), run()):
        pytest.fail("there is nothing to make it of")
    assert made == []


def test_another_python_that_is_not_installed_is_told(made, monkeypatch):
    monkeypatch.setenv("PATH", "")
    told = r"the run was made with Python 3\.99\.1, and no python3\.99 is installed here"
    with pytest.raises(NoEnvironment, match=told), isolated(store(b""), run("3.99.1")):
        pytest.fail("there is no such Python")


def test_a_step_that_fails_is_told_by_its_last_line_without_a_secret():
    def fail(code: str) -> None:
        environments._succeed([sys.executable, "-c", code], os.environ, "install the packages of the run")

    told = r"^cannot install the packages of the run: no way to http://\*\*\*@host$"
    with pytest.raises(NoEnvironment, match=told):
        fail("import sys; sys.exit('first\\nno way to http://me:SECRET@host\\n')")
    with pytest.raises(NoEnvironment, match="it ended with 3"):
        fail("raise SystemExit(3)")


def test_a_command_in_it_gives_its_exit_code():
    assert Isolated(sys.executable, os.environ).run(["--version"]) == 0
    assert Isolated(sys.executable, os.environ).run(["--nonsense"]) == 2


def test_what_stops_us_stops_the_command_too(monkeypatch):
    popen, ended = subprocess.Popen, []

    class Sleeping(popen):
        """A command that takes a minute, and Ctrl-C while it is waited for."""

        def __init__(self, words, **given):
            super().__init__(["sleep", "60"], **given)

        def wait(self, timeout=None):
            ended.append(None if not ended else super().wait(timeout))
            if ended == [None]:
                raise KeyboardInterrupt
            return ended[-1]

    monkeypatch.setattr(environments.subprocess, "Popen", Sleeping)
    with pytest.raises(KeyboardInterrupt):
        Isolated(sys.executable, os.environ).run([])
    assert ended[1] == -signal.SIGTERM
