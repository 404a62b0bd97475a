"""The charts of compared runs: changes with their verdicts, whole curves, counts in the cells they belong to."""

from __future__ import annotations

import json

import pytest

from expctl.analysis.calibration import Bin, Calibration, Estimate
from expctl.analysis.confusion import Confusion
from expctl.analysis.curves import Curves
from expctl.analysis.difference import Difference
from expctl.render.comparison_charts import changes_chart, confusion_chart, curves_chart, reliability_chart

SURE = Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.0001)
UNSURE = Difference("accuracy", 0.80, 0.81, -0.02, 0.04, 0.5)


def values(chart) -> list[dict]:
    json.dumps(chart, allow_nan=False)
    return chart["data"]["values"]


def test_a_change_has_its_limits_and_is_hollow_where_it_is_not_sure():
    rows = values(changes_chart("change", [("b" * 32, "new", {"f1_score": SURE, "accuracy": UNSURE})]))
    assert [(row["name"], row["sure"], row["low"], row["high"]) for row in rows] == [
        ("f1_score", True, 0.05, 0.15), ("accuracy", False, -0.02, 0.04)
    ]  # fmt: skip
    assert "verdict: better" in rows[0]["tip"]


def test_of_many_things_those_that_change_most_are_shown_first_with_every_challenger():
    one = {"a": UNSURE, "b": SURE, "c": UNSURE}
    chart = changes_chart("change", [("1", "x", one), ("2", "y", {"a": UNSURE, "c": SURE})], most=2)
    assert [(row["name"], row["challenger"]) for row in values(chart)] == [("b", "x"), ("c", "x"), ("c", "y")]


def test_challengers_lie_beside_each_other_only_if_there_are_several():
    several = changes_chart("change", [("1", "x", {"a": SURE}), ("2", "y", {"a": SURE})])
    alone = changes_chart("change", [("1", "x", {"a": SURE})])
    assert ("yOffset" in several["encoding"], "yOffset" in alone["encoding"]) == (True, False)
    assert several["height"] > alone["height"]


CURVES = Curves([(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)], [(0.0, 1.0), (1.0, 0.5)], 0.75, 0.6, "of yes")


@pytest.mark.parametrize(
    ("kind", "points", "area", "layers"),
    [("roc", CURVES.roc, "0.7500", 2), ("precision_recall", CURVES.precision_recall, "0.6000", 1)],
)
def test_a_curve_goes_through_its_points_with_its_area_in_the_legend(kind, points, area, layers):
    chart = curves_chart(kind, [("a" * 32, "strong", CURVES)])
    assert [(row["x"], row["y"]) for row in values(chart)] == points
    assert {row["label"] for row in values(chart)} == {f"strong: {area}"}
    assert len(chart["layer"]) == layers  # the line of chance is that of ROC alone


def test_reliability_has_a_point_a_bin_with_its_limits_and_the_error_in_the_legend():
    bins = [Bin(50, 0.6, 0.5, 0.4, 0.6), Bin(50, 0.9, 0.8, 0.7, 0.9)]
    one = Calibration(100, Estimate(0.2, 0.1, 0.3), Estimate(0.1, 0.0, 0.2), Estimate(0.1, 0.0, 0.2), bins)
    chart = reliability_chart([("a" * 32, "strong", one)])
    rows = values(chart)
    assert [(row["x"], row["y"], row["low"], row["high"]) for row in rows] == [
        (0.6, 0.5, 0.4, 0.6),
        (0.9, 0.8, 0.7, 0.9),
    ]
    assert {row["label"] for row in rows} == {"strong: 0.1000"}
    assert rows[1]["tip"] == "strong: 80.0% of 50 rows right at 90.0%"


MATRIX = Confusion(["no", "yes"], 0, [[[8, 2], [0, 0]], [[1, 9], [5, 5]]], [])


def test_a_cell_has_the_count_of_its_label_and_prediction_and_the_share_of_the_label_s_rows():
    rows = values(confusion_chart(MATRIX, 0, "strong"))
    assert [(row["label"], row["predicted"], row["count"], row["share"]) for row in rows] == [
        ("no", "no", "8", 0.8), ("no", "yes", "2", 0.2), ("yes", "no", "", 0.0), ("yes", "yes", "", 0.0)
    ]  # fmt: skip
    assert [row["count"] for row in values(confusion_chart(MATRIX, 1, "weak"))] == ["1", "9", "5", "5"]


def test_pooled_classes_are_one_more_and_their_own_cell_has_no_count():
    found = Confusion(["no"], 3, [[[8, 2], [1, 7]]], [])
    rows = values(confusion_chart(found, 0, "strong"))
    assert [row["count"] for row in rows] == ["8", "2", "1", ""]
    assert rows[-1]["label"] == "3 others"


def test_classes_whose_names_are_cut_alike_are_told_apart():
    found = Confusion(["x" * 40 + "a", "x" * 40 + "b"], 0, [[[1, 0], [0, 1]]], [])
    assert len({row["label"] for row in values(confusion_chart(found, 0, "strong"))}) == 2


def test_names_that_do_not_fit_above_their_columns_are_slanted():
    def angle(*classes):
        counts = [[[1] * len(classes)] * len(classes)]
        return confusion_chart(Confusion(classes, 0, counts, []), 0, "x")["encoding"]["x"]["axis"]["labelAngle"]

    assert (angle("a", "b"), angle("a", "b" * 13), angle(*"abcde")) == (0, -50, -50)
