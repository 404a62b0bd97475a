"""Curves of recorded predictions, against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from expctl.analysis.curves import POINTS, Curves, curves
from expctl.analysis.predictions import RunPredictions


def predictions(labels, scores, classes=("no", "yes"), kind="probability", score_classes=None) -> RunPredictions:
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=float)
    return RunPredictions(
        rows=np.arange(len(labels)),
        keys=np.array([b"%032d" % i for i in range(len(labels))], dtype="S32"),
        labels=labels,
        predicted=labels,
        classes=list(classes),
        scores=scores,
        score_kind=kind,
        score_classes=list(score_classes or classes),
    )


@pytest.mark.parametrize("digits", [1, 6], ids=["many ties", "hardly a tie"])
@pytest.mark.parametrize("columns", [1, 2])
def test_the_areas_of_two_classes_are_those_of_scikit_learn(digits, columns):
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 900)
    second = np.round(generator.normal(labels, 1.5), digits)
    scores = second[:, None] if columns == 1 else np.stack([-second, second], axis=1)
    found = curves(predictions(labels, scores, kind="decision" if columns == 1 else "probability"))
    assert isinstance(found, Curves)
    assert found.auc == pytest.approx(roc_auc_score(labels, second))
    assert found.average_precision == pytest.approx(average_precision_score(labels, second))
    assert found.basis == "positive: yes"


def test_many_classes_are_pooled_as_scikit_learn_averages_them_micro():
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 4, 500)
    scores = generator.dirichlet(np.ones(4), 500) + np.eye(4)[labels] * 0.3
    found = curves(predictions(labels, scores, classes="abcd"))
    assert isinstance(found, Curves)
    truth = np.eye(4)[labels]
    assert found.auc == pytest.approx(roc_auc_score(truth, scores, average="micro"))
    assert found.average_precision == pytest.approx(average_precision_score(truth, scores, average="micro"))
    assert "each of 4 classes against the rest, pooled" in found.basis


def test_the_classes_of_the_scores_may_come_in_another_order_than_the_labels():
    one = curves(predictions([0, 1, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]))
    other = curves(
        predictions(
            [1, 0, 0, 1],
            [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]],
            classes=("yes", "no"),
            score_classes=("no", "yes"),
        )
    )
    assert one == other
    assert isinstance(one, Curves)
    assert one.auc == 1.0


def test_a_long_curve_is_thinned_but_lies_where_it_lay_and_keeps_its_ends():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 2, 20_000)
    scores = generator.normal(labels, 1.0)
    found = curves(predictions(labels, scores[:, None], kind="decision"))
    assert isinstance(found, Curves)
    false_rate, true_rate, _ = roc_curve(labels, scores, drop_intermediate=False)
    exact = set(zip(false_rate.tolist(), true_rate.tolist(), strict=True))
    assert 200 < len(found.roc) <= POINTS
    assert set(found.roc) <= exact
    assert (found.roc[0], found.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert len(found.precision_recall) <= POINTS
    assert found.precision_recall[-1][0] == 1.0


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (replace(predictions([0, 1], [[0.5], [0.6]]), scores=None), "the model gives no scores"),
        (predictions([0, 1], [[0.5], [np.nan]], kind="decision"), "some scores are not finite"),
        (predictions([1, 1], [[0.5], [0.6]], kind="decision"), "the test rows are all of one side"),
        (
            predictions([0, 1, 2], np.eye(3), classes="abc", kind="decision"),
            "scores that are no probabilities cannot be pooled over the classes",
        ),
    ],
)
def test_why_there_are_no_curves_is_said(run, reason):
    assert curves(run) == reason


def test_a_row_of_a_class_that_the_model_does_not_know_is_positive_for_none():
    scores = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4]]
    found = curves(predictions([0, 1, 2, 3], scores, classes="abcz", score_classes="abc"))
    assert isinstance(found, Curves)
    truth = np.vstack([np.eye(3), np.zeros(3)])
    assert found.auc == pytest.approx(roc_auc_score(truth.ravel(), np.ravel(scores)))
    two = curves(predictions([0, 1, 2], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], classes="abz", score_classes="ab"))
    assert isinstance(two, Curves)
    assert two.basis == "positive: b"
    assert two.auc == 1.0


def test_of_more_scores_than_are_sorted_only_some_rows_are_taken(monkeypatch):
    monkeypatch.setattr("expctl.analysis.curves._SORTED", 600)
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 3, 500)
    scores = generator.dirichlet(np.ones(3), 500) + np.eye(3)[labels] * 0.3
    found = curves(predictions(labels, scores, classes="abc"))
    assert isinstance(found, Curves)
    assert found.basis.endswith("(micro-average), 1 row in 3")
    assert found == replace(
        curves(predictions(labels[::3], scores[::3], classes="abc")),
        basis=found.basis,  # type: ignore[arg-type]
    )
    monkeypatch.setattr("expctl.analysis.curves._SORTED", 1500)
    whole = curves(predictions(labels, scores, classes="abc"))
    assert isinstance(whole, Curves)
    assert whole.basis.endswith("(micro-average)")


def test_a_curve_ends_where_every_row_is_let_in():
    found = curves(predictions([1, 0, 1], [[0.9], [0.5], [0.1]], kind="decision"))
    assert isinstance(found, Curves)
    assert found.precision_recall == [(0.5, 1.0), (0.5, 0.5), (1.0, pytest.approx(2 / 3))]
    assert found.roc == [(0.0, 0.0), (0.0, 0.5), (1.0, 0.5), (1.0, 1.0)]
