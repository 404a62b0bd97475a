"""A task and a kind of features are chosen by a table: one more entry is used from the reader to the recorded run."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from expctl.recipe import Recipe
from expctl.training.data.kinds import KINDS, FeatureKind
from expctl.training.tasks import TASKS, classification, task_of
from expctl.training.tasks.protocol import Evaluation, Predictions, Task
from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MODULES = [*((path, Task) for path in TASKS.values()), *((path, FeatureKind) for path in KINDS.values())]


@pytest.mark.parametrize(("path", "protocol"), MODULES, ids=[*TASKS, *KINDS])
def test_every_entry_is_a_module_that_has_all_that_is_asked_of_it(path: str, protocol: Any) -> None:
    module = importlib.import_module(path)
    for name, asked in vars(protocol).items():
        if name.startswith("_"):
            continue
        assert hasattr(module, name), name
        if inspect.isfunction(asked):
            _, *wanted = inspect.signature(asked).parameters.values()
            given = list(inspect.signature(getattr(module, name)).parameters.values())
            assert [(one.name, one.kind) for one in given] == [(one.name, one.kind) for one in wanted], name


def module_of(monkeypatch: pytest.MonkeyPatch, name: str, members: Mapping[str, Any]) -> str:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return name


def numbers(values: list[Any], *, parse: bool, column: str) -> np.ndarray:
    return np.array([float(value) for value in values])


def anything(*_: object) -> None:
    """Every target can be learned, and need not be stratified."""


def splitter(recipe: Recipe) -> Any:
    from sklearn.model_selection import KFold

    return KFold(recipe.cv or 2)


def predicted(pipeline: Any, rows: Any) -> Predictions:
    return Predictions(rows.labels, pipeline.predict(rows.frame), None, "none", np.array([]), 0.5)


def error(predictions: Predictions) -> dict[str, float]:
    return {"mae": float(np.abs(predictions.labels - predictions.predicted).mean())}


def measured(predictions: Predictions) -> Evaluation:
    return Evaluation(predictions, error(predictions), {}, files={"residuals.txt": "some\n"})


MEASURING = {
    "MODEL_TYPE": "regressor", "read_labels": numbers, "check_labels": anything, "check_sides": anything,
    "strata": anything, "fold_splitter": splitter, "predict": predicted, "score_metrics": error, "evaluate": measured,
    "schema": lambda labels: {"mean": float(labels.mean())}, "prediction_metadata": lambda predictions: {},
}  # fmt: skip


@pytest.fixture
def priced(folder: Path) -> Path:
    """Texts with prices: nothing that classes could be made of."""
    rows = (f"{('poor', 'plain', 'fine')[i % 3]} wine {i % 5},{i % 3 + i % 5 / 10 + 0.25}\n" for i in range(60))
    (folder / "prices.csv").write_text("text,label\n" + "".join(rows))
    return folder


def test_another_task_reads_measures_and_records_in_its_own_way(
    priced: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from expctl.training.models.families import FAMILIES

    assert cli("train", "--data", "prices.csv").exit_code == 5
    monkeypatch.setitem(TASKS, "regression", module_of(monkeypatch, "regression_of_a_test", MEASURING))
    monkeypatch.setattr("expctl.training.tasks.task_name", lambda recipe: "regression")
    monkeypatch.setattr("expctl.training.data.checks.task_name", lambda recipe: "regression")
    family = FAMILIES["ridge"]
    monkeypatch.setitem(FAMILIES, "ridge", type(family)("sklearn.linear_model:Ridge", "", ()))
    assert task_of(Recipe("a.csv")).MODEL_TYPE == "regressor"
    done = cli("train", "--data", "prices.csv", "--model", "ridge", "--cv", "3", "--format", "id")
    assert done.exit_code == 0, done.stderr
    store = store_of(priced)
    run = store.get(done.stdout.strip())
    assert {"mae", "oov", "fit_seconds"} <= set(run.metrics)
    assert "accuracy" not in run.metrics
    assert "majority_rows" not in run.params
    files = {file.path for file in store.client.list_artifacts(run.run_id)}
    assert files >= {"residuals.txt", "predictions.parquet", "sample_predictions.csv"}
    assert not files & {"confusion_matrix.png", "classification_report.txt", "per_class.json"}
    recorded = store.client.get_run(run.run_id)
    (model,) = recorded.outputs.model_outputs
    assert store.client.get_logged_model(model.model_id).model_type == "regressor"
    (data,) = recorded.inputs.dataset_inputs
    assert set(json.loads(data.dataset.schema)) == {"text", "label", "mean"}


def of_columns(recipe: Recipe) -> list[str]:
    return ["x", "y"]


def float_cells(table: Any, recipe: Recipe) -> Any:
    cells = {name: [float(cell) for cell in table[name]] for name in ("x", "y")}
    return cells, [False] * len(table["x"])


def row_hashes(cells: Any) -> np.ndarray:
    from expctl.training.data.rows import text_hashes

    return text_hashes([repr(row) for row in zip(*cells.values(), strict=True)])


NUMERIC = {
    "NOUN": "row", "COLUMN_OPTION": "--features", "COUNT_KEYS": (), "WIDEST_KEY": None, "columns": of_columns,
    "read_cells": float_cells, "row_hashes": row_hashes, "check_fit": anything, "after_fit": anything,
    "build_transformers": lambda recipe: [("numeric", "passthrough", ["x", "y"])], "unknown_shares": anything,
    "share_metrics": anything, "count": anything, "counted": anything, "emptied": anything,
    "sample": lambda frame, recipe: {name: frame[name].to_numpy() for name in frame},
    "schema": lambda recipe: {"numeric": ["x", "y"]},
}  # fmt: skip


def test_another_kind_of_features_is_trained_and_swept_without_a_text(
    folder: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (f"{i % 7},{i % 2},{'yes' if i % 2 else 'no'}\n" for i in range(60))
    (folder / "numbers.csv").write_text("x,y,label\n" + "".join(rows))
    monkeypatch.setitem(KINDS, "text", module_of(monkeypatch, "numeric_of_a_test", NUMERIC))
    done = cli("train", "--data", "numbers.csv", "--format", "id")
    assert done.exit_code == 0, done.stderr
    store = store_of(folder)
    run = store.get(done.stdout.strip())
    assert run.metrics["accuracy"] == 1.0
    assert "oov" not in run.metrics
    sample = store.read_artifact(run, "sample_predictions.csv")
    assert sample is not None
    assert sample.splitlines()[0] == b"row,x,y,label,prediction"
    done = cli("sweep", "--data", "numbers.csv", "-g", "c=0.1,1", "--jobs", "1", "--cv", "2", "--format", "id")
    assert done.exit_code == 0, done.stderr


def test_classification_is_the_task_of_every_recipe_so_far() -> None:
    assert task_of(Recipe("a.csv")) is classification
