"""The one way a model is trained: `train`, a sweep's trials and `reproduce` all go through here.

Returns values; reports progress through a callback; knows no store and no screen.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.data_issues import DataIssue
from expctl.errors import DataError, TrainingFailed
from expctl.training.data.checks import FittedRows, find_issues, named, raise_if_strict
from expctl.training.data.dataset import Split, fingerprint
from expctl.training.data.duplicates import divisible, rows_of
from expctl.training.data.kinds import features_of
from expctl.training.data.row_groups import units_of
from expctl.training.data.rows import sample_column
from expctl.training.data.time_order import time_folds
from expctl.training.fit.extra_metrics import Measured, load_extra_metrics, measure, values_of
from expctl.training.models.steps import CALIBRATION_FOLDS, selects_columns
from expctl.training.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows
    from expctl.training.tasks.protocol import Evaluation, Predictions


# Says what a pipeline reads while it is fitted and measured in the block: part 0 is the training and the test rows,
# part 1, 2, ... the folds of the training rows.
# It gives the `unknown_shares` of the rows that are measured if it knows them without reading these.
Reading = Callable[["Pipeline", int], AbstractContextManager["np.ndarray | None"]]
_EXAMPLE: Final = 2  # test rows that are recorded with the model as an example of what it reads


def from_rows(_pipeline: Pipeline, _part: int) -> AbstractContextManager[np.ndarray | None]:
    """Nothing special: the pipeline reads the rows that it is given."""
    return nullcontext()


@dataclass(frozen=True)
class TrainResult:
    """A fitted pipeline and everything worth recording about it.

    `folds` has a dictionary of metrics for each cross-validation fold of the training rows (empty without --cv).
    `sample` holds 10 random test rows as people recognise them, with label and prediction. `data_issues` are those of
    the split and those that only the fitted model shows, `warnings` what fitting warned of. `extra` are the metrics of
    the user's own.
    """

    recipe: Recipe
    split: Split
    pipeline: Pipeline
    evaluation: Evaluation
    metrics: dict[str, float]
    folds: list[dict[str, float]]
    predictions: pd.DataFrame
    test_set: str
    sample: pd.DataFrame
    example: pd.DataFrame
    data_issues: list[DataIssue] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    extra: Measured = field(default_factory=Measured)


def check_fit(recipe: Recipe, pipeline: Pipeline, split: Split) -> None:
    """Raise DataError or UsageError where fitting could but fail, before any run is made."""
    load_extra_metrics(recipe)
    _check_calibration(recipe, split.train.labels)
    features_of(recipe).check_fit(pipeline, split.train.frame, recipe)


def _check_calibration(recipe: Recipe, labels: np.ndarray) -> None:
    """Raise DataError where a class has too few rows for the folds of a calibration, in those of `cv` too."""
    import numpy as np

    if recipe.calibrate is None:
        return
    classes, counts = np.unique(labels, return_counts=True)
    in_folds = counts if recipe.cv is None else counts - -(-counts // recipe.cv)
    if in_folds.min() < CALIBRATION_FOLDS:
        raise DataError(
            f"{named(classes[in_folds < CALIBRATION_FOLDS])}: fewer than {CALIBRATION_FOLDS} rows to calibrate by",
            hint="add rows, or train without --calibrate",
        )


def train(
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    *,
    reading: Reading = from_rows,
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> TrainResult:
    """Fit `pipeline` (unfitted, from `build_pipeline(recipe)`) on the training rows and evaluate it on the test rows.

    Linear algebra runs in one thread: sums over several end in other last bits, by the number of cores.
    Raises TrainingFailed if the estimator raises, and if `strict` DataError where the data guard finds something that
    only the fitted model shows.
    """
    from threadpoolctl import threadpool_limits

    kind, task, whole = features_of(recipe), task_of(recipe), split
    if selects_columns(pipeline) or recipe.columns is not None:
        split = _columns(split, kind.inputs(recipe))
    noticed: list[str] = []
    with threadpool_limits(limits=1):
        folds = (
            []
            if recipe.cv is None
            else list(_cross_validate(recipe, split.train, whole.train, pipeline, reading, progress, noticed))
        )
        progress(f"fitting {recipe.model} on {len(split.train):,} rows")
        with reading(pipeline, 0) as shares:
            started = time.perf_counter()
            _guarded(partial(_fit, pipeline, split.train), noticed)
            fit_seconds = time.perf_counter() - started
            kind.after_fit(pipeline)
            progress(f"evaluating on {len(split.test):,} rows")
            evaluation = _guarded(lambda: task.evaluate(task.predict(pipeline, split.test)), noticed)
    if shares is None:
        shares = kind.unknown_shares(pipeline, split.test.frame, recipe)
    late = [] if shares is None else list(find_issues(FittedRows(recipe, shares)))
    if strict:
        raise_if_strict(late)
    extra = measure(recipe, evaluation.predictions, whole.test)
    evaluation = replace(evaluation, limits={**evaluation.limits, **extra.limits})
    predictions = predictions_frame(evaluation.predictions, split.test)
    return TrainResult(
        recipe=recipe,
        split=split,
        pipeline=pipeline,
        evaluation=evaluation,
        metrics={
            **evaluation.metrics,
            **extra.values,
            "fit_seconds": fit_seconds,
            **({} if shares is None else kind.share_metrics(shares)),
        },
        folds=folds,
        predictions=predictions,
        test_set=fingerprint(split.test.hashes, split.test.labels),
        sample=_sample(split.test, evaluation, recipe),
        example=split.test.frame.head(_EXAMPLE).reset_index(drop=True),
        data_issues=[*split.data_issues, *late],
        warnings=list(dict.fromkeys([*noticed, *extra.missing, *extra.notes])),
        extra=extra,
    )


def _columns(split: Split, names: list[str]) -> Split:
    narrow = (replace(rows, frame=rows.frame[names]) for rows in (split.train, split.test))
    train_rows, test_rows = narrow
    return replace(split, train=train_rows, test=test_rows)


def _guarded(work: Callable[[], Any], noticed: list[str]) -> Any:
    """Do `work` on the estimator: its warnings are noted, what it raises is a failed training, not a bug of ours."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return work()
        except MemoryError as error:
            raise TrainingFailed("out of memory", hint="a smaller max_features, or a machine with more") from error
        except (Exception, SystemExit) as error:
            raise TrainingFailed(f"{type(error).__name__}: {_first_line(error)}") from error
        finally:
            noticed.extend(f"{w.category.__name__}: {_first_line(w.message)}" for w in caught)


def _first_line(error: object) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")


def _cross_validate(
    recipe: Recipe,
    rows: Rows,
    whole: Rows,
    pipeline: Pipeline,
    reading: Reading,
    progress: Callable[[str], None],
    noticed: list[str],
) -> Iterator[dict[str, float]]:
    """Metrics of each fold of the training rows. The folds depend on rows, labels and random state alone.

    `whole` are the same rows with the columns, too, that only metrics of the user's own read.
    """
    from sklearn.base import clone

    task = task_of(recipe)
    for number, (fit_on, measure_on) in enumerate(fold_positions(recipe, rows), 1):
        progress(f"fold {number} of {recipe.cv}")
        fold = clone(pipeline)
        with reading(fold, number):
            started = time.perf_counter()
            _guarded(partial(_fit, fold, rows.take(fit_on)), noticed)
            seconds = time.perf_counter() - started
            predictions = _guarded(partial(task.predict, fold, rows.take(measure_on)), noticed)
        extra, missing = values_of(recipe, predictions, whole.take(measure_on))
        noticed.extend(f"fold {number}: {line}" for line in missing)
        yield {**task.score_metrics(predictions), **extra, "fit_seconds": seconds}


def _fit(pipeline: Pipeline, rows: Rows) -> Pipeline:
    with compat.empty_columns_binned():
        return pipeline.fit(rows.frame, rows.labels)


def fold_positions(recipe: Recipe, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) positions of the `recipe.cv` folds, shuffled by the random state.

    With `dedupe` distinct texts are divided, by the label of the first copy, and the others follow. Groups stay whole.
    With a time column folds go forward, and no row of a group, or copy, that is measured is fitted on.
    """
    import numpy as np

    if rows.times is not None:
        return time_folds(rows, recipe)
    if rows.groups is not None:
        units = units_of(rows, recipe)
        return list(task_of(recipe).fold_splitter(recipe).split(np.zeros(len(rows)), rows.labels, units))
    units, labels = divisible(rows.hashes, rows.labels, dedupe=recipe.dedupe)
    divided = task_of(recipe).fold_splitter(recipe).split(np.zeros(len(labels)), labels)
    return [(rows_of(one, units), rows_of(other, units)) if recipe.dedupe else (one, other) for one, other in divided]


def _sampled(recipe: Recipe, rows: int) -> np.ndarray:
    """The positions of the (up to) ten test rows that are recorded with what they say."""
    import numpy as np

    return np.random.default_rng(recipe.random_state).permutation(rows)[:10]


def shown_only(split: Split, recipe: Recipe) -> Split:
    """The split without the features that nobody reads once they are counted: workers need not hold them."""
    import numpy as np

    kind = features_of(recipe)
    shown = np.concatenate([np.arange(min(_EXAMPLE, len(split.test))), _sampled(recipe, len(split.test))])
    return replace(
        split,
        train=kind.emptied(split.train, np.arange(0), recipe),
        test=kind.emptied(split.test, shown, recipe),
    )


def predictions_frame(predictions: Predictions, rows: Rows) -> pd.DataFrame:
    """One line a test row: `row` in the data file, `text_hash`, `label`, `prediction`, and `scores` as a list.

    `group_hash`, where the rows are of groups, and `slice.NAME` of each column by which they are looked at apart.
    """
    import pandas as pd

    frame = pd.DataFrame(
        {
            "row": rows.frame.index.to_numpy(),
            "text_hash": rows.hashes.astype(str).astype(object),
            "label": predictions.labels,
            "prediction": predictions.predicted,
        }
    )
    if predictions.scores is not None:
        scores = predictions.scores.reshape(len(rows), -1)
        frame["scores"] = pd.Series(list(scores), dtype="object")
    if rows.groups is not None:
        frame["group_hash"] = rows.groups.astype(str).astype(object)
    for name, cells in rows.slices.items():
        frame[f"slice.{name}"] = cells
    return frame


def _sample(test: Rows, evaluation: Evaluation, recipe: Recipe) -> pd.DataFrame:
    import pandas as pd

    chosen = _sampled(recipe, len(test))
    part = test.frame.iloc[chosen]
    return pd.DataFrame(
        {
            "row": part.index,
            **{sample_column(name): cells for name, cells in features_of(recipe).sample(part, recipe).items()},
            "label": test.labels[chosen],
            "prediction": evaluation.predictions.predicted[chosen],
        }
    )
