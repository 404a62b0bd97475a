"""`expctl log`: metrics, parameters and files come to a run, on every kind of store; evidence stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracking.recorded import store_of


def run_of(folder, name):
    (run,) = store_of(folder).find(f"name = '{name}'")
    return run


@pytest.mark.every_store
def test_metrics_parameters_and_files_are_added_to_a_run_and_nothing_else_changes(cli, runs):
    before = run_of(runs, "strong")
    files = {file.path for file in store_of(runs).artifacts(before)}
    Path("notes.txt").write_text("seen\n")
    words = [
        "--metric",
        "business_value=0.93",
        "--metric",
        "cost=12",
        "--param",
        "reviewer=ada",
        "--artifact",
        "notes.txt",
    ]
    done = cli("log", "strong", *words, "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["rows"]
    assert [[row[key] for key in ("kind", "key", "value")] for row in rows] == [
        ["metric", "business_value", 0.93],
        ["metric", "cost", 12.0],
        ["param", "reviewer", "ada"],
        ["artifact", "notes.txt", 5],
    ]
    assert cli("log", "strong", "--metric", "business_value=0.95", "--step", "3").exit_code == 0
    after, store = run_of(runs, "strong"), store_of(runs)
    assert after.metrics == {**before.metrics, "business_value": 0.95, "cost": 12.0}
    assert after.params == {**before.params, "reviewer": "ada"}
    assert (after.tags, after.status, after.ended) == (before.tags, before.status, before.ended)
    history = store.reader.history(after.run_id, "business_value")
    assert [(point.step, point.value) for point in history] == [(0, 0.93), (3, 0.95)]
    assert {file.path for file in store.artifacts(after)} == files | {"notes.txt"}
    assert store.read_artifact(after, "notes.txt") == b"seen\n"
    best = cli("best", "--metric", "business_value", "--format", "id")
    assert best.stdout.split() == [after.run_id]


EVIDENCE = [
    (["--metric", "f1_score=1"], "metric f1_score"),
    (["--metric", "f1_score_high=1"], "metric f1_score_high"),
    (["--metric", "cv_accuracy_mean=1"], "metric cv_accuracy_mean"),
    (["--param", "c=1"], "parameter c"),
    (["--param", "alpha=1"], "parameter alpha"),  # of another family: it would look like one of the recipe
    (["--param", "data_hash=0"], "parameter data_hash"),
    (["--artifact", "predictions.parquet"], "file predictions.parquet"),
    (["--artifact", "source.patch"], "file source.patch"),
    (["--artifact", "model"], "file model"),
]


@pytest.mark.parametrize(("words", "what"), EVIDENCE, ids=lambda one: one if isinstance(one, str) else "")
def test_recorded_evidence_is_refused_in_a_line_and_nothing_is_written(cli, runs, words, what):
    for name in ("predictions.parquet", "source.patch", "model", "own.txt"):
        Path(name).write_text("x")
    before, files = (runs / "mlflow.db").read_bytes(), {path for path in runs.rglob("*") if path.is_file()}
    done = cli("log", "strong", "--metric", "own=1", "--artifact", "own.txt", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    run = run_of(runs, "strong")
    assert done.stderr == (
        f"expctl: {what} of run {run.described} is recorded evidence, which nobody changes (choose another name)\n"
    )
    assert (runs / "mlflow.db").read_bytes() == before
    assert {path for path in runs.rglob("*") if path.is_file()} == files


def test_what_a_run_had_when_it_ended_is_evidence_whatever_its_name(cli, runs):
    """A metric of autologging, or of one's own in training; what was added later goes on."""
    from mlflow import MlflowClient

    store = store_of(runs)
    run = run_of(runs, "strong")
    MlflowClient(store.uri).log_metric(run.run_id, "own", 0.5, timestamp=int(run.started.timestamp() * 1000))
    done = cli("log", "strong", "--metric", "own=1")
    assert (done.exit_code, done.stderr.count("metric own of run strong")) == (2, 1)
    assert cli("log", "strong", "--metric", "later=1").exit_code == 0
    assert cli("log", "strong", "--metric", "later=2", "--step", "1").exit_code == 0


def test_a_run_of_another_program_takes_any_metric_and_keeps_its_parameters(cli, folder):
    from mlflow import MlflowClient

    store = store_of(folder)
    client = MlflowClient(store.uri)
    run_id = client.create_run(store.ensure_experiment(), run_name="theirs").info.run_id
    client.log_param(run_id, "lr", "0.1")
    client.log_metric(run_id, "f1_score", 0.5)
    assert (
        cli("log", "theirs", "--metric", "f1_score=0.6", "--step", "1", "--param", "c=1", "-p", "lr=0.1").exit_code == 0
    )
    done = cli("log", "theirs", "--param", "lr=0.2", "--metric", "f1_score=0.7")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "parameter lr of run theirs" in done.stderr
    run = run_of(folder, "theirs")
    assert (run.metrics, run.params) == ({"f1_score": 0.6}, {"lr": "0.1", "c": "1"})


def test_a_file_is_never_replaced(cli, runs):
    Path("plot.txt").write_text("one")
    assert cli("log", "strong", "--artifact", "plot.txt").exit_code == 0
    Path("plot.txt").write_text("two")
    done = cli("log", "strong", "--artifact", "plot.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "has a file plot.txt already (another name: files are never replaced)" in done.stderr
    assert store_of(runs).read_artifact(run_of(runs, "strong"), "plot.txt") == b"one"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "log: nothing to add (--metric KEY=NUMBER, --param KEY=VALUE or --artifact FILE)"),
        (["--metric", "a"], 2, "--metric 'a' is not KEY=VALUE (for example --metric business_value=0.93)"),
        (["--metric", "a=x"], 2, "--metric a=x is not a number (for example --metric a=0.93)"),
        (["--metric", "a=nan"], 2, "--metric a=nan must be finite"),
        (["--metric", "a=1e999"], 2, "--metric a=inf must be finite"),
        (["--metric", "a?=1"], 2, "metric 'a?': a key has letters"),
        (["--metric", "a=1", "--metric", "a=2"], 2, "--metric gives 'a' twice"),
        (["--param", "a=" + "x" * 6001], 2, "parameter a has 6,001 characters, the limit is 6,000"),
        (["--step", "3", "--param", "a=b"], 2, "--step says at which step a metric was measured"),
        (["--metric", "a=1", "--step", str(2**63)], 2, f"--step {2**63} is larger than any store holds"),
        (["--artifact", "gone.txt"], 5, "--artifact gone.txt does not exist (name a file)"),
        (["--artifact", "."], 5, "--artifact . is not a file (name a file)"),
        (["--artifact", "small.csv", "--artifact", "sub/small.csv"], 2, "--artifact names two files small.csv"),
    ],
)
def test_what_no_run_could_hold_is_refused_before_anything_is_written(cli, runs, words, code, said):
    before = (runs / "mlflow.db").read_bytes()
    done = cli("log", "strong", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"expctl: {said}")
    assert (runs / "mlflow.db").read_bytes() == before


def test_no_password_comes_in(cli, runs):
    assert cli("log", "weak", "--param", "from=https://ada:s3cr3t@example.org/x").exit_code == 0
    assert run_of(runs, "weak").params["from"] == "https://***@example.org/x"


def test_a_run_that_was_added_to_and_edited_comes_out_again_and_goes_into_an_archive_whole(cli, runs, tmp_path_factory):
    Path("notes.txt").write_text("seen")
    assert cli("log", "weak", "--metric", "own=1", "--param", "who=ada", "--artifact", "notes.txt").exit_code == 0
    assert cli("edit", "weak", "-t", "team=vision", "--name", "other").exit_code == 0
    done = cli("reproduce", "other", "--no-record", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == (0, "identical")
    archive = str(tmp_path_factory.mktemp("archive") / "one.zip")
    assert cli("export", "other", "-o", archive).exit_code == 0
    assert cli("import", archive, "-e", "copies", "--tracking-uri", "sqlite:///copy.db").exit_code == 0
    shown = json.loads(cli("show", "copies/other", "--tracking-uri", "sqlite:///copy.db", "--format", "json").stdout)
    assert (shown["metrics"]["own"]["value"], shown["parameters"]["who"], shown["tags"]["team"]) == (
        1.0,
        "ada",
        "vision",
    )
    assert shown["artifacts"]["notes.txt"] == 4
