"""From a reproduction to a sheet: the verdict, what came out otherwise, and what may be why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.metrics import is_detail
from expctl.render.sheet import Column, Setting, Sheet

if TYPE_CHECKING:
    from expctl.analysis.reproduction import Reproduction
    from expctl.records import RunRecord
    from expctl.render.sheet import Cell

_ROWS: Final = 10  # rows with another prediction that are shown


def reproduction_sheet(found: Reproduction, run: RunRecord, again: RunRecord | None) -> Sheet:
    """`reproduce`: how the run came out, then a line for each thing that is not as it was."""
    model = "not compared" if found.model is None else "differs" if found.model else "equal"
    tested = bool(found.test_rows or found.rows_now)
    facts: dict[str, Cell] = {
        "verdict": found.verdict,
        "run": run.name,
        "run_id": run.run_id,
        "reproduced_as": None if again is None else again.run_id,
        **(
            {"test_rows": found.test_rows, "same_rows": found.rows, "changed_predictions": len(found.changed)}
            if tested
            else {}
        ),
        "largest_score_change": found.scores,
        "metrics_compared": found.measured,
        "metrics_changed": len(found.metrics),
        "tolerance": found.tolerance,
        "metrics_beyond_tolerance": None if found.tolerance is None else len(found.beyond),
        "fitted_model": model,
    }
    then = {key: value for key, value, _ in found.metrics if value is not None}
    rows: list[list[Cell]] = [
        ["metrics", key, *(None if value is None else Setting(value) for value in values)]
        for key, *values in found.metrics
        if not is_detail(key, then)
    ]
    rows += [["predictions", f"row {row} ({label})", then, now] for row, label, then, now in found.changed[:_ROWS]]
    rows += [["model", path, None, None] for path in found.model or ()]
    rows += [[one.section, one.key, one.then, one.now] for one in found.suspects]
    values = [Column(key, kept=True) for key in ("recorded", "now")]
    columns = [Column("section", kind="section"), Column("key"), *values]
    return Sheet(
        "reproduction",
        columns,
        rows,
        facts={key: value for key, value in facts.items() if value is not None},
        ids=[] if again is None else [again.run_id],
        objects=("metrics", "predictions", "model", "parameters", "data", "environment", "code"),
    )
