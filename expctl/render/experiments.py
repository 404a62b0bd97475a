"""Experiments as a sheet. Values only: nothing is rounded or coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.metrics import USUAL_METRICS
from expctl.render.sheet import Column, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.render.sheet import Cell
    from expctl.workflows.experiments import Summary


def experiments_sheet(summaries: Sequence[Summary], metric: str | None) -> Sheet:
    """`experiments`: a row each, with the best run by a metric, the last use and the size on disk.

    Without a metric by those that there are, of each task; where an experiment has several, no run is the best.
    """
    present = {key for one in summaries for key in one.best}
    metrics = [metric] if metric else [usual[0] for usual in USUAL_METRICS.values() if usual[0] in present]
    metrics = metrics or [USUAL_METRICS["classification"][0]]
    columns = [
        Column("name"),
        Column("experiment_id", "id"),
        Column("runs", kind="number"),
        Column("failed", kind="number"),
        *(Column(f"best_{key}", kind="number") for key in metrics),
        Column("best_run", kind="id", width=8),
        Column("last_used", "last used", "time"),
        Column("bytes", "size", "number"),
    ]
    rows: list[list[Cell]] = [
        [
            one.experiment.name,
            one.experiment.experiment_id,
            one.runs,
            one.failed,
            *(one.best[key].metrics[key] if key in one.best else None for key in metrics),
            next(iter(one.best.values())).run_id if len(one.best) == 1 else None,
            one.last,
            None if one.bytes is None else Size(one.bytes),
        ]
        for one in summaries
    ]
    return Sheet("experiments", columns, rows)
