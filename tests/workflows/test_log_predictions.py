"""`expctl.log_predictions` in a script: to the active MLflow run, or to the file that `expctl run` waits for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import expctl
from expctl.errors import DataError, UsageError
from expctl.tracking.runs.predictions import read_predictions
from expctl.training.data.predictions_table import read_predictions_table
from tests.tracking.recorded import settings_of, store_of

pytestmark = pytest.mark.usefixtures("no_pictures")


def test_the_import_takes_nothing_heavy():
    root = Path(expctl.__file__).parent.parent
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from expctl import log_predictions; print(*sys.modules)"
    # Without site-packages, whose .pth files import what they like.
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert not {"typing", "dataclasses", "collections.abc", "numpy", "mlflow", "pandas", "typer"} & set(loaded)
    assert {one for one in loaded if one.startswith("expctl")} == {"expctl"}


def test_they_go_to_the_active_run_whose_own_metrics_stay(folder):
    import mlflow

    mlflow.set_tracking_uri(settings_of(folder).tracking_uri)
    # By its id: set_experiment is of the whole process, and of the tests after this one.
    with mlflow.start_run(experiment_id=mlflow.create_experiment("expctl")) as active:
        mlflow.log_metric("accuracy", 66.7)
        with pytest.warns(UserWarning, match="log_predictions: accuracy is 66.7 by the program and 0.6667 by its"):
            expctl.log_predictions(
                np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), ids=[7, 8, 9]
            )
        mlflow.log_metric("after", 1)
    store = store_of(folder)
    run = store.get(active.info.run_id)
    assert (run.status, run.metrics["accuracy"], run.metrics["after"]) == ("finished", 66.7, 1)
    assert run.metrics["recall"] == pytest.approx(2 / 3)
    assert "accuracy_low" not in run.metrics  # it would be a limit of another value
    found = read_predictions(store, run)
    assert found is not None
    assert (len(found), found.score_kind) == (3, "probability")
    assert run.test_set is not None


def test_numbers_are_a_regression_or_what_is_said_of_them(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPCTL_PREDICTIONS", str(tmp_path / "p.parquet"))
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    truth, said = np.array([1.5, 2.5, 4.0]), np.array([1.0, 2.0, 4.5], dtype=np.float32)
    for task in (None, "regression"):
        expctl.log_predictions(truth if task is None else [1, 2, 4], said, ids=[7, 8, 9], task=task)
        table = read_predictions_table((tmp_path / "p.parquet").read_bytes(), "p.parquet")
        assert (table.task, table.predictions.predicted.tolist()) == ("regression", [1.0, 2.0, 4.5])
    with pytest.raises(DataError, match=r"column 'prediction' holds continuous values \(4.5\)"):
        expctl.log_predictions([1, 2, 4], [1, 2, 4.5], ids=[7, 8, 9])
    with pytest.raises(UsageError, match="no such task, did you mean 'regression'"):
        expctl.log_predictions(truth, said, ids=[7, 8, 9], task="regresion")


def test_without_mlflow_they_go_to_the_file_of_expctl_run(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPCTL_PREDICTIONS", str(tmp_path / "p.parquet"))
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    expctl.log_predictions(["a", "b"], ["a", "a"], [0.5, -1], texts=["x", "y"], groups=[1, 1])
    table = read_predictions_table((tmp_path / "p.parquet").read_bytes(), "p.parquet")
    assert len(set(table.predictions.groups.tolist())) == 1
    assert (table.predictions.labels.tolist(), table.predictions.score_kind) == (["a", "b"], "decision")


def test_where_there_is_no_run(monkeypatch):
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    with pytest.raises(UsageError, match="it needs an active MLflow run, or `expctl run`"):
        expctl.log_predictions(["a"], ["a"], ids=[1])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "give ids or texts"),
        ({"ids": [1], "texts": ["x"]}, "give ids or texts"),
        ({"ids": [1]}, "not as many of each: 2 label, 2 prediction, 1 id"),
        ({"ids": [1, 1]}, "rows 1 and 2 are both '1'"),
        ({"ids": [1, 2], "scores": [[1, 0, 0], [0, 1, 0]]}, r"scores have the shape \(2, 3\), the classes are 2"),
    ],
)
def test_what_is_wrong_is_an_error_in_the_script(given, told):
    with pytest.raises(DataError, match=told):
        expctl.log_predictions(["a", "b"], ["a", "a"], **given)
