"""The charts of compared regressions: predicted against actual values, residuals, errors by range of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.vega import PICKED, TOLD, Chart, hint, measured, series, spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.target_ranges import ValueErrors
    from expctl.records import Value

    Found = Sequence[tuple[str, str, ValueErrors]]


def error_charts(found: Found) -> dict[str, Chart]:
    """The three of these runs (run id, name, errors), by their ids in the page; of no runs none."""
    if not found:
        return {}
    return {
        "predicted_actual": predicted_chart(found),
        "residuals": residuals_chart(found),
        "ranges": ranges_chart(found),
    }


def predicted_chart(found: Found) -> Chart:
    """A point a test row: what is predicted against what is true, and where both would be the same."""
    points = [pair for *_, one in found for _, *pair in one.points]
    ends = [min(map(min, points), default=0.0), max(map(max, points), default=0.0)]
    same = {
        "data": {"values": [{"x": end, "y": end} for end in ends]},
        "mark": {"type": "line", "strokeDash": [2, 4], "color": {"expr": "ink"}},
        "encoding": {"x": measured("x"), "y": measured("y")},
    }
    return _points(found, "Predicted against actual values", ("actual", "predicted"), same)


def residuals_chart(found: Found) -> Chart:
    """A point a test row: its residual, actual minus predicted, against what is predicted."""
    none = {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "strokeDash": [2, 4], "color": {"expr": "ink"}},
        "encoding": {"y": {"datum": 0}},
    }
    return _points(found, "Residuals against predicted values", ("predicted", "residual"), none)


def _points(found: Found, what: str, axes: tuple[str, str], line: Chart) -> Chart:
    values = []
    for run_id, name, one in found:
        for row, actual, predicted in one.points:
            facts = {"actual": actual, "predicted": predicted, "residual": actual - predicted}
            x, y = (facts[axis] for axis in axes)
            values.append({"run": run_id, "name": name, "x": x, "y": y, "tip": hint(f"{name}: row {row}", facts)})
    points = {
        "mark": {"type": "point", "filled": True},
        "encoding": {
            "x": measured("x", axes[0]),
            "y": measured("y", axes[1]),
            "color": series("name", [name for _, name, _ in found]),
            "size": {"condition": {"test": PICKED, "value": 60}, "value": 25},
            "opacity": {"condition": {"test": f"picked === '' || {PICKED}", "value": 0.6}, "value": 0.12},
            **TOLD,
        },
    }
    return spec(f"{what}, {len(found)} runs", values, height=320, layer=[line, points])


def ranges_chart(found: Found) -> Chart:
    """The mean absolute error of the test rows in each range of the target, with limits."""
    values = []
    for run_id, name, one in found:
        for part in one.ranges:
            rows = f"{part.least:.6g} to {part.most:.6g}"
            limits: dict[str, Value] = {"low": part.low, "high": part.high}
            facts: dict[str, Value] = {"target": rows, "rows": part.rows, "mae": part.error, **limits}
            common = {"run": run_id, "name": name, "range": rows, "tip": hint(name, facts)}
            values.append({**common, "value": part.error, "low": part.low, "high": part.high})
    names = [name for _, name, _ in found]
    colour = {"color": series("name", names)}
    side = {"xOffset": {"field": "name", "sort": None}} if len(found) > 1 else {}
    axis = {"title": "target", "labelAngle": -30, "labelOverlap": True, "ticks": False}
    x = {"field": "range", "type": "nominal", "sort": None, "axis": axis, "scale": {"paddingInner": 0.5}}
    thick = {"condition": {"test": PICKED, "value": 5}, "value": 2}
    return spec(
        f"Mean absolute error by ranges of the target, with limits, {len(found)} runs",
        values,
        height=260,
        least=60 * max(len(one.ranges) for *_, one in found),
        encoding={"x": x, **side, **TOLD},
        layer=[
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule"},
                "encoding": {
                    "y": measured("low", "mean absolute error"), "y2": {"field": "high"}, **colour,
                    "strokeWidth": thick,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"y": {**measured("value"), "scale": {"zero": True}}, **colour},
            },
        ],
    )  # fmt: skip
