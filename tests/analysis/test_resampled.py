"""Differences of a user's own metrics: as those of the table where they measure the same, and only of the same."""

from __future__ import annotations

import numpy as np
import pytest

from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.resampled import Resamples, extra_differences, informative_rows
from expctl.analysis.significance import joint_table, paired_differences

ROWS = 400


def labels_and_two(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(2, size=ROWS)
    return labels, *(np.where(draw.random(ROWS) < right, labels, 1 - labels) for right in (0.7, 0.8))


def resamples(labels: np.ndarray, predicted: np.ndarray, source: str = "own:right 1") -> Resamples:
    draw = np.random.default_rng(7)
    right = labels == predicted
    drawn = np.array([right[draw.integers(ROWS, size=ROWS)].mean() for _ in range(1_000)])
    return Resamples({"right": float(right.mean())}, {"right": drawn}, {"right": source})


def run_of(labels, predicted, scores=None) -> RunPredictions:
    keys = np.array([f"{i:032x}" for i in range(len(labels))], "S32")
    return RunPredictions(np.arange(len(labels)), keys, labels, predicted, ["a", "b"], scores)


def test_a_metric_that_is_accuracy_is_tested_as_accuracy_is():
    labels, one, other = labels_and_two()
    runs = run_of(labels, one), run_of(labels, other)
    pairing = pair(*runs)
    exact = paired_differences(joint_table(pairing))["accuracy"]
    informative = informative_rows(*runs, pairing)
    found = extra_differences(resamples(labels, one), resamples(labels, other), informative=informative)["right"]
    assert found.change == pytest.approx(exact.change)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.01)
    assert found.verdict == exact.verdict == "better"


def test_from_the_other_side_it_is_the_same_with_its_signs_turned():
    labels, one, other = labels_and_two()
    sides = resamples(labels, one), resamples(labels, other)
    there = extra_differences(*sides, informative=100)["right"]
    back = extra_differences(*sides[::-1], informative=100)["right"]
    assert (back.low, back.high, back.p_value) == pytest.approx((-there.high, -there.low, there.p_value))


def test_models_that_say_the_same_do_not_differ():
    labels, one, _ = labels_and_two()
    found = extra_differences(resamples(labels, one), resamples(labels, one), informative=0)["right"]
    assert (found.change, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_of_another_source_or_another_number_of_resamples_nothing_is_said():
    labels, one, other = labels_and_two()
    first, second = resamples(labels, one), resamples(labels, other)
    assert extra_differences(first, resamples(labels, other, "own:right 2"), informative=9) == {}
    fewer = Resamples(second.values, {"right": second.drawn["right"][:500]}, second.sources)
    assert extra_differences(first, fewer, informative=9) == {}
    assert extra_differences(first, Resamples({}, {}, {}), informative=9) == {}


def test_resamples_without_a_value_in_one_run_are_left_out_of_both():
    labels, one, other = labels_and_two()
    first, second = resamples(labels, one), resamples(labels, other)
    whole = extra_differences(first, second, informative=100)["right"]
    first.drawn["right"][:10] = np.nan
    part = extra_differences(first, second, informative=100)["right"]
    assert (part.low, part.high) == pytest.approx((whole.low, whole.high), abs=0.01)


def test_rows_are_informative_by_scores_where_there_are_some():
    labels = np.array([0, 1, 0])
    scores = np.array([[0.1], [0.2], [0.3]])
    one, other = run_of(labels, labels, scores), run_of(labels, labels, scores + np.array([[0], [0.1], [0.1]]))
    assert informative_rows(one, other, pair(one, other)) == 2
    turned = run_of(labels, 1 - labels)
    assert informative_rows(run_of(labels, labels), turned, pair(run_of(labels, labels), turned)) == 3
