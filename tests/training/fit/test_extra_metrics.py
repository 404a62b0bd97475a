"""Metrics of the user's own, measured: what they are given, what they give, and that a bad one costs no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta
from sklearn.metrics import accuracy_score

from expctl.errors import UsageError
from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.fit.extra_metrics import load_extra_metrics, measure, resampled_rows
from expctl.training.models.configure import configure
from expctl.training.tasks.protocol import Predictions

OWN = """
import numpy as np

def right_score(y_true, y_pred):
    return np.mean(y_true == y_pred)

def sure(y_true, y_pred, scores):
    return scores.max(axis=1).mean()
sure.greater_is_better = True

def value_loss(y_true, y_pred, *, frame):
    return frame["value"][y_true != y_pred].sum() / frame["value"].sum()

def raising_score(y_true, y_pred):
    raise ValueError("no moon at ftp://ada:s3cr3t@h/\\nat all")

def nan_score(y_true, y_pred):
    return float("nan")

def needy_score(y_true, y_pred, weight):
    return 1.0

def alone_score(y_true):
    return 1.0

constant_score = 3
"""
LABELS = np.array(list("abababab"), dtype=object)
PREDICTED = np.array(list("ababbaab"), dtype=object)


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"own_{abs(hash(str(tmp_path)))}"
    Path(f"{name}.py").write_text(OWN)
    return name


def rows(order=range(8)) -> Rows:
    texts = [f"text {i}" for i in range(8)]
    frame = feature_frame({"text": texts, "value": [float(i) for i in range(8)]}, range(8)).iloc[list(order)]
    return Rows(frame, LABELS[list(order)], text_hashes(texts)[list(order)])


def predictions(order=range(8), *, scores: bool = True) -> Predictions:
    chosen = list(order)
    given = np.linspace(0.1, 0.9, 16).reshape(8, 2)[chosen] if scores else None
    return Predictions(LABELS[chosen], PREDICTED[chosen], given, "probability", np.array(["a", "b"], object), 0.0)


def recipe(own: str, *names: str):
    return configure({"data": "d.csv", "extra_metric": ",".join(f"{own}:{name}" for name in names)})


def test_each_is_given_what_its_signature_asks_for(own):
    found = measure(recipe(own, "right_score", "sure", "value_loss"), predictions(), rows())
    assert found.values["right_score"] == accuracy_score(LABELS, PREDICTED)
    assert found.values["sure"] == pytest.approx(predictions().scores.max(axis=1).mean())
    assert found.values["value_loss"] == pytest.approx((4 + 5) / 28)
    assert found.notes == []


def test_limits_and_resamples_are_of_the_same_rows_whatever_their_order(own):
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    one = measure(recipe(own, "value_loss"), predictions(), rows())
    other = measure(recipe(own, "value_loss"), predictions(order), rows(order))
    assert len(one.resamples["value_loss"]) == 1_000
    assert np.allclose(one.resamples["value_loss"], other.resamples["value_loss"])
    low, high = one.limits["value_loss"]
    assert low < one.values["value_loss"] < high


def test_the_more_rows_the_fewer_resamples():
    many = Rows(rows().frame, np.zeros(50_000), np.arange(50_000))
    assert len(list(resampled_rows(many))) == 200


@pytest.mark.parametrize(
    ("name", "told"),
    [("raising_score", "ValueError: no moon at ftp://***@h/"), ("nan_score", "its value is nan")],
)
def test_one_that_fails_is_left_out_and_told(own, name, told):
    found = measure(recipe(own, name, "right_score"), predictions(), rows())
    assert list(found.values) == ["right_score"]
    assert (found.missing, found.notes) == ([f"extra metric {name} has no value: {told}"], [])


def test_one_that_needs_scores_is_left_out_where_there_are_none(own):
    found = measure(recipe(own, "sure"), predictions(scores=False), rows())
    assert (found.values, found.missing) == ({}, ["extra metric sure has no value: the model gives no scores"])


def test_one_without_a_value_on_most_resamples_has_no_limits(own):
    alone = replace(predictions(), labels=np.array(["a"] * 7 + ["b"], object))
    Path(f"{own}.py").write_text("def both_score(y_true, y_pred):\n    return 1.0 if 'b' in y_true else 1 / 0\n")
    found = measure(recipe(own, "both_score"), alone, rows())
    assert (found.values, found.limits, found.resamples) == ({"both_score": 1.0}, {}, {})
    assert found.notes == ["extra metric both_score: it has no value on many resamples; it has no limits"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("needy_score", "needs weight"), ("alone_score", "does not take y_true and y_pred"),
        ("constant_score", "has no callable 'constant_score'"), ("missing_score", "has no callable 'missing_score'"),
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_refused_before_any_training(own, name, told):
    with pytest.raises(UsageError, match=told):
        load_extra_metrics(recipe(own, name))


def test_a_module_that_is_not_there_is_told_with_the_option():
    with pytest.raises(UsageError, match=r"cannot import 'nowhere' for --extra-metric nowhere:x_score"):
        load_extra_metrics(configure({"data": "d.csv", "extra_metric": "nowhere:x_score"}))


def test_of_scikit_learn_they_work_too():
    made = configure({"data": "d.csv", "extra_metric": "sklearn.metrics:cohen_kappa_score"})
    assert measure(made, predictions(), rows()).values == {"cohen_kappa_score": pytest.approx(0.5)}


def perfect(size: int, groups: bool = False) -> tuple[Predictions, Rows]:
    """A model without an error; in groups of two rows."""
    labels, texts = np.array(list("ab" * (size // 2)), dtype=object), [f"text {i}" for i in range(size)]
    frame = feature_frame({"text": texts, "value": [1.0] * size}, range(size))
    names = np.array([f"{i // 2:032d}" for i in range(size)], dtype="S32") if groups else None
    scores = np.where(labels[:, None] == np.array(["a", "b"]), 0.9, 0.1)
    given = Predictions(labels, labels.copy(), scores, "probability", np.array(["a", "b"], object), 0.0)
    return given, Rows(frame, labels, text_hashes(texts), names)


def test_a_model_without_an_error_is_not_surely_without_one(own):
    """The exact limits of no error in 40 rows; percentiles of a bootstrap said 1 to 1. Less is better the same way."""
    found = measure(recipe(own, "right_score", "value_loss", "sure"), *perfect(40))
    low, high = found.limits["right_score"]
    assert (low, high) == (pytest.approx(beta.ppf(0.025, 40, 1)), 1)
    assert found.limits["value_loss"] == (0, pytest.approx(1 - low))
    assert found.limits["sure"] == (pytest.approx(0.9), pytest.approx(0.9))  # of which errors change nothing


def test_where_rows_come_in_groups_these_are_what_may_be_wrong(own):
    found = measure(recipe(own, "right_score"), *perfect(80, groups=True))
    assert found.limits["right_score"] == (pytest.approx(beta.ppf(0.025, 40, 1)), 1)


@pytest.mark.parametrize("wrong", [1, 3, 10])
def test_few_errors_have_limits_that_are_no_narrower_than_exact_ones(own, wrong):
    given, tested = perfect(200)
    given.predicted[:wrong] = given.predicted[1 : wrong + 1]
    low, high = measure(recipe(own, "right_score"), given, tested).limits["right_score"]
    assert low <= beta.ppf(0.025, 200 - wrong, wrong + 1) + 1e-9
    assert low == pytest.approx(beta.ppf(0.025, 200 - wrong, wrong + 1), abs=0.01)
    assert 1 - wrong / 200 < high <= 1


def test_a_decision_between_two_is_turned_round_by_its_sign(own):
    given, tested = perfect(40)
    decided = replace(given, scores=np.where(given.labels == "b", 1.0, -1.0))
    Path(f"{own}.py").write_text(
        OWN + "\ndef hit_score(y_true, y_pred, scores):\n    return ((scores > 0) == (y_true == 'b')).mean()\n"
    )
    low, _ = measure(recipe(own, "hit_score"), decided, tested).limits["hit_score"]
    assert low == pytest.approx(beta.ppf(0.025, 40, 1))
