"""The calibration of a run as a sheet, and what it says in a line. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Cell, Column, Sheet

if TYPE_CHECKING:
    from expctl.analysis.calibration import Calibration
    from expctl.records import RunRecord


def calibration_sheet(run: RunRecord, found: Calibration) -> Sheet:
    """`calibration`: Brier score, calibration error and overconfidence with limits, then the bins of the diagram."""
    measured = ("brier_score", "calibration_error", "overconfidence")
    rows: list[list[Cell]] = []
    for key in measured:
        one = getattr(found, key)
        rows.append(["calibration", key, one.value, None, one.low, one.high, None, None])
    for number, part in enumerate(found.bins, 1):
        rows.append(["bins", str(number), None, part.right, part.low, part.high, part.confidence, part.rows])
    columns = [
        Column("section", kind="section"),
        Column("key"),
        Column("value", kind="number"),
        Column("right", kind="number"),
        Column("low", kind="number"),
        Column("high", kind="number"),
        Column("confidence", kind="number"),
        Column("rows", kind="number"),
    ]
    facts: dict[str, Cell] = {"run": run.name, "run_id": run.run_id, "test_rows": found.rows}
    return Sheet("calibration", columns, rows, facts=facts, ids=[run.run_id], objects=("calibration", "bins"))


def told(found: Calibration) -> str:
    """Whether the probabilities can be taken at their word."""
    one = found.overconfidence
    limits = f"({one.low:+.4f} to {one.high:+.4f})"
    if one.low > 0:
        return f"it is too sure of itself: confidence is {one.value:.4f} above accuracy {limits}"
    if one.high < 0:
        return f"it is not sure enough: confidence is {-one.value:.4f} below accuracy {limits}"
    if found.calibration_error.low > 0:
        return "it is as sure as it is right on the whole, and not in every bin: see the diagram"
    return "these rows show no error of its probabilities"
