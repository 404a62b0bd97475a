"""What `edit` and `log` did to runs, as sheets. Values only: nothing is rounded or coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Column, Setting, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.render.sheet import Cell
    from expctl.workflows.edit import Edit
    from expctl.workflows.log import LogRequest


def edits_sheet(edits: Sequence[Edit]) -> Sheet:
    """`edit`: a row a change, with what was before; its ids are those of the runs that changed."""
    columns = [Column("run_id", "run", kind="id", width=8), Column("name"), *map(Column, ("key", "before", "after"))]
    rows: list[list[Cell]] = [
        [one.run.run_id, one.run.name, change.key, change.before, change.after]
        for one in edits
        for change in one.changes
    ]
    return Sheet("edited", columns, rows, ids=[one.run.run_id for one in edits if one.changes])


def logged_sheet(run: RunRecord, request: LogRequest) -> Sheet:
    """`log`: what was added to a run."""
    columns = [Column("kind"), Column("key"), Column("value"), Column("step", kind="number")]
    rows: list[list[Cell]] = [["metric", key, Setting(value), request.step] for key, value in request.metrics.items()]
    rows += [["param", key, run.params.get(key), None] for key in request.params]
    rows += [["artifact", file.name, Size(file.stat().st_size), None] for file in request.files]
    return Sheet("logged", columns, rows, facts={"run": run.name, "run_id": run.run_id}, ids=[run.run_id])
