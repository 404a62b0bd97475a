"""What rows can show, as a sheet and in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from expctl.analysis.difference import normal_difference
from expctl.analysis.power import Power
from expctl.analysis.significance import Assessment
from expctl.render.formats import FORMATS
from expctl.render.power import power_sheet, unseen
from expctl.workflows.power import Powers
from tests.render.run_records import run

FOUND = Powers([run(1), run(2)], 0.01, [Power("f1_score", 1_000, 0.01)])


def test_a_table_has_percent_and_the_runs():
    text = FORMATS["table"](power_sheet(FOUND))
    assert text.splitlines()[:2] == [f"baseline: {run(1).run_id}", f"challenger: {run(2).run_id}"]
    assert text.splitlines()[-2:] == [
        "metric    rows  detects  difference  power  rows needed",
        "f1_score  1000   0.0280      0.0100    17%         7900",
    ]


def test_one_run_is_no_baseline_and_json_has_numbers():
    told = json.loads(FORMATS["json"](power_sheet(Powers([run(1)], 0.01, FOUND.found))))
    assert told["run"] == run(1).run_id
    assert told["rows"][0]["power"] == FOUND.found[0].of(0.01)


def test_no_clear_difference_says_what_could_have_been_seen():
    pairing = type("Rows", (), {"__len__": lambda self: 1_000, "groups": None})()
    one = normal_difference("f1_score", 0.85, 0.86, 0.01, 0.95)
    assert unseen("f1_score", Assessment({"f1_score": one}, {}, pairing)) == (
        "f1_score: these 1,000 rows show a difference from 0.028 on (at 80% power); 0.01 takes some 7,900 rows"
    )


@pytest.mark.parametrize("change", [0.1, -0.1, 0.0])
def test_what_is_clear_or_known_to_be_nothing_needs_no_word(change):
    pairing: Any = type("Rows", (), {"__len__": lambda self: 1_000, "groups": None})()
    one = normal_difference("f1_score", 0.85, 0.85 + change, 0.01 if change else 0.0, 0.95)
    assert unseen("f1_score", Assessment({"f1_score": one}, {}, pairing)) is None
    assert unseen("mcc", Assessment({"f1_score": one}, {}, pairing)) is None


def test_of_rows_in_groups_the_groups_are_counted():
    pairing: Any = type("Rows", (), {"__len__": lambda self: 1_000, "groups": np.repeat(np.arange(50), 20)})()
    one = normal_difference("f1_score", 0.85, 0.86, 0.01, 0.95)
    assert unseen("f1_score", Assessment({"f1_score": one}, {}, pairing)) == (
        "f1_score: these 50 groups of rows show a difference from 0.028 on (at 80% power); 0.01 takes some 400 groups"
    )
    assert FORMATS["csv"](power_sheet(replace(FOUND, grouped=True))).splitlines()[-1].endswith(",")
