"""The table of metrics: what each is called, which direction is better, how it is computed. Imports nothing heavy.

A metric is of one task, but for those that are measured while any model is trained. To add one: one entry here and the
function that it names. It is recorded with its limits, compared, gated, ranked and swept by from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.errors import RunNotFound, UsageError, closest
from expctl.wording import name_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


Task = Literal["classification", "regression"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a run. `needs` says what it is computed from, `path` where the function is that does it.

    Of metrics that need labels it takes a `ClassCounts` and gives an array over the resamples
    (`analysis/label_metrics.py`). Of those that need scores it takes the predictions of a run, the positions of the
    rows that are asked about and their pairing, and gives the value with figures a row whose mean it is, or None
    (`analysis/scores.py`). Of those that need values, the metrics of regression, it takes the true and the predicted
    values, shape (n,), and gives the value with figures a row whose mean it is, or None (`analysis/regression.py`).
    Metrics lie in a `range`, and their limits with them. The clock and the terms are measured while a model is trained,
    of whatever task: theirs is None.
    """

    key: str
    label: str
    higher_is_better: bool
    needs: Literal["labels", "scores", "values", "clock", "terms"]
    help: str
    path: str = ""
    task: Task | None = "classification"
    range: tuple[float, float] = (0.0, 1.0)

    @property
    def is_quality_metric(self) -> bool:
        """Whether it says how good the predictions are."""
        return self.needs in ("labels", "scores", "values")

    @property
    def compute(self) -> Callable[..., Any]:
        """The function that `path` names, imported when it is asked for."""
        function: Callable[..., Any] = resolve_name(self.path)
        return function


_LABELS: Final = "expctl.analysis.label_metrics:"
_SCORES: Final = "expctl.analysis.scores:"
_CLASSES: Final = "F1 averaged over the classes, "
_REGRESSION: Final = "expctl.analysis.regression:"

_TABLE: Final = (
    Metric("accuracy", "accuracy", True, "labels", "share of test rows predicted correctly", _LABELS + "accuracy"),
    Metric("f1_score", "F1", True, "labels", _CLASSES + "weighted by their test rows", _LABELS + "f1_score"),
    Metric("precision", "precision", True, "labels", "precision, averaged as f1_score", _LABELS + "precision"),
    Metric("recall", "recall", True, "labels", "recall, averaged as f1_score", _LABELS + "recall"),
    Metric("f1_macro", "F1 macro", True, "labels", _CLASSES + "all classes with equal weight", _LABELS + "f1_macro"),
    Metric(
        "balanced_accuracy", "balanced accuracy", True, "labels", "recall averaged over the classes",
        _LABELS + "balanced_accuracy",
    ),
    Metric(
        "mcc", "MCC", True, "labels", "Matthews correlation coefficient, -1 to 1", _LABELS + "mcc",
        range=(-1.0, 1.0),
    ),
    Metric(
        "roc_auc", "ROC AUC", True, "scores", "area under the ROC curve; weighted one-against-rest if many classes",
        _SCORES + "placements",
    ),
    Metric(
        "log_loss", "log loss", False, "scores", "mean negative log likelihood; needs probabilities",
        _SCORES + "losses", range=(0.0, inf),
    ),
    Metric(
        "brier_score", "Brier score", False, "scores",
        "mean squared distance between the probabilities and what is true; needs probabilities",
        _SCORES + "squares", range=(0.0, 2.0),
    ),
    Metric(
        "r2", "R²", True, "values", "share of the target's variance that is explained: 1 is all, the mean alone 0",
        _REGRESSION + "r2", "regression", (-inf, 1.0),
    ),
    Metric(
        "rmse", "RMSE", False, "values", "root of the mean squared error, in the unit of the target",
        _REGRESSION + "rmse", "regression", (0.0, inf),
    ),
    Metric(
        "mae", "MAE", False, "values", "mean absolute error, in the unit of the target", _REGRESSION + "mae",
        "regression", (0.0, inf),
    ),
    Metric(
        "median_ae", "median error", False, "values", "median absolute error, in the unit of the target",
        _REGRESSION + "median_ae", "regression", (0.0, inf),
    ),
    Metric(
        "mape", "MAPE", False, "values", "mean absolute error as a share of the true value; 0.1 is 10 %",
        _REGRESSION + "mape", "regression", (0.0, inf),
    ),
    Metric("fit_seconds", "fit s", False, "clock", "wall time of fitting features and estimator", task=None),
    Metric("predict_seconds", "predict s", False, "clock", "wall time of predicting the test rows", task=None),
    Metric(
        "oov", "unknown terms", False, "terms", "mean share of a test row's terms that the model does not know",
        task=None,
    ),
)  # fmt: skip

METRICS: Final = {metric.key: metric for metric in _TABLE}
# Those by which runs of a task are shown; by the first they are ranked and judged.
USUAL_METRICS: Final[dict[str, tuple[str, str]]] = {
    "classification": ("f1_score", "accuracy"),
    "regression": ("r2", "rmse"),
}

_TOLD: Final = 15  # metrics that an error names
# Metrics of which less is better, by one word of their names: those of scikit-learn, Keras, PyTorch Lightning, Hugging
# Face, XGBoost and LightGBM. Endings, because names are also written in one word: `mlogloss`, `merror`.
_LOWER_WORDS: Final = frozenset({
    *("mse", "mae", "rmse", "rmsle", "msle", "mape", "smape", "mase", "medae", "mphe", "rse", "quantile", "huber"),
    *("nll", "bce", "entropy", "crossentropy", "deviance", "divergence", "kld", "kl", "hinge", "poisson", "tweedie"),
    *("perplexity", "ppl", "bpc", "bpb", "wer", "cer", "mer", "ter", "eer", "fpr", "fnr", "fid", "brier", "ece"),
    *("regret", "ae", "distance", "std", "oov", "err", "crps", "memory", "false"),
})  # fmt: skip
_LOWER_ENDINGS: Final = ("loss", "losses", "error", "errors", "nloglik", "rmse")
_LOWER_NAMES: Final = re.compile(r"(?:.*[^A-Za-z0-9])?l[12]")  # LightGBM's
_TIME_WORDS: Final = frozenset({
    *("second", "seconds", "sec", "secs", "time", "times", "runtime", "walltime", "duration", "latency", "elapsed"),
})  # fmt: skip
_SPEED_WORDS: Final = frozenset({"fps", "throughput"})
_PARTS: Final = frozenset({"val", "valid", "validation", "eval", "test", "dev"})  # of the data, as others name them


def metrics_of(task: str) -> dict[str, Metric]:
    """The metrics of the table that a model of a task may have, those of any task among them."""
    return {key: metric for key, metric in METRICS.items() if metric.task in (task, None)}


def quality_metrics(task: str) -> list[str]:
    """The metrics of a task that say how good predictions are: by which runs of it are tested, gated and swept."""
    return [key for key, metric in metrics_of(task).items() if metric.is_quality_metric]


def usual_metrics_of(task: str) -> tuple[str, str]:
    """The two metrics by which runs of a task are shown."""
    return USUAL_METRICS.get(task, USUAL_METRICS["classification"])


def default_metric(tasks: Iterable[str]) -> str | None:
    """The metric that decides of runs of these tasks; None of runs of several, which no metric ranks."""
    known = set(tasks)
    return usual_metrics_of(known.pop())[0] if len(known) == 1 else None


def higher_is_better(key: str) -> bool:
    """The direction of a metric; of one that is not in the table (another program's), judged by the words of its name.

    Limits and cross-validation figures (`f1_score_low`, `cv_log_loss_mean`) take the direction of their metric. Names
    that say `neg` (scikit-learn's scorers) are of negated losses, and speeds (`samples_per_second`) are no times.
    """
    if key in METRICS:
        return METRICS[key].higher_is_better
    words = name_words(key)
    if "neg" in words and "std" not in words:
        return True
    before = words[: words.index("per")] if "per" in words else words  # seconds per epoch, but samples per second
    lower = _is_time(before) or any(word in _LOWER_WORDS or word.endswith(_LOWER_ENDINGS) for word in words)
    return not lower and _LOWER_NAMES.fullmatch(key.lower()) is None


def _is_time(words: Sequence[str]) -> bool:
    return words[-1:] == ["ms"] or not _TIME_WORDS.isdisjoint(words)


def near_metrics(metric: str, present: Iterable[str]) -> list[str]:
    """The metrics of runs that are called like one which they do not have, by the rule of the topic `ranking`.

    The same words in any spelling, without those for a part of the data (`val_`, `eval_`, `test_`; not `train_`) and
    without `score` at the end; `acc` is accuracy.
    """
    wanted = _stem(metric)
    return [key for key in known_metrics(present) if key != metric and _stem(key) == wanted]


def _stem(key: str) -> str:
    words = ["accuracy" if word == "acc" else word for word in name_words(key) if word not in _PARTS]
    return "".join(words[:-1] if len(words) > 1 and words[-1] == "score" else words)


def nearest(metric: str, present: Iterable[str], note: Callable[[str], None]) -> str:
    """A metric itself where runs have it, else the one that is called like it, which is told; itself if none or several
    are.
    """
    keys = set(present)
    near = [] if metric in keys else near_metrics(metric, keys)
    if len(near) != 1:
        return metric
    note(f"no run has {metric}: {near[0]} is taken")
    return near[0]


def check_direction(metric: str, higher: bool | None) -> None:
    """Raise UsageError for a direction that is not that of a metric of the table."""
    if higher is not None and metric in METRICS and METRICS[metric].higher_is_better != higher:
        word = "lower" if higher else "higher"
        raise UsageError(f"{metric} is better {word}", hint="other metrics may be turned round")


def check_points(amount: float, name: str, metric: str | None = None, *, hint: str | None = None) -> None:
    """Raise UsageError for an amount of a metric, None for any, that is meant in percent: 1 of a score is all of it.

    Metrics without an end, `log_loss` and those of the user's own, may differ by any amount.
    """
    known = None if metric is None else METRICS.get(metric)
    scores = metric is None or (known is not None and known.is_quality_metric and known.range[1] < inf)
    if amount >= 1 and scores:
        raise UsageError(
            f"{name} {amount:g} is {100 * amount:g} points; 0.01 is one", hint=hint or f"{name} {amount / 100:g}"
        )


def check_least(least: float, metric: str) -> None:
    """Raise UsageError for a bound that no value of a metric keeps, as one in percent is none."""
    known = METRICS.get(metric)
    if known is not None and least > known.range[1] and known.is_quality_metric:
        raise UsageError(
            f"--min {least:g} is more than {metric} can be: {known.range[1]:g} is all of it",
            hint=f"--min {least / 100:g}",
        )


def is_clock(key: str) -> bool:
    """Whether a metric, or a cross-validation figure of one, is a time: never the same twice."""
    return any(clock in key for clock, metric in METRICS.items() if metric.needs == "clock")


def names_a_time(key: str) -> bool:
    """Whether a metric of another program is by its name a time, a speed or a figure of the machine.

    Its words are looked at: `epoch_time`, `train_samples_per_second`, `system/cpu_utilization_percentage`.
    """
    words = name_words(key)
    return key.startswith("system/") or _is_time(words) or not _SPEED_WORDS.isdisjoint(words)


def is_detail(key: str, present: Iterable[str]) -> bool:
    """Whether a metric says how sure another one is, rather than something of its own.

    Confidence limits (`f1_score_low`), and of cross-validation the deviation and the folds beside the mean.
    """
    limit = any(key.endswith(end) and key.removesuffix(end) in present for end in ("_low", "_high"))
    fold = key.startswith("cv_") and (key.endswith("_std") or f"{key}_mean" in present)
    return limit or fold


def known_metrics(present: Iterable[str]) -> list[str]:
    """The metrics among what runs have, those of the table first, without details and MLflow's own of the machine."""
    keys = {key for key in present if not key.startswith("system/")}
    ordered = [key for key in METRICS if key in keys] + sorted(key for key in keys if key not in METRICS)
    return [key for key in ordered if not is_detail(key, keys)]


def without_metric(which: str, metric: str, present: Iterable[str], *, option: str = "--metric ") -> RunNotFound:
    """The error of runs (`no finished run has`) that lack a metric: the closest, and what `option` may name instead."""
    known = [key for key in known_metrics(present) if key != metric]
    near = near_metrics(metric, known)
    guess = f", but {', '.join(near)}" if len(near) > 1 else closest(metric, known)
    known = near if len(near) > 1 else known
    told = ", ".join([*known[:_TOLD], *(["..."] if len(known) > _TOLD else [])])
    hint = f"{option}{told}" if known else "expctl list"
    return RunNotFound(f"{which} {metric}{guess}", hint=hint)
