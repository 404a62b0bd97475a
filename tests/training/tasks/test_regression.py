"""Learning numbers: what a target has to be, how rows are divided, and scikit-learn's metrics to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from expctl.errors import DataError
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.models.configure import configure
from expctl.training.tasks import regression
from expctl.training.tasks.protocol import Predictions

RECIPE = configure({"data": "a.csv", "target": "y", "task": "regression", "columns": {"x": "numeric"}})


def rows(labels: list[float]) -> Rows:
    frame = pd.DataFrame({"x": np.arange(len(labels), dtype=float)})
    return Rows(frame, np.array(labels), text_hashes([str(i) for i in range(len(labels))]))


def predictions(labels: list[float], predicted: list[float]) -> Predictions:
    return Predictions(np.array(labels), np.array(predicted), None, "none", np.array([]), 0.5)


def test_numbers_are_numbers_from_every_file_format() -> None:
    labels = regression.read_labels(["1", " 2.5", 3, 4.0], parse=True, column="y")
    assert (labels.tolist(), labels.dtype) == ([1, 2.5, 3, 4], np.float64)


@pytest.mark.parametrize("wrong", ["many", True, "1,5"])
def test_what_is_no_number_is_named(wrong: Any) -> None:
    with pytest.raises(DataError) as refused:
        regression.read_labels([1, wrong], parse=False, column="y")
    assert refused.value.message == f"the target in column 'y' is not a number: {str(wrong)!r}"
    assert refused.value.hint == ("write a point, 1.5; or " if wrong == "1,5" else "") + "--task classification"


def test_a_number_beyond_every_float_is_named() -> None:
    with pytest.raises(DataError) as refused:
        regression.read_labels(["1", "1e999"], parse=True, column="y")
    assert refused.value.message == "the target in column 'y' holds '1e999' is too large"


def test_one_number_alone_cannot_be_learned() -> None:
    with pytest.raises(DataError, match=r"all 2 rows of a\.csv to learn from have the target 3"):
        regression.check_sides(rows([3, 3]), rows([1, 2]), RECIPE)
    regression.check_sides(rows([3, 4]), rows([1, 1]), RECIPE)


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as sk

    labels, predicted = [1.0, 2.0, 4.0, 7.0], [1.5, 1.0, 4.5, 6.0]
    metrics = regression.evaluate(predictions(labels, predicted)).metrics
    assert metrics == {
        "r2": sk.r2_score(labels, predicted),
        "rmse": sk.root_mean_squared_error(labels, predicted),
        "mae": sk.mean_absolute_error(labels, predicted),
        "median_ae": sk.median_absolute_error(labels, predicted),
        "mape": sk.mean_absolute_percentage_error(labels, predicted),
        "predict_seconds": 0.5,
    }


def test_what_has_no_value_is_left_out() -> None:
    assert "mape" not in regression.score_metrics(predictions([0.0, 1.0, 2.0], [1.0, 1.0, 1.0]))
    assert "r2" not in regression.score_metrics(predictions([1.0], [1.0]))


def test_folds_are_shuffled_by_the_random_state_and_groups_stay_whole() -> None:
    import dataclasses

    folds = regression.fold_splitter(dataclasses.replace(RECIPE, cv=3))
    assert (folds.n_splits, folds.shuffle, folds.random_state) == (3, True, 42)
    grouped = regression.fold_splitter(dataclasses.replace(RECIPE, cv=3, group_column="g"))
    assert type(grouped).__name__ == "GroupKFold"


def test_predictions_say_that_they_are_numbers_and_their_range_is_kept() -> None:
    assert regression.prediction_metadata(predictions([1.0], [1.0])) == {"expctl.task": "regression"}
    assert regression.schema(np.array([3.0, 1.0])) == {"range": [1.0, 3.0]}
    assert regression.strata(np.array([1.0]), RECIPE, "row") is None
