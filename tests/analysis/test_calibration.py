"""Brier score and calibration error against scikit-learn and made-up truth; what has none says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from expctl.analysis.calibration import Calibration, calibration, wilson
from expctl.analysis.predictions import RunPredictions


def run(scores: np.ndarray, labels: np.ndarray, *, kind: str = "probability", **given: object) -> RunPredictions:
    classes = [str(i) for i in range(scores.shape[1])]
    every = np.arange(len(labels))
    columns = {"predicted": scores.argmax(axis=1), "classes": classes, "score_classes": classes, **given}
    return RunPredictions(every, every.astype("S32"), labels, scores=scores, score_kind=kind, **columns)


def drawn(rows: int, classes: int = 2, *, times: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that come by them; `times`: the log odds are so many times too large."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(size=(rows, classes)) * 2
    true, said = (np.exp(odds * by) / np.exp(odds * by).sum(axis=1, keepdims=True) for by in (1.0, times))
    return said, (generator.random(rows)[:, None] > true.cumsum(axis=1)).sum(axis=1)


def measured(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    found = calibration(run(scores, labels))
    assert isinstance(found, Calibration)
    return found


def test_the_brier_score_of_two_classes_is_scikit_learns():
    scores, labels = drawn(500)
    found = measured(scores, labels).brier_score
    assert found.value == pytest.approx(brier_score_loss(labels, scores[:, 1]))
    assert found.low < found.value < found.high


def test_the_brier_score_of_many_classes_is_the_squared_distance():
    scores, labels = drawn(300, 4)
    assert measured(scores, labels).brier_score.value == pytest.approx(
        ((scores - np.eye(4)[labels]) ** 2).sum(1).mean()
    )


def test_a_calibrated_model_has_no_error_and_one_that_exaggerates_has_its_own():
    good, bad = measured(*drawn(4_000)), measured(*drawn(4_000, times=3.0))
    assert good.calibration_error.low == 0
    assert good.calibration_error.value < 0.02
    assert good.overconfidence.low < 0 < good.overconfidence.high
    assert bad.calibration_error.low > 0.05
    assert bad.overconfidence.low > 0
    assert bad.calibration_error.low <= bad.calibration_error.value <= bad.calibration_error.high


def test_bins_have_as_many_rows_and_all_of_them():
    found = measured(*drawn(1_000))
    assert [one.rows for one in found.bins] == [100] * 10
    assert [one.confidence for one in found.bins] == sorted(one.confidence for one in found.bins)
    assert all(one.low <= one.right <= one.high for one in found.bins)


def test_rows_that_are_equally_sure_are_one_bin():
    scores = np.tile([0.3, 0.7], (40, 1))
    found = measured(scores, np.array([0] * 12 + [1] * 28))
    assert [(one.rows, one.right) for one in found.bins] == [(40, 0.7)]
    assert found.calibration_error.low == found.calibration_error.value == 0


def test_the_order_of_the_rows_does_not_matter():
    scores, labels = drawn(500)
    assert measured(scores[::-1], labels[::-1]) == measured(scores, labels)


def test_a_row_whose_class_the_model_does_not_know_is_wrong_at_any_confidence():
    scores, labels = drawn(100)
    known = run(scores, labels, classes=["0", "1", "new"])
    other = calibration(RunPredictions(**{**vars(known), "labels": np.where(np.arange(100) == 0, 2, labels)}))
    assert isinstance(other, Calibration)
    assert other.brier_score.value > measured(scores, labels).brier_score.value


@pytest.mark.parametrize(
    ("kind", "rows", "why"),
    [("decision", 100, "the model gives no probabilities"), ("probability", 9, "too few test rows")],
)
def test_what_has_no_calibration_says_why(kind, rows, why):
    found = calibration(run(*drawn(rows), kind=kind))
    assert isinstance(found, str)
    assert why in found


def test_limits_of_a_share_are_those_of_wilson():
    low, high = wilson(0.9, 10, 0.95)  # Brown, Cai and DasGupta 2001: 9 of 10
    assert (low, high) == (pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))
    assert wilson(1.0, 100, 0.95)[1] == 1.0
    assert math.isclose(wilson(0.0, 100, 0.95)[0], 0.0, abs_tol=1e-12)


def test_rows_in_groups_have_no_limits_of_rows_by_themselves():
    scores, labels = drawn(100)
    found = calibration(run(scores, labels, groups=np.arange(100).astype("S32")))
    assert found == "its test rows come in groups, and the limits are those of rows by themselves"
