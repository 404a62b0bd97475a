"""The parts that the charts of a report have in common, as Vega-Lite's dictionaries. Colours are the page's.

A text of a run stands in the data, never in an expression or as the name of a field. Each row of data says of which
`run` it is, so that the page can make one run stand out in all charts: `picked`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.figures.axes import is_measured
from expctl.render.text import number, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import Value

Chart = dict[str, Any]

TOLD: Final = {"tooltip": {"field": "tip"}, "description": {"field": "tip"}}  # to a pointer, to a screen reader
PICKED: Final = "datum.run === picked"
LEGEND: Final = {"title": None, "orient": "bottom", "columns": 1, "labelLimit": 300}


def spec(description: str, values: Sequence[object], *, height: int, least: int = 0, **rest: Any) -> Chart:
    """A chart as wide as its place. `least` pixels it needs: a place that is narrower is scrolled."""
    return {
        "description": visible(description),
        "usermeta": {"least": least},
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": height,
        "data": {"values": values},
        **rest,
    }


def measured(field: str, title: str | None = None) -> dict[str, Any]:
    """A channel for numbers, from the least to the largest."""
    axis = {}
    if title is not None:
        labels = {"labelOverlap": True, "labelSeparation": 6}  # on a narrow screen every other one
        axis = {"axis": {"title": visible(title) or None, "tickCount": 6, **labels}}
    return {"field": field, "type": "quantitative", "scale": {"zero": False}, **axis}


def between(low: str, high: str, title: str) -> dict[str, Any]:
    """The channels of a line from one limit to the other."""
    return {"x": measured(low, title), "x2": {"field": high}}


def names_axis() -> dict[str, Any]:
    """The channel of names below each other, in the order of the data."""
    axis = {"title": None, "labelLimit": 150, "ticks": False, "domain": False}
    return {"field": "name", "type": "nominal", "sort": None, "axis": axis}


def coloured(colour: str, test: str, otherwise: str) -> dict[str, Any]:
    """The colour of the run that stands out, else one for those that pass a test and one for the others."""
    condition = [{"test": PICKED, "value": {"expr": "pick"}}, {"test": test, "value": {"expr": colour}}]
    return {"color": {"condition": condition, "value": {"expr": otherwise}}}


def series(field: str, names: Sequence[str], *, after: int = 0) -> dict[str, Any]:
    """One colour a run, the baseline's first: `after` that many of the compared runs."""
    colours = [{"expr": f"series[{i + after}]"} for i in range(len(names))]
    return {
        "field": field, "type": "nominal", "sort": None, "scale": {"domain": list(names), "range": colours},
        "legend": LEGEND if len(names) > 1 or not after else None,
    }  # fmt: skip


def hint(name: str, facts: Mapping[str, Value]) -> str:
    """What a mark says of itself: a name, then a fact a line."""
    lines = [f"{key}: {_told(one)}" for key, one in facts.items() if one is not None]
    return "\n".join(visible(line)[:120] for line in [name, *lines])


def _told(value: Value) -> str:
    return number(value) if is_measured(value) else str(value).lower() if isinstance(value, bool) else str(value)
