"""What test rows can show, as a sheet and in a sentence. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.power import POWER, power_of, two_digits
from expctl.render.sheet import Cell, Column, Share, Sheet

if TYPE_CHECKING:
    from expctl.analysis.significance import Assessment
    from expctl.workflows.power import Powers


_LARGE: Final = 100  # from which two digits are zeros too


def power_sheet(found: Powers) -> Sheet:
    """`power`: from which difference on the rows tell, how likely they tell one, and how many rows that takes."""
    rows: list[list[Cell]] = [
        [
            one.metric,
            one.rows,
            one.detects,
            difference,
            Share(one.of(difference)),
            None if found.grouped else one.rows_for(difference),
        ]
        for one in found.found
        for difference in [one.point if found.difference is None else found.difference]
    ]
    columns = [
        Column("metric"),
        Column("rows", kind="number"),
        Column("detects", kind="number"),
        Column("difference", kind="number"),
        Column("power", kind="number"),
        Column("rows_needed", "rows needed", kind="number"),
    ]
    keys = ("baseline", "challenger") if found.measured else ("run",)
    facts = {key: run.run_id for key, run in zip(keys, found.runs, strict=True)}
    return Sheet("power", columns, rows, facts=facts, ids=[run.run_id for run in found.runs])


def unseen(metric: str, test: Assessment) -> str | None:
    """Of a metric without a clear difference: what the rows could have seen, and how many a small one takes."""
    found = test.differences.get(metric)
    if found is None or found.verdict != "no clear difference" or test.pairing is None:
        return None
    groups = test.pairing.groups
    count, noun = (len(test.pairing), "rows") if groups is None else (len(set(groups.tolist())), "groups of rows")
    power = power_of(found, count)
    if power is None:
        return None
    return (
        f"{metric}: these {power.rows:,} {noun} show a difference from {amount(power.detects)} on"
        f" (at {POWER:.0%} power); {amount(power.point)} takes some {power.rows_for(power.point):,} {noun.split()[0]}"
    )


def amount(difference: float) -> str:
    """A difference of a metric, to two digits."""
    if difference < _LARGE:
        return f"{difference:.2g}"
    return f"{two_digits(difference):,}"
