"""p-values, intervals and verdicts of one difference, against scipy, exact enumeration and hand-worked examples."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from expctl.analysis.difference import (
    Difference,
    adjusted,
    evened,
    holm,
    mcnemar_p,
    mirrored,
    normal_difference,
    resampled_difference,
    with_margin,
)

CLEAR = Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.001)
P_VALUES = st.lists(st.floats(0, 1), max_size=8)


@given(st.integers(0, 300), st.integers(0, 300))
@example(0, 0)
@example(0, 1)
@example(7, 7)
@settings(max_examples=150, deadline=None)
def test_mcnemar_is_the_exact_binomial_test(broken: int, fixed: int) -> None:
    expected = stats.binomtest(fixed, broken + fixed).pvalue if broken + fixed else 1.0
    assert mcnemar_p(broken, fixed) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("changed", range(9))
def test_mcnemar_counts_all_ways_the_changed_rows_could_have_fallen(changed: int) -> None:
    """Enumeration: of all 2**n equally likely outcomes, the share at least as uneven as the one seen."""
    outcomes = [sum(one) for one in itertools.product((0, 1), repeat=changed)]
    for fixed in range(changed + 1):
        as_uneven = [abs(2 * other - changed) >= abs(2 * fixed - changed) for other in outcomes]
        assert mcnemar_p(changed - fixed, fixed) == pytest.approx(sum(as_uneven) / 2**changed, rel=1e-12)


@pytest.mark.parametrize(("broken", "fixed"), [(100_000, 101_000), (30_000, 29_000), (0, 5_000)])
def test_mcnemar_holds_for_very_many_changed_rows(broken: int, fixed: int) -> None:
    expected = stats.binomtest(fixed, broken + fixed).pvalue
    assert mcnemar_p(broken, fixed) == pytest.approx(expected, rel=1e-6, abs=1e-300)


@given(st.integers(0, 500), st.integers(0, 500))
def test_mcnemar_does_not_care_who_came_first(broken: int, fixed: int) -> None:
    assert mcnemar_p(broken, fixed) == mcnemar_p(fixed, broken)


def test_holm_of_a_hand_worked_example() -> None:
    """Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04; the last may not fall below the one before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)


@given(P_VALUES)
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float]) -> None:
    """The definition, without adjusted p-values: go up from the least p while p <= alpha / tests left, then stop."""
    for alpha in (0.01, 0.05, 0.2, 0.5):
        rejected: set[int] = set()
        for place, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[i] * (len(p_values) - place) > alpha:
                break
            rejected.add(i)
        assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferronis(p_values: list[float]) -> None:
    for before, after in zip(p_values, holm(p_values), strict=True):
        assert before <= after <= min(1, before * len(p_values))


def test_what_is_asked_is_corrected_for_the_challengers_and_the_rest_for_all_that_is_tested() -> None:
    loss = replace(CLEAR, metric="log_loss", p_value=0.02)
    one = {"f1_score": CLEAR, "log_loss": loss, "mcc": replace(CLEAR, metric="mcc", p_value=0.2)}
    two = {"f1_score": replace(CLEAR, p_value=0.04), "mcc": replace(CLEAR, metric="mcc", p_value=0.004)}
    p_values = [
        {key: difference.p_value for key, difference in part.items()} for part in adjusted([one, two], "f1_score")
    ]
    assert p_values == [
        {"f1_score": 0.002, "log_loss": 0.04, "mcc": 0.2},
        {"f1_score": 0.04, "mcc": pytest.approx(0.012)},
    ]
    assert one["f1_score"].p_value == 0.001
    (first, _) = adjusted([one, two], "f1_score")
    assert [replace(part, p_value=1.0, many=1) for part in first.values()] == [
        replace(part, p_value=1.0) for part in one.values()
    ]


def test_of_one_challenger_what_is_asked_needs_no_correction_and_none_no_answer() -> None:
    assert adjusted([{"f1_score": CLEAR}], "f1_score") == [{"f1_score": CLEAR}]
    assert adjusted([{"f1_score": CLEAR, "mcc": CLEAR}], "f1_score")[0]["f1_score"] == CLEAR
    assert adjusted([]) == []
    assert adjusted([{}, {"f1_score": CLEAR}], "f1_score") == [{}, {"f1_score": CLEAR}]


@pytest.mark.parametrize(
    ("low", "high", "p_value", "verdict"),
    [
        (-0.004, 0.004, 0.9, "equal"),
        (0.001, 0.009, 0.01, "equal"),  # surely a difference, and one that makes none
        (-0.004, 0.011, 0.3, "no clear difference"),
        (-0.011, 0.004, 0.3, "no clear difference"),
        (0.001, 0.011, 0.01, "better"),
        (-0.01, 0.004, 0.3, "no clear difference"),  # up to the margin is not within it
        (-0.03, -0.011, 0.01, "worse"),
        (0.0, 0.0, 1.0, "equal"),
        (math.nan, math.nan, math.nan, "no clear difference"),
    ],
)
def test_a_difference_whose_whole_interval_is_within_the_margin_is_equal(low, high, p_value, verdict) -> None:
    one = Difference("f1_score", 0.8, 0.8 + (low + high) / 2, low, high, p_value)
    assert with_margin({"f1_score": one}, 0.01)["f1_score"].verdict == verdict
    assert mirrored(replace(one, margin=0.01)).verdict == {"better": "worse", "worse": "better"}.get(verdict, verdict)
    assert one.verdict != "equal"  # without a margin nothing is


def test_of_several_things_equal_takes_the_limits_of_bonferroni() -> None:
    one = Difference("f1_score", 0.8, 0.8, -0.009, 0.009, 1.0, margin=0.01)
    many = [part["f1_score"] for part in adjusted([{"f1_score": one}] * 3, "f1_score")]
    assert one.verdict == "equal"
    assert [part.verdict for part in many] == ["no clear difference"] * 3
    wider = stats.norm.isf(0.025 / 3) / stats.norm.isf(0.025)
    assert replace(many[0], low=-0.0099 / wider, high=0.0099 / wider).verdict == "equal"
    assert replace(many[0], low=-0.0101 / wider, high=0.0101 / wider).verdict == "no clear difference"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "better"),
        ({"low": -0.15, "high": -0.05}, "worse"),
        ({"metric": "log_loss"}, "worse"),
        ({"metric": "log_loss", "low": -0.15, "high": -0.05}, "better"),
        ({"low": -0.01}, "no clear difference"),
        ({"low": 0.0}, "no clear difference"),
        ({"p_value": 0.05}, "no clear difference"),
        ({"p_value": 0.02, "alpha": 0.01}, "no clear difference"),
        ({"p_value": math.nan}, "no clear difference"),
        ({"low": math.nan, "high": math.nan}, "no clear difference"),
    ],
)
def test_a_verdict_takes_both_the_interval_and_the_p_value(changes: dict[str, float], verdict: str) -> None:
    assert replace(CLEAR, **changes).verdict == verdict


@pytest.mark.parametrize("informative", [2, 5, 20, 100, 10_000])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_percentiles_are_moved_out_to_where_students_t_puts_them(informative: int, confidence: float) -> None:
    """Hesterberg 2015, section 5.3: alpha'/2 = Phi(-sqrt(n / (n - 1)) t(n - 1, alpha / 2))."""
    drawn = np.random.default_rng(1).normal(0.1, 1, 20_000)
    found = resampled_difference("f1_score", 0.5, 0.6, drawn, confidence, informative=informative)
    reach = stats.t(informative - 1).isf((1 - confidence) / 2) * math.sqrt(informative / (informative - 1))
    expected = np.quantile(drawn, [stats.norm.cdf(-reach), stats.norm.sf(-reach)])
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert (found.baseline, found.challenger, found.alpha) == (0.5, 0.6, 1 - confidence)


def test_of_many_rows_the_expansion_is_nothing() -> None:
    drawn = np.random.default_rng(1).normal(0.1, 1, 20_000)
    found = resampled_difference("f1_score", 0.5, 0.6, drawn, 0.95, informative=10**7)
    assert (found.low, found.high) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=1e-4)


@pytest.mark.parametrize("informative", [4, 30, 10**7])
@pytest.mark.parametrize("center", [1.5, -2.5])
def test_p_value_and_interval_of_resamples_agree(informative: int, center: float) -> None:
    """At 1 - p the interval just reaches zero: the p-value is the interval's, turned around."""
    drawn = np.random.default_rng(2).normal(center, 1, 20_000)
    p_value = resampled_difference("f1_score", 0, center, drawn, 0.95, informative=informative).p_value
    at = resampled_difference("f1_score", 0, center, drawn, 1 - p_value, informative=informative)
    assert (at.low if center > 0 else at.high) == pytest.approx(0, abs=0.02)
    assert 0 < p_value < 1


def test_p_value_of_many_rows_is_twice_the_share_on_the_other_side() -> None:
    drawn = np.concatenate([np.full(150, -1.0), np.full(50, 0.0), np.full(9_800, 1.0)])
    p_value = resampled_difference("f1_score", 0, 1, drawn, 0.95, informative=10**7).p_value
    assert p_value == pytest.approx(2 * (150 + 50 / 2 + 1) / 10_001, rel=1e-4)  # half of the ties on each side


def test_resamples_that_all_say_zero_are_no_difference() -> None:
    found = resampled_difference("f1_score", 0.5, 0.5, np.zeros(2_000), 0.95, informative=0)
    assert (found.low, found.high, found.p_value) == (0, 0, 1)


def test_no_p_value_of_finitely_many_resamples_is_zero() -> None:
    assert resampled_difference("f1_score", 0, 1, np.ones(5_000), 0.95, informative=10**6).p_value > 1e-4


def test_few_resamples_only_give_the_standard_error() -> None:
    drawn = np.random.default_rng(3).normal(0.1, 1, 300)
    found = resampled_difference("f1_score", 0.5, 0.6, drawn, 0.95, informative=10**5)
    assert found == normal_difference("f1_score", 0.5, 0.6, float(drawn.std(ddof=1)), 0.95)


def test_a_normal_estimate_has_scipys_interval_and_p_value() -> None:
    found = normal_difference("log_loss", 0.5, 0.47, 0.02, 0.9)
    assert (found.low, found.high) == pytest.approx(stats.norm.interval(0.9, -0.03, 0.02), rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(1.5), rel=1e-12)
    assert found.verdict == "no clear difference"


def test_an_estimate_without_error_and_without_change_is_no_difference() -> None:
    found = normal_difference("log_loss", 0.5, 0.5, 0.0, 0.95)
    assert (found.low, found.high, found.p_value, found.verdict) == (0, 0, 1, "no clear difference")


def test_mirrored_twice_is_the_same_again() -> None:
    assert mirrored(CLEAR) == Difference("f1_score", 0.9, 0.8, -0.15, -0.05, 0.001)
    assert mirrored(mirrored(CLEAR)) == CLEAR


def test_evened_keeps_the_width_and_is_its_own_mirror() -> None:
    found = evened(Difference("f1_score", 0.8, 0.8, -0.1, 0.2, 0.9))
    assert (found.low, found.high) == pytest.approx((-0.15, 0.15))
    assert mirrored(found) == found


def test_a_difference_that_no_resample_reaches_has_a_p_value_below_one_resample() -> None:
    import numpy as np

    drawn = np.random.default_rng(0).normal(0.8, 0.01, 1000)
    assert resampled_difference("log_loss", 1.0, 1.8, drawn, 0.95, informative=3000).p_value < 1e-9
