"""From tested differences to sheets: the columns that say how sure a change is, flips, and the gate's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Cell, Change, Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.difference import Difference
    from expctl.analysis.flips import Flip, Flips
    from expctl.analysis.gate import Decision
    from expctl.analysis.significance import Tested
    from expctl.records import RunRecord

TEST_COLUMNS = (
    Column("low", kind="change"),
    Column("high", kind="change"),
    Column("p_value", "p", kind="number"),
    Column("verdict"),
)


def test_cells(difference: Difference | None) -> list[Cell]:
    """The cells under `TEST_COLUMNS`; empty where nothing was tested."""
    if difference is None:
        return [None] * len(TEST_COLUMNS)
    return [Change(difference.low), Change(difference.high), difference.p_value, difference.verdict]


def change_of(difference: Difference) -> Change:
    """The change, good or bad where the verdict is sure of it."""
    better = {"better": True, "worse": False}.get(difference.verdict)
    return Change(difference.change, better)


def gate_sheet(
    runs: Sequence[RunRecord],
    decision: Decision,
    test: Tested,
    metric: str,
    broken: Sequence[tuple[Flip, str | None]],
) -> Sheet:
    """`gate`: the verdict first, then the metrics (the decisive one at the top), then what the candidate broke."""
    columns = [
        Column("section"),
        Column("key"),
        Column("baseline", kind="number"),
        Column("candidate", kind="number"),
        Column("change", kind="change"),
        *TEST_COLUMNS,
        Column("text", width=80),
    ]
    order = sorted(test.differences, key=lambda key: key != metric)
    rows: list[list[Cell]] = []
    for key in order:
        one = test.differences[key]
        rows.append(["metrics", key, one.baseline, one.challenger, change_of(one), *test_cells(one), None])
    for flip, text in broken:
        nothing: list[Cell] = [None] * (len(TEST_COLUMNS) + 1)
        rows.append([f"broken (row: {flip.label})", str(flip.row), flip.baseline, flip.challenger, *nothing, text])
    return Sheet(
        "gate",
        columns,
        rows,
        facts={
            "gate": decision.outcome,
            "reason": decision.reason,
            "candidate": f"{runs[1].label} ({runs[1].run_id})",
            "baseline": f"{runs[0].label} ({runs[0].run_id})",
            "metric": metric,
        },
        ids=[run.run_id for run in reversed(runs)],
    )


def flips_sheet(flips: Flips, rows: Sequence[tuple[Flip, str | None]]) -> Sheet:
    """`compare --flips`: counts, then the flipped rows with texts, labels and what both models say."""
    columns = [
        Column("kind"),
        Column("row", kind="number"),
        Column("label"),
        Column("baseline"),
        Column("challenger"),
        Column("confidence", kind="number"),
        Column("text", width=80),
    ]
    return Sheet(
        "flips",
        columns,
        [
            [flip.kind, flip.row, flip.label, flip.baseline, flip.challenger, flip.confidence, text]
            for flip, text in rows
        ],
        facts={"fixed": flips.fixed, "broken": flips.broken, "both_wrong": flips.both_wrong, "both_right": flips.both_right},
    )


