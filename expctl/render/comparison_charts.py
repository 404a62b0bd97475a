"""The charts of compared runs: changes, ROC and precision-recall curves, confusion. Values in, charts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.figures.axes import short
from expctl.render.text import visible
from expctl.render.vega import LEGEND, PICKED, TOLD, Chart, between, hint, measured, names_axis, series, spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.analysis.calibration import Calibration
    from expctl.analysis.confusion import Confusion
    from expctl.analysis.curves import CurvePoint, Curves
    from expctl.analysis.difference import Difference

_UPRIGHT: Final = 12  # characters of a name that has its place above a column
_DASHES: Final = [[1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [12, 4], [5, 2]]


def changes_chart(
    what: str, challengers: Sequence[tuple[str, str, Mapping[str, Difference]]], *, most: int | None = None
) -> Chart:
    """What challengers (run id, name, differences) change, with limits; of `most` things those that change most."""
    values: list[Chart] = [
        {
            "run": run_id,
            "name": visible(key),
            "challenger": name,
            "value": one.change,
            "low": one.low,
            "high": one.high,
            "sure": one.verdict in ("better", "worse"),
            "tip": hint(
                f"{key}: {name}", {"change": one.change, "low": one.low, "high": one.high, "verdict": one.verdict}
            ),
        }
        for run_id, name, differences in challengers
        for key, one in differences.items()
    ]
    largest: dict[str, float] = {}
    for row in values:
        largest[row["name"]] = max(largest.get(row["name"], 0.0), abs(row["value"]))
    order = list(largest) if most is None else sorted(largest, key=lambda name: -largest[name])[:most]
    values = [row for name in order for row in values if row["name"] == name]
    colour = {"color": series("challenger", [name for _, name, _ in challengers], after=1)}
    offset = {"yOffset": {"field": "challenger", "sort": None}} if len(challengers) > 1 else {}
    hollow = {"fillOpacity": {"condition": {"test": "datum.sure", "value": 1}, "value": 0}}
    return spec(
        f"{what}: change from the baseline with limits",
        values,
        height=len(order) * max(22, 14 * len(challengers) + 6),
        encoding={"y": names_axis(), **offset, **TOLD},
        layer=[
            {
                "mark": {"type": "rule", "strokeDash": [3, 3], "color": {"expr": "ink"}},
                "data": {"values": [{}]},
                "encoding": {"x": {"datum": 0}, "y": None, "yOffset": None, "tooltip": None, "description": None},
            },
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**between("low", "high", what), **colour}},
            {
                "mark": {"type": "point", "filled": True, "size": 55, "strokeWidth": 2, "opacity": 1},
                "encoding": {"x": measured("value"), **colour, "stroke": colour["color"], **hollow},
            },
        ],
    )


def curves_chart(kind: str, found: Sequence[tuple[str, str, Curves]]) -> Chart:
    """ROC or precision-recall curves of runs (run id, name, curves), with their areas in the legend."""
    roc = kind == "roc"
    labels, values = [], []
    for run_id, name, one in found:
        points: Sequence[CurvePoint] = one.roc if roc else one.precision_recall
        label = f"{name}: {one.auc if roc else one.average_precision:.4f}"
        labels.append(label)
        values += [
            {"run": run_id, "label": label, "x": x, "y": y, "i": i, "tip": label} for i, (x, y) in enumerate(points)
        ]
    x_title, y_title = ("false positive rate", "true positive rate") if roc else ("recall", "precision")
    unit = {"domain": [0, 1]}
    lines = {
        "mark": {"type": "line", "interpolate": "linear" if roc else "step-before"},
        "encoding": {
            "x": {**measured("x", x_title), "scale": unit},
            "y": {**measured("y", y_title), "scale": unit},
            "order": {"field": "i", "type": "quantitative"},
            "color": series("label", labels),
            "strokeDash": {
                "field": "label", "sort": None, "scale": {"domain": labels, "range": _DASHES}, "legend": LEGEND,
            },
            "strokeWidth": {"condition": {"test": PICKED, "value": 5}, "value": 2},
            **TOLD,
        },
    }  # fmt: skip
    chance = {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "strokeDash": [2, 4], "color": {"expr": "soft"}},
        "encoding": {"x": measured("x"), "y": measured("y")},
    }
    what = "ROC curves with the areas under them" if roc else "precision-recall curves with their average precision"
    return spec(f"{what}, {len(found)} runs", values, height=320, layer=[*([chance] if roc else []), lines])


def reliability_chart(found: Sequence[tuple[str, str, Calibration]]) -> Chart:
    """The share that is right against the confidence, of runs (run id, name, calibration), errors in the legend."""
    labels, values = [], []
    for run_id, name, one in found:
        label = f"{name}: {one.calibration_error.value:.4f}"
        labels.append(label)
        values += [
            {
                "run": run_id, "label": label, "x": part.confidence, "y": part.right, "low": part.low,
                "high": part.high,
                "tip": f"{name}: {part.right:.1%} of {part.rows:,} rows right at {part.confidence:.1%}"
            }
            for part in one.bins
        ]  # fmt: skip
    colour = {"color": series("label", labels)}
    start = min([0.5, *(min(part.confidence, part.low) for _, _, one in found for part in one.bins)])
    scale = {"domain": [start, 1]}
    x, y = ({**measured(key, title), "scale": scale} for key, title in (("x", "confidence"), ("y", "share right")))
    perfect = {
        "data": {"values": [{"x": start, "y": start}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "strokeDash": [2, 4], "color": {"expr": "soft"}},
        "encoding": {"x": measured("x"), "y": measured("y")},
    }
    limits = {
        "mark": {"type": "rule", "strokeWidth": 1},
        "encoding": {"x": x, "y": {**measured("low"), "scale": scale}, "y2": {"field": "high"}, **colour},
    }
    line = {
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": x, "y": y, **colour, **TOLD, "strokeWidth": {"condition": {"test": PICKED, "value": 5}, "value": 2},
        },
    }  # fmt: skip
    what = "Share that is right against confidence, with limits and calibration errors"
    return spec(f"{what}, {len(found)} runs", values, height=320, layer=[perfect, limits, line])


def confusion_chart(found: Confusion, index: int, name: str) -> Chart:
    """The confusion matrix of one of its runs: coloured by the share of a label's rows, the counts in the cells."""
    counts = found.counts[index]
    classes = _class_names(found)
    values: list[Chart] = []
    for label, row in zip(classes, counts, strict=True):
        for predicted, count in zip(classes, row, strict=True):
            share = count / sum(row) if sum(row) else 0.0
            values.append(
                {
                    "label": label, "predicted": predicted, "count": f"{count:,}" if count else "", "share": share,
                    "tip": f"{label} as {predicted}: {count:,} of {sum(row):,} rows ({share:.1%})",
                }
            )  # fmt: skip
    many = len(classes) > 4
    slanted = many or max(map(len, classes)) > _UPRIGHT
    side = {"type": "nominal", "sort": None, "scale": {"paddingInner": 0.04}}
    names = {"labelLimit": 150, "ticks": False, "domain": False}
    if found.pooled:
        values[-1]["count"] = ""  # right and wrong ones together: no count that says anything
    widest = max(len(row["count"]) for row in values)
    return spec(
        f"Confusion matrix of {name}: labels from top to bottom, predictions from left to right",
        values,
        height=len(classes) * (26 if many else 64),
        least=max(24, 6 * widest + 4) * len(classes) + 170 if many else 240,
        encoding={
            "y": {**side, "field": "label", "axis": {"title": "label", **names}},
            "x": {**side, "field": "predicted",
                  "axis": {"title": "predicted", "orient": "top", "labelAngle": -50 if slanted else 0, **names}},
            **TOLD,
        },
        layer=[
            {
                "mark": {"type": "rect"},
                "encoding": {
                    "color": {
                        "field": "share", "type": "quantitative", "legend": None,
                        "scale": {"domain": [0, 1], "range": [{"expr": "panel"}, {"expr": "accent"}]},
                    }
                },
            },
            {
                "mark": {"type": "text"},
                "encoding": {
                    "text": {"field": "count"},
                    "color": {
                        "condition": {"test": "datum.share > 0.5", "value": {"expr": "paper"}},
                        "value": {"expr": "ink"},
                    },
                },
            },
        ],
    )  # fmt: skip


def _class_names(found: Confusion) -> list[str]:
    names = [short(name) for name in found.classes]
    told_apart = [name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, 1)]
    return [*told_apart, *([f"{found.pooled:,} others"] if found.pooled else [])]
