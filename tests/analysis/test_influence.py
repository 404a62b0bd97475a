"""How many rows decide a metric: those that changed, counted by how far each moves it."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.influence import deciding_rows
from expctl.analysis.joint_table import JointTable
from expctl.analysis.significance import paired_differences


def table(counts: dict[tuple[int, int, int], int], classes: int = 2) -> JointTable:
    cells = np.array(list(counts))
    return JointTable(*cells.T, np.array(list(counts.values())), classes)


RARE = {(1, 1, 1): 20, (1, 1, 0): 4, (1, 0, 1): 6, (0, 0, 0): 700, (0, 0, 1): 130, (0, 1, 0): 140}


def test_every_changed_row_decides_accuracy_alike() -> None:
    assert deciding_rows(table(RARE), metrics_from_counts)["accuracy"] == pytest.approx((134, 146), rel=1e-3)


def test_the_few_rows_of_a_rare_class_decide_what_averages_over_the_classes() -> None:
    broken, fixed = deciding_rows(table(RARE), metrics_from_counts)["balanced_accuracy"]
    # A row of 30 counts as 32 of 970.
    weight = np.array([970 / 30, 1.0])
    assert broken == pytest.approx((weight @ [4, 130]) ** 2 / (weight**2 @ [4, 130]), rel=1e-3)
    assert fixed == pytest.approx((weight @ [6, 140]) ** 2 / (weight**2 @ [6, 140]), rel=1e-3)
    assert broken < 20


def test_classes_of_one_size_decide_alike() -> None:
    even = table({(0, 0, 0): 400, (0, 0, 1): 50, (0, 1, 0): 50, (1, 1, 1): 400, (1, 1, 0): 50, (1, 0, 1): 50})
    found = deciding_rows(even, metrics_from_counts)
    assert all(one == pytest.approx((100, 100), rel=0.02) for one in found.values())


def test_a_row_that_both_have_wrong_decides_nothing_of_accuracy() -> None:
    found = deciding_rows(table({(0, 0, 0): 50, (0, 1, 2): 20, (0, 0, 1): 3, (0, 2, 0): 4}, 3), metrics_from_counts)
    assert found["accuracy"] == pytest.approx((3, 4), rel=1e-3)


def test_models_that_say_the_same_have_no_row_that_decides() -> None:
    found = deciding_rows(table({(0, 0, 0): 5, (1, 0, 0): 5}), metrics_from_counts)
    assert set(found.values()) == {(0.0, 0.0)}


def test_of_very_many_classes_there_is_nothing() -> None:
    with patch("expctl.analysis.influence._CLASSES", 1):
        assert deciding_rows(table(RARE), metrics_from_counts) == {}


@pytest.mark.parametrize("fixed", [1, 2])
def test_a_row_that_is_all_of_its_class_is_no_surer_than_any_other(fixed: int) -> None:
    """Of twenty classes with a row each balanced accuracy is accuracy, and what was seen is as little."""
    rows = np.arange(20)
    first, second = (np.where(rows < wrong, (rows + 1) % 20, rows) for wrong in (fixed + 1, 1))
    found = paired_differences(JointTable(rows, first, second, np.ones(20, dtype=int), 20))
    assert found["balanced_accuracy"].change == pytest.approx(found["accuracy"].change)
    for key in ("balanced_accuracy", "f1_macro"):
        assert found[key].low < found["accuracy"].low * 0.9 < -0.05
        assert found[key].high > found["accuracy"].high * 0.6
