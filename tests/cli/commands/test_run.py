"""`expctl run`: any program as a run, through the command line."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from expctl.tracking.runs.predictions import read_predictions
from tests.tracking.recorded import statuses, store_of
from tests.warm import Process

PYTHON = sys.executable


def latest(folder: Path):
    return store_of(folder).find(limit=1)[0]


def test_arguments_output_code_and_machine_are_recorded(cli, folder):
    program = ["sh", "-c", "echo out; echo err >&2", "x", "--lr", "0.1"]
    done = cli("run", "--name", "first", "-t", "team=nlp", "-p", "seed=1", "--", *program)
    run = latest(folder)
    assert (done.exit_code, done.stdout) == (0, f"run: first\nrun_id: {run.run_id}\n")
    assert sorted(done.stderr.splitlines()) == ["err", f"expctl: next: expctl show {run.run_id[:8]}", "out"]
    assert (run.name, run.status, run.params) == ("first", "finished", {"lr": "0.1", "seed": "1"})
    assert run.tags["team"] == "nlp"
    assert run.tags["mlflow.source.name"] == "sh -c 'echo out; echo err >&2' x --lr 0.1"
    assert {"expctl.host", "expctl.pid", "platform", "developer", "expctl.complete"} <= set(run.tags)
    assert sorted(store_of(folder).read_artifact(run, "output.log").splitlines()) == [b"err", b"out"]
    assert "expctl run --param seed=1 --run-name first -t team=nlp -- sh -c" in cli("show", "first").stdout


def test_what_stands_behind_the_program_is_the_programs(cli, folder):
    done = cli("run", "-q", "sh", "-c", 'echo "$@"', "x", "--name", "y", "-q", "--", "z")
    assert (done.exit_code, latest(folder).params) == (0, {"name": "y"})
    assert cli("get", "latest", "output.log").stdout == "--name y -q -- z\n"


def test_stdout_is_the_run_and_stderr_the_program(cli, folder):
    done = cli("run", "--format", "id", "-q", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{latest(folder).run_id}\n", "")
    assert cli("get", "latest", "output.log").stdout in ("out\nerr\n", "err\nout\n")


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("echo 'ValueError: bad' >&2; exit 3", "failed", "the program ended with exit status 3: ValueError: bad"),
        ("exit 1", "failed", "the program ended with exit status 1: kept"),
        ("kill -9 $$", "killed", "the program was killed by SIGKILL: kept"),
        ("kill -9 $PPID; sleep 600", "killed", "the program was lost: the process that watches it was killed"),
    ],
)
def test_how_it_ends_is_how_the_run_ends(cli, folder, code, status, reason):
    done = cli("run", "--", "sh", "-c", f"echo kept; {code}")
    run = latest(folder)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"expctl: {reason} (try: expctl show {run.run_id[:8]})"
    assert (run.status, run.tags["expctl.reason"]) == (status, reason)
    assert b"kept\n" in store_of(folder).read_artifact(run, "output.log")
    assert "expctl.complete" not in run.tags


def test_a_program_has_its_time(cli, folder):
    assert cli("run", "--timeout", "1s", "--", "sh", "-c", "sleep 600").exit_code == 1
    run = latest(folder)
    assert (run.status, run.tags["expctl.reason"]) == ("killed", "stopped after 1 s (--timeout)")


def test_metrics_of_the_output_and_of_metrics_json(cli, folder):
    left = {"val_accuracy": 0.5, "f1": {"macro": 0.25}, "epochs": [3, 2], "name": "x", "ok": True, "bad": float("nan")}
    code = (
        f"import json, pathlib; [print(f'loss: {{1 / (1 + n)}}') for n in range(2000)];"
        f"pathlib.Path('metrics.json').write_text(json.dumps({left!r}, allow_nan=True).replace('nan', 'NaN'))"
    ).replace("'bad': nan", "'bad': float('nan')")
    words = ["run", "--metric", r"loss=loss: (\S+)", "--metric", r"acc=acc (\d)"]
    done = cli(*words, "--", PYTHON, "-c", code)
    assert done.exit_code == 0, done.stderr
    assert "nothing in the output is a value of acc (--metric)" in done.stderr
    run = latest(folder)
    assert run.metrics == {"loss": 1 / 2000, "val_accuracy": 0.5, "f1.macro": 0.25, "epochs": 2}
    assert len(store_of(folder).reader.history(run.run_id, "loss")) == 2000
    assert "warning: metrics.json: bad is no number" in done.stderr


def test_an_expression_that_tries_without_end_costs_its_metric_and_nothing_else(cli, folder):
    code = f"echo loss 1; echo {'a' * 60}; echo loss 2; echo x 3"
    done = cli("run", "--metric", r"bad=(?:a+)+b|x (\d)", "--metric", r"loss=loss (\d)", "--", "sh", "-c", code)
    assert (done.exit_code, latest(folder).metrics) == (0, {"loss": 2})
    (told,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert told == "expctl: warning: bad is not read to the end: a line took its expression more than 1 s (--metric)"
    assert "nothing in the output is a value of" not in done.stderr


def test_a_metrics_json_of_another_program_is_not_read(cli, folder):
    (folder / "metrics.json").write_text('{"f1": 1}')
    assert cli("run", "--", "true").exit_code == 0
    assert latest(folder).metrics == {}


def test_files_are_kept_by_their_paths(cli, folder):
    code = "mkdir -p out/deep; echo a >out/a.txt; echo b >out/deep/b.txt; echo c >c.txt; ln -s /etc/hosts out/link"
    done = cli("run", "--artifact", "out", "--artifact", "*.txt", "--artifact", "none*", "--", "sh", "-c", code)
    assert "warning: --artifact none*: no such file" in done.stderr
    listed = {one.path for one in store_of(folder).artifacts(latest(folder))}
    assert listed >= {"out/a.txt", "out/deep/b.txt", "c.txt", "output.log"}


def test_secrets_of_the_environment_are_in_no_file_tag_or_parameter(cli, folder, monkeypatch):
    monkeypatch.setenv("MY_API_TOKEN", "hunter2secret")
    cli("run", "--", "sh", "-c", "echo $MY_API_TOKEN; echo $0", "--password", "other", "hunter2secret")
    run = latest(folder)
    assert "hunter2secret" not in repr(run) + store_of(folder).read_artifact(run, "output.log").decode()
    assert run.params == {"password": "***"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "expctl: run: no program to run (expctl run -- python train.py --lr 0.1)".replace("(", "(try: ")),
        (
            ["--", "nonsense"],
            "expctl: the program 'nonsense' is not there (is it installed, and on PATH?)",
        ),
        (
            ["--", "echo --lr 1"],
            "expctl: the program 'echo --lr 1' is not there (its arguments follow it as words of their own, without",
        ),
        (["--", "win.sh"], "expctl: the program 'win.sh' is not on PATH (./win.sh)"),
        (["--", "/"], "expctl: the program '/' is a folder"),
        (["--", "./x.py"], "expctl: the program './x.py' is not executable (python ./x.py)"),
        (
            ["--metric", "loss=loss", "--", "true"],
            "expctl: --metric loss: the expression has no group for the number (for example --metric 'loss=loss: (",
        ),
        (
            ["--metric", "loss", "--", "true"],
            "expctl: --metric 'loss' is not NAME=REGEX (for example --metric 'loss=loss: ([0-9.e+-]+)')",
        ),
        (["--", "./win.sh"], "expctl: the first line of './win.sh' names '/bin/sh\\r', which is not there (its lines"),
        (["--metric", "loss=(", "--", "true"], "expctl: --metric loss: not a regular expression"),
        (
            ["--artifact", "../x", "--", "true"],
            "expctl: --artifact '../x' is not below the current folder (--artifact 'out/*')",
        ),
        (["--timeout", "soon", "--", "true"], "expctl: invalid --timeout: 'soon' (for example 90s, 30m or 2h)"),
        (["-p", "a", "--", "true"], "expctl: --param 'a' is not KEY=VALUE"),
        (["--predictions", "x.doc", "--", "true"], "expctl: x.doc: unknown file format"),
        (["--prediction", "guess", "--", "true"], "expctl: --prediction names a column of --predictions FILE"),
        (["--id", "doc", "--", "true"], "expctl: --id names a column of --predictions FILE"),
        (["--task", "regression", "--", "true"], "expctl: --task is about --predictions FILE"),
        (["--task", "regresion", "--", "true"], "expctl: --task regresion: no such task, did you mean 'regression'?"),
        (["-t", "mlflow.x=1", "--", "true"], "expctl: tag 'mlflow.x': mlflow. and expctl. are reserved"),
    ],
)
def test_what_is_wrong_is_told_before_there_is_a_run(cli, folder, arguments, told):
    Path("x.py").write_text("")
    Path("win.sh").write_bytes(b"#!/bin/sh\r\necho hi\r\n")
    Path("win.sh").chmod(0o755)
    done = cli("run", *arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (5 if "x.doc" in arguments else 2, "", 1)
    assert done.stderr.startswith(told)
    assert statuses(folder) == []


def write_predictions(folder: Path, of: str, **changed: str) -> str:
    """pred.csv of the current folder: what the run `of` predicted, with the texts of small.csv; gives a program."""
    from expctl.tracking.runs.references import resolve

    store = store_of(folder)
    found = read_predictions(store, resolve(store, of))
    with (folder / "small.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    with (folder / "given.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "prediction", *(f"proba_{name}" for name in found.score_classes)])
        rows = zip(found.rows, found.labels, found.predicted, found.scores, strict=True)
        for row, label, predicted, scores in reversed(list(rows)):
            writer.writerow([texts[row], found.classes[label], found.classes[predicted], *scores])
    return "cp given.csv pred.csv"


@pytest.mark.usefixtures("no_pictures")
def test_predictions_are_tested_against_runs_of_train_on_the_same_rows(cli, runs):
    done = cli("run", "--name", "mine", "--predictions", "pred.csv", "--", "sh", "-c", write_predictions(runs, "bayes"))
    assert done.exit_code == 0, done.stderr
    compared = json.loads(cli("compare", "bayes", "mine", "--all", "--format", "json").stdout)
    assert compared["same_test_set"] is True
    tested = {key: one for key, one in compared["metrics"].items() if one.get("verdict")}
    assert {"f1_score", "roc_auc", "log_loss"} <= set(tested)
    assert {(one["change"], one["verdict"]) for one in tested.values()} == {(0, "no clear difference")}
    mine, bayes = (store_of(runs).find(f"name = '{name}'")[0] for name in ("mine", "bayes"))
    for key in ("accuracy", "f1_score", "mcc", "roc_auc", "log_loss", "f1_score_low"):
        assert mine.metrics[key] == pytest.approx(bayes.metrics[key], abs=1e-12)
    assert mine.test_set == bayes.test_set
    assert cli("gate", "mine", "--baseline", "weak", "--max-drop", "0.2").exit_code == 0
    assert "mine" in cli("best", "--top", "4").stdout
    assert cli("report", "mine", "--output", "page.html").exit_code == 0


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "pred.csv was not written by the program"),
        ("", "pred.csv is empty"),
        ("text,prediction\na,x\n", "pred.csv has no column 'label'"),
        ("text,label,prediction\na,x,\n", "pred.csv: row 1 has no prediction"),
        ("id,label,prediction\n1,x,y\n1,x,x\n", "pred.csv: rows 1 and 2 are both '1'"),
    ],
)
def test_predictions_that_are_missing_or_malformed_fail_the_run(cli, folder, content, told):
    code = "true" if content is None else f"printf '%s' '{content}' >pred.csv"
    done = cli("run", "--predictions", "pred.csv", "--", "sh", "-c", code)
    run = latest(folder)
    assert (done.exit_code, run.status) == (5, "failed")
    assert done.stderr.splitlines()[-1].startswith(f"expctl: {told}")
    assert run.tags["expctl.reason"].startswith(told)
    assert store_of(folder).read_artifact(run, "output.log") == b""


@pytest.mark.usefixtures("no_pictures")
def test_a_regression_is_tested_against_a_training_on_the_same_table(cli, house_runs):
    """Each knows its rows by other columns of one file: the program by an id that `train` does not read."""
    store = store_of(house_runs)
    (close,) = store.find("name = 'close'")
    found = read_predictions(store, close)
    with Path("houses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with Path("given.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["listing", "price", "prediction"])
        for row, price, predicted in reversed(list(zip(found.rows, found.labels, found.predicted, strict=True))):
            writer.writerow([rows[row]["listing"], price, predicted])
    words = ["--predictions", "p.csv", "--target", "price", "--", "cp", "given.csv", "p.csv"]
    done = cli("run", "--name", "mine", "--data", "houses.csv", *words)
    assert done.exit_code == 0, done.stderr
    mine = latest(house_runs)
    assert {key: mine.metrics[key] for key in ("r2", "rmse", "mae", "median_ae", "mape", "r2_low")} == {
        key: pytest.approx(close.metrics[key], abs=1e-9) for key in ("r2", "rmse", "mae", "median_ae", "mape", "r2_low")
    }
    assert (mine.task, "f1_score" in mine.metrics) == ("regression", False)
    compared = json.loads(cli("compare", "close", "mine", "--all", "--format", "json").stdout)
    assert (compared["same_test_set"], compared["metrics"]["r2"]["verdict"]) == (True, "no clear difference")
    decided = json.loads(cli("gate", "mine", "--baseline", "flat", "--format", "json").stdout)
    assert (decided["gate"], decided["metric"]) == ("pass", "r2")
    assert "mine" in cli("best", "--metric", "rmse", "--top", "4").stdout
    assert json.loads(cli("list", "--limit", "1", "--format", "json").stdout)["rows"][0]["r2"] == mine.metrics["r2"]
    assert cli("reproduce", "mine", "--trust").exit_code == 0

    alone = cli("run", "--name", "alone", *words)  # nobody says which file its rows are of
    assert alone.exit_code == 0, alone.stderr
    assert cli("gate", "alone", "--baseline", "flat").exit_code == 6
    Path("other.csv").write_text("listing,price\nH0,1\n")
    elsewhere = cli("run", "--data", "other.csv", *words)
    assert "the test rows are not found in other.csv" in elsewhere.stderr


def test_predictions_of_another_program_are_not_taken(cli, folder):
    Path("pred.csv").write_text("text,label,prediction\na,x,x\nb,y,y\n")
    done = cli("run", "--predictions", "pred.csv", "--", "true")
    assert (done.exit_code, latest(folder).status) == (5, "failed")
    assert "pred.csv is there, but was not written by the program" in done.stderr


SEVERAL = """
import subprocess, sys, mlflow
mlflow.set_experiment("other")
for number in range(2):
    with mlflow.start_run(run_name=f"r{number}"):
        mlflow.log_metric("acc", number)
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("inner", 1)
subprocess.run([sys.executable, "-c", "import mlflow\\nwith mlflow.start_run(run_name='child'): pass"], check=True)
"""


@pytest.mark.slow
def test_several_runs_of_a_program_in_another_experiment_and_of_its_children_are_below_its_run(cli, folder):
    done = cli("run", "--name", "top", "--", PYTHON, "-c", SEVERAL)
    assert done.exit_code == 0, done.stderr
    store = store_of(folder)
    found = {run.name: run for run in store.find(everywhere=True)}
    assert sorted(found) == ["child", "inner", "r0", "r1", "top"]
    assert {found[name].tags["mlflow.parentRunId"] for name in ("r0", "r1", "child")} == {found["top"].run_id}
    inner = store.find("name = 'inner'", everywhere=True)
    assert {run.tags["mlflow.parentRunId"] for run in inner} == {found["r0"].run_id, found["r1"].run_id}
    assert {found[name].experiment for name in ("r0", "r1", "child", "inner")} == {"other"}
    assert {run.status for run in found.values()} == {"finished"}
    assert "expctl: the program's own run r1" in done.stderr


AUTOLOG = """
import mlflow
from sklearn.linear_model import LogisticRegression
mlflow.sklearn.autolog(log_datasets=False)
mlflow.start_run(run_name="its own")
mlflow.log_param("lr", 0.1)
mlflow.log_metric("accuracy_score", 0.75)
LogisticRegression(C=3.0).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
"""


def test_the_one_run_that_a_program_begins_is_the_run(cli, folder):
    """The usual script, with autolog."""
    done = cli("run", "-t", "team=nlp", "--", PYTHON, "-c", AUTOLOG, "--lr", "1e-1")
    (run,) = store_of(folder).find()
    assert (done.exit_code, run.status) == (0, "finished"), done.stderr
    assert run.params["lr"] == "0.1"  # as the program says it
    assert run.params["C"] == "3.0"
    assert run.metrics["accuracy_score"] == 0.75
    assert (run.name, run.tags["team"]) == ("its own", "nlp")
    assert "mlflow.parentRunId" not in run.tags
    assert "expctl.complete" in run.tags
    assert {"output.log", "model/MLmodel"} <= {one.path for one in store_of(folder).artifacts(run)}


@pytest.mark.slow
def test_a_run_that_mlflow_ended_well_though_its_program_did_not_has_failed(cli, folder):
    """MLflow ends a bare start_run FINISHED whatever ended the program."""
    done = cli(
        "run", "--", PYTHON, "-c", "import mlflow; mlflow.start_run(); mlflow.log_metric('a', 1); raise ValueError(2)"
    )
    (run,) = store_of(folder).find()
    assert (done.exit_code, run.status, run.metrics) == (1, "failed", {"a": 1})
    assert run.tags["expctl.reason"] == "the program ended with exit status 1: ValueError: 2"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_us_ends_program_and_run(folder, number):
    command = [PYTHON, "-m", "expctl", "run", "--", "sh", "-c", "setsid sleep 600 & touch up; sleep 600"]
    with Process(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as ours:
        while not (folder / "up").exists():
            assert ours.poll() is None
            time.sleep(0.05)
        ours.send_signal(number)
        out, _ = ours.communicate()
    run = latest(folder)
    assert (ours.returncode, out, run.status) == (128 + number, b"", "killed")
    assert run.tags["expctl.reason"] == {2: "interrupted (Ctrl-C)"}.get(number, f"stopped by {number.name}")


@pytest.mark.slow
def test_where_we_are_killed_the_run_is_an_orphan_with_what_the_program_had_begun(cli, folder):
    code = "import mlflow, pathlib, time; mlflow.start_run(); pathlib.Path('up').touch(); time.sleep(600)"
    ours = Process([PYTHON, "-m", "expctl", "run", "-q", "--", PYTHON, "-c", code])
    while not (folder / "up").exists():
        assert ours.poll() is None
        time.sleep(0.05)
    ours.kill()
    ours.wait()
    assert statuses(folder) == ["RUNNING", "RUNNING"]
    assert cli("doctor", "--fix").exit_code == 0
    assert statuses(folder) == ["KILLED", "KILLED"]


def test_where_the_store_fails_in_the_end_the_output_is_kept(cli, folder, monkeypatch):
    from expctl.errors import StoreError
    from expctl.tracking.runs.writer import RunWriter

    write = RunWriter.write

    def failing(self, items, *, last=False):
        items = list(items)
        if any(getattr(one, "path", "") == "output.log" for one in items):
            raise StoreError("the store is gone")
        write(self, items, last=last)

    monkeypatch.setattr(RunWriter, "write", failing)
    done = cli("run", "--", "sh", "-c", "echo precious")
    run = latest(folder)
    path = f"output-{run.run_id[:8]}.log"
    assert (done.exit_code, run.status) == (4, "failed")
    assert f"its output is in {path}: expctl log {run.run_id[:8]} --artifact {path}" in done.stderr
    assert Path(path).read_text() == "precious\n"


def test_where_the_store_is_away_when_the_program_has_ended_all_it_left_is_kept(cli, folder, monkeypatch):
    from expctl.errors import StoreError

    def away(*given, **named):
        raise StoreError("the store is away")

    monkeypatch.setattr("expctl.workflows.run.close_runs", away)
    code = 'echo precious; mkdir "{run_dir}/deep"; echo w >"{run_dir}/deep/weights"; echo p >"$EXPCTL_PREDICTIONS"'
    done = cli("run", "--", "sh", "-c", code)
    name = latest(folder).run_id[:8]
    assert done.exit_code == 4
    assert f"its output is in output-{name}.log: expctl log {name} --artifact output-{name}.log" in done.stderr
    assert f", its files in files-{name})" in done.stderr
    assert Path(f"output-{name}.log").read_text() == "precious\n"
    assert Path(f"files-{name}/deep/weights").read_text() == "w\n"
    assert Path(f"files-{name}/predictions.parquet").read_text() == "p\n"


def test_data_is_hashed_as_in_a_training(cli, small):
    assert cli("run", "--data", "small.csv", "--", "true").exit_code == 0
    run = latest(small.parent)
    import hashlib

    assert run.params == {"data_path": "small.csv", "data_hash": hashlib.sha256(small.read_bytes()).hexdigest()}
    assert [one.name for one in run.datasets] == ["small.csv"]
    assert cli("run", "--data", "none.csv", "--", "true").exit_code == 5


def test_the_program_finds_its_run_and_store(cli, folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    cli("run", "-q", "--", "sh", "-c", "echo $EXPCTL_RUN_ID $MLFLOW_EXPERIMENT_ID; echo $MLFLOW_RUN_ID >&2")
    run = latest(folder)
    log = store_of(folder).read_artifact(run, "output.log").decode().split()
    assert log == [run.run_id, run.experiment_id]
    assert os.environ["MLFLOW_RUN_ID"] == "0" * 32
