"""The gate decides by the interval, in the metric's own direction; what cannot be compared never passes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.difference import Difference
from expctl.analysis.gate import Decision, decide, with_slices
from expctl.analysis.slices import SliceDifference

NAN = math.nan


def decided(low: float, high: float, metric: str = "f1_score", **given: Any) -> str:
    change = (low + high) / 2
    difference = Difference(metric, 0.8, 0.8 + change, low, high, 0.5)
    return decide(
        metric, **{"candidate": 0.8, "difference": difference, "max_drop": 0.01, "least": None, **given}
    ).outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.02, 0.05, "pass"),
        (-0.005, 0.03, "pass"),  # significantly loses less than 0.01
        (-0.0099, -0.001, "pass"),  # significantly worse, but by less than it may
        (-0.01, 0.03, "undecided"),  # the limit itself is not above it
        (-0.02, 0.03, "undecided"),
        (-0.05, -0.01, "undecided"),  # nor below
        (-0.05, -0.0101, "regression"),
        (-0.2, -0.1, "regression"),
        (0.0, 0.0, "pass"),
        (-0.01, -0.01, "undecided"),
    ],
)
def test_a_score_passes_if_it_surely_loses_less_than_it_may(low: float, high: float, outcome: str) -> None:
    assert decided(low, high) == outcome
    assert decided(-high, -low, "log_loss") == outcome  # a loss that grows is what a score that falls is


@pytest.mark.parametrize(("metric", "sign"), [("f1_score", 1), ("log_loss", -1)])
def test_without_room_only_a_sure_gain_passes(metric: str, sign: int) -> None:
    def outcome(low: float, high: float) -> str:
        return decided(*sorted((sign * low, sign * high)), metric, max_drop=0.0)

    assert outcome(0.001, 0.1) == "pass"
    assert outcome(0.0, 0.1) == outcome(-0.1, 0.1) == outcome(-0.1, 0.0) == outcome(0.0, 0.0) == "undecided"
    assert outcome(-0.1, -0.001) == "regression"


@pytest.mark.parametrize(
    ("metric", "candidate", "least", "outcome"),
    [
        ("f1_score", 0.8, 0.8, "pass"),
        ("f1_score", 0.8, 0.7, "pass"),
        ("f1_score", 0.8, 0.801, "regression"),
        ("f1_score", 0.0, 0.0, "pass"),
        ("mcc", -0.5, 0.0, "regression"),
        ("log_loss", 0.4, 0.4, "pass"),
        ("log_loss", 0.4, 0.5, "pass"),
        ("log_loss", 0.4, 0.399, "regression"),
    ],
)
def test_min_is_a_bound_of_the_value_in_the_metrics_direction(
    metric: str, candidate: float, least: float, outcome: str
) -> None:
    assert decided(-0.005, 0.005, metric, candidate=candidate, least=least) == outcome


@pytest.mark.parametrize(("metric", "word"), [("f1_score", "below"), ("log_loss", "above")])
def test_a_value_beyond_min_is_a_regression_even_if_there_is_nothing_to_compare_with(metric: str, word: str) -> None:
    least = 0.9 if metric == "f1_score" else 0.1
    found = decide(metric, 0.5, "not tested: other rows", max_drop=0.01, least=least)
    assert (found.outcome, found.reason) == ("regression", f"{metric} 0.5000 is {word} {least:g}")


def test_a_value_within_min_does_not_excuse_a_loss() -> None:
    assert decided(-0.2, -0.1, least=0.1) == "regression"
    assert decided(-0.2, 0.1, least=0.1) == "undecided"


def test_what_cannot_be_compared_is_undecided_and_says_why() -> None:
    found = decide("f1_score", 0.9, "not tested: other rows", max_drop=1.0, least=0.1)
    assert (found.outcome, found.reason) == ("undecided", "not tested: other rows")


@pytest.mark.parametrize("candidate", [None, NAN, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["f1_score", "log_loss"])
def test_a_candidate_without_the_metric_is_undecided(metric: str, candidate: float | None) -> None:
    difference = Difference(metric, 0.8, 0.9, 0.05, 0.15, 0.001)
    found = decide(metric, candidate, difference, max_drop=1.0, least=None)
    assert (found.outcome, found.reason) == ("undecided", f"the candidate has no {metric}")


@given(
    st.lists(st.one_of(st.just(NAN), st.floats(-1, 1)), min_size=5, max_size=5),
    st.one_of(st.none(), st.just(NAN), st.floats(-1, 1)),
    st.one_of(st.just(NAN), st.floats(0, 1)),
    st.sampled_from(["f1_score", "log_loss"]),
)
def test_no_nan_anywhere_ever_passes(values: list[float], least: float | None, max_drop: float, metric: str) -> None:
    candidate, before, after, low, high = values
    found = decide(metric, candidate, Difference(metric, before, after, low, high, 0.5), max_drop=max_drop, least=least)
    if any(math.isnan(value) for value in (*values, max_drop, 0.0 if least is None else least)):
        assert found.outcome != "pass"


@pytest.mark.parametrize("given", [{"least": NAN}, {"max_drop": NAN}])
def test_a_limit_that_is_not_a_number_decides_nothing(given: dict[str, float]) -> None:
    assert decided(0.1, 0.2, **given) == "undecided"


def test_the_reason_has_the_change_and_its_limits() -> None:
    difference = Difference("f1_score", 0.8, 0.79, -0.02, 0.004, 0.2)
    found = decide("f1_score", 0.79, difference, max_drop=0.01, least=None)
    assert found.reason == (
        "f1_score changes by -0.0100 (-0.0200 to +0.0040): the loss may or may not exceed 0.01"
        "; more test rows are needed"
    )
    assert decide("f1_score", 0.79, difference, max_drop=0.03, least=None).reason.endswith("the loss is below 0.03")
    assert decided(-0.2, -0.1) == "regression"


@pytest.mark.parametrize(
    ("metric", "change", "needed"),
    [
        (
            "f1_score",
            0.05,
            "; if the change stayed so, some 120 test rows, not 40, would decide",
        ),  # 40 times (0.1 / 0.06) squared: 111
        ("f1_score", -0.10, "; more test rows are needed"),  # of a loss that was seen nothing is foretold
        (
            "log_loss",
            -0.10,
            "; if the change stayed so, some 75 test rows, not 40, would decide",
        ),  # 40 times (0.15 / 0.11) squared: 74.4
        ("f1_score", -0.01, "; more test rows are needed"),
    ],
)
def test_what_is_undecided_says_how_many_rows_would_do(metric: str, change: float, needed: str) -> None:
    reach = 0.1 if change > 0 else 0.15
    found = decide(
        metric,
        0.9,
        Difference(metric, 0.9, 0.9 + change, change - reach, change + reach, 0.2),
        max_drop=0.01,
        least=None,
        rows=40,
    )
    assert found.outcome == "undecided"
    assert found.reason.endswith(needed)


def test_of_rows_in_groups_more_groups_are_needed() -> None:
    difference = Difference("f1_score", 0.9, 0.95, -0.05, 0.15, 0.2)
    found = decide("f1_score", 0.95, difference, max_drop=0.01, least=None, rows=40, grouped=True)
    assert found.reason.endswith("; more groups of test rows are needed")


@pytest.mark.parametrize("metric", ["f1_score", "log_loss"])
def test_a_candidate_that_is_better_is_called_so(metric: str) -> None:
    sign = 1 if metric == "f1_score" else -1
    low, high = sorted((sign * 0.02, sign * 0.06))
    better = Difference(metric, 0.8, 0.8 + sign * 0.04, low, high, 0.001)
    assert decide(metric, 0.8, better, max_drop=0.01, least=None).reason.endswith("): significantly better")
    unsure = replace(better, p_value=0.06)  # which compare calls no clear difference
    assert decide(metric, 0.8, unsure, max_drop=0.01, least=None).reason.endswith("): the loss is below 0.01")


@pytest.mark.parametrize(
    ("low", "high", "max_drop", "reason"),
    [
        (0.01, 0.03, 0.0, "f1_score changes by +0.0200 (+0.0100 to +0.0300): significantly better"),
        (-0.03, -0.01, 0.0, "f1_score changes by -0.0200 (-0.0300 to -0.0100): significantly worse"),
        (
            *(-0.01, 0.03, 0.0),
            "f1_score changes by +0.0100 (-0.0100 to +0.0300): it may or may not be better; more test rows are needed",
        ),
        (-0.001, 0.001, 0.02, "f1_score changes by +0.0000 (-0.0010 to +0.0010): the loss is below 0.02"),
        (-0.05, -0.03, 0.02, "f1_score changes by -0.0400 (-0.0500 to -0.0300): the loss is above 0.02"),
        (
            *(-0.05, 0.01, 0.02),
            "f1_score changes by -0.0200 (-0.0500 to +0.0100): the loss may or may not exceed 0.02"
            "; more test rows are needed",
        ),
    ],
)
def test_a_decision_says_why_in_a_sentence(low: float, high: float, max_drop: float, reason: str) -> None:
    difference = Difference("f1_score", 0.8, 0.8 + (low + high) / 2, low, high, 0.5)
    assert decide("f1_score", 0.8, difference, max_drop=max_drop, least=None).reason == reason


def test_what_is_no_number_is_told_as_such() -> None:
    def reason(candidate: float | None, difference: Difference, max_drop: float, least: float | None) -> str:
        return decide("f1_score", candidate, difference, max_drop=max_drop, least=least).reason

    good = Difference("f1_score", 0.8, 0.8, 0.0, 0.0, 0.5)
    assert reason(0.8, good, NAN, None) == reason(0.8, good, 0.1, NAN) == "a limit of the gate is not a number"
    assert reason(None, good, 0.1, None) == reason(math.inf, good, 0.1, None) == "the candidate has no f1_score"
    assert reason(0.8, replace(good, low=NAN), 0.1, None) == "the difference in f1_score is not a number"


@pytest.mark.parametrize(
    ("slices", "told"),
    [
        ({"a": True, "(empty)": True}, "surely loses more than 0.05"),
        ({"a": True, "b": False, "c": False}, "surely loses more than 0.05 (1 of 3 slices has enough rows)"),
        (
            {"a": True, "(other)": True, "(empty)": False},
            "surely loses more than 0.05 (2 of 3 slices have enough rows)",
        ),
        ({"(other)": True, "(empty)": False}, "has enough rows: only (other) was tested"),
        ({"a": False, "(other)": False}, "has enough rows"),
    ],
)
def test_no_slice_that_loses_says_how_many_could(slices: dict[str, bool], told: str) -> None:
    same = Difference("f1_score", 0.8, 0.8, -0.04, 0.1, 0.5)
    found = [SliceDifference(name, 20, same if tested else None) for name, tested in slices.items()]
    decision = with_slices(Decision("pass", "fine"), "f1_score", "lang", found, max_drop=0.05)
    assert decision == Decision("pass", f"fine; no slice by lang {told}")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("a", "but a may"),
        ("abc", "but a, b and c may"),
        ("abcd", "but a, b, c and d may"),
        ("abcdefg", "but a, b, c and 4 more may"),
    ],
)
def test_slices_that_are_too_small_to_rule_a_loss_out_are_named(names: str, told: str) -> None:
    """That no slice surely loses is not that none does: limits of ten points say nothing of five."""
    open_ = Difference("f1_score", 0.8, 0.8, -0.1, 0.1, 0.5)
    safe = SliceDifference("safe", 900, replace(open_, low=-0.04))
    found = [safe, *(SliceDifference(name, 20, open_) for name in names)]
    decision = with_slices(Decision("pass", "fine"), "f1_score", "lang", found, max_drop=0.05)
    told = f"fine; no slice by lang surely loses more than 0.05, {told}: too few rows to tell"
    assert decision == Decision("pass", told)
    loss = with_slices(Decision("pass", "fine"), "log_loss", "lang", found, max_drop=0.05)
    assert "too few rows to tell" in loss.reason
