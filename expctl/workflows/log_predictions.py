"""What `expctl.log_predictions` does, in a script of the user's: predictions to the run that MLflow has active, or to
the file that `expctl run` waits for. Knows that script's MLflow; imports none by itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.tracking.runs.predicted import predictions_file
from expctl.training.data.predictions_table import PredictionColumns, predictions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.training.data.predictions_table import PredictionsTable
    from expctl.training.data.table_formats import TableColumns

FILE: Final = "EXPCTL_PREDICTIONS"  # the variable by which `expctl run` says where it waits for them
_NAME: Final = "log_predictions"
# By words of an error, what to do about it: those of a file speak of its columns.
_REMEDIES: Final = {
    "no rows": "y_true and y_pred have one entry for each test row",
    "continuous values": "probabilities are scores=, and task='regression' takes numbers for what they are",
    "not a finite number": "task='classification', if y_true has classes",
    "do not add up": "scores= has one column of probabilities for each of classes=, or of decisions the shape (n,)",
    "column of no class": "classes= has the labels of the columns of scores=, as they are in y_true",
    "columns of one class": "classes= has each class once",
    "is of two classes": "scores= has one column for each of classes=; those of shape (n,) are decisions between two",
    "has the score": "scores= has a finite number for each row and class",
    "are both": "ids= has an id of its own for each row; texts= may be repeated",
}


def log(columns: TableColumns, task: str | None = None) -> None:
    """See `expctl.log_predictions`; `columns` are its arguments (`columns_of`)."""
    identified = {"text": "texts"} if "texts" in columns else {"ids": ("ids",)}
    try:
        table = predictions_of(columns, _NAME, PredictionColumns("y_true", "y_pred", task=task, **identified))
    except DataError as error:
        error.hint = next((hint for words, hint in _REMEDIES.items() if words in error.message), error.hint)
        raise
    mlflow = sys.modules.get("mlflow")
    active = None if mlflow is None else mlflow.active_run()
    if mlflow is not None and active is not None:
        _to_run(mlflow, active.info.run_id, table)
        return
    place = os.environ.get(FILE)
    if not place:
        raise UsageError(
            f"{_NAME}: there is no run to log them to: it needs an active MLflow run, or `expctl run`",
            hint="within mlflow.start_run(), or: expctl run -- python train.py",
        )
    Path(place).write_bytes(predictions_file(table))


def columns_of(
    y_true: Sequence[Any],
    y_pred: Sequence[Any],
    scores: Any,
    ids: Sequence[Any] | None,
    texts: Sequence[str] | None,
    classes: Sequence[Any] | None,
    groups: Sequence[Any] | None,
) -> TableColumns:
    """The arguments as the columns of a predictions file. Raises DataError where their lengths differ."""
    import numpy as np

    if (ids is None) == (texts is None):
        raise DataError(f"{_NAME}: give ids or texts, one of them", hint="rows are never compared by their position")
    columns: TableColumns = {"y_true": _listed(y_true, "y_true"), "y_pred": _listed(y_pred, "y_pred")}
    columns |= {"texts": _listed(texts, "texts")} if ids is None else {"ids": _listed(ids, "ids")}
    if groups is not None:
        columns["group"] = _listed(groups, "groups")
    if scores is not None:
        try:
            matrix = np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{_NAME}: scores are not numbers ({error})", hint=_REMEDIES["has the score"]) from error
        known = {one for one in (*columns["y_true"], *columns["y_pred"]) if one is not None}
        names = _listed(classes, "classes") if classes is not None else _sorted(known)
        if matrix.ndim == 1:
            columns["decision"] = matrix.tolist()
        elif matrix.ndim != 2 or matrix.shape[1] != len(names):
            raise DataError(
                f"{_NAME}: scores have the shape {matrix.shape}, the classes are {len(names)}",
                hint="classes=model.classes_",
            )
        else:
            columns |= {f"proba_{name}": matrix[:, place].tolist() for place, name in enumerate(names)}
    sizes = {key: len(values) for key, values in columns.items()}
    if len(set(sizes.values())) > 1:
        called = {"group": "groups", "decision": "scores"}
        told = {"scores" if key.startswith("proba_") else called.get(key, key): n for key, n in sizes.items()}
        raise DataError(
            f"{_NAME}: not as many of each: {', '.join(f'{n:,} {key}' for key, n in told.items())}",
            hint="one entry for each test row, in one order",
        )
    return columns


def _listed(values: Any, argument: str) -> list[Any]:
    """The values of a list, an array, a column or a tensor, as Python has them. Raises DataError for anything else."""
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) != 1:
        told = "one column of it" if len(shape) > 1 and hasattr(values, "columns") else f"{argument}.argmax(axis=1)"
        hint = f"{argument}.ravel()" if len(shape) != 2 or shape[1] == 1 else told
        raise DataError(f"{_NAME}: {argument} has the shape {tuple(shape)}, one entry for each row is (n,)", hint=hint)
    try:
        found = list(values.tolist() if hasattr(values, "tolist") else values)
        if isinstance(values, (str, bytes)):
            raise TypeError
    except TypeError:
        hint = f"{argument}= a list, an array or a column of a table"
        raise DataError(
            f"{_NAME}: {argument} is one {type(values).__name__}, not one for each row", hint=hint
        ) from None
    return [_plain(one) for one in found]


def _plain(value: Any) -> Any:
    """A value without what NumPy and pandas make of it: a scalar of theirs, NA."""
    if type(value).__name__ == "NAType":
        return None
    return value.item() if hasattr(value, "item") and not isinstance(value, (str, int, float)) else value


def _sorted(values: set[Any]) -> list[Any]:
    import numpy as np

    found: list[Any] = np.unique(np.array(list(values))).tolist() if values else []
    return found


def _to_run(mlflow: Any, run_id: str, table: PredictionsTable) -> None:
    """Write to a run of the script's store, whose own metrics stay; what these say otherwise is warned of."""
    from expctl.settings import Settings
    from expctl.tracking.runs.writer import RunWriter
    from expctl.tracking.store import open_store
    from expctl.workflows.program_outcome import evidence_of

    uri = mlflow.get_tracking_uri()
    try:
        store = open_store(Settings(tracking_uri=uri), create=True)
        run = store.get(run_id)
        RunWriter(store, run).write(evidence_of(table, run, _warn))
    finally:
        mlflow.set_tracking_uri(uri)


def _warn(text: str) -> None:
    import warnings

    warnings.warn(f"{_NAME}: {text.removeprefix('warning: ')}", stacklevel=2)
