"""`importance` of a model of a table: its columns by what a metric loses on the test rows without each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.importance import ColumnImportance
from expctl.errors import DataError, RunNotFound, UsageError, closest
from expctl.metrics import quality_metrics, usual_metrics_of, without_metric
from expctl.tracking.models.storage import load_model
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.row_texts import read_data
from expctl.training.data.dataset import load_split
from expctl.training.fit.permutation import column_losses, measured
from expctl.training.models.families import is_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.rows import Rows

_PERMUTATIONS: Final = 10


def column_importance(
    store: Store,
    run: RunRecord,
    *,
    metric: str | None = None,
    top: int = 20,
    trust: bool = False,
    warn: Callable[[str], None] = lambda text: None,
    progress: Callable[[str], None] = lambda stage: None,
) -> ColumnImportance:
    """The `top` columns without which a run's model loses most, by a metric, the first of its task if None.

    Raises UsageError for a metric that is none of the task's, RunNotFound for a run without a model, of the user's own
    code, or without the metric, DataError for a damaged model, without `trust` for one not known to be safe, and where
    the data file is gone or has changed.
    """
    known = quality_metrics(run.task)
    if metric is not None and metric not in known:
        raise UsageError(f"no importance by {metric!r}{closest(metric, known)}", hint=f"--metric {', '.join(known)}")
    if is_factory(run.params.get("model", "")):
        raise RunNotFound(
            f"run {run.described} is a model of your own, {run.params['model']}: it may read any column",
            hint="sklearn.inspection.permutation_importance takes it: mlflow.sklearn.load_model",
        )
    rows = _test_rows(store, run)
    model = load_model(store, run, trust=trust, warn=warn)
    if model.recipe is None:
        raise DataError(f"the model of run {run.described} does not read the columns that its recipe names")
    chosen, values = metric or usual_metrics_of(run.task)[0], measured(model.estimator, rows, model.recipe)
    if chosen not in values:
        raise without_metric(f"run {run.described} has no", chosen, [key for key in known if key in values])
    found = column_losses(model.estimator, rows, model.recipe, chosen, permutations=_PERMUTATIONS, progress=progress)
    return ColumnImportance(run, chosen, values[chosen], _PERMUTATIONS, found[:top])


def _test_rows(store: Store, run: RunRecord) -> Rows:
    """The rows that a run was tested on, of the unchanged data."""
    found, said = read_data(run), read_predictions(store, run)
    if found is not None:
        split = load_split(found[1])
        rows = split.test
        same = split.data_hash == run.params.get("data_hash")
        if same and (said is None or said.rows.tolist() == rows.frame.index.tolist()):
            return rows
    raise DataError(
        f"importance permutes the test rows of run {run.label}, and its data file is gone or has changed",
        hint="run it in the folder that has the data of the run",
    )
