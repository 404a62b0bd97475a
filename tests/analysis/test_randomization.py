"""P-values of equal models that trade places: exact enumeration, McNemar's test, and few changed rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.joint_table import JointTable, joint_table
from expctl.analysis.predictions import pair
from expctl.analysis.randomization import randomization_p
from expctl.analysis.significance import class_differences
from tests.analysis import LETTERS, guesses, predictions


def table_of(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> JointTable:
    names = list(LETTERS[:3])
    return joint_table(pair(predictions(labels, first, classes=names), predictions(labels, second, classes=names)))


def observed(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    one, other = (f1_score(labels, said, average="macro", zero_division=0) for said in (first, second))
    return float(other - one)


def alone(table: JointTable, seen: dict[str, float]) -> dict[str, float]:
    """The p-values of metrics, without those of classes."""
    (found,) = randomization_p(table, [metrics_from_counts], [seen])
    return found


def test_it_is_the_share_of_all_ways_in_which_the_models_could_have_traded_places() -> None:
    """Enumeration: seven rows of which they say something else, 128 ways, macro F1 by scikit-learn in each."""
    random = np.random.default_rng(3)
    labels, first = random.integers(0, 3, 20), random.integers(0, 3, 20)
    second = first.copy()
    second[:7] = (first[:7] + random.integers(1, 3, 7)) % 3
    change = observed(labels, first, second)
    ways = []
    for traded in itertools.product((False, True), repeat=7):
        swap = np.array([*traded, *[False] * 13])
        ways.append(observed(labels, np.where(swap, second, first), np.where(swap, first, second)))
    expected = np.mean(np.abs(ways) >= abs(change) - 1e-12)
    found = alone(table_of(labels, first, second), {"f1_macro": change})
    assert found["f1_macro"] == pytest.approx(expected, abs=4 * np.sqrt(expected / 10_000))


@pytest.mark.parametrize(("broken", "fixed"), [(0, 5), (3, 12), (20, 20), (40, 75)])
def test_of_accuracy_it_is_mcnemars_exact_test(broken: int, fixed: int) -> None:
    labels = np.zeros(200, dtype=int)
    first = np.array([0] * (200 - fixed) + [1] * fixed)
    second = np.array([1] * broken + [0] * (200 - broken))
    found = alone(table_of(labels, first, second), {"accuracy": (fixed - broken) / 200})
    expected = stats.binomtest(fixed, broken + fixed).pvalue
    assert found["accuracy"] == pytest.approx(expected, rel=0.3, abs=0.01)


def test_beyond_what_draws_can_count_the_tail_is_normal() -> None:
    labels = np.zeros(900, dtype=int)
    first = np.array([0] * 800 + [1] * 100)
    found = alone(table_of(labels, first, labels), {"accuracy": 100 / 900})
    assert 0 < found["accuracy"] < 1e-15


def test_models_that_say_the_same_differ_by_nothing() -> None:
    labels = np.arange(30) % 3
    assert alone(table_of(labels, labels, labels), {"mcc": 0.0}) == {"mcc": 1.0}


def test_a_class_of_which_few_rows_changed_has_no_verdict() -> None:
    """Four of five rows of a class fixed and none broken is a fair coin's work in 1 of 8: a bootstrap said 1 in 100."""
    labels = np.array([0] * 300 + [1] * 5 + [2] * 100)
    first = guesses(labels, 0.9, 2, 1)
    first[300:305] = [0, 0, 0, 0, 1]
    second = first.copy()
    second[300:304] = 1
    found = class_differences(table_of(labels, first, second), LETTERS[:3])["b"]
    assert found.change > 0.1
    assert found.p_value >= 0.125 - 0.02
    assert found.verdict == "no clear difference"
