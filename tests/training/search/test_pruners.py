"""Pruners: those that do worse on their way are stopped, whatever else is reported."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.training.search.pruners import PRUNERS, Pruner, check_pruner


@pytest.mark.parametrize("higher", [True, False])
def test_the_median_pruner_stops_what_is_worse_than_the_median_and_nothing_before_five_trials(higher):
    pruner = Pruner("median", higher_is_better=higher)
    sign = 1 if higher else -1
    assert not pruner.report(1, 0, -100.0 * sign)
    pruner.end(1, -100.0)
    for number in range(2, 7):
        assert not pruner.report(number, 0, sign * 1.0)
        pruner.end(number, sign * 1.0)
    assert not pruner.report(7, 0, sign * 2.0)
    assert pruner.report(8, 0, sign * -1.0)
    assert not pruner.report(9, -1, sign * -1.0)


def test_what_ended_in_an_earlier_process_counts():
    pruner = Pruner("median", higher_is_better=False)
    for number in range(1, 7):
        pruner.replay(number, [(0, 1.0), (1, 0.5)], 0.5, pruned=number == 6)
    assert pruner.report(7, 1, 2.0)


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_takes_reports_of_trials_that_fail(name):
    pruner = Pruner(name, higher_is_better=True)
    pruner.report(1, 0, float("nan"))
    pruner.end(1, float("nan"))
    pruner.end(2, None)
    assert isinstance(pruner.report(3, 0, 1.0), bool)


def test_an_unknown_pruner_is_told():
    with pytest.raises(UsageError, match="unknown pruner 'medain', did you mean 'median'"):
        check_pruner("medain")
