"""What `reproduce` shows: the verdict, then a line for each thing that is not as it was."""

from __future__ import annotations

import pytest

from expctl.analysis.reproduction import Deviation, Reproduction
from expctl.render.reproductions import reproduction_sheet
from expctl.render.sheet import Setting
from tests.render.run_records import run

RUN, AGAIN = run(1), run(2)


def found(**changes) -> Reproduction:
    same = {
        "verdict": "identical", "test_rows": 40, "rows_now": 40, "rows": 40, "changed": (), "scores": 0.0,
        "measured": 20, "metrics": (), "model": (), "suspects": (),
    }  # fmt: skip
    return Reproduction(**{**same, **changes})


def test_a_run_that_comes_out_again_has_its_verdict_and_no_line():
    sheet = reproduction_sheet(found(), RUN, AGAIN)
    assert sheet.rows == []
    assert (sheet.facts["verdict"], sheet.facts["reproduced_as"]) == ("identical", AGAIN.run_id)
    assert sheet.ids == [AGAIN.run_id]


def test_what_was_only_checked_has_no_new_run():
    sheet = reproduction_sheet(found(scores=None), RUN, None)
    assert sheet.ids == []
    assert not {"reproduced_as", "largest_score_change"} & set(sheet.facts)


@pytest.mark.parametrize(("model", "words"), [(None, "not compared"), ((), "equal"), (("classifier",), "differs")])
def test_a_fitted_model_is_equal_differs_or_was_not_compared(model, words):
    assert reproduction_sheet(found(model=model), RUN, None).facts["fitted_model"] == words


def test_what_differs_is_a_line_each_in_the_order_of_its_weight():
    sheet = reproduction_sheet(
        found(
            metrics=[("f1_score", 0.5, 0.6), ("accuracy", None, 0.5)],
            changed=[(7, "yes", "yes", "no")],
            model=["classifier.coef_"],
            suspects=[Deviation("environment", "numpy", "1.0", "2.0")],
        ),
        RUN,
        AGAIN,
    )
    assert sheet.rows == [
        ["metrics", "f1_score", 0.5, 0.6],
        ["metrics", "accuracy", None, 0.5],
        ["predictions", "row 7 (yes)", "yes", "no"],
        ["model", "classifier.coef_", None, None],
        ["environment", "numpy", "1.0", "2.0"],
    ]
    assert type(sheet.rows[0][2]) is Setting  # whole: a difference in the last bit is to be seen


def test_limits_of_a_metric_and_rows_beyond_ten_are_counted_and_not_shown():
    metrics = [("f1_score", 0.5, 0.6), ("f1_score_low", 0.4, 0.5)]
    sheet = reproduction_sheet(found(metrics=metrics, changed=[(i, "a", "a", "b") for i in range(11)]), RUN, None)
    assert [row[0] for row in sheet.rows] == ["metrics"] + ["predictions"] * 10
    assert (sheet.facts["metrics_changed"], sheet.facts["changed_predictions"]) == (2, 11)
