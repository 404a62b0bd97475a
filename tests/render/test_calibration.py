"""The calibration of a run as a sheet, and in a line."""

from __future__ import annotations

import json
from dataclasses import replace

from expctl.analysis.calibration import Bin, Calibration, Estimate
from expctl.render.calibration import calibration_sheet, told
from expctl.render.formats import FORMATS
from tests.render.run_records import run

NONE = Estimate(0.0, 0.0, 0.02)
FOUND = Calibration(200, Estimate(0.1, 0.08, 0.12), NONE, Estimate(0.0, -0.01, 0.01), [Bin(200, 0.8, 0.81, 0.75, 0.86)])


def test_a_table_has_the_measures_and_the_bins():
    lines = FORMATS["table"](calibration_sheet(run(), FOUND)).splitlines()
    assert lines[:3] == ["run: run-1", f"run_id: {run().run_id}", "test_rows: 200"]
    assert [line.split() for line in lines if line.startswith(("brier_score", "1"))] == [
        ["brier_score", "0.1000", "0.0800", "0.1200"],
        ["1", "0.8100", "0.7500", "0.8600", "0.8000", "200"],
    ]
    assert [line.split() for line in lines if line.startswith("key")] == [
        ["key", "value", "low", "high"],
        ["key", "right", "low", "high", "confidence", "rows"],
    ]


def test_json_has_each_by_its_name():
    document = json.loads(FORMATS["json"](calibration_sheet(run(), FOUND)))
    assert document["calibration"]["calibration_error"]["high"] == 0.02
    assert (document["bins"]["1"]["right"], document["bins"]["1"]["confidence"]) == (0.81, 0.8)
    assert "value" not in document["bins"]["1"]


def test_what_it_means_is_said_in_a_line():
    assert told(FOUND) == "these rows show no error of its probabilities"
    sure = replace(FOUND, overconfidence=Estimate(0.05, 0.01, 0.09))
    assert told(sure) == "it is too sure of itself: confidence is 0.0500 above accuracy (+0.0100 to +0.0900)"
    assert told(replace(FOUND, overconfidence=Estimate(-0.05, -0.09, -0.01))).startswith("it is not sure enough: ")
    assert told(replace(FOUND, calibration_error=Estimate(0.1, 0.05, 0.2))).startswith("it is as sure as it is right")
