"""The user's own metrics, measured: the value on the test rows, its limits, and what it is on resampled rows.

The resamples are the same for every run that was tested on the same rows, whatever their order: the difference of two
runs in a resample is then a paired one, and nobody who compares them later has to run the user's code.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.bootstrap import SEED
from expctl.analysis.clusters import group_weights, too_few
from expctl.analysis.limits import unseen_errors
from expctl.errors import UsageError, mask_secrets
from expctl.extra_metrics import read_extra_metrics, recorded_name
from expctl.training.data.duplicates import numbered
from expctl.training.models.factory import source_hash
from expctl.training.models.pipeline import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows
    from expctl.training.tasks.protocol import Predictions

_RESAMPLES: Final = (200, 1_000)
_ROWS_DRAWN: Final = 2_000_000  # by all resamples of a metric: it is Python, and may take long
_ASKED: Final = ("scores", "frame")
_MANY_WRONG: Final = 30  # rows from which on percentiles do
_TURNED: Final = 20  # rows that are taken for wrong
_ENOUGH: Final = 0.9  # of the resamples must have a value, or there are no limits and no test


@dataclass(frozen=True)
class LoadedMetric:
    """One that can be called: `key` is its name on a run, `asks` what it takes besides y_true and y_pred.

    `source` is its path with the sha256 of the file that it is written in, by which it is known again.
    """

    key: str
    source: str
    function: Callable[..., Any]
    asks: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """Values and 95% limits by name, and the values on each resample, shape (resamples,), with their sources.

    `missing` has a line for each that has no value, and why; `notes` say what else went wrong.
    """

    values: dict[str, float] = field(default_factory=dict)
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    resamples: dict[str, np.ndarray] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load_extra_metrics(recipe: Recipe) -> list[LoadedMetric]:
    """The metrics of the user's own that a recipe names, imported.

    Raises UsageError for one that cannot be, that takes something else than y_true, y_pred, scores and frame, or of
    which nobody says which way is better.
    """
    if recipe.extra_metric is None:
        return []
    loaded = []
    for one in read_extra_metrics(recipe.extra_metric):
        function = imported(one.path, "--extra-metric", "function")
        key = recorded_name(one, getattr(function, "greater_is_better", None))
        source = f"{one.path} {source_hash(one.path)}"
        loaded.append(LoadedMetric(key, source, function, _asks(one.path, function)))
    keys = [one.key for one in loaded]
    if len(set(keys)) < len(keys):
        raise UsageError(f"two of the extra metrics are called {max(keys, key=keys.count)}", hint="rename one")
    return loaded


def _asks(path: str, function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise UsageError(f"cannot tell the parameters of {path}: {error}", hint="write a function") from error
    asks = tuple(name for name in _ASKED if name in parameters)
    needed = [
        one.name
        for one in list(parameters.values())[2:]
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) and one.name not in asks
    ]
    if len(parameters) < 2 or needed:
        what = f"needs {', '.join(needed)}" if needed else "does not take y_true and y_pred"
        raise UsageError(f"{path} {what}", hint="a function of y_true and y_pred, and of scores or frame if it likes")
    return asks


def measure(recipe: Recipe, predictions: Predictions, rows: Rows) -> Measured:
    """What the recipe's metrics of the user's own are on these rows, of which `predictions` are.

    One that raises, that is not finite, or that needs scores of a model without any is `missing`: the model is worth
    keeping all the same. Source of the limits: see `analysis.bootstrap`; those of few errors are `_unseen`.
    """
    import numpy as np

    values, missing = values_of(recipe, predictions, rows)
    found = Measured(values=values, missing=missing)
    few = rows.groups is not None and too_few(numbered(rows.groups)) is not None
    for one in load_extra_metrics(recipe):
        if one.key not in values:
            continue
        if few:
            continue
        drawn = np.array([_value(one, predictions, rows, chosen)[0] for chosen in resampled_rows(rows)])
        there = drawn[np.isfinite(drawn)]
        if len(there) < _ENOUGH * len(drawn):
            found.notes.append(f"extra metric {one.key}: it has no value on many resamples; it has no limits")
            continue
        low, high = np.percentile(there, [2.5, 97.5]).tolist()
        unseen = values[one.key] + _unseen(one, predictions, rows, values[one.key])
        found.limits[one.key] = min(low, unseen), max(high, unseen)
        found.resamples[one.key], found.sources[one.key] = drawn, one.source
    return found


def _unseen(metric: LoadedMetric, predictions: Predictions, rows: Rows, value: float) -> float:
    """What errors that these rows did not show may change, where they showed few; 0 where they showed many.

    A bootstrap draws no error of which it has seen none: of a model without any its limits are a point. So a few rows,
    or groups, that the model has right are taken for wrong, one at a time: as much as that changes the metric on
    average, as many times as the exact limit of the number of errors is beyond their number.
    """
    import numpy as np

    labels, said = predictions.labels, predictions.predicted
    order = np.lexsort((rows.labels.astype(str), rows.hashes))
    units = np.arange(len(labels)) if rows.groups is None else numbered(rows.groups)
    wrong = np.unique(units[labels != said])
    ordered = units[order]
    right = ordered[np.sort(np.unique(ordered, return_index=True)[1])]
    right = right[~np.isin(right, wrong)]
    if len(wrong) >= _MANY_WRONG or not len(right) or len(predictions.classes) < 2:
        return 0.0
    effects = []
    for unit in right[:: max(1, len(right) // _TURNED)][:_TURNED]:
        changed = _value(metric, _turned(predictions, units == unit), rows, None)[0] - value
        effects.append(changed if np.isfinite(changed) else 0.0)
    return float(np.mean(effects)) * unseen_errors(len(wrong), len(wrong) + len(right))


def _turned(predictions: Predictions, chosen: np.ndarray) -> Predictions:
    """The same predictions with another class than was said of the chosen rows, and its score for that of what was."""
    import numpy as np

    classes, place = predictions.classes.tolist(), np.flatnonzero(chosen)
    before = [classes.index(name) if name in classes else 0 for name in predictions.predicted[place].tolist()]
    after = [(code + 1) % len(classes) for code in before]
    said = predictions.predicted.copy()
    said[place] = predictions.classes[after]
    scores = None if predictions.scores is None else predictions.scores.copy()
    if scores is not None and scores.ndim == 1:
        scores[place] = -scores[place]
    elif scores is not None:
        scores[place, before], scores[place, after] = scores[place, after], scores[place, before]
    return replace(predictions, predicted=said, scores=scores)


def values_of(recipe: Recipe, predictions: Predictions, rows: Rows) -> tuple[dict[str, float], list[str]]:
    """The values of the recipe's metrics of the user's own on these rows, and a line for each that has none."""
    values: dict[str, float] = {}
    missing: list[str] = []
    for one in load_extra_metrics(recipe):
        if "scores" in one.asks and predictions.scores is None:
            missing.append(f"extra metric {one.key} has no value: the model gives no scores")
            continue
        value, said = _value(one, predictions, rows, None)
        if said is None:
            values[one.key] = value
        else:
            missing.append(f"extra metric {one.key} has no value: {said}")
    return values, missing


def resampled_rows(rows: Rows) -> Iterator[np.ndarray]:
    """Positions of rows drawn with replacement, again and again: the same rows of any test set that has the same.

    Of rows in groups whole groups are drawn.
    """
    import numpy as np

    order = np.lexsort((rows.labels.astype(str), rows.hashes))
    size = len(order)
    least, most = _RESAMPLES
    generator = np.random.default_rng(SEED)
    groups = None if rows.groups is None else numbered(rows.groups[order])
    for _ in range(min(most, max(least, _ROWS_DRAWN // size))):
        if groups is None:
            yield order[generator.integers(size, size=size)]
        else:
            yield np.repeat(order, group_weights(groups, generator))


def _value(
    metric: LoadedMetric, predictions: Predictions, rows: Rows, chosen: np.ndarray | None
) -> tuple[float, str | None]:
    """Its value on the chosen rows (None: all as they are), or NaN and why there is none."""
    import numpy as np

    parts: dict[str, Any] = {"y_true": predictions.labels, "y_pred": predictions.predicted}
    asked = {"scores": predictions.scores, "frame": rows.frame}
    parts |= {name: asked[name] for name in metric.asks}
    if chosen is not None:
        parts = {name: part.iloc[chosen] if name == "frame" else part[chosen] for name, part in parts.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(metric.function(parts.pop("y_true"), parts.pop("y_pred"), **parts))
    except (Exception, SystemExit) as error:
        return float("nan"), f"{type(error).__name__}: {mask_secrets(str(error).partition(chr(10))[0])}"
    return value, None if np.isfinite(value) else f"its value is {value}"
