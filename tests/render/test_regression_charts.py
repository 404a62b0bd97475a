"""The charts of compared regressions: rows with their residuals, ranges with their limits."""

from __future__ import annotations

import json
from typing import Any

from expctl.analysis.target_ranges import TargetRange, ValueErrors
from expctl.render.regression_charts import error_charts, predicted_chart, ranges_chart, residuals_chart

ERRORS = ValueErrors(
    rows=2,
    points=[(4, 10.0, 12.0), (7, 20.0, 15.0)],
    ranges=[TargetRange(10.0, 12.5, 20, 2.0, 1.0, 3.5), TargetRange(110300.5, 1e7, 7, 3.0)],
)
FOUND = [("a" * 32, "base", ERRORS), ("b" * 32, "new", ERRORS)]


def values(chart: dict[str, Any]) -> list[dict[str, Any]]:
    json.dumps(chart, allow_nan=False)
    found: list[dict[str, Any]] = chart["data"]["values"]
    return found


def test_a_point_is_a_row_where_it_was_predicted_and_what_was_left_over() -> None:
    rows = values(predicted_chart(FOUND))
    assert [(row["name"], row["x"], row["y"]) for row in rows[1:3]] == [("base", 20.0, 15.0), ("new", 10.0, 12.0)]
    assert "base: row 7" in rows[1]["tip"]
    assert [(row["x"], row["y"]) for row in values(residuals_chart(FOUND))[:2]] == [(12.0, -2.0), (15.0, 5.0)]


def test_the_line_of_no_error_reaches_over_all_points() -> None:
    line = predicted_chart(FOUND)["layer"][0]["data"]["values"]
    assert line == [{"x": 10.0, "y": 10.0}, {"x": 20.0, "y": 20.0}]


def test_a_range_has_limits_where_there_are_some_and_runs_lie_beside_each_other() -> None:
    chart = ranges_chart(FOUND)
    assert [(row["range"], row["value"], row["low"]) for row in values(chart)[:2]] == [
        ("10 to 12.5", 2.0, 1.0),
        ("110300 to 1e+07", 3.0, None),
    ]
    assert "xOffset" in chart["encoding"]
    assert "xOffset" not in ranges_chart(FOUND[:1])["encoding"]


def test_without_regressions_there_is_no_chart() -> None:
    assert error_charts([]) == {}
    assert list(error_charts(FOUND)) == ["predicted_actual", "residuals", "ranges"]
