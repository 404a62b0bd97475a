"""A set of runs over random states, as a sheet and in a sentence. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.power import amount
from expctl.render.sheet import Cell, Column, Sheet

if TYPE_CHECKING:
    from expctl.workflows.repeats import Noise, Repeated


def set_sheet(found: Repeated) -> Sheet:
    """`train --repeats`: mean, standard deviation and ends of each metric. `--format id` prints that of the parent."""
    rows: list[list[Cell]] = [[one.metric, one.mean, one.deviation, one.least, one.largest] for one in found.spreads]
    columns = [
        Column("metric"),
        Column("mean", kind="number"),
        Column("sd", "± sd", "number"),
        Column("least", kind="number"),
        Column("largest", kind="number"),
    ]
    facts: dict[str, Cell] = {"set": found.parent.name, "set_id": found.parent.run_id, "runs": len(found.runs)}
    return Sheet("set", columns, rows, facts=facts, ids=[found.parent.run_id])


def noise_line(noise: Noise) -> str:
    """What a difference of single runs has to be held against."""
    one = noise.spread
    assert one.deviation is not None
    if one.deviation == 0:
        return f"{one.metric} does not depend on the random state ({one.runs:,} runs of {noise.set})"
    return (
        f"{one.metric} varies by {amount(one.deviation)} between random states (standard deviation of {one.runs:,} runs"
        f" of {noise.set})"
    )
