"""Recorded runs in Python: the same as the commands tell."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import expctl
from expctl.errors import RunNotFound, Undecided, UsageError
from tests.conftest import close_databases, write_reviews
from tests.tracking.recorded import settings_of, train


def test_runs_are_those_of_list_and_a_frame(cli, runs):
    found = expctl.runs("c > 0")
    assert [one.name for one in found] == ["strong", "weak"]
    assert (found[0].params["c"], found[0].status, found[0].experiment, len(found[:1])) == (
        10.0,
        "finished",
        "expctl",
        1,
    )
    frame = found.frame()
    assert frame["params.c"].tolist() == [10.0, 0.01]
    assert frame["metrics.f1_score"].tolist() == [one.metrics["f1_score"] for one in found]
    assert len(expctl.runs(limit=2)) == 2
    assert len(expctl.runs(experiment="nobody")) == 0
    with pytest.raises(UsageError):
        expctl.runs("f1_score >")


def test_a_run_has_its_predictions_and_its_model(runs):
    run = expctl.run("strong")
    predictions = run.predictions()
    assert len(predictions) == run.params["test_rows"]
    right = (predictions["label"] == predictions["prediction"]).mean()
    assert right == pytest.approx(run.metrics["accuracy"])
    probabilities = predictions[["proba_negative", "proba_positive"]]
    assert probabilities.sum(axis=1).tolist() == pytest.approx([1] * len(predictions))
    import pandas as pd

    said = run.model().predict(pd.DataFrame({"text": ["the film was great and lovely"]}))
    assert list(said) == ["positive"]
    assert expctl.run().name == "broken"
    with pytest.raises(RunNotFound):
        expctl.run("nobody")
    with pytest.raises(RunNotFound, match="has no predictions"):
        expctl.run("broken").predictions()


@pytest.mark.parametrize(
    ("labels", "kind"), [([0, 1, 1], "int64"), ([True, False, True], "bool"), (["a", "b", "b"], None)]
)
def test_labels_have_the_type_that_was_recorded(folder, labels, kind):
    import mlflow

    mlflow.set_tracking_uri(settings_of(folder).tracking_uri)
    with mlflow.start_run(experiment_id="0") as active:
        expctl.log_predictions(labels, labels[::-1], ids=[7, 8, 9])
    found = expctl.run(active.info.run_id, experiment="Default").predictions()
    assert (found["label"].tolist(), found["prediction"].tolist()) == (labels, labels[::-1])
    assert kind in (None, str(found["label"].dtype))


def test_predictions_of_a_regression_are_numbers(house_runs):
    found = expctl.run("close").predictions()
    assert (str(found["label"].dtype), str(found["prediction"].dtype)) == ("float64", "float64")
    assert found["label"].min() > 10_000
    assert expctl.compare("flat", "close")["r2"].verdict == "better"


def test_the_verdicts_are_those_of_compare(cli, runs):
    shown = json.loads(cli("compare", "weak", "strong", "--all", "--format", "json").stdout)["metrics"]
    found = expctl.compare("weak", expctl.run("strong"))
    assert {"f1_score", "mcc", "log_loss"} <= set(found)
    for key, one in found.items():
        numbers = [shown[key][name] for name in ("change", "low", "p_value")]
        assert [one.change, one.low, one.p_value] == pytest.approx(numbers)
        assert one.verdict == shown[key]["verdict"]
    assert expctl.best().id == expctl.run("best").id
    assert expctl.best("log_loss", filter="c > 0").name == "strong"


def test_what_is_no_number_of_runs_or_share_is_refused(runs):
    with pytest.raises(UsageError, match="limit is -1"):
        expctl.runs(limit=-1)
    assert len(expctl.runs(limit=0)) == 0
    with pytest.raises(UsageError, match="confidence"):
        expctl.compare("weak", "strong", confidence=95)


def test_runs_on_other_rows_are_not_compared(runs):
    write_reviews(runs / "other.csv", 90, text="text")
    (runs / "other.csv").write_text((runs / "other.csv").read_text().replace("number", "nr"))
    train(runs, "elsewhere", data="other.csv")
    with pytest.raises(Undecided, match="tested on different rows"):
        expctl.compare("strong", "elsewhere")


def times_open(path: Path) -> int:
    """How many times this process has a file open."""
    return sum(one.path == str(path.resolve()) for one in psutil.Process().open_files())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc of Linux")
def test_a_notebook_that_asks_again_and_again_has_no_more_files_open(runs):
    def ask() -> int:
        expctl.runs("c > 0").frame()
        expctl.compare("weak", "strong")
        expctl.best("f1_score").predictions()
        with pytest.raises(RunNotFound):
            expctl.run("nobody")
        train(runs, "one more")
        gc.collect()  # what waits for its collection is not held
        return times_open(runs / "mlflow.db")

    ask()
    assert [ask() for _ in range(3)] == [ask()] * 3
    close_databases()
    assert times_open(runs / "mlflow.db") == 0


def test_importing_it_is_importing_nothing():
    code = "import sys; before = set(sys.modules); import expctl; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= {"expctl", "__future__"}
