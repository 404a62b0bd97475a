"""From comparisons and tests to sheets: what differs, how sure that is, what flipped, what the gate says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from expctl.metrics import higher_is_better
from expctl.records import Tag
from expctl.render.sheet import FIRST_TO_GO, Cell, Change, Column, Commit, Sheet
from expctl.render.text import MISSING, number, signed
from expctl.render.views import settings
from expctl.wording import listed, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.comparison import Comparison, Line
    from expctl.analysis.difference import Difference
    from expctl.analysis.flips import Flip, Flips
    from expctl.analysis.gate import Decision
    from expctl.analysis.groups import GroupDifference
    from expctl.analysis.significance import Assessment
    from expctl.analysis.slices import SliceDifference
    from expctl.records import RunRecord
    from expctl.render.sheet import ColumnKind
    from expctl.workflows.compare_code import ComparedCode

_TOLD = 8  # keys of a section that is folded
_COMPARED = 32  # characters of a value in a table: hashes and paths need no more to be told apart


def assessed_columns(suffix: str = "", *, narrow: bool = False) -> list[Column]:
    """Limits, p-value and verdict of a change: the limits are spare, and where it is to be `narrow` p after them."""
    return [
        Column(f"low{suffix}", "low", "change", spare=FIRST_TO_GO),
        Column(f"high{suffix}", "high", "change", spare=FIRST_TO_GO),
        Column(f"p_value{suffix}", "p", "p_value", spare=narrow),
        Column(f"verdict{suffix}", "verdict"),
    ]


def assessed_cells(difference: Difference | None) -> list[Cell]:
    """The cells under `assessed_columns`; empty where nothing was tested."""
    if difference is None:
        return [None] * len(assessed_columns())
    return [Change(difference.low), Change(difference.high), difference.p_value, difference.verdict]


def comparison_sheet(comparison: Comparison, tests: Sequence[Assessment], metric: str | None = None) -> Sheet:
    """`compare`: baseline, then each challenger with its change and what the test of it says.

    The `metric` is what a comment on a pull request says in its first line.

    `tests` has one entry a challenger. A change is coloured where its verdict is sure, and where nothing was tested
    by the direction of the metric.
    """
    runs = comparison.runs
    titles = told_apart(runs)
    ends = [""] if len(runs) == 2 else [f"_{i}" for i in range(1, len(runs))]
    columns = [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", titles[0], "number", width=_COMPARED, kept=True),
    ]
    for end, title in zip(ends, titles[1:], strict=True):
        columns.append(Column(f"challenger{end}", title, "number", width=_COMPARED, kept=True))
        columns.append(Column(f"change{end}", "change", "change"))
        columns += assessed_columns(end, narrow=len(ends) > 1)
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
        headline=_headline(comparison, tests, metric),
        folded=_folded(comparison),
        next=f"expctl report {' '.join(run.run_id[:8] for run in runs)}",
    )


def _headline(comparison: Comparison, tests: Sequence[Assessment], metric: str | None) -> str:
    if not comparison.lines:
        return f"nothing differs between {' and '.join(told_apart(comparison.runs))}"
    return "" if metric is None else verdict_line(comparison.runs[0], comparison.runs[1:], tests, metric)


def told_apart(runs: Sequence[RunRecord]) -> list[str]:
    """The labels of runs, with the ids of those that have one label."""
    labels = [run.label for run in runs]
    return [
        label if labels.count(label) == 1 else f"{run.run_id[:8]} {label}"
        for label, run in zip(labels, runs, strict=True)
    ]


def verdict_line(
    baseline: RunRecord, challengers: Sequence[RunRecord], tests: Sequence[Assessment], metric: str
) -> str:
    """Whether the challenger, the best of several, is better by a metric, and by how much."""
    sign = 1 if higher_is_better(metric) else -1
    values = [sign * run.metrics.get(metric, math.nan) for run in challengers]
    finite = [i for i, value in enumerate(values) if math.isfinite(value)]
    best = max(finite, key=lambda i: values[i], default=0)
    one, found = challengers[best], tests[best].differences.get(metric)
    name, base = told_apart([baseline, one])[::-1]
    of = f" (the best of {len(challengers)})" if len(challengers) > 1 else ""
    verdicts = {"better": f"{name}{of} is better than {base}", "worse": f"{name}{of} is worse than {base}"}
    if found is not None:
        verdicts["equal"] = f"{name}{of} and {base} are equal within {found.margin:g}"
    told = verdicts.get(found.verdict if found else "", f"no clear difference between {base} and {name}{of}")
    numbers = [number(run.metrics[metric], 4) if metric in run.metrics else MISSING for run in (baseline, one)]
    line = f"{metric} {' → '.join(numbers)}"
    if found is None:
        why = tests[best].note or tests[best].untested.get(metric, f"{metric} is not")
        return f"not tested ({why}): {base} and {name}{of}: {line}"
    limits = f"{signed(found.low, 4)} to {signed(found.high, 4)}"
    return f"{told}: {line}, a change of {signed(found.change, 4)} (limits {limits})"


def untested_lines(run: RunRecord, test: Assessment) -> list[str]:
    """What of a challenger was not tested, and why; or that it was on some rows alone."""
    lines = [] if test.note is None else [f"{run.label}: {test.note}"]
    for reason in dict.fromkeys(test.untested.values()):
        of = [key for key, why in test.untested.items() if why == reason and key in run.metrics]
        if of:
            lines.append(f"{run.label}: {listed(of)} not tested: {reason}")
    return lines


def corrected_line(metric: str, tests: Sequence[Assessment]) -> str | None:
    """What p stands for, where another metric than the asked one has no verdict though its limits exclude 0."""
    others = (found for test in tests for key, found in test.differences.items() if key != metric)
    if not any(found.verdict == "no clear difference" and (found.low > 0 or found.high < 0) for found in others):
        return None
    return f"p of {metric} stands by itself, that of the other metrics is corrected for being many (--metric asks one)"


def _folded(comparison: Comparison) -> dict[str, str]:
    """What a comment folds: all sections but the metrics, with what they are of."""
    keys: dict[str, list[str]] = {}
    for line in comparison.lines:
        keys.setdefault(line.section, []).append(line.key)
    return {
        section: f"{section}: {', '.join([*found[:_TOLD], *(['...'] if len(found) > _TOLD else [])])}"
        for section, found in keys.items()
        if section != "metrics"
    }


def _comparison_row(line: Line, tests: Sequence[Assessment]) -> list[Cell]:
    measured = line.higher_is_better is not None
    values: list[Cell] = list(line.values) if measured else settings(line.values)
    if line.section == "code" and line.key == Tag.GIT_COMMIT:
        values = [Commit(value) if isinstance(value, str) else value for value in values]
    cells: list[Cell] = [line.section, line.key, values[0]]
    for i, (value, test) in enumerate(zip(values[1:], tests, strict=True)):
        change, found = change_cell(line, test, i)
        cells += [value, change, *assessed_cells(found)]
    return cells


def change_cell(line: Line, test: Assessment, challenger: int) -> tuple[Change | None, Difference | None]:
    """The change that a challenger, by its number, makes to a line, and what the test says of it."""
    change = line.changes[challenger]
    found = {"metrics": test.differences, "F1 by class": test.by_class}.get(line.section, {}).get(line.key)
    if found is None:
        return _change(change, line.higher_is_better), None
    if test.note is None and change is not None:  # on all rows: the recorded values' own difference
        return Change(change, tested_change(found).better), found
    return tested_change(found), found


def _change(change: float | None, higher_is_better: bool | None) -> Change | None:
    if change is None:
        return None
    better = None if change == 0 or change != change or higher_is_better is None else (change > 0) == higher_is_better
    return Change(change, better)


def tested_change(difference: Difference) -> Change:
    """A change that is coloured where its verdict is sure."""
    return Change(difference.change, {"better": True, "worse": False}.get(difference.verdict))


def groups_sheet(groups: Sequence[GroupDifference], names: tuple[str, str]) -> Sheet:
    """`compare` of two sets of runs: mean ± standard deviation and number of runs on each side, and the test."""
    columns = [
        Column("metric"),
        Column("baseline_mean", "baseline", "number"),
        Column("baseline_sd", "± sd", "number", spare=1),
        Column("baseline_runs", "runs", "number", spare=FIRST_TO_GO + 1),
        Column("challenger_mean", "challenger", "number"),
        Column("challenger_sd", "± sd", "number", spare=1),
        Column("challenger_runs", "runs", "number", spare=FIRST_TO_GO + 1),
        Column("change", kind="change"),
        *assessed_columns(),
    ]
    rows: list[list[Cell]] = []
    for one in groups:
        sides = [cell for i in (0, 1) for cell in (one.means[i], one.deviations[i], one.counts[i])]
        change = Change(one.means[1] - one.means[0]) if one.difference is None else tested_change(one.difference)
        rows.append([one.metric, *sides, change, *assessed_cells(one.difference)])
    return Sheet("groups", columns, rows, facts={"baseline": names[0], "challenger": names[1]})


def gate_sheet(
    runs: Sequence[RunRecord],
    decision: Decision,
    test: Assessment,
    metric: str,
    broken: Sequence[tuple[Flip, str | None]],
    slices: Sequence[SliceDifference] = (),
) -> Sheet:
    """`gate`: the verdict first, then the metrics (the decisive one at the top), slices, what the candidate broke."""
    columns = [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", kind="number", kept=True),
        Column("candidate", kind="number"),
        Column("change", kind="change"),
        *assessed_columns(),
        Column("rows", kind="number", spare=1),
        Column("note", spare=1),
        Column("label", "target" if runs[0].task == "regression" else ""),
        _inputs(runs[0]),
    ]
    order = sorted(test.differences, key=lambda key: key != metric)
    rows: list[list[Cell]] = []
    for key in order:
        one = test.differences[key]
        rows.append(
            ["metrics", key, one.baseline, one.challenger, tested_change(one), *assessed_cells(one), *[None] * 4]
        )
    for part in slices:
        difference = part.difference
        values: list[Cell] = [None, None, None]
        if difference is not None:
            values = [difference.baseline, difference.challenger, tested_change(difference)]
        rows.append(["slices", part.name, *values, *assessed_cells(difference), part.rows, part.note, None, None])
    for flip, text in broken:
        untested: list[Cell] = [None] * (len(assessed_columns()) + 3)
        rows.append([flip.kind, str(flip.row), flip.baseline, flip.challenger, *untested, flip.label, text])
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
        headline=f"{decision.outcome}: {_judged(decision.outcome, *told_apart(runs))}: {decision.reason}",
        folded={
            "slices": plural(len(slices), "slice") + " of the test rows",
            "broken": plural(len(broken), "row") + " that the candidate broke",
            "larger error": plural(len(broken), "row") + " with a larger error",
        },
        next=_after(decision.outcome, *(run.run_id[:8] for run in runs)),
    )


def _after(outcome: str, baseline: str, candidate: str) -> str:
    look = f"expctl compare {baseline} {candidate} --flips 20"
    return f"expctl promote {candidate} NAME" if outcome == "pass" else look


def _judged(outcome: str, baseline: str, candidate: str) -> str:
    judged = {"pass": f"{candidate} may replace {baseline}", "regression": f"{candidate} may not replace {baseline}"}
    return judged.get(outcome, f"whether {candidate} may replace {baseline} is open")


def code_sheet(compared: ComparedCode) -> Sheet:
    """`compare --code`: the commits that one run has and the other has not, how files differ, uncommitted changes."""
    columns = [Column("section", kind="section"), Column("key"), Column("text", width=None), Column("run")]
    rows: list[list[Cell]] = [["commits", Commit(one.commit), one.subject, one.of] for one in compared.commits]
    for title, lines in compared.patches.items():
        rows += [[title, str(number), line, None] for number, line in enumerate(lines, 1)]
    ids = [run.run_id for run in compared.runs]
    return Sheet("code", columns, rows, facts={"baseline": ids[0], "challenger": ids[1]}, ids=ids, objects=("commits",))


def _inputs(run: RunRecord) -> Column:
    """What a run read of a row: a text, or cells of a table."""
    return Column("text", "cells" if "columns" in run.params else "", width=80)


def flips_sheet(flips: Flips, rows: Sequence[tuple[Flip, str | None]], run: RunRecord) -> Sheet:
    """`compare --flips`: counts, then the flipped rows with texts, labels and what both models say, `run` and another.

    Of regression those whose error changed most, and by how much.
    """
    said: ColumnKind = "number" if flips.measured else "text"
    columns = [
        Column("kind"),
        Column("row", kind="number"),
        Column("label", "target" if flips.measured else "", kind=said),
        Column("baseline", kind=said),
        Column("challenger", kind=said),
        Column("change", kind="change") if flips.measured else Column("confidence", kind="number"),
        _inputs(run),
    ]
    counts: dict[str, Cell] = (
        {"smaller_error": flips.fixed, "larger_error": flips.broken, "same_error": flips.both_right}
        if flips.measured
        else {
            "fixed": flips.fixed,
            "broken": flips.broken,
            "both_wrong": flips.both_wrong,
            "both_right": flips.both_right,
        }
    )
    return Sheet(
        "flips",
        columns,
        [
            [flip.kind, flip.row, flip.label, flip.baseline, flip.challenger, _of_flip(flip), text]
            for flip, text in rows
        ],
        facts=counts,
    )


def _of_flip(flip: Flip) -> Cell:
    return flip.confidence if flip.change is None else Change(flip.change, flip.change < 0)
