"""`expctl experiments`: what each holds; renamed, hidden, back, and gone for good with its name free, on all stores."""

from __future__ import annotations

import json
import shlex

import pytest

from expctl.tracking.runs import deletion
from tests.tracking.recorded import execute, names, store_of


def rows(done) -> dict[str, dict]:
    assert done.exit_code == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


@pytest.mark.every_store
def test_each_is_told_with_its_runs_its_best_and_its_size(cli, runs, store_kind):
    store = store_of(runs, experiment="other")
    store.client.create_run(store.ensure_experiment(), run_name="elsewhere")
    found = rows(cli("experiments", "--format", "json"))
    assert list(found)[:2] == ["other", "expctl"]  # the one that was used last comes first
    ours = found["expctl"]
    (strong,) = store_of(runs).find("name = 'strong'")
    assert (ours["runs"], ours["failed"]) == (4, 1)
    assert (ours["best_run"], ours["best_f1_score"]) == (strong.run_id, strong.metrics["f1_score"])
    files = [path for path in runs.rglob("mlartifacts/expctl-*/**/*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) if store_kind == "sqlite" else None
    assert ours["bytes"] == size
    named = rows(cli("experiments", "expctl", "--format", "json"))["expctl"]["bytes"]
    listed = [deletion.bytes_of(store_of(runs), run) for run in store_of(runs).find()]
    assert named == (size if store_kind == "sqlite" else sum(listed))
    assert (found["other"]["runs"], found["other"]["best_run"]) == (1, None)


@pytest.mark.every_store
def test_one_is_renamed_hidden_and_brought_back_by_the_commands_it_tells(cli, runs):
    before = cli("list", "--format", "json").stdout
    renamed = cli("experiments", "expctl", "--rename", "a b")
    assert renamed.exit_code == 0, renamed.stderr
    assert renamed.stdout.splitlines()[1].startswith("a b")
    assert renamed.stderr == "expctl: undo: expctl experiments 'a b' --rename expctl\n"
    assert cli(*shlex.split(renamed.stderr.partition(": expctl ")[2])).exit_code == 0
    assert cli("list", "--format", "json").stdout == before
    deleted = cli("experiments", "expctl", "--delete", "--yes")
    assert (deleted.exit_code, deleted.stderr) == (0, "expctl: undo: expctl experiments expctl --restore\n")
    assert "expctl" not in rows(cli("experiments", "--format", "json"))
    assert rows(cli("experiments", "--deleted", "--format", "json"))["expctl"]["runs"] == 4
    told = cli("list")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "(try: expctl experiments expctl --restore)" in told.stderr
    assert cli(*shlex.split(deleted.stderr.partition(": expctl ")[2])).exit_code == 0
    assert cli("list", "--format", "json").stdout == before


def test_for_good_frees_the_name_and_takes_nothing_else_along(cli, runs):
    cli("train", "--data", "small.csv", "--run-name", "kept", "-e", "other", "--quiet")
    assert cli("delete", "weak", "-y").exit_code == 0
    assert cli("experiments", "expctl", "--delete", "-y").exit_code == 0
    done = cli("experiments", "expctl", "--purge", "-y")
    assert (done.exit_code, done.stderr) == (0, "")
    assert execute(runs, "SELECT name FROM runs") == [("kept",)]
    assert [name for name in names(runs / "mlartifacts") if name.startswith("expctl-")] == []
    assert cli("list").stderr == "expctl: no runs in experiment 'expctl'\n"
    assert cli("train", "--data", "small.csv", "--quiet").exit_code == 0
    assert cli("predict", "fine", "--run", "other/kept").exit_code == 0


def test_a_run_of_a_registered_model_keeps_its_experiment_from_going_for_good(cli, runs):
    assert cli("promote", "strong", "reviews").exit_code == 0
    done = cli("experiments", "expctl", "--purge", "-y")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "is version 1 of the registered model 'reviews'" in done.stderr
    assert len(execute(runs, "SELECT name FROM runs")) == 4


@pytest.mark.slow
def test_a_server_keeps_its_experiments_but_frees_a_name(cli, runs, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    store = store_of(runs, experiment="old one")
    store.ensure_experiment()
    done = cli("experiments", "old one", "--purge", "-y")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--rename, then --delete: the name is free then" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--delete"], 2, "--delete: no experiment given (try: expctl experiments NAME --delete)"),
        (["a", "--delete", "--restore"], 2, "--delete and --restore exclude each other (give one of them)"),
        (["a", "b", "--rename", "c"], 2, "--rename gives one experiment a name"),
        (["expctl", "--rename", " "], 2, "--rename gives one experiment a name"),
        (["expctl", "--rename", "Default"], 2, "the name 'Default' is taken (try: expctl experiments)"),
        (["expctl", "--rename", "gone"], 2, "the name 'gone' is taken by a deleted experiment"),
        (
            ["expctl", "--rename", "http://a:b@host"],
            2,
            "--rename holds a password, which would be stored (another name)",
        ),
        (["expctl", "--rename", "x" * 600], 2, "--rename has 600 characters, the limit is 256"),
        (["gone", "--rename", "new"], 2, "experiment 'gone' has been deleted (try: expctl experiments gone --restore)"),
        (["gone", "--delete"], 3, "experiment 'gone' is deleted already (--purge deletes it permanently)"),
        (["expctl", "--restore"], 3, "experiment 'expctl' is not deleted (try: expctl experiments --deleted)"),
        (["expctl", "--restore", "--dry-run"], 3, "experiment 'expctl' is not deleted"),
        (["gone", "expctl", "--restore"], 3, "experiment 'expctl' is not deleted"),
        (["expctl", "--rename", "two\nlines"], 2, "--rename 'two\\nlines' has a line end or a control character"),
        (["--metric", "f1"], 3, "no run has f1, did you mean 'f1_score'? (--metric accuracy, f1_score"),
        (["expct", "--delete"], 3, "no experiment 'expct', did you mean 'expctl'? (try: expctl experiments)"),
        (["expctl", "--delete"], 2, "no terminal to confirm on: delete 1 experiment: expctl (4 runs)? (--yes)"),
        (["expctl", "--purge"], 2, "no terminal to confirm on: delete 1 experiment permanently, with runs, files and"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_and_nothing_is_written(cli, runs, words, code, said):
    store = store_of(runs, experiment="gone")
    store.client.delete_experiment(store.ensure_experiment())
    before = (runs / "mlflow.db").read_bytes()
    done = cli("experiments", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith(f"expctl: {said}")
    assert (runs / "mlflow.db").read_bytes() == before


def test_a_dry_run_and_a_store_that_is_not_there_change_nothing(cli, runs, tmp_path_factory, monkeypatch):
    before = (runs / "mlflow.db").read_bytes()
    done = cli("experiments", "expctl", "--purge", "--dry-run")
    assert (done.exit_code, done.stderr) == (0, "expctl: 1 experiment would be deleted permanently\n")
    assert (runs / "mlflow.db").read_bytes() == before
    monkeypatch.chdir(empty := tmp_path_factory.mktemp("empty"))
    assert cli("experiments").stderr == "expctl: no experiments\n"
    assert names(empty) == []
