"""The metrics of regression: scikit-learn's values, limits that can be relied on, paired tests, pairing of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from expctl.analysis.clusters import LEAST_GROUPS
from expctl.analysis.flips import Flip, find_flips
from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.regression import (
    LEAST_ROWS,
    regression_limits,
    regression_metrics,
    resampled_values,
    value_differences,
)
from expctl.analysis.selection import corrected_values
from expctl.analysis.significance import assess
from expctl.analysis.slices import slice_differences, slice_metrics, slices_of
from expctl.metrics import METRICS, quality_metrics

SKLEARN = {
    "r2": sk.r2_score,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_ae": sk.median_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
}


def measured(labels: np.ndarray, predicted: np.ndarray, **other: object) -> RunPredictions:
    keys = np.array([f"{i:032d}" for i in range(len(labels))], dtype="S32")
    rows = np.arange(len(labels))
    run = RunPredictions(rows, keys, labels.astype(float), predicted.astype(float), [], task="regression")
    return replace(run, **other)  # type: ignore[arg-type]


def sample(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, and what two models say: the second is the better."""
    random = np.random.default_rng(seed)
    labels = random.lognormal(3, 0.5, rows)
    common = random.standard_t(3, rows)
    return labels, labels + common + 3 * random.normal(size=rows), labels + common + random.normal(size=rows)


@pytest.mark.parametrize("rows", [2, 3, 8, 129, 4097])
@pytest.mark.parametrize("key", SKLEARN)
def test_values_are_those_of_scikit_learn_to_the_last_bit(key: str, rows: int) -> None:
    labels, predicted, _ = sample(rows)
    value, figures = METRICS[key].compute(labels, predicted)
    assert value == SKLEARN[key](labels, predicted)
    assert (figures.shape, figures.mean()) == ((rows,), pytest.approx(value, rel=1e-9))


def test_every_metric_of_the_table_is_measured() -> None:
    labels, predicted, _ = sample(50)
    assert list(regression_metrics(labels, predicted)) == quality_metrics("regression") == list(SKLEARN)


def test_what_is_undefined_is_left_out() -> None:
    constant = np.full(30, 5.0)
    assert set(regression_metrics(constant, np.arange(30.0))) == {"rmse", "mae", "median_ae", "mape"}
    with_zero = np.arange(30.0)
    assert set(regression_metrics(with_zero, with_zero + 1)) == {"r2", "rmse", "mae", "median_ae"}
    assert set(regression_metrics(np.array([1.0]), np.array([2.0]))) == {"rmse", "mae", "median_ae", "mape"}
    assert regression_metrics(np.zeros(0), np.zeros(0)) == {}


def test_figures_are_what_leaving_a_row_out_does() -> None:
    """The jackknife's pseudo-values, nearly."""
    labels, predicted, _ = sample(200)
    for key in ("r2", "rmse", "mae", "mape"):
        value, figures = METRICS[key].compute(labels, predicted)
        without = [METRICS[key].compute(np.delete(labels, i), np.delete(predicted, i))[0] for i in range(200)]
        pseudo = 200 * value - 199 * np.array(without)
        assert np.corrcoef(pseudo, figures)[0, 1] > 0.99
        assert np.std(pseudo) == pytest.approx(np.std(figures), rel=0.15)


def test_limits_contain_the_value_and_narrow_with_the_rows() -> None:
    widths = []
    for rows in (50, 5_000):
        labels, predicted, _ = sample(rows)
        limits = regression_limits(labels, predicted)
        values = regression_metrics(labels, predicted)
        assert set(limits) == set(values)
        for key, (low, high) in limits.items():
            least, most = METRICS[key].range
            assert least <= low < values[key][0] < high <= most
        widths.append(limits["mae"][1] - limits["mae"][0])
    assert widths[1] < widths[0] / 5


def test_limits_of_skewed_errors_reach_farther_up_than_down() -> None:
    labels, _, _ = sample(200)
    predicted = labels + np.random.default_rng(1).lognormal(0, 1, 200)
    low, high = regression_limits(labels, predicted)["rmse"]
    value = SKLEARN["rmse"](labels, predicted)
    assert high - value > 2 * (value - low)


def test_limits_of_the_median_are_two_of_the_errors() -> None:
    labels, predicted, _ = sample(101)
    errors = np.sort(abs(labels - predicted))
    # As many as 40 of 101 lie below the median by a fair coin in 2.3 % of cases, 41 in 3.6 %.
    assert regression_limits(labels, predicted)["median_ae"] == (errors[40], errors[60])


def test_few_rows_and_few_groups_have_no_limits_and_no_verdict() -> None:
    labels, one, other = sample(LEAST_ROWS - 1)
    assert regression_limits(labels, one) == {}
    found = assess(measured(labels, one), measured(labels, other))
    assert (dict(found.differences), found.note) == ({}, "not tested: there are 19 test rows, and a test needs 20")
    labels, one, other = sample(LEAST_ROWS)
    assert set(regression_limits(labels, one)) == set(SKLEARN)
    assert set(assess(measured(labels, one), measured(labels, other)).differences) == set(SKLEARN)
    labels, one, other = sample(200)
    groups = np.array([f"{i % (LEAST_GROUPS - 1):032d}" for i in range(200)], dtype="S32")
    assert regression_limits(labels, one, groups) == {}
    found = assess(measured(labels, one, groups=groups), measured(labels, other, groups=groups))
    assert found.note == f"not tested: the test rows are of {LEAST_GROUPS - 1} groups, and a test needs {LEAST_GROUPS}"


def test_equal_errors_on_all_rows_tell_nothing_of_others() -> None:
    labels = np.arange(1.0, 41.0)
    assert "rmse" not in regression_limits(labels, labels)
    assert "mae" not in regression_limits(labels, labels + 1)


def test_the_better_model_is_called_better_in_each_metrics_own_direction() -> None:
    labels, one, other = sample(500)
    found = assess(measured(labels, one), measured(labels, other))
    assert {key: one.verdict for key, one in found.differences.items()} == dict.fromkeys(SKLEARN, "better")
    for key, difference in found.differences.items():
        assert (difference.baseline, difference.challenger) == (SKLEARN[key](labels, one), SKLEARN[key](labels, other))
        assert difference.low < difference.change < difference.high
        assert (difference.change > 0) == (key == "r2")


def test_what_is_said_of_two_models_is_said_with_the_signs_turned_of_them_the_other_way_round() -> None:
    labels, one, other = sample(300)
    there, _ = value_differences(pair(measured(labels, one), measured(labels, other)))
    back, _ = value_differences(pair(measured(labels, other), measured(labels, one)))
    for key, difference in there.items():
        assert (difference.low, difference.high, difference.p_value) == (
            -back[key].high,
            -back[key].low,
            back[key].p_value,
        )


def test_one_model_differs_in_nothing_and_few_rows_that_differ_are_no_sample_of_many() -> None:
    labels, one, _ = sample(1_000)
    same, _ = value_differences(pair(measured(labels, one), measured(labels, one)))
    assert {(one.low, one.high, one.p_value) for one in same.values()} == {(0.0, 0.0, 1.0)}
    few = one.copy()
    few[:4] = labels[:4]  # four rows are right now, and the others as they were
    found, _ = value_differences(pair(measured(labels, one), measured(labels, few)))
    assert {found[key].verdict for key in ("rmse", "mae", "r2")} == {"no clear difference"}


def test_whole_groups_are_the_sample() -> None:
    """Ten copies of each row tell no more than one does."""
    labels, one, other = sample(60, seed=2)
    alone, _ = value_differences(pair(measured(labels, one), measured(labels, other)))
    groups = np.repeat(np.array([f"{i:032d}" for i in range(60)], dtype="S32"), 10)
    many = [np.repeat(values, 10) for values in (labels, one, other)]
    sides = [measured(many[0], said, groups=groups) for said in many[1:]]
    pairing = pair(*sides)
    copied, _ = value_differences(pairing, pairing.groups)
    for key in ("r2", "rmse", "mae", "mape"):
        assert copied[key].low == pytest.approx(alone[key].low, rel=1e-6)
        assert copied[key].p_value == pytest.approx(alone[key].p_value, rel=1e-6)
    limits = regression_limits(many[0], many[1], groups)
    assert limits["mae"] == pytest.approx(regression_limits(labels, one)["mae"], rel=1e-6)


def test_a_metric_that_is_undefined_on_the_rows_is_not_tested_and_says_why() -> None:
    labels = np.zeros(50)
    random = np.random.default_rng(0)
    found = assess(measured(labels, random.normal(size=50)), measured(labels, random.normal(size=50)))
    assert found.untested == {
        "r2": "the target is constant on these rows",
        "mape": "the target is 0 on some of these rows",
    }
    assert set(found.differences) == {"rmse", "mae", "median_ae"}


def test_runs_of_two_tasks_are_not_compared() -> None:
    labels, one, _ = sample(50)
    classes = RunPredictions(
        np.arange(50), measured(labels, one).keys, np.zeros(50, np.int64), np.zeros(50, np.int64), ["a"]
    )
    found = assess(classes, measured(labels, one))
    assert (found.pairing, found.note) == (
        None,
        "not tested: the baseline is of classification, the challenger of regression",
    )
    assert len(pair(measured(labels, one), classes)) == 0


def test_the_rows_whose_error_changed_most_come_first() -> None:
    labels = np.array([10.0, 20.0, 30.0, 40.0])
    one, other = measured(labels, labels + np.array([1, 5, 2, 0])), measured(labels, labels + np.array([1, -1, 9, 3]))
    found = find_flips(other, pair(one, other), most=1)
    assert (found.fixed, found.broken, found.both_right, found.measured) == (1, 2, 1, True)
    assert found.rows == [
        Flip("larger error", 2, 30.0, 32.0, 39.0, None, 7.0),
        Flip("smaller error", 1, 20.0, 25.0, 19.0, None, -4.0),
    ]


def test_slices_are_measured_and_tested_by_the_metrics_of_regression() -> None:
    labels, one, other = sample(200)
    cells = np.array(["a"] * 150 + ["b"] * 50, dtype=object)
    first, second = slice_metrics(measured(labels, one), slices_of(cells))
    assert (first.name, first.rows, set(first.values), set(first.limits)) == ("a", 150, set(SKLEARN), set(SKLEARN))
    assert first.values["rmse"] == SKLEARN["rmse"](labels[:150], one[:150])
    assert second.limits["mae"][0] < second.values["mae"] < second.limits["mae"][1]
    sides = measured(labels, one), measured(labels, other)
    changed = slice_differences(*sides, pair(*sides), cells, "rmse")
    assert [part.difference is not None and part.difference.verdict for part in changed] == ["better", "better"]


@pytest.mark.parametrize("key", SKLEARN)
def test_resampled_values_are_those_of_rows_that_are_there_as_often(key: str) -> None:
    labels, predicted, _ = sample(31)
    weights = np.random.default_rng(3).integers(0, 4, size=(5, 31))
    found = resampled_values(key, labels, predicted, weights.astype(float))
    expected = [SKLEARN[key](np.repeat(labels, times), np.repeat(predicted, times)) for times in weights]
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("key", SKLEARN)
def test_the_best_of_many_equal_models_is_corrected_towards_what_they_all_are_worth(key: str) -> None:
    nearer = 0
    for seed in range(9):
        random = np.random.default_rng(seed)
        labels = random.normal(50, 5, size=100)
        models = [labels + random.normal(size=100) for _ in range(10)]
        values = [SKLEARN[key](labels, one) for one in models]
        best = max(values) if key == "r2" else min(values)
        corrected = corrected_values(labels, models, key)
        assert corrected is not None
        nearer += abs(corrected - np.mean(values)) < abs(best - np.mean(values))
    assert nearer >= 8


def test_models_that_read_other_columns_of_one_file_are_paired_by_its_row_numbers() -> None:
    labels, one, other = sample(50)
    first = measured(labels, one, source="f")
    keys = np.array([f"{i + 100:032d}" for i in range(50)], dtype="S32")
    order = np.random.default_rng(0).permutation(50)[:40]
    second = measured(labels[order], other[order], keys=keys[order], rows=order, source="f")
    found = pair(first, second)
    assert (len(found), found.complete) == (40, False)
    assert (first.rows[found.first] == second.rows[found.second]).all()
    assert (found.labels == labels[first.rows[found.first]]).all()
    assert len(pair(first, replace(second, source="another file"))) == 0
    assert len(pair(replace(first, source=None), replace(second, source=None))) == 0
    assert len(pair(first, replace(second, labels=second.labels + 1))) == 0  # another target


def test_classes_of_models_that_read_other_columns_are_paired_by_row_numbers_too() -> None:
    def run(seed: int, keys: int) -> RunPredictions:
        names = np.array([f"{i + keys:032d}" for i in range(60)], dtype="S32")
        said = np.random.default_rng(seed).integers(0, 2, 60)
        return RunPredictions(np.arange(60), names, np.arange(60) % 2, said, ["a", "b"], source="f")

    assert pair(run(1, 0), run(2, 1_000)).complete
    same = pair(run(1, 0), run(2, 0))  # by the same columns rows are matched by what they say, as ever
    assert (same.complete, same.first.tolist()) == (True, list(range(60)))


def test_a_regressions_rows_are_paired_by_what_they_say_and_the_target() -> None:
    labels, one, other = sample(50)
    order = np.random.default_rng(0).permutation(50)
    first = measured(labels, one)
    second = replace(measured(labels[order], other[order]), keys=first.keys[order], rows=order)
    found = pair(first, second)
    assert (found.complete, found.task) == (True, "regression")
    assert sorted(found.labels) == sorted(labels)
    changed = second.labels.copy()
    changed[0] += 1e-9
    assert len(pair(first, replace(second, labels=changed))) == 49
