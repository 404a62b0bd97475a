"""A learning curve as a sheet, with a small plot for tables, and what it says in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.render.sheet import Cell, Column, Sheet
from expctl.wording import metric_text

if TYPE_CHECKING:
    from expctl.analysis.learning_curve import CurvePoint, LearningCurve
    from expctl.records import RunRecord

_PLACES: Final = 24  # of the plot: with the numbers, 80


def curve_sheet(run: RunRecord, curve: LearningCurve, *, plot: bool) -> Sheet:
    """`learning-curve`: rows of training, the score with its limits and the deviation of the repeats; with a `plot`."""
    columns = [
        Column("rows", kind="number"),
        Column(curve.metric, kind="number"),
        Column("low", kind="number"),
        Column("high", kind="number"),
        Column("std", kind="number", spare=1),
        Column("repeats", kind="number", spare=1),
        *([Column("plot", width=None)] if plot else []),
    ]
    ends = min(one.low for one in curve.points), max(one.high for one in curve.points)
    rows: list[list[Cell]] = [
        [one.rows, one.value, one.low, one.high, one.deviation, one.models, *([_plotted(one, *ends)] if plot else [])]
        for one in curve.points
    ]
    facts: dict[str, Cell] = {"run": run.name, "run_id": run.run_id}
    if not plot and curve.gain is not None:
        facts |= dict(zip(("last_gain", "last_gain_low", "last_gain_high"), curve.gain, strict=True))
        facts["verdict"] = curve.verdict
    return Sheet("learning_curve", columns, rows, facts=facts, ids=[run.run_id])


def _plotted(point: CurvePoint, lowest: float, highest: float) -> str:
    """The limits as a line with the value on it, at its place between the lowest and the highest of all."""
    width = highest - lowest or 1.0
    low, middle, high = (
        round((value - lowest) / width * (_PLACES - 1)) for value in (point.low, point.value, point.high)
    )
    line = [" "] * low + ["─"] * (high - low + 1)
    line[middle] = "●"
    return "".join(line)


def told(curve: LearningCurve) -> str | None:
    """What the last doubling gained, in a sentence; None of a curve of one point."""
    if curve.gain is None:
        return None
    before, after = curve.points[-2].rows, curve.points[-1].rows
    change, low, high = curve.gain
    return (
        f"from {before:,} to {after:,} rows {curve.metric} changed by {metric_text(change, '+')}"
        f" ({metric_text(low, '+')} to {metric_text(high, '+')}): {curve.verdict}"
    )
