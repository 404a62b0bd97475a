"""The workflows of the topic `ci`: of the right form, and run step by step as they stand, from the first one on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import write_reviews
from tests.docs.pages import TOPICS
from tests.warm import script

PAGE = next(page for page in TOPICS if page.name == "ci")
GITHUB, GITLAB = PAGE.blocks("yaml")
# What a step finds in its PATH: ours, and others of which it is enough that they were called.
PROGRAMS = {
    "pip": "exit 0",
    "gh": 'echo "gh $*" >> called.txt; cat gate.md >> called.txt',
    "curl": 'echo "curl $*" >> called.txt; cat gate.md >> called.txt',
}


@pytest.mark.parametrize(("schema", "content"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)])
def test_a_workflow_is_of_the_form_that_is_published(tmp_path, schema, content):
    def checked(text: str) -> int:
        file = tmp_path / "workflow.yml"
        file.write_text(text)
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert checked(content) == 0
    assert checked(content.replace("concurrency:", "concurency:").replace("  rules:", "  rulez: 1\n  rules: 1")) == 1


@pytest.fixture
def project(folder):
    """A folder with data and a train.toml, whose store is an SQLite file."""
    write_reviews(folder / "small.csv", 400)
    bin = folder / "bin"
    bin.mkdir()
    for name, content in {**PROGRAMS, "expctl": f'exec {script()} "$@"'}.items():
        (bin / name).write_text(f"#!/bin/sh\n{content}\n")
        (bin / name).chmod(0o755)
    return folder


def recipe(folder: Path, model: str) -> None:
    (folder / "train.toml").write_text(f'data = "small.csv"\nmodel = "{model}"\n')


def done(folder: Path, script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as both run it: by bash, which ends at the first command that fails."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", **variables, "PATH": path}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def on_github(folder: Path, job: str) -> tuple[int, str]:
    """A job's steps: the exit code of the first that failed, or 0, and what it shows as its summary."""
    variables = {"PR": "7", "GITHUB_SHA": "5" * 40}
    for name in ("GITHUB_ENV", "GITHUB_STEP_SUMMARY"):
        (folder / name).write_text("")
        variables[name] = str(folder / name)
    code = 0
    for step in yaml.safe_load(GITHUB)["jobs"][job]["steps"]:
        if "run" in step and (code == 0 or "always()" in step.get("if", "")):
            assert "${{" not in step["run"], "an expression in a script runs what others write"
            variables |= dict(line.split("=", 1) for line in (folder / "GITHUB_ENV").read_text().splitlines())
            code = done(folder, step["run"], variables).returncode or code
    return code, (folder / "GITHUB_STEP_SUMMARY").read_text()


def on_gitlab(folder: Path, job: str) -> tuple[int, str]:
    """A job's script: its exit code, and what it leaves in gate.md."""
    described: dict[str, Any] = yaml.safe_load(GITLAB)
    script = "\n".join([*described["default"]["before_script"], *described[job]["script"]])
    variables = {"CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": "5" * 40, "GITLAB_TOKEN": "x", "CI_API_V4_URL": "api"}
    code = done(folder, script, variables).returncode
    return code, (folder / "gate.md").read_text() if (folder / "gate.md").exists() else ""


def champion(folder: Path) -> str:
    listed = done(folder, "expctl show reviews@champion --format json", {})
    return (re.findall(r'"model": *"(\w+)"', listed.stdout) or [""])[0] if listed.returncode == 0 else ""


@pytest.mark.slow
@pytest.mark.parametrize("run", [on_github, on_gitlab])
def test_from_the_first_run_to_a_worse_one(project, run):
    recipe(project, "logreg")
    code, told = run(project, "gate")
    assert (code, "There is no champion yet" in told) == (0, True)
    assert "There is no champion yet" in (project / "called.txt").read_text()
    assert run(project, "promote")[0] == 0
    assert champion(project) == "logreg"

    recipe(project, "dummy")
    code, told = run(project, "gate")
    assert (code, "- gate: regression" in told) == (1, True)
    assert "- gate: regression" in (project / "called.txt").read_text()  # the comment comes all the same
    if run is on_github:  # the script of GitLab's second promotion is the same as that of its first
        assert run(project, "promote")[0] == 0
    assert champion(project) == "logreg"


@pytest.mark.slow
def test_a_training_that_fails_fails_the_job(project):
    (project / "train.toml").write_text('data = "nowhere.csv"\n')
    assert on_github(project, "promote")[0] != 0
    assert on_gitlab(project, "promote")[0] != 0
