"""Slices of the test rows as sheets: what one run scores on each, and what a challenger changes on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.comparison_views import assessed_cells, assessed_columns, tested_change
from expctl.render.sheet import Cell, Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.slices import SliceDifference, SliceMetrics
    from expctl.records import RunRecord


def slices_sheet(run: RunRecord, column: str, metrics: Sequence[str], slices: Sequence[SliceMetrics]) -> Sheet:
    """`show --by`: each slice with its rows, and each metric with its limits."""
    columns = [Column("slice", column), Column("rows", kind="number")]
    for place, metric in enumerate(metrics):
        columns += [
            Column(metric, kind="number", kept=True, spare=min(place, 1)),
            Column(f"{metric}_low", "low", "number", spare=min(place, 1)),
            Column(f"{metric}_high", "high", "number", spare=min(place, 1)),
        ]
    rows: list[list[Cell]] = []
    for one in slices:
        cells: list[Cell] = [one.name, one.rows]
        for metric in metrics:
            cells += [one.values.get(metric), *one.limits.get(metric, (None, None))]
        rows.append([*cells, one.note])
    columns.append(Column("note"))
    return Sheet("slices", columns, rows, facts={"run": run.name, "run_id": run.run_id, "by": column}, ids=[run.run_id])


def slice_changes_sheet(
    runs: Sequence[RunRecord], column: str, metric: str, slices: Sequence[SliceDifference]
) -> Sheet:
    """`compare --by`: each slice with its rows, both values, the change, and what the test of it says."""
    columns = [
        Column("slice", column),
        Column("rows", kind="number"),
        Column("baseline", kind="number", spare=1),
        Column("challenger", kind="number", spare=1),
        Column("change", kind="change"),
        *assessed_columns(),
        Column("note"),
    ]
    return Sheet(
        "slices",
        columns,
        [slice_row(one) for one in slices],
        facts={"baseline": runs[0].run_id, "challenger": runs[1].run_id, "metric": metric, "by": column},
        ids=[run.run_id for run in runs],
    )


def slice_row(one: SliceDifference) -> list[Cell]:
    """A slice with its rows, both values, the change, what the test says of it, and why there is none."""
    found = one.difference
    if found is None:
        return [one.name, one.rows, None, None, None, *assessed_cells(None), one.note]
    values: list[Cell] = [found.baseline, found.challenger, tested_change(found)]
    return [one.name, one.rows, *values, *assessed_cells(found), one.note]
