"""The charts of ranked runs: their ranking, parameters and time. Values in, charts out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from expctl.figures.axes import Axis, axis_of, is_measured, short
from expctl.metrics import higher_is_better
from expctl.render.text import number, visible
from expctl.render.vega import PICKED, TOLD, Chart, between, coloured, hint, measured, names_axis, spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.analysis.ranking import Ranking
    from expctl.records import RunRecord, Value

_RANKED: Final = 30  # runs in one chart: below each other they can still be read
_SPREAD: Final = 100  # positive numbers that lie farther apart than this are shown by their logarithms
_TIMES: Final = ((3_600_000, "%H:%M:%S"), (86_400_000, "%H:%M"), (10 * 86_400_000, "%d %b %H:%M"))


def titles(runs: Sequence[RunRecord]) -> dict[str, str]:
    """What each run is called in a chart, by id: its name, with the start of its id where several have it."""
    names = [short(run.label) for run in runs]
    return {
        run.run_id: name if names.count(name) == 1 else f"{name} {run.run_id[:6]}"
        for run, name in zip(runs, names, strict=True)
    }


def ranking_chart(ranking: Ranking, names: Mapping[str, str]) -> Chart:
    """The best runs below each other with their limits; those tied with the best in colour."""
    metric = ranking.metric
    values = [
        {
            "run": run.run_id,
            "name": names[run.run_id],
            "value": run.metrics[metric],
            "low": _finite(run.metrics.get(f"{metric}_low")),
            "high": _finite(run.metrics.get(f"{metric}_high")),
            "tied": ranking.tied.get(run.run_id, run is ranking.ranked[0]),
            "tip": hint(run.label, {metric: run.metrics[metric]}),
        }
        for run in ranking.ranked[:_RANKED]
    ]
    colour = coloured("accent", "datum.tied", "soft")
    return spec(
        f"The best {len(values)} runs by {metric} with their limits",
        values,
        height=20 * len(values),
        encoding={"y": names_axis(), **TOLD},
        layer=[
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**between("low", "high", metric), **colour}},
            {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {"x": measured("value"), **colour}},
        ],
    )


def history_chart(history: Sequence[RunRecord], metric: str, reported: Mapping[str, str]) -> Chart:
    """A metric over the time of an experiment, and the best so far; the runs of the report in colour."""
    values: list[Chart] = []
    best = math.nan
    for run in history:
        value = run.metrics[metric]
        if math.isnan(best) or (value > best) == higher_is_better(metric):
            best = value
        if run.started is not None:
            values.append(
                {
                    "run": run.run_id,
                    "started": int(run.started.timestamp() * 1000),
                    "value": value,
                    "best": best,
                    "reported": run.run_id in reported,
                    "tip": hint(run.label, {metric: value, "started": f"{run.started:%Y-%m-%d %H:%M} UTC"}),
                }
            )
    moments = [row["started"] for row in values]
    span = max(moments, default=0) - min(moments, default=0)
    form = next((form for limit, form in _TIMES if span < limit), "%Y-%m-%d")
    time = {
        "field": "started", "type": "temporal", "scale": {"type": "utc"},
        "axis": {"title": "started (UTC)", "labelOverlap": True, "tickCount": 6, "format": form},
    }  # fmt: skip
    points = {
        "x": time,
        "y": measured("value", metric),
        **TOLD,
        **coloured("accent", "datum.reported", "soft"),
    }
    return spec(
        f"{metric} of finished runs by the time they started, and the best so far",
        values,
        height=260,
        layer=[
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeDash": [4, 3]},
                "encoding": {"x": time, "y": measured("best"), "color": {"value": {"expr": "soft"}}},
            },
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 0.85}, "encoding": points},
        ],
    )


def parallel_chart(runs: Sequence[RunRecord], parameters: Sequence[str], metric: str) -> Chart:
    """Each run as a line through its parameters to its metric; `runs` are the best first."""
    axes = {
        visible(key): parameter_axis([_setting(run, key) for run in runs if key in run.params]) for key in parameters
    }
    scale = axis_of([run.metrics[metric] for run in runs], logarithmic=False)
    lines: list[Chart] = []
    for place, run in enumerate(runs, 1):
        values = {key: _setting(run, key) for key in parameters if key in run.params}
        tip = hint(run.label, {"rank": place, metric: run.metrics[metric], **values})
        stops = {visible(key): axes[visible(key)].of[value] for key, value in values.items()}
        stops[_metric_axis(metric, axes)] = scale.of[run.metrics[metric]]
        common = {"run": run.run_id, "place": place, "tip": tip}
        lines += [{**common, "axis": axis, "at": at} for axis, at in stops.items()]
    axes[_metric_axis(metric, axes)] = Axis(scale.of, {number(value): at for value, at in _ends(runs, metric, scale)})
    ticks = [{"axis": key, "at": at, "label": label} for key, axis in axes.items() for label, at in axis.ticks.items()]
    x = {
        "field": "axis", "type": "nominal", "sort": None, "scale": {"type": "point", "padding": 0.4},
        "axis": {"title": None, "orient": "top", "labelAngle": 0, "domain": False, "ticks": False, "labelLimit": 110},
    }  # fmt: skip
    y = {"field": "at", "type": "quantitative", "scale": {"domain": [-0.04, 1.08], "nice": False}, "axis": None}
    colour = {
        "condition": {"test": PICKED, "value": {"expr": "pick"}}, "field": "place", "type": "quantitative",
        "scale": {"range": [{"expr": "accent"}, {"expr": "faint"}]}, "legend": None,
    }  # fmt: skip
    return spec(
        f"Parallel coordinates: {len(runs)} runs through {len(parameters)} parameters to {metric}",
        lines,
        height=300,
        least=100 * len(axes),
        layer=[
            {
                "mark": {"type": "line", "strokeJoin": "round"},
                "encoding": {
                    "x": x, "y": y, "detail": {"field": "run"}, "color": colour, **TOLD,
                    "strokeWidth": {"condition": {"test": PICKED, "value": 5}, "value": 1.5},
                    "opacity": {"condition": {"test": f"picked === '' || {PICKED}", "value": 0.85}, "value": 0.25},
                },
            },
            {
                "data": {"values": [{"axis": key} for key in axes]},
                "mark": {"type": "rule", "color": {"expr": "ink"}, "opacity": 0.5},
                "encoding": {"x": x},
            },
            {
                "data": {"values": ticks},
                "mark": {
                    "type": "text", "align": "left", "dx": 5, "dy": -7, "limit": 80,
                    "stroke": {"expr": "paper"}, "strokeWidth": 4, "strokeJoin": "round",
                },
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
            {
                "data": {"values": ticks},
                "mark": {"type": "text", "align": "left", "dx": 5, "dy": -7, "color": {"expr": "ink"}, "limit": 80},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    )  # fmt: skip


def scatter_chart(runs: Sequence[RunRecord], parameter: str, metrics: Sequence[str]) -> Chart:
    """A point a run: a parameter against the metric that the page's `metric` counts out among `metrics`."""
    having = [run for run in runs if parameter in run.params]
    axis = parameter_axis([_setting(run, parameter) for run in having])
    values = [
        {
            "run": run.run_id,
            "at": axis.of[_setting(run, parameter)],
            "values": [_finite(run.metrics.get(key)) for key in metrics],
            "tip": hint(run.label, {parameter: _setting(run, parameter)}),
        }
        for run in having
    ]
    x = {
        "field": "at", "type": "quantitative", "scale": {"domain": [-0.08, 1.08], "nice": False},
        "axis": {
            "title": None, "values": list(axis.ticks.values()), "grid": False, "labelOverlap": True,
            "labelExpr": "names[indexof(places, datum.value)]", "labelLimit": 90,
        },
    }  # fmt: skip
    chart = spec(
        f"{parameter} against a metric, a point a run",
        values,
        height=190,
        transform=[
            {"calculate": "datum.values[metric]", "as": "y"},
            {"filter": "isValid(datum.y)"},
            {"calculate": "datum.tip + '\\n' + format(datum.y, '.4~f')", "as": "tip"},
        ],
        mark={"type": "point", "filled": True, "size": 60, "opacity": 0.8},
        encoding={"x": x, "y": measured("y", ""), **TOLD, **coloured("accent", "true", "accent")},
    )
    names = [{"name": "names", "value": list(axis.ticks)}, {"name": "places", "value": list(axis.ticks.values())}]
    return {**chart, "params": [*names, {"name": "metric", "value": 0}]}


def parameter_axis(values: Sequence[Value]) -> Axis:
    """The axis of a parameter's values: numbers before names, by their logarithms where they lie far apart."""
    ordered = sorted(values, key=lambda one: (not is_measured(one), float(one) if is_measured(one) else 0.0, str(one)))
    numbers = [one for one in ordered if is_measured(one)]
    wide = bool(numbers) and numbers[0] > 0 and numbers[-1] >= _SPREAD * numbers[0]
    return axis_of(ordered, logarithmic=wide)


def _setting(run: RunRecord, key: str) -> Value:
    """A parameter of a run that has it. What is a number but has no place among numbers is its text: NaN is no key."""
    value = run.typed_params[key]
    unplaced = isinstance(value, (int, float)) and not isinstance(value, bool) and not is_measured(value)
    return run.params[key] if unplaced else value


def _metric_axis(metric: str, axes: Mapping[str, Axis]) -> str:
    return f"→ {visible(metric)}" if visible(metric) in axes else visible(metric)


def _ends(runs: Sequence[RunRecord], metric: str, axis: Axis) -> list[tuple[float, float]]:
    values = [run.metrics[metric] for run in runs]
    return [(value, axis.of[value]) for value in sorted({min(values), max(values)})]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
