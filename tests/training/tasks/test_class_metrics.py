"""Metrics are scikit-learn's own, left out where they mean nothing, and figures per class survive any class name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

from expctl.metrics import METRICS, metrics_of
from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from expctl.training.tasks.class_metrics import evaluate, predict, score_metrics
from expctl.training.tasks.protocol import Evaluation, Predictions

FAMILIES = families_of()  # of texts


def predictions(labels: list[Any], predicted: list[Any], scores: Any = None, kind: Any = "none") -> Predictions:
    as_array = [
        np.array(values, dtype=object if isinstance(values[0], str) else None) for values in (labels, predicted)
    ]
    classes = np.unique(as_array[1]) if scores is None else np.array(sorted({*labels, *predicted}), dtype=object)
    return Predictions(*as_array, None if scores is None else np.array(scores), kind, classes, 0.25)


class Parrot(ClassifierMixin, BaseEstimator):
    """Predicts what each text says."""

    def fit(self, X: Any, y: Any) -> Parrot:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return X["text"].to_numpy()


def parroted(labels: list[str], predicted: list[str]) -> Evaluation:
    frame = feature_frame({"text": predicted}, range(len(predicted)))
    rows = Rows(frame, np.array(labels, dtype=object), text_hashes(predicted))
    return evaluate(predict(Pipeline([("model", Parrot().fit(None, labels))]), rows))


def per_class(found: Evaluation) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = json.loads(found.files["per_class.json"])
    return figures


def confusion(found: Evaluation) -> tuple[list[list[int]], list[str]]:
    (figure,) = found.figures
    counts, names = figure.arguments
    return counts.tolist(), names


LABELS = ["a", "a", "a", "b", "b", "c", "c", "c", "c", "d"]
PREDICTED = ["a", "b", "a", "b", "c", "c", "c", "a", "c", "a"]


def test_every_metric_is_that_of_scikit_learn() -> None:
    weighted = {"average": "weighted", "zero_division": 0}
    assert score_metrics(predictions(LABELS, PREDICTED)) == {
        "accuracy": sk.accuracy_score(LABELS, PREDICTED),
        "f1_score": sk.f1_score(LABELS, PREDICTED, **weighted),
        "precision": sk.precision_score(LABELS, PREDICTED, **weighted),
        "recall": sk.recall_score(LABELS, PREDICTED, **weighted),
        "f1_macro": sk.f1_score(LABELS, PREDICTED, average="macro", zero_division=0),
        "balanced_accuracy": sk.balanced_accuracy_score(LABELS, PREDICTED),
        "mcc": sk.matthews_corrcoef(LABELS, PREDICTED),
        "predict_seconds": 0.25,
    }


def test_two_classes_with_probabilities_are_ranked_by_the_second() -> None:
    scores = [[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]
    found = score_metrics(predictions(["a", "a", "b", "b"], ["a", "b", "b", "b"], scores, "probability"))
    assert found["roc_auc"] == sk.roc_auc_score([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8]) == 1.0
    assert found["log_loss"] == sk.log_loss(["a", "a", "b", "b"], scores)
    assert found["brier_score"] == pytest.approx(sk.brier_score_loss([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8]), abs=1e-15)


def test_two_classes_with_a_decision_are_ranked_without_a_log_loss() -> None:
    found = score_metrics(predictions(["a", "b", "a", "b"], ["a", "b", "b", "b"], [-1.0, 0.5, 0.7, 2.0], "decision"))
    assert found["roc_auc"] == 0.75
    assert not {"log_loss", "brier_score"} & set(found)


def test_a_brier_score_is_told_in_whatever_order_the_classes_come_as_text() -> None:
    labels, random = np.arange(40) % 11, np.random.default_rng(0)
    scores = random.dirichlet(np.ones(11), 40)
    found = score_metrics(Predictions(labels, scores.argmax(axis=1), scores, "probability", np.arange(11), 0.25))
    expected = ((scores - np.eye(11)[labels]) ** 2).sum(axis=1).mean()
    assert found["brier_score"] == pytest.approx(expected, abs=1e-15)


def test_rows_of_a_class_that_the_model_does_not_know_leave_out_what_scores_decide() -> None:
    found = score_metrics(
        Predictions(
            np.array(["a", "b", "z"]), np.array(["a", "b", "b"]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]),
            "probability", np.array(["a", "b"]), 0.25,
        )
    )  # fmt: skip
    assert not {"roc_auc", "log_loss", "brier_score"} & set(found)


def test_many_classes_are_ranked_one_against_the_rest_by_probability_only() -> None:
    labels, scores = ["a", "b", "c", "a"], [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.2, 0.7, 0.1]]
    found = score_metrics(predictions(labels, ["a", "b", "b", "b"], scores, "probability"))
    assert found["roc_auc"] == sk.roc_auc_score(labels, scores, multi_class="ovr", average="weighted")
    assert "roc_auc" not in score_metrics(predictions(labels, ["a", "b", "b", "b"], scores, "decision"))


def test_a_class_missing_from_the_test_rows_leaves_roc_auc_out_and_keeps_log_loss() -> None:
    found = score_metrics(predictions(["a", "a"], ["a", "b"], [[0.9, 0.1], [0.4, 0.6]], "probability"))
    assert "roc_auc" not in found
    assert found["log_loss"] == sk.log_loss(["a", "a"], [[0.9, 0.1], [0.4, 0.6]], labels=["a", "b"])


@pytest.mark.parametrize(
    ("labels", "predicted"), [(["a"], ["a"]), (["a"], ["b"]), (["a", "a"], ["a", "a"]), (["a", "b"], ["a", "a"])]
)
def test_no_metric_is_ever_nan(labels: list[str], predicted: list[str]) -> None:
    assert all(np.isfinite(value) for value in score_metrics(predictions(labels, predicted)).values())


def test_every_metric_we_compute_is_in_the_table() -> None:
    scores = [[0.9, 0.1], [0.4, 0.6]]
    found = score_metrics(predictions(["a", "b"], ["a", "b"], scores, "probability"))
    assert {*found, "fit_seconds", "oov"} == set(metrics_of("classification"))


def test_figures_per_class_are_those_of_the_classification_report() -> None:
    found = parroted(LABELS, PREDICTED)
    report = sk.classification_report(LABELS, PREDICTED, output_dict=True, zero_division=0)
    for name in "abcd":
        expected = {key.replace("-", "_"): value for key, value in report[name].items()}
        expected["f1_score"] = expected.pop("f1_score")
        assert per_class(found)[name] == expected
    assert confusion(found) == (sk.confusion_matrix(LABELS, PREDICTED).tolist(), list("abcd"))


def test_a_class_may_be_called_like_a_total_of_the_report() -> None:
    names = ["accuracy", "macro avg", "weighted avg", "micro avg"]
    found = parroted([*names, *names], [*names, *reversed(names)])
    figures = {"precision": 0.5, "recall": 0.5, "f1_score": 0.5, "support": 2.0}
    assert per_class(found) == dict.fromkeys(names, figures)


def test_a_class_that_is_predicted_and_never_true_is_shown() -> None:
    found = parroted(["a", "a", "b"], ["a", "z", "b"])
    assert confusion(found)[1] == ["a", "b", "z"]
    assert per_class(found)["z"] == {"precision": 0.0, "recall": 0.0, "f1_score": 0.0, "support": 0.0}
    assert found.files["classification_report.txt"].split().count("z") == 1


def test_test_rows_of_one_class_all_right_are_measured_without_a_warning() -> None:
    found = parroted(["a", "a"], ["a", "a"])
    assert (found.metrics["accuracy"], found.metrics["mcc"]) == (1.0, 0.0)
    assert confusion(found) == ([[2]], ["a"])


def test_limits_are_given_for_the_metrics_that_labels_decide() -> None:
    found = parroted(LABELS, PREDICTED)
    assert set(found.limits) == {key for key, metric in METRICS.items() if metric.needs == "labels"}
    assert all(low <= found.metrics[key] <= high for key, (low, high) in found.limits.items())


@pytest.mark.parametrize("model", FAMILIES)
def test_texts_are_read_once_and_the_answers_are_those_of_the_pipeline(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{('bad', 'good', 'odd')[i % 3]} film {i % 7}z" for i in range(40)]
    labels = np.array(["neg", "pos", "odd"], dtype=object)[np.arange(40) % 3]
    rows = Rows(feature_frame({"text": texts}, range(40)), labels, text_hashes(texts))
    pipeline = build_pipeline(configure({"data": "a.csv", "model": model})).fit(rows.frame, labels)
    wanted = pipeline.predict(rows.frame)
    scoring = "predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function"
    scores = getattr(pipeline, scoring)(rows.frame)
    reads = []
    transform = TfidfVectorizer.transform
    monkeypatch.setattr(TfidfVectorizer, "transform", lambda self, texts: reads.append(1) or transform(self, texts))
    found = predict(pipeline, rows)
    assert len(reads) == 1
    np.testing.assert_array_equal(found.predicted, wanted)
    np.testing.assert_array_equal(found.scores, scores)
    assert found.score_kind == {"predict_proba": "probability", "decision_function": "decision"}[scoring]


def test_whole_numbers_that_are_predicted_as_floats_are_the_classes_that_they_equal() -> None:
    labels, predicted = np.array([1, 2, 2, 1]), np.array([1.0, 2.0, 1.0, 1.0])
    evaluation = evaluate(Predictions(labels, predicted, None, "none", np.array([1, 2]), 0.1, None))
    assert evaluation.metrics["accuracy"] == 0.75
    assert [line.split()[-1] for line in str(evaluation.files["classification_report.txt"]).splitlines()[2:4]] == [
        "2"
    ] * 2
