"""Experiments as a sheet. Values only: nothing is rounded or coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Column, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.render.sheet import Cell
    from expctl.workflows.experiments import Summary


def experiments_sheet(summaries: Sequence[Summary], metric: str) -> Sheet:
    """`experiments`: a row each, with the best run by a metric, the last use and the size on disk."""
    columns = [
        Column("name"),
        Column("experiment_id", "id"),
        Column("runs", kind="number"),
        Column("failed", kind="number"),
        Column(f"best_{metric}", kind="number"),
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
            None if one.best is None else one.best.metrics[metric],
            None if one.best is None else one.best.run_id,
            one.last,
            None if one.bytes is None else Size(one.bytes),
        ]
        for one in summaries
    ]
    return Sheet("experiments", columns, rows)
