"""The charts of ranked runs: every run is there by its id, and no value that no axis has breaks them."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest

from expctl.analysis.ranking import rank
from expctl.render.charts import history_chart, parallel_chart, parameter_axis, ranking_chart, scatter_chart, titles
from tests.render.run_records import START, run


def values(chart) -> list[dict]:
    json.dumps(chart, allow_nan=False)  # NaN is no JSON: the page would not open
    return chart["data"]["values"]


def scored(number: int, f1: float, **changes):
    return run(number, metrics={"f1_score": f1}, **changes)


def test_runs_of_one_name_are_told_apart_by_their_ids_and_others_are_not():
    runs = [run(1, name="a"), run(2, name="a"), run(3, name="b")]
    assert list(titles(runs).values()) == [f"a {runs[0].run_id[:6]}", f"a {runs[1].run_id[:6]}", "b"]


def test_a_ranking_has_the_best_first_with_limits_and_who_is_tied():
    best = run(1, metrics={"f1_score": 0.9, "f1_score_low": 0.8, "f1_score_high": math.nan})
    ranking = rank([scored(2, 0.5), best], "f1_score")
    rows = values(ranking_chart(ranking, titles(ranking.ranked)))
    assert [(row["run"], row["value"], row["tied"]) for row in rows] == [
        (best.run_id, 0.9, True), (run(2).run_id, 0.5, False)
    ]  # fmt: skip
    assert (rows[0]["low"], rows[0]["high"]) == (0.8, None)


def test_a_ranking_is_no_longer_than_can_be_read():
    ranking = rank([scored(i, i / 100) for i in range(40)], "f1_score")
    assert len(values(ranking_chart(ranking, titles(ranking.ranked)))) == 30


@pytest.mark.parametrize(("metric", "best"), [("f1_score", [0.5, 0.5, 0.9]), ("log_loss", [0.5, 0.3, 0.3])])
def test_the_best_so_far_follows_the_direction_of_the_metric(metric, best):
    history = [run(i, metrics={metric: value}) for i, value in enumerate((0.5, 0.3, 0.9))]
    rows = values(history_chart(history, metric, {history[1].run_id: "it"}))
    assert [row["best"] for row in rows] == best
    assert [row["reported"] for row in rows] == [False, True, False]


def test_a_run_that_never_started_counts_for_the_best_and_is_not_drawn():
    history = [scored(1, 0.9, started=None), scored(2, 0.5)]
    (row,) = values(history_chart(history, "f1_score", {}))
    assert (row["run"], row["best"]) == (history[1].run_id, 0.9)


@pytest.mark.parametrize(("hours", "form"), [(0.5, "%H:%M:%S"), (5, "%H:%M"), (100, "%d %b %H:%M"), (9999, "%Y-%m-%d")])
def test_times_are_written_as_precisely_as_their_span_needs(hours, form):
    history = [scored(1, 0.5, started=START), scored(2, 0.6, started=START + timedelta(hours=hours))]
    chart = history_chart(history, "f1_score", {})
    assert chart["layer"][0]["encoding"]["x"]["axis"]["format"] == form


def test_a_run_is_a_line_through_the_parameters_that_it_has_to_its_metric():
    runs = [scored(1, 0.9, params={"c": "1", "kind": "a"}), scored(2, 0.5, params={"c": "10"})]
    rows = values(parallel_chart(runs, ["c", "kind"], "f1_score"))
    stops = {
        run_id: {row["axis"]: row["at"] for row in rows if row["run"] == run_id} for run_id in (r.run_id for r in runs)
    }
    assert stops[runs[0].run_id] == {"c": 0.0, "kind": 0.5, "f1_score": 1.0}
    assert stops[runs[1].run_id] == {"c": 1.0, "f1_score": 0.0}


def test_a_parameter_called_like_the_metric_has_an_axis_of_its_own():
    runs = [scored(1, 0.9, params={"f1_score": "3"}), scored(2, 0.5, params={"f1_score": "4"})]
    assert {row["axis"] for row in values(parallel_chart(runs, ["f1_score"], "f1_score"))} == {"f1_score", "→ f1_score"}


def test_a_point_a_run_that_has_the_parameter_with_every_metric():
    runs = [run(1, params={"c": "1"}), run(2, params={}), run(3, params={"c": "3"}, metrics={"f1_score": math.inf})]
    chart = scatter_chart(runs, "c", ["f1_score", "accuracy"])
    assert [(row["run"], row["values"]) for row in values(chart)] == [
        (runs[0].run_id, [0.881, 0.89]), (runs[2].run_id, [None, None])
    ]  # fmt: skip
    assert chart["params"][0] == {"name": "names", "value": ["1", "3"]}


@pytest.mark.parametrize("value", ["nan", "inf", "1" * 400, "true", "none", ""])
def test_a_parameter_with_a_value_that_no_axis_has_is_drawn_by_its_text(value):
    runs = [scored(1, 0.9, params={"x": value}), scored(2, 0.5, params={"x": "3"})]
    assert len(values(scatter_chart(runs, "x", ["f1_score"]))) == 2
    assert len(values(parallel_chart(runs, ["x"], "f1_score"))) == 4


def test_numbers_that_lie_far_apart_lie_by_their_logarithms_and_numbers_before_names():
    assert parameter_axis([100.0, 1.0, 10.0]).of[10.0] == pytest.approx(0.5)
    assert parameter_axis([99.0, 1.0, 10.0]).of[10.0] == pytest.approx(9 / 98)
    assert parameter_axis([0.0, 1.0, 1000.0]).of[1.0] == pytest.approx(0.001)  # 0 has no logarithm
    assert list(parameter_axis(["b", 2, "a", 1]).of) == [1, 2, "a", "b"]
