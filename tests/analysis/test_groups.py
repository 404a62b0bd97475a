"""Two sets of runs: the t-tests of scipy.stats, paired where random states are the same, and what may be missing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from expctl.analysis.groups import GroupDifference, compare_groups, repeats
from expctl.records import RunRecord

ONE = [0.80, 0.82, 0.79, 0.85, 0.81]
OTHER = [0.84, 0.83, 0.86, 0.88]
VALUES = st.lists(st.floats(0.1, 0.9).map(lambda value: round(value, 3)), min_size=2, max_size=8)


def runs(values: list[Any], states: list[Any] | None = None, metric: str = "f1_score") -> list[RunRecord]:
    """Runs with a value each, None for none, and their random states."""
    return [
        RunRecord(
            run_id=f"{i:032x}",
            name=f"r{i}",
            status="finished",
            experiment_id="1",
            params={} if states is None else {"random_state": str(states[i])},
            metrics={} if value is None else {metric: value},
        )
        for i, value in enumerate(values)
    ]


def compared(one: list[RunRecord], other: list[RunRecord], **options: Any) -> GroupDifference:
    (found,) = compare_groups(one, other, **options)
    return found


def assert_is(found: GroupDifference, result: Any, confidence: float = 0.95) -> None:
    assert found.difference is not None
    limits = result.confidence_interval(confidence)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (limits.low, limits.high), rel=1e-9, abs=1e-12
    )
    assert found.difference.p_value == pytest.approx(result.pvalue, rel=1e-9, abs=1e-12)
    assert found.difference.alpha == 1 - confidence


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_sets_without_common_random_states_are_tested_by_welch(confidence: float) -> None:
    found = compared(runs(ONE), runs(OTHER), confidence=confidence)
    assert_is(found, stats.ttest_ind(OTHER, ONE, equal_var=False), confidence)
    assert found.means == pytest.approx((np.mean(ONE), np.mean(OTHER)), abs=1e-15)
    assert found.deviations == pytest.approx((np.std(ONE, ddof=1), np.std(OTHER, ddof=1)), abs=1e-15)
    assert found.counts == (5, 4)
    assert found.difference is not None
    assert (found.difference.baseline, found.difference.challenger) == found.means


@given(VALUES, VALUES)
@settings(max_examples=100, deadline=None)
def test_welch_is_scipys_for_any_values(one: list[float], other: list[float]) -> None:
    if min(len({*one}), len({*other})) > 1:  # scipy warns of sides without spread
        assert_is(compared(runs(one), runs(other)), stats.ttest_ind(other, one, equal_var=False))


@given(st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)), min_size=2, max_size=8), st.randoms())
@settings(max_examples=60, deadline=None)
def test_runs_of_the_same_random_states_are_paired_in_whatever_order(
    values: list[tuple[float, float]], random: Any
) -> None:
    one, other = ([round(value, 3) for value in side] for side in zip(*values, strict=True))
    if len({round(b - a, 6) for a, b in zip(one, other, strict=True)}) == 1:
        return
    states = list(range(7, 7 + len(values)))
    mine, others = runs(one, states), runs(other, states)
    random.shuffle(mine)
    random.shuffle(others)
    assert_is(compared(mine, others), stats.ttest_rel(other, one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 5]),
        ([1, 1, 2, 3], [1, 1, 2, 3]),
        ([1, 2, 3, 4], None),
        (None, [1, 2, 3, 4]),
        (None, None),
    ],
    ids=["another state", "a state twice", "states of one side", "states of the other", "no states"],
)
def test_other_random_states_are_not_paired(one: list[int] | None, other: list[int] | None) -> None:
    values = ONE[:4], OTHER
    assert_is(compared(runs(values[0], one), runs(values[1], other)), stats.ttest_ind(OTHER, ONE[:4], equal_var=False))


def test_pairing_finds_a_small_gain_that_welch_does_not() -> None:
    states = list(range(4))
    one, other = [0.70, 0.80, 0.75, 0.85], [0.71, 0.811, 0.762, 0.86]
    for given_states, verdict in ((states, "better"), (None, "no clear difference")):
        found = compared(runs(one, given_states), runs(other, given_states)).difference
        assert found is not None
        assert found.verdict == verdict


@given(st.integers(1, 999), st.integers(2, 12), st.integers(2, 12))
def test_sets_that_all_have_one_value_do_not_differ(thousandths: int, first: int, second: int) -> None:
    """A sum of equal numbers is off in the last bit: that is no difference, and no spread."""
    value = thousandths / 1000
    found = compared(runs([value] * first), runs([value] * second))
    assert found.deviations == (0, 0)
    assert found.means == (value, value)
    assert found.difference is not None
    assert (found.difference.change, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.difference.p_value, found.difference.verdict) == (1, "no clear difference")


@pytest.mark.parametrize("states", [None, [1, 2, 3]])
def test_two_values_without_spread_differ_for_sure(states: list[int] | None) -> None:
    found = compared(runs([0.7] * 3, states), runs([0.8] * 3, states)).difference
    assert found is not None
    assert (found.p_value, found.verdict, found.alpha) == (0, "better", pytest.approx(0.05))
    assert found.low == found.high == found.change == pytest.approx(0.1)


def test_a_single_run_has_no_spread_and_no_test() -> None:
    found = compared(runs([0.7]), runs(OTHER))
    assert found.means == pytest.approx((0.7, np.mean(OTHER)))
    assert (found.deviations[0], found.difference, found.counts) == (None, None, (1, 4))
    assert found.deviations[1] == pytest.approx(np.std(OTHER, ddof=1))
    assert compared(runs(OTHER), runs([0.7])).difference is None


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf, -math.inf])
def test_runs_without_a_finite_value_do_not_count(nothing: float | None) -> None:
    found = compared(runs([*ONE, nothing]), runs([nothing, *OTHER]))
    assert found == compared(runs(ONE), runs(OTHER))


def test_runs_are_not_paired_with_anothers_partner_when_values_are_missing() -> None:
    """State 1 lacks a value here and state 3 there: as many are left, but they are not pairs."""
    states = [1, 2, 3, 4]
    one, other = [None, 0.80, 0.70, 0.90], [0.62, 0.81, None, 0.91]
    found = compared(runs(one, states), runs(other, states))
    assert_is(found, stats.ttest_ind([0.62, 0.81, 0.91], [0.80, 0.70, 0.90], equal_var=False))


def test_only_metrics_that_both_sets_have_are_told_in_the_order_of_the_table() -> None:
    def run(i: int, **metrics: float) -> RunRecord:
        return RunRecord(f"{i:032x}", "", "finished", "1", metrics=metrics)

    one = [run(i, mcc=0.5 + i / 10, accuracy=0.8, own=1.0, roc_auc=0.9) for i in range(3)]
    other = [run(i, accuracy=0.9, mcc=0.5, own=2.0, log_loss=1.0) for i in range(3)]
    assert [found.metric for found in compare_groups(one, other)] == ["accuracy", "mcc"]
    assert compare_groups([], other) == compare_groups(one, []) == []


def test_a_lower_loss_is_better() -> None:
    found = compared(runs([0.5, 0.51, 0.52], metric="log_loss"), runs([0.3, 0.31, 0.32], metric="log_loss")).difference
    assert found is not None
    assert found.verdict == "better"


def test_comparing_the_other_way_mirrors_everything() -> None:
    for states in (None, [1, 2, 3, 4]):
        there, back = (
            compared(runs(ONE[:4], states), runs(OTHER, states)),
            compared(runs(OTHER, states), runs(ONE[:4], states)),
        )
        assert there.difference is not None
        assert back.difference is not None
        assert (there.difference.low, there.difference.high) == (-back.difference.high, -back.difference.low)
        assert there.difference.p_value == back.difference.p_value
        assert (there.means, there.deviations) == (back.means[::-1], back.deviations[::-1])


@pytest.mark.parametrize(("one", "other", "tested"), [("False", None, True), ("False", "True", False)])
def test_runs_that_kept_copies_together_are_not_tested_against_runs_that_did_not(
    one: str, other: str | None, tested: bool
) -> None:
    sides = [
        [replace(run, params={} if dedupe is None else {"dedupe": dedupe}) for run in runs([0.5, 0.6, 0.7])]
        for dedupe in (one, other)
    ]
    (found,) = compare_groups(*sides)
    assert (found.difference is not None) is tested


def test_a_run_that_repeats_another_makes_a_set_no_sample() -> None:
    twice = runs([0.8, 0.8, 0.9], [1, 1, 2])
    other = runs([0.7, 0.6, 0.75], [1, 2, 3])
    assert repeats(twice) == 1
    assert repeats(runs([0.8, 0.81, 0.9], [1, 1, 2])) == 0  # not deterministic: it does tell something
    assert repeats(runs([0.8, 0.8])) == 0  # of runs without parameters nobody knows
    found = compared(twice, other)
    assert (found.difference, found.counts) == (None, (3, 3))
    assert compared(other, twice).difference is None
    timed = [replace(run, metrics={**run.metrics, "fit_seconds": i}) for i, run in enumerate(twice)]
    assert repeats(timed) == 1


def test_times_are_told_and_not_tested() -> None:
    found = compared(runs([1.0, 2.0, 3.0], metric="fit_seconds"), runs([7.0, 8.0, 9.0], metric="fit_seconds"))
    assert (found.means, found.difference) == ((2.0, 8.0), None)


def drawn(values: list[float], states: list[int] | None, **params: str) -> list[RunRecord]:
    """Runs whose random state draws 20 of 100 rows to test on."""
    told = {"test_size": "0.2", "train_rows": "80", "test_rows": "20"} | params
    return [replace(run, params={**run.params, **told}) for run in runs(values, states)]


def test_runs_that_share_their_training_rows_are_fewer_than_they_seem() -> None:
    """Nadeau and Bengio's corrected t: the mean over its sample variance times 1 / runs + test rows / training rows."""
    one, other, states = [0.80, 0.82, 0.79, 0.85, 0.81], [0.84, 0.83, 0.86, 0.88, 0.84], [1, 2, 3, 4, 5]
    changes = np.array(other) - np.array(one)
    error = np.sqrt(changes.var(ddof=1) * (1 / 5 + 20 / 80))
    paired = compared(drawn(one, states), drawn(other, states)).difference
    assert paired is not None
    assert paired.p_value == pytest.approx(2 * stats.t.sf(changes.mean() / error, 4), rel=1e-9)
    reach = stats.t.isf(0.025, 4) * error
    assert (paired.low, paired.high) == pytest.approx((changes.mean() - reach, changes.mean() + reach), rel=1e-9)

    apart = compared(drawn(one, [1, 2, 3, 4, 5]), drawn(other, [6, 7, 8, 9, 10])).difference
    naive = compared(runs(one), runs(other)).difference
    assert apart is not None
    assert naive is not None
    assert (apart.high - apart.low) / (naive.high - naive.low) == pytest.approx(np.sqrt(1 + 5 * 20 / 80), rel=1e-9)


@pytest.mark.parametrize(
    ("params", "factor"),
    [
        ({}, 5 * 20 / 80),
        ({"train_rows": "", "test_rows": ""}, 5 * 0.2 / 0.8),
        ({"test_size": "30", "train_rows": "70", "test_rows": "30"}, 5 * 30 / 70),
        ({"test_size": ""}, 0),
    ],
    ids=["counted", "a share alone", "a number of rows", "one test set for all"],
)
def test_only_where_the_random_state_draws_the_test_rows_do_runs_share_rows(
    params: dict[str, str], factor: float
) -> None:
    states = [1, 2, 3, 4, 5]
    one, other = [0.80, 0.82, 0.79, 0.85, 0.81], [0.84, 0.83, 0.86, 0.88, 0.84]

    def without_empty(made: list[RunRecord]) -> list[RunRecord]:
        return [replace(run, params={key: value for key, value in run.params.items() if value}) for run in made]

    sides = [without_empty(drawn(values, states, **params)) for values in (one, other)]
    found, naive = compared(*sides).difference, compared(runs(one, states), runs(other, states)).difference
    assert found is not None
    assert naive is not None
    assert (found.high - found.low) / (naive.high - naive.low) == pytest.approx(np.sqrt(1 + factor), rel=1e-9)
