"""`expctl edit`: name, note and tags change, of one run or many, on every kind of store; evidence does not."""

from __future__ import annotations

import json

import pytest

from expctl.records import Tag
from tests.tracking.recorded import store_of


def run_of(folder, name):
    (run,) = store_of(folder).find(f"name = '{name}'")
    return run


@pytest.mark.every_store
def test_name_note_and_tags_change_and_nothing_else(cli, runs):
    before = run_of(runs, "strong")
    words = [
        "-t",
        "team=vision",
        "-t",
        "reviewed=yes",
        "--remove-tag",
        "stage",
        "--name",
        "winner",
        "--note",
        "is in use",
    ]
    done = cli("edit", "strong", *words, "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [[row[key] for key in ("name", "key", "before", "after")] for row in json.loads(done.stdout)["rows"]] == [
        ["strong", "name", "strong", "winner"],
        ["strong", "note", "the one to beat", "is in use"],
        ["strong", "tags.team", "nlp", "vision"],
        ["strong", "tags.reviewed", None, "yes"],
        ["strong", "tags.stage", "test", None],
    ]
    after = run_of(runs, "winner")
    assert after.run_id == before.run_id
    assert (after.params, after.metrics, after.status, after.ended) == (
        before.params, before.metrics, before.status, before.ended,
    )  # fmt: skip
    changed = {"team": "vision", "reviewed": "yes", Tag.NOTE: "is in use", "mlflow.runName": "winner"}
    expected = {**{key: value for key, value in before.tags.items() if key != "stage"}, **changed}
    assert dict(after.tags) == {key: value for key, value in expected.items() if key in after.tags}
    assert {"team", "reviewed", Tag.NOTE} <= set(after.tags)
    assert cli("show", "winner").exit_code == 0


def test_many_runs_are_edited_by_filter_and_glob_and_a_dry_run_shows_what_would_change(cli, runs):
    words = ["--filter", "team = 'nlp'", "b*", "-t", "stage=done"]
    dry = cli("edit", *words, "--dry-run")
    assert [line.split()[1:] for line in dry.stdout.splitlines()[1:]] == [
        ["broken", "tags.stage", "–", "done"],
        ["bayes", "tags.stage", "–", "done"],
        ["strong", "tags.stage", "test", "done"],
    ]
    assert dry.stderr == "expctl: 3 runs would be changed\n"
    assert run_of(runs, "strong").tags["stage"] == "test"
    done = cli("edit", *words)
    assert (done.stdout, done.stderr) == (dry.stdout, "")
    assert {run.name for run in store_of(runs).find("stage = 'done'")} == {"broken", "bayes", "strong"}
    again = cli("edit", *words, "--format", "id")
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr == "expctl: nothing to change: it is so already\n"


def test_no_run_that_matches_is_told(cli, runs):
    done = cli("edit", "--filter", "c = 77", "-t", "a=b")
    assert (done.exit_code, done.stderr) == (0, "expctl: no runs that match\n")
    assert cli("edit", "nobody", "-t", "a=b").exit_code == 3


def test_a_note_comes_from_stdin_and_an_empty_one_goes(runs, run_command):
    done = run_command("edit", "weak", "--note", "-", stdin="two\nlines: ü\n")
    assert done.exit_code == 0, done.stderr
    assert run_of(runs, "weak").tags[Tag.NOTE] == "two\nlines: ü"
    assert run_command("edit", "weak", "--note", "").exit_code == 0
    assert Tag.NOTE not in run_of(runs, "weak").tags


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["strong"], "edit: nothing to change (-t KEY=VALUE, --remove-tag KEY, --name N or --note TEXT)"),
        (["-t", "a=b"], "edit: no runs given (try: expctl edit RUN -t KEY=VALUE, or --filter EXPR)"),
        (["strong", "-t", "expctl.recipe={}"], "tag 'expctl.recipe': mlflow. and expctl. are reserved"),
        (["strong", "--remove-tag", "expctl.complete"], "tag 'expctl.complete': mlflow. and expctl. are reserved"),
        (["strong", "--remove-tag", "mlflow.note.content"], "tag 'mlflow.note.content': mlflow. and expctl."),
        (["strong", "-t", "git_commit=0"], "tag 'git_commit' is recorded from the environment"),
        (["strong", "-t", "developer=me"], "tag 'developer' says how the run was made"),
        (["strong", "--remove-tag", "data_version"], "tag 'data_version' says how the run was made"),
        (["strong", "-t", "a=b", "--remove-tag", "a"], "tag 'a' is both set and removed (give it once)"),
        (["strong", "-t", "a"], "-t 'a' is not KEY=VALUE (for example -t team=nlp)"),
        (["strong", "--name", " "], "the run's name is empty"),
        (["strong", "--name", "x" * 251], "the run's name has 251 characters, the limit is 250"),
        (["strong", "--name", "latest"], "the run's name 'latest' means the newest run wherever it is typed (choose"),
        (["strong", "--name", "two\nlines"], "the run's name 'two\\nlines' has a line end or a control character"),
        (["strong", "--note", "x" * 8001], "--note has 8,001 characters, the limit is 8,000"),
        (["strong", "weak", "--name", "one"], "--name names one run, and 2 runs match (use the id of one)"),
    ],
)
def test_what_cannot_be_changed_is_refused_in_a_line_and_nothing_is_written(cli, runs, words, said):
    before = (runs / "mlflow.db").read_bytes()
    done = cli("edit", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"expctl: {said}")
    assert done.stderr.count("\n") == 1
    assert (runs / "mlflow.db").read_bytes() == before


def test_no_password_comes_in(cli, runs):
    words = ["-t", "link=https://ada:s3cr3t@example.org/x?page=2", "--note", "see https://ada:s3cr3t@example.org"]
    done = cli("edit", "weak", *words, "--name", "http://a:s3cr3t@host")
    assert done.exit_code == 0
    run = run_of(runs, "http://***@host")
    assert (run.tags["link"], run.tags[Tag.NOTE]) == ("https://***@example.org/x?page=2", "see https://***@example.org")
    assert "s3cr3t" not in done.stdout + done.stderr
