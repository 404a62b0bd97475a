"""expctl: train, record, compare and rank text classifiers, or the runs of any program, from a shell, over MLflow.

And what scripts and notebooks may use of it (`expctl help python`). Imports nothing until it is called.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes its time to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from expctl.analysis.difference import Difference
    from expctl.api import Run, Runs

__version__ = "0.1.0"
__all__ = ["__version__", "best", "compare", "log_predictions", "run", "runs"]


def log_predictions(
    y_true: Sequence[Any],
    y_pred: Sequence[Any],
    scores: Any = None,
    *,
    ids: Sequence[Any] | None = None,
    texts: Sequence[str] | None = None,
    classes: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    task: str | None = None,
) -> None:
    """Record the predictions of the test rows in the active MLflow run or, without one, in the run of `expctl run`.

    From then on `expctl compare`, `best` and `gate` test the run against others on the same rows. A row is known by its
    text, as in runs of `expctl train`, or by an id that is its own. `scores` are probabilities, a column for each of
    `classes` (by default the sorted labels), or the decisions between two classes, shape (n,). Rows of one of the
    `groups` (an author's, a customer's) belong together and are resampled together. `task`, classification or
    regression, is told by `y_true` where it is not given: words and up to 20 different whole numbers are classes.

    Raises expctl.errors.DataError for lengths that differ, missing labels and repeated ids, UsageError for another task
    and where there is no run.
    """
    from expctl.workflows.log_predictions import columns_of, log

    log(columns_of(y_true, y_pred, scores, ids, texts, classes, groups), task)


def runs(
    filter: str = "", *, experiment: str | None = None, tracking_uri: str | None = None, limit: int | None = None
) -> Runs:
    """The runs that a filter (`expctl help filters`) lets through, newest first; `.frame()` is a DataFrame of them.

    At most `limit`, None: all. Raises expctl.errors.UsageError for a filter that cannot be read, StoreError for a store
    that cannot.
    """
    from expctl import api

    return api.runs(filter, experiment=experiment, tracking_uri=tracking_uri, limit=limit)


def run(reference: str = "latest", *, experiment: str | None = None, tracking_uri: str | None = None) -> Run:
    """The run that a reference (`expctl help references`) means. Raises expctl.errors.RunNotFound."""
    from expctl import api

    return api.run(reference, experiment=experiment, tracking_uri=tracking_uri)


def best(
    metric: str | None = None, *, filter: str = "", experiment: str | None = None, tracking_uri: str | None = None
) -> Run:
    """The best finished run by a metric, else by f1_score, or where no run has that by r2.

    Raises expctl.errors.RunNotFound if none has it."""
    from expctl import api

    return api.best(metric, filter=filter, experiment=experiment, tracking_uri=tracking_uri)


def compare(
    baseline: str | Run,
    challenger: str | Run,
    *,
    confidence: float = 0.95,
    experiment: str | None = None,
    tracking_uri: str | None = None,
) -> dict[str, Difference]:
    """The difference of each metric that can be tested, challenger minus baseline, with `verdict`, limits and p-value.

    The runs are references, as in `run`, or what that returns; `confidence` is from 0.5 to 0.999.

    Raises expctl.errors.Undecided, with the reason, for runs that were not tested on the same rows; RunNotFound.
    """
    from expctl import api

    return api.compare(baseline, challenger, confidence=confidence, experiment=experiment, tracking_uri=tracking_uri)
