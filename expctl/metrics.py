"""The table of metrics: what each is called, which direction is better, what it needs. Imports nothing heavy.

To add a metric: one entry here, and one line in `training/evaluate.py` if it comes from scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a run. `needs` says what it is computed from."""

    key: str
    label: str
    higher_is_better: bool
    needs: Literal["labels", "scores", "clock", "terms"]
    help: str

    @property
    def is_quality_metric(self) -> bool:
        """Whether it says how good the predictions are."""
        return self.needs in ("labels", "scores")


_TABLE: Final = (
    Metric("accuracy", "accuracy", True, "labels", "share of test rows predicted right"),
    Metric("f1_score", "F1", True, "labels", "F1 averaged over the classes, weighted by their test rows"),
    Metric("precision", "precision", True, "labels", "precision, averaged as f1_score"),
    Metric("recall", "recall", True, "labels", "recall, averaged as f1_score"),
    Metric("f1_macro", "F1 macro", True, "labels", "F1 averaged over the classes, every class counting the same"),
    Metric("balanced_accuracy", "balanced accuracy", True, "labels", "recall averaged over the classes"),
    Metric("mcc", "MCC", True, "labels", "Matthews correlation coefficient, -1 to 1"),
    Metric("roc_auc", "ROC AUC", True, "scores", "area under the ROC curve; weighted one-against-rest if many classes"),
    Metric("log_loss", "log loss", False, "scores", "mean negative log likelihood; needs probabilities"),
    Metric("fit_seconds", "fit s", False, "clock", "wall time of fitting features and classifier"),
    Metric("predict_seconds", "predict s", False, "clock", "wall time of predicting the test rows"),
    Metric("oov", "unknown terms", False, "terms", "mean share of a test row's terms that the model does not know"),
)

METRICS: Final = {metric.key: metric for metric in _TABLE}

_LOWER_WORDS: Final = ("loss", "error", "seconds", "mse", "mae", "rmse", "_std", "duration", "latency", "oov")


def higher_is_better(key: str) -> bool:
    """The direction of a metric; of one that is not in the table (a foreign run's), judged by its name.

    Limits and cross-validation figures (`f1_score_low`, `cv_log_loss_mean`) take the direction of their metric.
    """
    if key in METRICS:
        return METRICS[key].higher_is_better
    return not any(word in key.lower() for word in _LOWER_WORDS)


def is_clock(key: str) -> bool:
    """Whether a metric, or a cross-validation figure of one, is a time: never the same twice."""
    return any(clock in key for clock, metric in METRICS.items() if metric.needs == "clock")


def is_detail(key: str, present: Iterable[str]) -> bool:
    """Whether a metric says how sure another one is, rather than something of its own.

    Confidence limits (`f1_score_low`), and of cross-validation the deviation and the folds beside the mean.
    """
    limit = any(key.endswith(end) and key.removesuffix(end) in present for end in ("_low", "_high"))
    fold = key.startswith("cv_") and (key.endswith("_std") or f"{key}_mean" in present)
    return limit or fold
