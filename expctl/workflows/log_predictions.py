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


def log(columns: TableColumns, task: str | None = None) -> None:
    """See `expctl.log_predictions`; `columns` are its arguments (`columns_of`)."""
    table = predictions_of(columns, _NAME, PredictionColumns(task=task))
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
    columns: TableColumns = {"label": _listed(y_true), "prediction": _listed(y_pred)}
    columns["text" if ids is None else "id"] = _listed(texts if ids is None else ids)
    if groups is not None:
        columns["group"] = _listed(groups)
    if scores is not None:
        matrix = np.asarray(scores, dtype=np.float64)
        names = _listed(classes) if classes is not None else _sorted({*columns["label"], *columns["prediction"]})
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
        raise DataError(f"{_NAME}: not as many of each: {', '.join(f'{n:,} {key}' for key, n in sizes.items())}")
    return columns


def _listed(values: Any) -> list[Any]:
    """The values of a list, an array, a column or a tensor, as Python has them."""
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _sorted(values: set[Any]) -> list[Any]:
    import numpy as np

    found: list[Any] = np.unique(np.array(list(values))).tolist()
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
