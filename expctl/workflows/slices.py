"""The test rows of recorded runs in slices, by a column recorded beside the predictions or of the unchanged data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expctl.analysis.predictions import pair
from expctl.analysis.slices import slice_differences, slice_metrics, slices_of
from expctl.errors import DataError, RunNotFound, UsageError, closest
from expctl.metrics import metrics_of
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.row_texts import read_data
from expctl.training.data.slices import slice_cells
from expctl.training.data.text import as_text
from expctl.wording import listed
from expctl.workflows.repeats import refuse_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.slices import SliceDifference, SliceMetrics
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_USUAL = {"classification": ("f1_score", "accuracy"), "regression": ("rmse", "mae")}


@dataclass(frozen=True, slots=True)
class SlicedRun:
    """What a run scores on each slice by a column, by some `metrics`."""

    run: RunRecord
    column: str
    metrics: Sequence[str]
    slices: Sequence[SliceMetrics]


def sliced_run(store: Store, run: RunRecord, column: str, *, metric: str | None = None) -> SlicedRun:
    """The slices of a run by a column, with the metric that is asked about, else the usual ones.

    Raises UsageError for a metric that labels or values alone do not decide, RunNotFound for a run without predictions,
    DataError for a column that nobody knows.
    """
    known = [key for key, one in metrics_of(run.task).items() if one.needs in ("labels", "values")]
    if metric is not None and metric not in known:
        raise UsageError(f"no slices by {metric!r}{closest(metric, known)}", hint=f"--metric {', '.join(known)}")
    said = read_predictions(store, run)
    if said is None:
        refuse_set(store, run)
        raise RunNotFound(f"run {run.described} has no predictions.parquet", hint=f"expctl show {run.run_id[:8]}")
    slices = slices_of(cells_of(run, said, column))
    shown = usual_of_slices(said.task) if metric is None else (metric,)
    return SlicedRun(run, column, shown, slice_metrics(said, slices))


def usual_of_slices(task: str) -> tuple[str, ...]:
    """The metrics by which slices are shown: of regression errors: R² is low where a target varies little."""
    return _USUAL.get(task, _USUAL["classification"])


def compared_slices(
    baseline: tuple[RunRecord, RunPredictions],
    challenger: tuple[RunRecord, RunPredictions],
    column: str,
    metric: str,
    *,
    confidence: float = 0.95,
    together: bool = False,
    margin: float = 0.0,
) -> list[SliceDifference]:
    """What a challenger changes on each slice by a column (see `slice_differences`); within the margin it is nothing.

    The cells are those that either run has recorded, else those of the data file of either. Raises DataError for a
    column that nobody knows.
    """
    (one, before), (other, after) = baseline, challenger
    pairing = pair(before, after)
    sides = ((one, before, pairing.first), (other, after, pairing.second))
    run, said, rows = next((side for side in sides if column in side[1].slices), sides[0])
    try:
        cells = cells_of(run, said, column)
    except DataError:
        if _recorded(one) == _recorded(other):
            raise
        cells, rows = cells_of(other, after, column), pairing.second
    found = slice_differences(before, after, pairing, cells[rows], metric, confidence=confidence, together=together)
    return [replace(one, difference=one.difference and replace(one.difference, margin=margin)) for one in found]


def _recorded(run: RunRecord) -> tuple[str | None, ...]:
    return tuple(map(run.params.get, ("data_path", "test_data", "data_hash", "test_data_hash")))


def cells_of(run: RunRecord, said: RunPredictions, column: str) -> np.ndarray:
    """The cells of a column in the test rows of a run, in the order of its predictions.

    Raises DataError where they are not recorded, and the data file is gone, has changed or has no such column.
    """
    if column in said.slices:
        return said.slices[column]
    found = read_data(run)
    recorded = f"it has recorded {listed(list(said.slices))}; " if said.slices else ""
    if found is None:
        raise DataError(
            f"run {run.label} has not recorded {column!r}, and its data file is gone or has changed",
            hint=f"{recorded}train with --slice {column}",
        )
    table, recipe = found
    rows = said.rows.tolist()
    texts = [as_text(table[recipe.text_column][row]) or "" for row in rows] if column not in table else []
    return slice_cells(table, column, texts, rows, name=recipe.test_data or recipe.data, option="--by")
