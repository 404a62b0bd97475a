"""The risk of a false promotion over a history: its shares add up to it, and the first is that of a single test."""

from __future__ import annotations

import pytest

from expctl.analysis.gate import Decision
from expctl.analysis.promotion_budget import RISK, Budget, percent, within

PASS = Decision("pass", "f1_score changes by +0.0100 (+0.0010 to +0.0190): significantly better")


def test_the_first_decision_is_as_sure_as_a_test_by_itself():
    assert (Budget(1).share, Budget(1).p_value) == (0.025, 0.05)


@pytest.mark.parametrize("length", [1, 2, 10, 1_000])
def test_the_shares_and_what_is_left_are_the_whole_risk_however_long_the_history(length):
    spent = sum(Budget(k).share for k in range(1, length + 1))
    assert spent + Budget(length).left == pytest.approx(RISK)
    assert Budget(length).next_p_value == Budget(length + 1).p_value


def test_what_passes_by_itself_is_undecided_where_its_share_is_smaller():
    assert within(Budget(1), PASS, 0.02) == PASS
    found = within(Budget(3), PASS, 0.02)
    assert found.outcome == "undecided"
    assert found.reason == (
        f"{PASS.reason}, taken by itself; as decision 3 of its history it needs p below 0.0083 (p is 0.02)"
    )
    assert within(Budget(3), PASS, 0.008) == PASS


@pytest.mark.parametrize("outcome", ["regression", "undecided"])
def test_what_does_not_pass_stays_as_it_is(outcome):
    decision = Decision(outcome, "no")
    assert within(Budget(9), decision, 0.9) == decision


def test_a_share_is_told_in_percent():
    assert [percent(share) for share in (0.05, 0.0125, 0.0005, 1e-6)] == ["5 %", "1.2 %", "0.05 %", "0.0001 %"]
    assert str(Budget(3)) == "decision 3 of its history, 1.2 % of the 5 % risk left"
