"""Many compared runs as rows: a metric with its change, limits and verdict, ranked, and the parameters that differ.

Side by side, as two runs are shown, they would make a table of six columns each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from expctl.render.comparison_views import assessed_cells, assessed_columns, change_cell, told_apart, verdict_line
from expctl.render.sheet import FIRST_TO_GO, Cell, Column, Sheet
from expctl.render.views import chosen_parameters, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.comparison import Comparison, Line
    from expctl.analysis.significance import Assessment
    from expctl.render.sheet import ColumnKind

_NAME: Final = 24


def challengers_sheet(comparison: Comparison, tests: Sequence[Assessment], metric: str) -> Sheet:
    """`compare` of many runs: the baseline, then its challengers, the best first by the metric.

    Where the comparison has more metrics, or classes, than that one, each is a section of its own.
    """
    runs, names = comparison.runs, told_apart(comparison.runs)
    lines = [line for line in comparison.lines if line.higher_is_better is not None]
    lines.sort(key=lambda line: (line.section, line.key) != ("metrics", metric))
    alone = len(lines) == 1
    experiments = alone and any(line.section == "run" for line in comparison.lines)
    parameters = sorted(chosen_parameters(runs), key=lambda key: -len({run.params.get(key) for run in runs}))
    chosen = [settings(run.typed_params.get(key) for run in runs) for key in parameters]
    columns = [
        *([] if alone else [Column("section", kind="section")]),
        *([Column("experiment")] if experiments else []),
        Column("name", width=_NAME),
        Column(metric if alone else "value", kind="number"),
        Column("change", kind="change"),
        *assessed_columns(),
        Column("run_id", "run", "id", width=8, spare=FIRST_TO_GO),
        *(Column(f"params.{key}", key, _kind(one), spare=True) for key, one in zip(parameters, chosen, strict=True)),
    ]
    rows: list[list[Cell]] = []
    for line in lines:
        title = [] if alone else [line.key if line.section == "metrics" else f"F1 of {line.key}"]
        for i in _ranked(line):
            place = [runs[i].experiment] if experiments else []
            beside = [cells[i] if line is lines[0] else None for cells in chosen]
            rows.append([*title, *place, names[i], *_measured(line, tests, i), runs[i].run_id, *beside])
    return Sheet(
        "comparison",
        columns,
        rows,
        facts={"baseline": runs[0].run_id, "same_test_set": comparison.same_test_set},
        ids=[run.run_id for run in runs],
        headline=verdict_line(runs[0], runs[1:], tests, metric),
        next=f"expctl report {' '.join(run.run_id[:8] for run in runs)}",
    )


def _ranked(line: Line) -> list[int]:
    """The runs by their places: the baseline, then the best first; those without a value last."""
    sign = -1 if line.higher_is_better else 1

    def place(i: int) -> float:
        value = line.values[i]
        real = isinstance(value, (int, float)) and not math.isnan(value)
        return sign * float(value) if real else math.inf  # type: ignore[arg-type]

    return [0, *sorted(range(1, len(line.values)), key=place)]


def _measured(line: Line, tests: Sequence[Assessment], i: int) -> list[Cell]:
    """The value of a run with its change from the baseline, limits, p-value and verdict."""
    if i == 0:
        return [line.values[0], None, *assessed_cells(None)]
    cell, found = change_cell(line, tests[i - 1], i - 1)
    return [line.values[i], cell, *assessed_cells(found)]


def _kind(cells: Sequence[Cell]) -> ColumnKind:
    return "number" if all(cell is None or isinstance(cell, (int, float)) for cell in cells) else "text"
