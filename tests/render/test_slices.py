"""Sheets of slices: values, limits and verdicts where there are some, the reason where there are none."""

from __future__ import annotations

import json

from expctl.analysis.difference import Difference
from expctl.analysis.slices import SliceDifference, SliceMetrics
from expctl.render.formats import FORMATS
from expctl.render.slices import slice_changes_sheet, slices_sheet
from tests.render.run_records import run

MEASURED = [
    SliceMetrics("web", 120, {"f1_score": 0.9, "accuracy": 0.91}, {"f1_score": (0.85, 0.94), "accuracy": (0.86, 0.95)}),
    SliceMetrics("(other)", 7, {}, {}, "fewer than 20 rows"),
]
CHANGED = [
    SliceDifference("web", 120, Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.001)),
    SliceDifference("(other)", 7, None, "fewer than 20 rows"),
]


def test_a_slice_of_one_run_has_values_limits_or_the_reason() -> None:
    sheet = slices_sheet(run(), "source", ("f1_score", "accuracy"), MEASURED)
    assert FORMATS["table"](sheet).splitlines()[-3:] == [
        "source   rows  f1_score     low    high  accuracy     low    high  note",
        "web       120    0.9000  0.8500  0.9400    0.9100  0.8600  0.9500  –",
        "(other)     7         –       –       –         –       –       –  fewer than 20 rows",
    ]
    (first, _) = json.loads(FORMATS["json"](sheet))["rows"]
    assert (first["slice"], first["f1_score_low"], first["accuracy_low"]) == ("web", 0.85, 0.86)


def test_a_change_has_its_verdict_or_the_reason() -> None:
    sheet = slice_changes_sheet([run(1), run(2)], "source", "f1_score", CHANGED)
    lines = FORMATS["table"](sheet).splitlines()
    assert lines[-2].split()[2:] == ["0.8000", "0.9000", "+0.1000", "+0.0500", "+0.1500", "0.001", "better", "–"]
    assert lines[-1].endswith("fewer than 20 rows")
    assert sheet.facts["by"] == "source"
