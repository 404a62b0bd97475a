"""What a fitted classifier is worth on rows it has not seen: predictions, metrics with limits, figures per class."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.clusters import cluster_limits
from expctl.analysis.label_metrics import ClassCounts
from expctl.analysis.limits import confidence_limits
from expctl.analysis.predictions import Pairing, RunPredictions
from expctl.metrics import METRICS, metrics_of
from expctl.training.models.steps import transformed
from expctl.training.tasks.protocol import Evaluation, Figure, Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from sklearn.pipeline import Pipeline

    from expctl.analysis.predictions import ScoreKind
    from expctl.training.data.rows import Rows


# Those that scikit-learn computes here; of a model without the scores for one, it has no value.
SKLEARN: Final = (
    *("accuracy", "f1_score", "precision", "recall", "f1_macro", "balanced_accuracy", "mcc"),
    *("roc_auc", "log_loss"),
)


def predict(pipeline: Pipeline, rows: Rows) -> Predictions:
    """Predictions and, where the classifier gives any, scores."""
    started = time.perf_counter()
    model, read = transformed(pipeline, rows.frame)
    predicted = model.predict(read)
    seconds = time.perf_counter() - started
    scores: Any = None
    kind: ScoreKind = "none"
    if hasattr(model, "predict_proba"):
        scores, kind = model.predict_proba(read), "probability"
    elif hasattr(model, "decision_function"):
        scores, kind = model.decision_function(read), "decision"
    return Predictions(rows.labels, predicted, scores, kind, pipeline.classes_, seconds, rows.groups)


def score_metrics(predictions: Predictions) -> dict[str, float]:
    """Every metric of the table that these predictions allow. Never NaN: left out instead.

    By scikit-learn where it has the metric, to the last bit; any other by its own function of the table.
    """
    import numpy as np

    values = {
        **_from_labels(*_numbered(predictions)[1:]),
        **_from_scores(predictions),
        "predict_seconds": predictions.seconds,
    }
    values = {**_by_the_table(predictions, without=values), **values}
    ordered = {key: values[key] for key in METRICS if key in values}
    return {key: float(value) for key, value in ordered.items() if np.isfinite(value)}


def _numbered(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes that there are, in order, and by their places there the labels and what was predicted.

    scikit-learn sorts what it is given for each metric anew: of words that takes as long as all the rest.
    """
    import numpy as np

    both = np.concatenate([predictions.labels, predictions.predicted])
    present, places = np.unique(both, return_inverse=True)
    return present, places[: len(predictions.labels)], places[len(predictions.labels) :]


def _from_labels(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    import numpy as np
    from sklearn import metrics as sk

    # zero_division=0 is scikit-learn's own answer, without its warning for each class that is never predicted.
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        labels, predicted, average="weighted", zero_division=0
    )
    recalls = sk.recall_score(labels, predicted, labels=np.unique(labels), average=None, zero_division=0)
    return {
        "accuracy": sk.accuracy_score(labels, predicted),
        "f1_score": f1,
        "precision": precision,
        "recall": recall,
        "f1_macro": sk.f1_score(labels, predicted, average="macro", zero_division=0),
        "balanced_accuracy": recalls.mean(),
        # A single class on both sides is 0 in scikit-learn too, with a warning that nobody could act on.
        "mcc": sk.matthews_corrcoef(labels, predicted) if len(np.union1d(labels, predicted)) > 1 else 0.0,
    }


def _by_the_table(predictions: Predictions, *, without: Mapping[str, float]) -> dict[str, float]:
    """The metrics of the table that scikit-learn did not compute."""
    import numpy as np

    known = metrics_of("classification").items()
    others = {key: one for key, one in known if one.is_quality_metric and key not in (*SKLEARN, *without)}
    if predictions.scores is None:
        others = {key: one for key, one in others.items() if one.needs != "scores"}
    if not others:
        return {}
    run = _coded(predictions)
    every, size = np.arange(len(run)), len(run.classes)
    same = Pairing(every, every, run.labels, run.predicted, run.predicted, run.classes, complete=True)
    hits = run.labels[run.labels == run.predicted]
    counts = ClassCounts(
        *(np.bincount(of, minlength=size)[None, :].astype(float) for of in (hits, run.predicted, run.labels))
    )
    values = {}
    for key, metric in others.items():
        found = metric.compute(counts) if metric.needs == "labels" else metric.compute(run, every, same)
        if found is not None:
            values[key] = float(found[0])
    return values


def _coded(predictions: Predictions) -> RunPredictions:
    """Predictions as those of a recorded run, with the classes that there are, the model's own first."""
    import numpy as np
    import pandas as pd

    labels, scores, classes = predictions.labels, predictions.scores, predictions.classes
    known = pd.Index(classes).append(pd.Index(pd.unique(np.concatenate([labels, predictions.predicted])))).unique()
    names = list(map(str, known))
    return RunPredictions(
        np.arange(len(labels)), np.zeros(len(labels), "S32"), known.get_indexer(labels),
        known.get_indexer(predictions.predicted), names, None if scores is None else scores.reshape(len(labels), -1),
        predictions.score_kind, names[: len(classes)],
    )  # fmt: skip


def _from_scores(predictions: Predictions) -> dict[str, float]:
    """ROC AUC and log loss. Both need every class among the test rows and no test row of a class never trained on."""
    import numpy as np
    from sklearn import metrics as sk

    labels, scores, classes = predictions.labels, predictions.scores, predictions.classes
    if scores is None or not np.isin(labels, classes).all():
        return {}
    values: dict[str, float] = {}
    if predictions.score_kind == "probability":
        values["log_loss"] = sk.log_loss(labels, scores, labels=classes)
    if len(np.unique(labels)) < len(classes):
        return values
    if len(classes) == 2:
        positive = scores[:, 1] if scores.ndim == 2 else scores
        values["roc_auc"] = sk.roc_auc_score(labels == classes[1], positive)
    elif predictions.score_kind == "probability":
        values["roc_auc"] = sk.roc_auc_score(labels, scores, multi_class="ovr", average="weighted", labels=classes)
    return values


def evaluate(predictions: Predictions) -> Evaluation:
    """Metrics, figures per class and the confusion matrix."""
    import numpy as np
    from sklearn import metrics as sk

    present, labels, predicted = _numbered(predictions)
    names, places = [str(label) for label in present], np.arange(len(present))
    # Not classification_report's dictionary: there a class called "accuracy" is lost under the total of that name.
    figures = sk.precision_recall_fscore_support(labels, predicted, labels=places, average=None, zero_division=0)
    per_class = {
        name: dict(zip(("precision", "recall", "f1_score", "support"), map(float, row), strict=True))
        for name, *row in zip(names, *figures, strict=True)
    }
    confusion = sk.confusion_matrix(labels, predicted, labels=places) if len(present) > 1 else np.array([[len(labels)]])
    return Evaluation(
        predictions=predictions,
        metrics=score_metrics(predictions),
        limits=confidence_limits(predictions.labels, predictions.predicted, classes=predictions.classes)
        if predictions.groups is None
        else cluster_limits(predictions.labels, predictions.predicted, predictions.groups),
        files={
            "classification_report.txt": sk.classification_report(
                labels, predicted, labels=places, target_names=names, zero_division=0, digits=4
            ),
            "per_class.json": json.dumps(per_class, ensure_ascii=False, indent=1) + "\n",
        },
        figures=(Figure("confusion_matrix.png", "expctl.figures.plots:confusion_matrix", (confusion, names)),),
    )
