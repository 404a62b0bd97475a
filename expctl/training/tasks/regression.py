"""Regression: the target is a number. What `protocol.Task` asks for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.regression import regression_limits, regression_metrics
from expctl.errors import DataError, mask_secrets
from expctl.training.data import cells
from expctl.training.models.steps import transformed
from expctl.training.tasks.protocol import Evaluation, Figure, Predictions

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows

MODEL_TYPE: Final = "regressor"


def read_labels(values: list[Any], *, parse: bool, column: str) -> np.ndarray:
    """Numbers, float64, shape (n,). None of `values` is missing. Raises DataError, naming the first that is none."""
    import numpy as np

    del parse  # a number that is written out is one wherever it stands
    try:
        return np.array(cells.numbers(values, frozenset()), dtype=np.float64)
    except ValueError as error:
        wrong = next((value for value in values if not cells.is_number(value)), None)
        comma = isinstance(wrong, str) and cells.is_number(wrong.replace(",", "."))
        point = f"write a point, {wrong.replace(',', '.').strip()}; or " if isinstance(wrong, str) and comma else ""
        reason = f"is not a number: {str(wrong)[:40]!r}" if wrong is not None else f"holds {error}"
        raise DataError(f"the target in column {column!r} {reason}", hint=f"{point}--task classification") from error


def check_labels(labels: np.ndarray, recipe: Recipe) -> None:
    """Raise DataError if all numbers are the same one."""
    if len(labels) == 1:
        raise DataError(f"{mask_secrets(recipe.data)} has one row to learn from", hint="a model needs more of them")
    if len(labels) and (labels == labels[0]).all():
        raise DataError(
            f"all {len(labels):,} rows of {mask_secrets(recipe.data)} to learn from have the target {labels[0]:g}",
            hint="a regression needs numbers that differ",
        )


def check_sides(train: Rows, test: Rows, recipe: Recipe) -> None:
    """Raise DataError if the training rows have one target alone."""
    del test
    check_labels(train.labels, recipe)


def strata(labels: np.ndarray, recipe: Recipe, unit: str) -> np.ndarray | None:
    """None: numbers are not divided by their shares."""
    del labels, recipe, unit
    return None


def fold_splitter(recipe: Recipe) -> Any:
    """Folds shuffled by the random state, of whole groups if the recipe has some."""
    from sklearn.model_selection import GroupKFold, KFold

    kind = GroupKFold if recipe.group_column is not None else KFold
    return kind(n_splits=recipe.cv, shuffle=True, random_state=recipe.random_state)


def predict(pipeline: Pipeline, rows: Rows) -> Predictions:
    """The numbers that a fitted pipeline says."""
    import numpy as np

    started = time.perf_counter()
    model, features = transformed(pipeline, rows.frame)
    predicted = model.predict(features)
    seconds = time.perf_counter() - started
    predicted = np.asarray(predicted, dtype=np.float64).reshape(len(rows))
    return Predictions(rows.labels, predicted, None, "none", np.array([]), seconds, rows.groups)


def score_metrics(predictions: Predictions) -> dict[str, float]:
    """Every metric of the table that these predictions allow, scikit-learn's to the last bit. Never NaN: left out."""
    measured = regression_metrics(predictions.labels, predictions.predicted)
    return {key: value for key, (value, _) in measured.items()} | {"predict_seconds": predictions.seconds}


def evaluate(predictions: Predictions) -> Evaluation:
    """Metrics with their limits, and what the model predicts against what is true."""
    labels, predicted = predictions.labels, predictions.predicted
    return Evaluation(
        predictions=predictions,
        metrics=score_metrics(predictions),
        limits=regression_limits(labels, predicted, predictions.groups),
        figures=(
            Figure("predicted_actual.png", "expctl.figures.regression:predicted_actual", (labels, predicted)),
            Figure("residuals.png", "expctl.figures.regression:residuals", (labels, predicted)),
        ),
    )


def schema(labels: np.ndarray) -> dict[str, object]:
    """The least and the largest number."""
    return {"range": [float(labels.min()), float(labels.max())]}


def prediction_metadata(predictions: Predictions) -> dict[str, str]:
    """That these are numbers."""
    del predictions
    return {"expctl.task": "regression"}


if TYPE_CHECKING:  # mypy holds this module to what a task has to say
    from expctl.training.tasks import protocol, regression

    _: protocol.Task = regression
