"""A learning curve as a table with a plot, as data without one, and in a line."""

from __future__ import annotations

import json

from expctl.analysis.learning_curve import CurvePoint, LearningCurve
from expctl.records import RunRecord
from expctl.render.formats import FORMATS
from expctl.render.learning_curve import curve_sheet, told

RUN = RunRecord("7cb12345" + "0" * 24, "first", "finished", "1")
POINTS = [CurvePoint(400, 0.7, 0.65, 0.75, 0.0125, 3), CurvePoint(800, 0.78, 0.72, 0.84, None, 1)]
CURVE = LearningCurve("f1_score", POINTS, (0.08, 0.0112, 0.1065))


def test_the_plot_has_the_limits_and_the_value_at_their_places():
    lines = FORMATS["table"](curve_sheet(RUN, CURVE, plot=True)).splitlines()
    assert lines[-2:] == [
        " 400    0.7000  0.6500  0.7500  0.0125        3  ──────●──────",
        " 800    0.7800  0.7200  0.8400       –        1          ────────●───────",
    ]


def test_points_that_are_all_the_same_are_drawn():
    flat = LearningCurve("f1_score", [CurvePoint(8, 1.0, 1.0, 1.0, None, 1)], None)
    assert FORMATS["table"](curve_sheet(RUN, flat, plot=True)).endswith("●\n")
    assert told(flat) is None


def test_data_have_the_gain_and_no_plot():
    found = json.loads(FORMATS["json"](curve_sheet(RUN, CURVE, plot=False)))
    assert (found["last_gain"], found["last_gain_low"], found["verdict"]) == (0.08, 0.0112, "more rows would help")
    assert found["rows"][0] == {
        "rows": 400, "f1_score": 0.7, "low": 0.65, "high": 0.75, "std": 0.0125, "repeats": 3,
    }  # fmt: skip


def test_the_last_doubling_is_told():
    assert told(CURVE) == (
        "from 400 to 800 rows f1_score changed by +0.0800 (+0.0112 to +0.1065): more rows would help"
    )
