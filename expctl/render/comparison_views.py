"""From comparisons and tests to sheets: what differs, how sure that is, what flipped, what the gate says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.records import Tag
from expctl.render.sheet import Cell, Change, Column, Commit, Sheet
from expctl.render.views import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.comparison import Comparison, Line
    from expctl.analysis.difference import Difference
    from expctl.analysis.flips import Flip, Flips
    from expctl.analysis.gate import Decision
    from expctl.analysis.groups import GroupDifference
    from expctl.analysis.significance import Assessment
    from expctl.records import RunRecord
    from expctl.workflows.compare_code import ComparedCode

_COMPARED = 32  # characters of a value in a table: hashes and paths need no more to be told apart


def _test_columns(suffix: str = "") -> list[Column]:
    return [
        Column(f"low{suffix}", "low", "change"),
        Column(f"high{suffix}", "high", "change"),
        Column(f"p_value{suffix}", "p", "p_value"),
        Column(f"verdict{suffix}", "verdict"),
    ]


def _test_cells(difference: Difference | None) -> list[Cell]:
    """The cells under `_test_columns`; empty where nothing was tested."""
    if difference is None:
        return [None] * len(_test_columns())
    return [Change(difference.low), Change(difference.high), difference.p_value, difference.verdict]


def comparison_sheet(comparison: Comparison, tests: Sequence[Assessment]) -> Sheet:
    """`compare`: baseline, then each challenger with its change and what the test of it says.

    `tests` has one entry a challenger. A change is coloured where its verdict is sure, and where nothing was tested
    by the direction of the metric.
    """
    runs = comparison.runs
    labels = [run.label for run in runs]
    titles = [
        label if labels.count(label) == 1 else f"{run.run_id[:8]} {label}"
        for label, run in zip(labels, runs, strict=True)
    ]
    ends = [""] if len(runs) == 2 else [f"_{i}" for i in range(1, len(runs))]
    columns = [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", titles[0], "number", width=_COMPARED),
    ]
    for end, title in zip(ends, titles[1:], strict=True):
        columns.append(Column(f"challenger{end}", title, "number", width=_COMPARED, kept=True))
        columns.append(Column(f"change{end}", "change", "change"))
        columns += _test_columns(end)
    keys = ["baseline", *(f"challenger{end}" for end in ends)]
    return Sheet(
        "comparison",
        columns,
        [_comparison_row(line, tests) for line in comparison.lines],
        facts={
            **{key: run.run_id for key, run in zip(keys, runs, strict=True)},
            "same_test_set": comparison.same_test_set,
        },
        ids=[run.run_id for run in runs],
    )


def _comparison_row(line: Line, tests: Sequence[Assessment]) -> list[Cell]:
    measured = line.higher_is_better is not None
    values: list[Cell] = list(line.values) if measured else settings(line.values)
    if line.section == "code" and line.key == Tag.GIT_COMMIT:
        values = [Commit(value) if isinstance(value, str) else value for value in values]
    cells: list[Cell] = [line.section, line.key, values[0]]
    for value, change, test in zip(values[1:], line.changes, tests, strict=True):
        found = {"metrics": test.differences, "F1 by class": test.by_class}.get(line.section, {}).get(line.key)
        if found is None:
            cells += [value, _change(change, line.higher_is_better)]
        elif test.note is None and change is not None:  # on all rows: the recorded values' own difference
            cells += [value, Change(change, _tested_change(found).better)]
        else:
            cells += [value, _tested_change(found)]
        cells += _test_cells(found)
    return cells


def _change(change: float | None, higher_is_better: bool | None) -> Change | None:
    if change is None:
        return None
    better = None if change == 0 or change != change or higher_is_better is None else (change > 0) == higher_is_better
    return Change(change, better)


def _tested_change(difference: Difference) -> Change:
    return Change(difference.change, {"better": True, "worse": False}.get(difference.verdict))


def groups_sheet(groups: Sequence[GroupDifference], names: tuple[str, str]) -> Sheet:
    """`compare` of two sets of runs: mean ± standard deviation and number of runs on each side, and the test."""
    columns = [
        Column("metric"),
        Column("baseline_mean", "baseline", "number"),
        Column("baseline_sd", "± sd", "number"),
        Column("baseline_runs", "runs", "number"),
        Column("challenger_mean", "challenger", "number"),
        Column("challenger_sd", "± sd", "number"),
        Column("challenger_runs", "runs", "number"),
        Column("change", kind="change"),
        *_test_columns(),
    ]
    rows: list[list[Cell]] = []
    for one in groups:
        sides = [cell for i in (0, 1) for cell in (one.means[i], one.deviations[i], one.counts[i])]
        change = Change(one.means[1] - one.means[0]) if one.difference is None else _tested_change(one.difference)
        rows.append([one.metric, *sides, change, *_test_cells(one.difference)])
    return Sheet("groups", columns, rows, facts={"baseline": names[0], "challenger": names[1]})


def gate_sheet(
    runs: Sequence[RunRecord],
    decision: Decision,
    test: Assessment,
    metric: str,
    broken: Sequence[tuple[Flip, str | None]],
) -> Sheet:
    """`gate`: the verdict first, then the metrics (the decisive one at the top), then what the candidate broke."""
    columns = [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", kind="number"),
        Column("candidate", kind="number"),
        Column("change", kind="change"),
        *_test_columns(),
        Column("label"),
        Column("text", width=80),
    ]
    order = sorted(test.differences, key=lambda key: key != metric)
    rows: list[list[Cell]] = []
    for key in order:
        one = test.differences[key]
        rows.append(["metrics", key, one.baseline, one.challenger, _tested_change(one), *_test_cells(one), None, None])
    for flip, text in broken:
        untested: list[Cell] = [None] * (len(_test_columns()) + 1)
        rows.append(["broken", str(flip.row), flip.baseline, flip.challenger, *untested, flip.label, text])
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


def code_sheet(compared: ComparedCode) -> Sheet:
    """`compare --code`: the commits that one run has and the other has not, how files differ, uncommitted changes."""
    columns = [Column("section", kind="section"), Column("key"), Column("text", width=None), Column("run")]
    rows: list[list[Cell]] = [["commits", Commit(one.commit), one.subject, one.of] for one in compared.commits]
    for title, lines in compared.patches.items():
        rows += [[title, str(number), line, None] for number, line in enumerate(lines, 1)]
    ids = [run.run_id for run in compared.runs]
    return Sheet("code", columns, rows, facts={"baseline": ids[0], "challenger": ids[1]}, ids=ids, objects=("commits",))


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
        facts={
            "fixed": flips.fixed,
            "broken": flips.broken,
            "both_wrong": flips.both_wrong,
            "both_right": flips.both_right,
        },
    )
