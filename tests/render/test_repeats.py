"""A set over random states, as a sheet and in a sentence."""

from __future__ import annotations

import json

from expctl.analysis.spread import Spread
from expctl.render.formats import FORMATS
from expctl.render.repeats import noise_line, set_sheet
from expctl.workflows.repeats import Noise, Repeated
from tests.render.run_records import run

FOUND = Repeated(run(9, name="old"), [run(1), run(2)], 0)


def test_each_metric_has_mean_deviation_and_ends_and_the_id_is_that_of_the_set():
    sheet = set_sheet(FOUND)
    told = json.loads(FORMATS["json"](sheet))
    assert (told["set"], told["set_id"], told["runs"]) == ("old", run(9).run_id, 2)
    assert [row["metric"] for row in told["rows"]] == ["accuracy", "f1_score"]
    assert told["rows"][0] == {"metric": "accuracy", "mean": 0.89, "sd": 0.0, "least": 0.89, "largest": 0.89}
    assert FORMATS["id"](sheet) == f"{run(9).run_id}\n"


def test_the_noise_is_said_with_the_runs_it_is_of():
    one = Spread("f1_score", 5, 0.85, 0.00812, 0.84, 0.86)
    assert noise_line(Noise("old", one)) == (
        "f1_score varies by 0.0081 between random states (standard deviation of 5 runs of old)"
    )
    assert noise_line(Noise("old", Spread("mcc", 5, 0.7, 0.0, 0.7, 0.7))) == (
        "mcc does not depend on the random state (5 runs of old)"
    )
