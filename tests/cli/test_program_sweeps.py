"""Sweeps of programs that use MLflow, that write predictions, and whose store goes away; also through a server."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from expctl.records import Tag
from tests.cli.commands.test_run import write_predictions
from tests.tracking.recorded import store_of
from tests.tracking.swept import children, parent_of

pytestmark = pytest.mark.usefixtures("no_pictures")
EVERYWHERE = pytest.mark.parametrize("store_kind", ["sqlite", "server"], indirect=True)

SCRIPT = """
import sys, mlflow
kind, loss = sys.argv[1], float(sys.argv[2])
print(f"loss: {loss}")
if kind == "autolog":
    from sklearn.linear_model import LogisticRegression
    mlflow.sklearn.autolog(log_datasets=False, log_models=False)
    with mlflow.start_run():
        LogisticRegression(C=3.0).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
        mlflow.log_metric("own", loss)
elif kind == "several":
    mlflow.set_experiment("other")
    for number in range(2):
        with mlflow.start_run(run_name=f"r{number}"), mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("own", number)
else:
    mlflow.start_run()
    raise ValueError("no luck")
"""


@pytest.mark.slow
@EVERYWHERE
def test_trials_that_use_mlflow_are_the_runs_they_begin_or_have_them_below(cli, folder):
    (folder / "train.py").write_text(SCRIPT)
    words = ["sweep", "-g", "kind=autolog,several,error", "--metric", r"loss=loss: (\S+)", "--name", "s", "--jobs", "3"]
    done = cli(*words, "--", sys.executable, "train.py", "{kind}", "0.5")
    assert (done.exit_code, "ValueError: no luck" in done.stderr) == (1, True), done.stderr
    top = parent_of(folder, "s")
    autolog, several, error = children(folder, "s")
    assert (top.status, autolog.status, several.status, error.status) == (*["finished"] * 3, "failed")
    assert {run.tags[Tag.PARENT] for run in (autolog, several, error)} == {top.run_id}
    assert (autolog.params["C"], autolog.params["kind"], autolog.metrics["loss"]) == ("3.0", "autolog", 0.5)
    assert autolog.metrics["own"] == 0.5
    store = store_of(folder)
    others = store.find("name in ('r0', 'r1')", everywhere=True)
    assert {(run.experiment, run.tags[Tag.PARENT], run.status) for run in others} == {
        ("other", several.run_id, "finished")
    }
    inner = store.find("name = 'inner'", everywhere=True)
    assert {run.tags[Tag.PARENT] for run in inner} == {run.run_id for run in others}
    assert len(store.find(everywhere=True)) == 8
    assert json.loads(cli("best", "--metric", "loss", "--top", "9", "-f", "json").stdout)["rows"][0]["run_id"]
    assert len(json.loads(cli("list", "--format", "json").stdout)["rows"]) == 1
    again = cli("sweep", "--resume", "s")
    assert "no luck" in again.stderr
    assert [run.status for run in children(folder, "s")] == ["finished", "finished", "failed", "failed"]


@pytest.mark.slow
@EVERYWHERE
def test_trials_that_write_predictions_are_tested_against_each_other_and_a_training(cli, runs):
    for of in ("bayes", "weak"):
        write_predictions(runs, of)
        shutil.move("given.csv", f"{of}.csv")
    words = ["sweep", "-g", "of=bayes,weak,none", "--predictions", "pred.csv", "--metric", "f1_score", "--name", "s"]
    done = cli(*words, "--", "sh", "-c", 'test "$0" = none || cp "$0.csv" "{run_dir}/pred.csv"', "{of}")
    assert "1 of 3 trials failed; the first, of=none: pred.csv was not written by the program" in done.stderr
    first, second, third = children(runs, "s")
    assert (first.status, second.status, third.status) == ("finished", "finished", "failed")
    assert parent_of(runs, "s").metrics["best_f1_score"] == first.metrics["f1_score"]
    same = json.loads(cli("compare", "bayes", first.run_id, "--all", "-f", "json").stdout)
    assert (same["same_test_set"], same["metrics"]["f1_score"]["change"]) == (True, 0)
    assert same["metrics"]["log_loss"]["verdict"] == "no clear difference"
    between = json.loads(cli("compare", second.run_id, first.run_id, "-f", "json").stdout)
    trained = json.loads(cli("compare", "weak", "bayes", "-f", "json").stdout)
    tested = {key: one for key, one in trained["metrics"].items() if one.get("verdict")}
    assert {key: between["metrics"][key] for key in tested} == {key: pytest.approx(one) for key, one in tested.items()}
    gates = [cli("gate", first.run_id, "--baseline", one).exit_code for one in (second.run_id, "weak", "bayes")]
    assert gates == [cli("gate", "bayes", "--baseline", one).exit_code for one in ("weak", "weak", "bayes")]
    ranked = json.loads(cli("best", "--top", "9", "-f", "json").stdout)["rows"]
    assert {first.run_id, second.run_id} <= {row["run_id"] for row in ranked}


def test_a_store_that_goes_away_ends_the_sweep_and_what_is_finished_stays(cli, folder, monkeypatch):
    monkeypatch.setattr("expctl.workflows.program_trials._WAITS", ())
    code = 'echo "loss: $0"; test "$0" != 2 || test -e back || mv mlflow.db away.db; :'
    words = ["sweep", "-g", "x=1,2,3", "--metric", r"loss=loss: (\S+)", "--name", "s"]
    done = cli(*words, "--", "sh", "-c", code, "{x}")
    assert done.exit_code == 4
    assert "finished trials are kept; resume: expctl sweep --resume" in done.stderr
    (kept,) = folder.glob("output-*.log")
    assert kept.read_text() == "loss: 2\n"
    assert not (folder / "mlflow.db").exists()
    shutil.move("away.db", "mlflow.db")
    (folder / "back").touch()
    monkeypatch.setattr("expctl.tracking.runs.lifecycle.is_alive", lambda run: False)  # this process is the sweep's
    again = cli("sweep", "--resume", "s")
    assert again.exit_code == 0, again.stderr
    assert [(run.trial, run.status) for run in children(folder, "s")] == [
        (1, "finished"),
        (2, "killed"),
        (2, "finished"),
        (3, "finished"),
    ]
