"""expctl: train, record, compare and rank scikit-learn text classifiers from a shell, over MLflow.

And what scripts and notebooks may use of it (`expctl help python`). Imports nothing until it is called.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes its time to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "log_predictions"]


def log_predictions(
    y_true: Sequence[Any],
    y_pred: Sequence[Any],
    scores: Any = None,
    *,
    ids: Sequence[Any] | None = None,
    texts: Sequence[str] | None = None,
    classes: Sequence[Any] | None = None,
) -> None:
    """Record the predictions of the test rows in the active MLflow run or, without one, in the run of `expctl run`.

    From then on `expctl compare`, `best` and `gate` test the run against others on the same rows. A row is known by its
    text, as in runs of `expctl train`, or by an id that is its own. `scores` are probabilities, a column for each of
    `classes` (by default the sorted labels), or the decisions between two classes, shape (n,).

    Raises expctl.errors.DataError for lengths that differ, missing labels and repeated ids.
    """
    from expctl.tracking.runs.log_predictions import log

    log(y_true, y_pred, scores, ids, texts, classes)
