"""Predictions for a table that may be larger than memory: pieces in, the same pieces with predictions out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.training.data.dataset import feature_frame
from expctl.training.data.oov import SAMPLE, Seen, unknown_shares
from expctl.training.data.table_formats import TableColumns
from expctl.training.data.tables import require
from expctl.training.data.text import as_text, vectorizers_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import numpy as np

PREDICTION = "prediction"
OOV = "oov"


def predicted_chunks(
    estimator: Any,
    inputs: Mapping[str, str],
    chunks: Iterable[TableColumns],
    *,
    name: str,
    text_column: str | None = None,
    texts_alone: bool = False,
    proba: bool = False,
    oov: bool = False,
    seen: Seen | None = None,
) -> Iterator[TableColumns]:
    """Each piece with a column `prediction`, if `proba` one `proba_CLASS` a class, if `oov` the share of unknown terms.

    `inputs` are the columns the estimator reads with their MLflow types; `text_column` is what the table calls the
    first text among them; with `texts_alone` the estimator is given its one column as a Series, not in a table. A row
    whose text is missing gets a missing prediction: no model can be asked about nothing.
    `seen` counts the unknown terms as texts go by, of the first `SAMPLE` rows where `oov` does not ask for all.
    `name` stands for the table in errors. Raises UsageError if `oov` is asked of a factory's model or `proba` of one
    without, DataError if a column is missing, already exists or does not hold what the model reads, or if there are not
    as many predictions as rows, TrainingFailed if the estimator raises.
    """
    names = answer_names(estimator, proba=proba)
    vectorizers = list(vectorizers_of(estimator).values())
    if oov and not vectorizers:
        raise UsageError("--oov: this model does not expose its vocabulary (a factory's)", hint="leave out --oov")
    texts = [column for column, kind in inputs.items() if kind == "string"]
    called = {column: text_column if text_column and column == texts[0] else column for column in inputs}
    for chunk in chunks:
        for column in called.values():
            require(list(chunk), column, name=name, option="--text-column")
        check_free(chunk, [*names, *([OOV] if oov else ())], name)
        read = {column: chunk[called[column]] for column in inputs}
        added = _predict(estimator, inputs, read, names, texts_alone=texts_alone)
        room = None if oov else 0 if seen is None else SAMPLE - seen.rows
        if vectorizers and room != 0:
            shares = _shares(vectorizers, read[texts[0]][:room])
            if seen is not None:
                seen.add(shares)
            if oov:
                added[OOV] = [None if share != share else share for share in shares.tolist()]
        yield {**chunk, **added}


def answer_names(estimator: Any, *, proba: bool) -> list[str]:
    """The columns that predictions are added as. Raises UsageError if `proba` is asked of a model without."""
    if not proba:
        return [PREDICTION]
    if not hasattr(estimator, "predict_proba"):
        raise UsageError(
            "--proba: this model gives no probabilities", hint="train another --model, or leave out --proba"
        )
    return [PREDICTION, *(f"proba_{label}" for label in estimator.classes_)]


def check_free(chunk: Collection[str], added: Iterable[str], name: str) -> None:
    """Raise DataError if a table has a column of a name that is to be added."""
    taken = next((column for column in added if column in chunk), None)
    if taken is not None:
        raise DataError(f"{name} has a column {taken!r} already", hint="rename it: predict adds one of that name")


def _shares(vectorizers: list[Any], cells: list[Any]) -> np.ndarray:
    """The share of unknown terms of each cell; a missing text has no term."""
    return unknown_shares(vectorizers, [as_text(cell) or "" for cell in cells])


def _predict(
    estimator: Any, inputs: Mapping[str, str], chunk: TableColumns, names: list[str], *, texts_alone: bool
) -> TableColumns:
    rows = len(next(iter(chunk.values())))
    columns = {column: _cells(chunk[column], kind, column) for column, kind in inputs.items()}
    texts = [column for column, kind in inputs.items() if kind == "string"]
    lacking = [columns[column] for column in texts if None in columns[column]]  # of hardly any table
    usable = [i for i in range(rows) if all(values[i] is not None for values in lacking)] if lacking else range(rows)
    if not usable:
        return {name: [None] * rows for name in names}
    asked = {column: [values[i] for i in usable] for column, values in columns.items()} if lacking else columns
    frame = feature_frame(asked, range(len(usable)))
    answered = answers(estimator, frame[next(iter(inputs))] if texts_alone else frame, names)
    if not lacking:
        return answered
    added: TableColumns = {name: [None] * rows for name in names}
    for name, values in answered.items():
        for position, value in zip(usable, values, strict=True):
            added[name][position] = value
    return added


def answers(estimator: Any, asked: Any, names: Sequence[str]) -> TableColumns:
    """What an estimator predicts of rows, under the first of the names, and its probabilities under the others.

    Raises DataError if it gives more or fewer answers than there are rows, TrainingFailed if it raises.
    """
    try:
        predicted = estimator.predict(asked).tolist()
        scores = estimator.predict_proba(asked).tolist() if len(names) > 1 else []
    except Exception as error:
        raise TrainingFailed(f"the model cannot predict this: {type(error).__name__}: {error}") from error
    for given in (predicted, scores) if scores else (predicted,):
        if len(given) != len(asked):
            raise DataError(
                f"the model gave {len(given):,} predictions for {len(asked):,} rows",
                hint="expctl adopt RUN --predictions FILE takes what its program predicted",
            )
    columns = zip(*scores, strict=True) if scores else ()
    return dict(zip(names, [predicted, *map(list, columns)], strict=True))


def _cells(values: list[Any], kind: str, column: str) -> list[Any]:
    if kind == "string":
        return [as_text(value) for value in values]
    try:
        return [math.nan if value is None else float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column!r}: {error}", hint="the model reads numbers there") from error
