"""What choosing the best of many models is worth: the luck of noise is taken off, a real lead is left."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from expctl.analysis import selection
from expctl.analysis.selection import corrected
from expctl.metrics import METRICS


def models(rows: int, count: int, right: float, seed: int, classes: int = 2) -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels and so many models, each right with the same probability and wrong for itself."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    wrong = (labels + random.integers(1, classes, (count, rows))) % classes if classes > 2 else 1 - labels
    return labels, list(np.where(random.random((count, rows)) < right, labels, wrong))


def best(labels: np.ndarray, predicted: list[np.ndarray]) -> float:
    return max(float((labels == one).mean()) for one in predicted)


def test_the_lead_of_the_best_of_equals_is_luck_and_is_taken_off() -> None:
    """Twenty models, all right on 75 % of rows in truth; on average over 8 test sets the best looks far better."""
    selected, found = [], []
    for seed in range(8):
        labels, predicted = models(200, 20, 0.75, seed)
        selected.append(best(labels, predicted))
        found.append(corrected(labels, predicted, 2, "accuracy"))
    assert all(after < before for before, after in zip(selected, found, strict=True))
    assert np.mean(selected) > 0.79
    assert np.mean(found) == pytest.approx(0.75, abs=0.02)
    assert np.mean(found) < np.mean(selected) - 0.025


@pytest.mark.parametrize("metric", ["accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc"])
def test_a_model_far_ahead_keeps_its_value(metric: str) -> None:
    labels, predicted = models(400, 8, 0.6, 1, classes=3)
    winner = models(400, 1, 0.9, 1, classes=3)[1][0]  # of the same seed, so of the same labels
    value = {
        "accuracy": sk.accuracy_score,
        "f1_score": lambda *given: sk.f1_score(*given, average="weighted"),
        "f1_macro": lambda *given: sk.f1_score(*given, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score,
        "mcc": sk.matthews_corrcoef,
    }[metric](labels, winner)
    assert corrected(labels, [*predicted[:4], winner, *predicted[4:]], 3, metric) == pytest.approx(value, abs=0.005)


def test_the_value_is_the_mean_over_rows_left_out_of_the_model_chosen_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """BBC-CV as published, row by row; agrees to the noise of its own draws."""
    labels, predicted = models(60, 5, 0.7, 3)
    random, found = np.random.default_rng(99), []
    for _ in range(4_000):
        inside = random.integers(0, 60, 60)
        outside = np.setdiff1d(np.arange(60), inside)
        chosen = max(predicted, key=lambda one: (one[inside] == labels[inside]).mean())
        found.append((chosen[outside] == labels[outside]).mean())
    monkeypatch.setattr(selection, "RESAMPLES", 2_000)
    error = np.std(found) / np.sqrt(2_000)
    assert corrected(labels, predicted, 2, "accuracy") == pytest.approx(np.mean(found), abs=4 * error)


def test_a_single_model_and_copies_of_it_lose_nothing() -> None:
    labels, (one,) = models(500, 1, 0.8, 4)
    expected = float((labels == one).mean())
    assert corrected(labels, [one], 2, "accuracy") == pytest.approx(expected, abs=0.005)
    assert corrected(labels, [one] * 5, 2, "accuracy") == corrected(labels, [one], 2, "accuracy")


def test_models_that_are_always_right_are_so_on_rows_left_out() -> None:
    labels = np.array([0, 1] * 10)
    assert corrected(labels, [labels, labels], 2, "accuracy") == 1


def test_the_answer_is_always_the_same_and_moves_no_random_state() -> None:
    labels, predicted = models(100, 3, 0.7, 5)
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    once = corrected(labels, predicted, 2, "f1_score")
    assert np.random.get_state()[1].tolist() == state
    assert corrected(labels, predicted, 2, "f1_score") == once


@pytest.mark.parametrize("metric", [*(key for key, one in METRICS.items() if one.needs != "labels"), "own"])
def test_metrics_that_labels_do_not_decide_are_not_corrected(metric: str) -> None:
    labels, predicted = models(50, 3, 0.7, 6)
    assert corrected(labels, predicted, 2, metric) is None


@pytest.mark.parametrize("metric", [key for key, one in METRICS.items() if one.needs == "labels"])
def test_every_metric_that_labels_decide_is_corrected(metric: str) -> None:
    labels, predicted = models(80, 3, 0.7, 7, classes=4)
    value = corrected(labels, predicted, 4, metric)
    assert value is not None
    assert 0.3 < value < 0.9


def test_a_single_row_leaves_nothing_to_judge_by() -> None:
    assert corrected(np.array([0]), [np.array([0]), np.array([1])], 2, "accuracy") is None
