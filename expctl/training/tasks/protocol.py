"""What a task has to say, and the values in which it says it. Knows no task and imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from sklearn.pipeline import Pipeline

    from expctl.analysis.predictions import ScoreKind
    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows


@dataclass(frozen=True)
class Predictions:
    """What a model said of some rows: `predicted` beside `labels`, the truth, shape (n,) each.

    `seconds` is the time of the predictions alone, rows in and answers out, as `pipeline.predict` makes them.
    `scores`: shape (n, classes), or (n,) for a decision between two, or None. `classes` are in their order. `groups`
    are those of the rows.
    """

    labels: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray | None
    score_kind: ScoreKind
    classes: np.ndarray
    seconds: float
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Figure:
    """A picture that is still to be drawn: `draw`, as `module:function`, makes a PNG of `arguments`."""

    path: str
    draw: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Evaluation:
    """What predictions are worth: metrics, 95% limits of some, and what a run holds besides, small files and figures.

    `files` are texts by name.
    """

    predictions: Predictions
    metrics: dict[str, float]
    limits: dict[str, tuple[float, float]]
    files: Mapping[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()


class Task(Protocol):
    """What is special to a task in a training. A module of these names is one."""

    @property
    def MODEL_TYPE(self) -> str:  # noqa: N802
        """What MLflow calls such a model."""

    def read_labels(self, values: list[Any], *, parse: bool, column: str) -> np.ndarray:
        """The truth, shape (n,), of cells that are all there; `parse` if they come from a text file.

        Raises DataError for what the task cannot learn.
        """

    def check_labels(self, labels: np.ndarray, recipe: Recipe) -> None:
        """Raise DataError if nothing can be learned from these."""

    def check_sides(self, train: Rows, test: Rows, recipe: Recipe) -> None:
        """Raise DataError if a model of the training rows could not be measured on the test rows, or by its folds."""

    def strata(self, labels: np.ndarray, recipe: Recipe, unit: str) -> np.ndarray | None:
        """What both sides of a split are to have equal shares of, a value for each `unit`; None if of nothing.

        Raises DataError if they cannot.
        """

    def fold_splitter(self, recipe: Recipe) -> Any:
        """The splitter of scikit-learn that divides the training rows into the recipe's folds."""

    def predict(self, pipeline: Pipeline, rows: Rows) -> Predictions:
        """What a fitted pipeline says of the rows."""

    def score_metrics(self, predictions: Predictions) -> dict[str, float]:
        """Every metric of the table that these predictions allow. Never NaN: left out instead."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """All that is recorded of the predictions of the test rows."""

    def schema(self, labels: np.ndarray) -> dict[str, object]:
        """What the data set's entity says of the labels."""

    def prediction_metadata(self, predictions: Predictions) -> dict[str, str]:
        """What predictions.parquet says of itself, so that its scores can be read."""
