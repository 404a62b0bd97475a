"""`learning-curve`: a run's recipe trained on more and more of its rows, and what each doubling gained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expctl.analysis.learning_curve import learning_curve
from expctl.errors import TrainingFailed, UsageError
from expctl.metrics import METRICS, usual_metrics_of
from expctl.tracking.runs.items import File
from expctl.tracking.runs.writer import RunWriter
from expctl.training.data.duplicates import numbered
from expctl.training.data.row_groups import units_of
from expctl.training.fit.subsets import doubling_sizes, shared_order
from expctl.training.fit.trainer import train
from expctl.training.models.families import is_factory
from expctl.training.models.pipeline import build_pipeline
from expctl.wording import plural
from expctl.workflows.recipe_source import recipe_of
from expctl.workflows.reproduce_source import find_data, original_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from expctl.analysis.learning_curve import LearningCurve
    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.dataset import Split

PICTURE = "learning_curve.png"
_LEAST = 20  # rows that a regression is trained on


@dataclass(frozen=True)
class Curve:
    """The curve of a run, which has its picture now; `notes` say what could not be trained."""

    run: RunRecord
    curve: LearningCurve
    notes: list[str]


def check_metric(metric: str | None, task: str | None = None) -> None:
    """Raise UsageError for a metric that labels and predictions alone do not decide, or of another task."""
    known = [
        key for key, one in METRICS.items() if one.needs in ("labels", "values") and (task is None or one.task == task)
    ]
    if metric is not None and metric not in known:
        raise UsageError(f"no learning curve of {metric!r}", hint=f"--metric {', '.join(known)}")


def draw_learning_curve(
    store: Store,
    run: RunRecord,
    *,
    metric: str | None,
    points: int,
    repeats: int,
    data: str | None = None,
    test_data: str | None = None,
    trust: bool,
    progress: Callable[[str], None] = lambda stage: None,
) -> Curve:
    """Train a run's recipe on parts of its training rows, each twice the one before, and test on its test rows.

    Of each part but the whole there are `repeats`, drawn at random in the classes' shares. Without a metric that of the
    task decides. The picture is recorded with the run, over an earlier one. `data` and `test_data` say where the files
    are now. Parts that cannot be trained on are left out and told.

    Raises what `original_of` and `find_data` raise of a run that cannot be trained again, TrainingFailed if no part can
    be trained on.
    """
    import numpy as np

    check_metric(metric, run.task)
    metric = metric or usual_metrics_of(run.task)[0]
    measured = run.task == "regression"
    store.prepare_writing(run.artifact_uri)
    store.check_own(run.artifact_uri)
    run = store.get(run.run_id)  # whose files may be elsewhere since
    # Metrics of the user's own are not measured: only a model of their own runs their code.
    original = original_of(store, run, trust=trust or not is_factory(recipe_of(run).model))
    progress("reading " + original.recipe.data)
    recipe, split, _ = find_data(store, original, data, test_data)
    recipe = replace(recipe, cv=None, extra_metric=None, extra_metric_hash=None)
    rows = len(split.train)
    strata = np.zeros(rows, dtype=np.int64) if measured else split.train.labels
    sizes = doubling_sizes(rows, points, least=_LEAST if measured else 2 * len(np.unique(strata)))
    groups = None if split.train.groups is None else units_of(split.train, recipe)
    orders = [shared_order(strata, (recipe.random_state, i), groups=groups) for i in range(repeats)]
    planned = [(size, order) for size in sizes for order in (orders if size < rows else orders[:1])]
    predicted: dict[int, list[np.ndarray]] = {}
    notes: list[str] = []
    for number, (size, order) in enumerate(planned, 1):
        progress(f"training {number} of {len(planned)}: {plural(size, 'row')}")
        try:
            predicted.setdefault(size, []).append(_predictions(recipe, split, np.sort(order[:size])))
        except TrainingFailed as error:
            notes.append(f"{plural(size, 'row')}: {error.message}")
    found = [(size, models) for size, models in predicted.items() if models]
    if not found:
        raise TrainingFailed(notes[0], hint=f"expctl reproduce {run.run_id[:8]}")
    every = np.concatenate([split.test.labels, *(one for _, models in found for one in models)])
    classes, codes = (every, every) if measured else np.unique(every.astype(str), return_inverse=True)
    parts = np.split(codes, 1 + sum(len(models) for _, models in found))
    coded, rest = [], parts[1:]
    for size, models in found:
        coded.append((size, rest[: len(models)]))
        rest = rest[len(models) :]
    tested = None if split.test.groups is None else numbered(split.test.groups)
    curve = learning_curve(metric, parts[0], coded, len(classes), groups=tested)
    progress("drawing")
    _record(store, run, curve)
    return Curve(run, curve, list(dict.fromkeys(notes)))


def _predictions(recipe: Recipe, split: Split, chosen: np.ndarray) -> np.ndarray:
    """What a model of some of the training rows says of the test rows."""
    part = replace(split, train=split.train.take(chosen.tolist()))
    found: np.ndarray = train(recipe, part, build_pipeline(recipe)).evaluation.predictions.predicted
    return found


def _record(store: Store, run: RunRecord, curve: LearningCurve) -> None:
    from expctl.figures.plots import learning_curve as drawn

    limits = [(one.low, one.high) for one in curve.points]
    picture = drawn(curve.metric, [one.rows for one in curve.points], [one.value for one in curve.points], limits)
    RunWriter(store, run).write([File(PICTURE, picture)])
