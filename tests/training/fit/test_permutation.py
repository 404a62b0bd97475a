"""What a metric loses where a column's cells are permuted: as scikit-learn's own, dates whole, the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import Rows
from expctl.training.fit.permutation import column_losses, measured
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline

COLUMNS = {"size": "numeric", "noise": "numeric", "town": "categorical", "sold": "datetime"}
PARTS = ("year", "month", "day", "weekday", "hour")


def made(task: str = "regression", **given: Any) -> tuple[Any, Rows, Any]:
    """A fitted pipeline of 60 rows whose target is made of size, town and the year of sold, with rows and recipe."""
    random = np.random.default_rng(0)
    size, noise, year = random.normal(size=60), random.normal(size=60), random.integers(2000, 2004, 60).astype(float)
    town = random.choice(["A", "B"], 60)
    dates = {f"sold.{part}": (year if part == "year" else np.ones(60)).tolist() for part in PARTS}
    cells = {"size": size.tolist(), "noise": noise.tolist(), "town": town.tolist(), **dates}
    labels = 3 * size + 2 * (town == "A") + (year - 2000)
    labels = labels if task == "regression" else np.where(labels > 2, "yes", "no").astype(object)
    recipe = configure({"data": "d.csv", "target": "y", "task": task, "columns": COLUMNS, **given})
    frame = feature_frame({name: cells[name] for name in ("size", "noise", *dates, "town")}, range(60))
    return build_pipeline(recipe).fit(frame, labels), Rows(frame, labels, np.zeros(60, "S32")), recipe


def test_a_loss_is_the_mean_of_what_each_permutation_loses_with_its_limits_by_students_t():
    pipeline, rows, recipe = made()
    found = {one.column: one for one in column_losses(pipeline, rows, recipe, "mae", permutations=10)}
    random = np.random.default_rng(recipe.random_state)
    losses = []
    for _ in range(10):
        frame = rows.frame.copy()
        order = random.permutation(60)
        for part in PARTS:  # together
            frame[f"sold.{part}"] = rows.frame[f"sold.{part}"].to_numpy()[order]
        before = mean_absolute_error(rows.labels, pipeline.predict(rows.frame))
        losses.append(mean_absolute_error(rows.labels, pipeline.predict(frame)) - before)
    half = 2.2621571628 * np.std(losses, ddof=1) / np.sqrt(10)
    sold = found["sold"]
    assert (sold.kind, sold.loss) == ("datetime", pytest.approx(np.mean(losses)))
    assert (sold.low, sold.high) == pytest.approx((np.mean(losses) - half, np.mean(losses) + half))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "model", "metric"), [
    ("regression", "ridge", "r2"), ("regression", "knn", "rmse"), ("classification", "random_forest", "f1_score"),
    ("classification", "logreg", "log_loss"), ("classification", "hist_gradient_boosting", "roc_auc"),
])  # fmt: skip
def test_the_column_that_matters_most_is_first_and_the_same_each_time(task, model, metric):
    pipeline, rows, recipe = made(task, model=model)
    found = column_losses(pipeline, rows, recipe, metric, permutations=5)
    assert found[0].column == "size"
    assert [one.loss for one in found] == sorted((one.loss for one in found), reverse=True)
    assert found == column_losses(pipeline, rows, recipe, metric, permutations=5)


def test_what_has_no_value_is_lost_last(monkeypatch):
    from expctl.training.fit import permutation

    pipeline, rows, recipe = made()
    values = iter([{"r2": 1.0}, {}, {"r2": 0.5}, *[{"r2": 0.9}] * 6])
    monkeypatch.setattr(permutation, "measured", lambda *_: next(values))
    found = column_losses(pipeline, rows, recipe, "r2", permutations=2)
    assert [one.loss is None for one in found] == [False, False, False, True]


def test_a_model_that_cannot_predict_is_told_in_one_line():
    from expctl.errors import TrainingFailed

    pipeline, rows, recipe = made()
    less = Rows(rows.frame.drop(columns="size"), rows.labels, rows.hashes)
    with pytest.raises(TrainingFailed, match="the model cannot predict its test rows: "):
        measured(pipeline, less, recipe)
