"""What rows can show: against the formula for paired shares, and against itself."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from expctl.analysis.difference import Difference, normal_difference
from expctl.analysis.power import POWER, Power, power_beside, power_of

REACH = stats.norm.isf(0.025) + stats.norm.isf(1 - POWER)
ONE = Power("f1_score", 1_000, 0.01)


def test_the_rows_that_a_difference_takes_are_those_of_miettinen():
    """n = (z(alpha / 2) + z(beta))**2 psi / delta**2 for a share psi of rows that one model has right alone."""
    psi, rows = 0.1, 1_000
    found = Power("accuracy", rows, math.sqrt(psi / rows))
    assert REACH**2 * psi / 0.02**2 == pytest.approx(1962, abs=1)
    assert found.rows_for(0.02) == 2_000  # to two digits, never fewer than it takes
    assert found.detects == pytest.approx(REACH * math.sqrt(psi / rows))


def test_what_the_rows_find_is_found_with_the_power_that_it_is_said_to_be():
    assert ONE.of(ONE.detects) == pytest.approx(POWER)
    assert ONE.of(-ONE.detects) == pytest.approx(POWER)
    assert ONE.of(0) == pytest.approx(0.025)  # the half of the level that is on the right side
    assert ONE.with_rows(ONE.rows_for(0.02)).of(0.02) == pytest.approx(POWER, abs=0.02)


def test_four_times_the_rows_find_half_of_it():
    assert ONE.with_rows(4_000).detects == pytest.approx(ONE.detects / 2)
    assert ONE.with_rows(4_000).rows_for(0.01) == ONE.rows_for(0.01)


@pytest.mark.parametrize("difference", [1e-9, 0.5, 10])
def test_no_number_of_rows_is_none(difference):
    assert ONE.rows_for(difference) >= 1
    assert 0 <= ONE.of(difference) <= 1


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_the_width_of_the_interval_tells_the_error_at_any_confidence_and_wherever_it_lies(confidence):
    for change in (-0.3, 0.0, 0.01):
        found = power_of(normal_difference("f1_score", 0.8, 0.8 + change, 0.01, confidence), 500)
        assert (found.error, found.rows, found.alpha) == (pytest.approx(0.01), 500, pytest.approx(1 - confidence))


def test_an_interval_that_is_a_point_or_not_a_number_tells_nothing():
    assert power_of(Difference("mcc", 0, 0, 0, 0, 1), 500) is None
    assert power_of(Difference("mcc", 0, 0, math.nan, math.nan, 1), 500) is None
    assert power_beside("mcc", 0.5, 0.5, 500) is None


def test_of_one_run_the_limits_are_those_of_95_percent_whatever_is_asked():
    found = power_beside("f1_score", 0.8, 0.8 + 2 * 0.01 * stats.norm.isf(0.025), 500, alpha=0.01)
    assert (found.error, found.alpha) == (pytest.approx(0.01), 0.01)
