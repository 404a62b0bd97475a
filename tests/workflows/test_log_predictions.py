"""`expctl.log_predictions` in a script: to the active MLflow run, or to the file that `expctl run` waits for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
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
    with pytest.raises(DataError, match=r"column 'y_pred' holds continuous values \(4.5\)"):
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
        ({"ids": [1]}, "not as many of each: 2 y_true, 2 y_pred, 1 ids"),
        ({"ids": [1, 1]}, "rows 1 and 2 are both '1'"),
        ({"ids": [1, 2], "scores": [[1, 0, 0], [0, 1, 0]]}, r"scores have the shape \(2, 3\), the classes are 2"),
    ],
)
def test_what_is_wrong_is_an_error_in_the_script(given, told):
    with pytest.raises(DataError, match=told):
        expctl.log_predictions(["a", "b"], ["a", "a"], **given)


ONE = {"y_true": ["a", "b"], "y_pred": ["a", "a"], "ids": [1, 2]}


@pytest.mark.parametrize(
    ("given", "told", "remedy"),
    [
        ({"y_pred": ["a", None]}, "row 2 has no y_pred", "predict them all"),
        ({"y_true": ["a", pd.NA]}, "row 2 has no y_true", "predict them all"),
        ({"y_true": [0, 1], "y_pred": [0.2, 1]}, "'y_pred' holds continuous values (0.2)", "probabilities are scores="),
        ({"y_true": [0.5, 1], "y_pred": ["x", 1]}, "row 1 has the y_pred 'x'", "task='classification'"),
        ({"y_pred": "ab"}, "y_pred is one str, not one for each row", "a list, an array"),
        ({"y_true": None}, "y_true is one NoneType", "a list, an array"),
        ({"y_true": np.eye(2)}, "y_true has the shape (2, 2)", "y_true.argmax(axis=1)"),
        ({"y_pred": np.array([["a"], ["a"]])}, "y_pred has the shape (2, 1)", "y_pred.ravel()"),
        ({"y_true": pd.DataFrame({"y": ["a", "b"], "z": [1, 2]})}, "y_true has the shape (2, 2)", "one column of it"),
        ({"ids": [1, 1]}, "rows 1 and 2 are both '1'", "ids= has an id of its own"),
        ({"groups": [1]}, "2 y_true, 2 y_pred, 2 ids, 1 groups", "one entry for each test row"),
        ({"scores": [[0.5, 0.6], [1, 0]]}, "row 1 has probabilities that do not add up", "scores= has one column"),
        ({"scores": [["x", "y"], [1, 0]]}, "scores are not numbers", "scores= has a finite number"),
        ({"scores": [[np.nan, 1], [1, 0]]}, "row 1 has the score nan", "scores= has a finite number"),
        ({"scores": [0.5], "classes": ["a", "b"]}, "2 ids, 1 scores", "one entry for each test row"),
        ({"y_true": [1, 2], "y_pred": [1, 1], "scores": np.eye(2), "classes": ["x", 1]}, "no class", "classes= has"),
        ({"y_true": ["a", "c"], "y_pred": ["b", "a"], "scores": [1, 2]}, "of two classes, there are 3", "scores= has"),
        ({"y_true": [], "y_pred": [], "ids": []}, "has no rows", "y_true and y_pred have one entry"),
    ],
)
def test_an_error_names_the_argument_and_says_what_to_do(given, told, remedy):
    with pytest.raises(DataError, match=re.escape(told)) as refused:
        expctl.log_predictions(**{**ONE, **given})
    assert remedy in (refused.value.hint or "")


def test_what_numpy_and_pandas_hold_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPCTL_PREDICTIONS", str(tmp_path / "p.parquet"))
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    truth = pd.Series(["a", "b"], dtype="category")
    expctl.log_predictions(truth, [np.str_("a"), np.str_("a")], np.float32([[0.5, 0.5], [1, 0]]), ids=pd.Index([1, 2]))
    expctl.log_predictions([np.int64(1), np.int64(2)], pd.array([1, 2], dtype="Int64"), ids=np.array([1, 2]))
    table = read_predictions_table((tmp_path / "p.parquet").read_bytes(), "p.parquet")
    assert table.predictions.labels.tolist() == [1, 2]
