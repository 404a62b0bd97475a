"""Predictions for a table that may be larger than memory: pieces in, the same pieces with predictions out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from expctl.errors import DataError, TrainingFailed
from expctl.training.dataset import as_text, feature_frame
from expctl.training.tables import Columns, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PREDICTION = "prediction"


def predicted_chunks(
    estimator: Any,
    inputs: Mapping[str, str],
    chunks: Iterable[Columns],
    *,
    name: str,
    text_column: str | None = None,
    proba: bool = False,
) -> Iterator[Columns]:
    """Each piece with a column `prediction` and, if `proba`, one `proba_CLASS` a class.

    `inputs` are the columns the estimator reads with their MLflow types; `text_column` is what the table calls the
    first text among them. A row whose text is missing gets a missing prediction: no model can be asked about nothing.
    `name` stands for the table in errors. Raises DataError if a column is missing, is there already or does
    not hold what the model reads, TrainingFailed if the estimator raises.
    """
    if proba and not hasattr(estimator, "predict_proba"):
        raise DataError("this model gives no probabilities", hint="leave out --proba, or use logreg or naive_bayes")
    names = [PREDICTION, *(f"proba_{label}" for label in estimator.classes_)] if proba else [PREDICTION]
    texts = [column for column, kind in inputs.items() if kind == "string"]
    called = {column: text_column if text_column and column == texts[0] else column for column in inputs}
    for chunk in chunks:
        for column in called.values():
            require(list(chunk), column, name=name, option="--text-column")
        taken = next((column for column in names if column in chunk), None)
        if taken is not None:
            raise DataError(f"{name} has a column {taken!r} already", hint="rename it: predict adds one of that name")
        read = {column: chunk[called[column]] for column in inputs}
        yield {**chunk, **_predict(estimator, inputs, read, names)}


def _predict(estimator: Any, inputs: Mapping[str, str], chunk: Columns, names: list[str]) -> Columns:
    rows = len(next(iter(chunk.values())))
    columns = {column: _cells(chunk[column], kind, column) for column, kind in inputs.items()}
    texts = [column for column, kind in inputs.items() if kind == "string"]
    usable = [i for i in range(rows) if all(columns[column][i] is not None for column in texts)]
    added: Columns = {name: [None] * rows for name in names}
    if not usable:
        return added
    frame = feature_frame(
        {column: [values[i] for i in usable] for column, values in columns.items()}, range(len(usable))
    )
    try:
        predicted = estimator.predict(frame).tolist()
        scores = estimator.predict_proba(frame).tolist() if len(names) > 1 else []
    except Exception as error:
        raise TrainingFailed(f"the model cannot predict this: {type(error).__name__}: {error}") from error
    for place, position in enumerate(usable):
        added[PREDICTION][position] = predicted[place]
        for name, score in zip(names[1:], scores[place] if scores else (), strict=True):
            added[name][position] = score
    return added


def _cells(values: list[Any], kind: str, column: str) -> list[Any]:
    if kind == "string":
        return [as_text(value) for value in values]
    try:
        return [math.nan if value is None else float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column!r}: {error}", hint="the model reads numbers there") from error
