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

from expctl.data_issues import DataIssue
from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.training.data.checks import raise_if_strict, unknown
from expctl.training.data.dataset import Split, fingerprint
from expctl.training.data.duplicates import first_rows, numbered, rows_of
from expctl.training.data.rows import Rows
from expctl.training.fit.evaluate import Evaluation, evaluate, predictions_frame, score_metrics
from expctl.training.fit.evaluate import predict as predict_rows
from expctl.training.fit.oov import Seen, unknown_shares, vectorizer_of
from expctl.training.models.pipeline import text_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe


# Says what a pipeline reads while it is fitted and measured in the block: part 0 is the training and the test rows,
# part 1, 2, ... the folds of the training rows.
# It gives the `unknown_shares` of the rows that are measured if it knows them without their texts.
Reading = Callable[["Pipeline", int], AbstractContextManager["np.ndarray | None"]]
_EXAMPLE: Final = 2  # test rows that are recorded with the model as an example of what it reads


def from_texts(_pipeline: Pipeline, _part: int) -> AbstractContextManager[np.ndarray | None]:
    """Nothing special: the pipeline reads the texts that it is given."""
    return nullcontext()


@dataclass(frozen=True)
class TrainResult:
    """A fitted pipeline and everything worth recording about it.

    `folds` has a dictionary of metrics for each cross-validation fold of the training rows (empty without --cv).
    `sample` holds 10 random test rows with text, label and prediction. `data_issues` are those of the split and those
    that only the fitted model shows, `warnings` what fitting warned of.
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


def check_text(pipeline: Pipeline, split: Split) -> None:
    """Raise DataError if no training text has a single term: found at the first text that has one, before any run.

    Raises UsageError if `min_df` asks for more rows than there are.
    """
    transformer = pipeline.steps[0][1]
    if not hasattr(transformer, "transformers"):
        return
    name, vectorizer, column = transformer.transformers[0]
    if name == "tfidf":
        if vectorizer.min_df > len(split.train):
            raise UsageError(f"min_df {vectorizer.min_df} is more than the {len(split.train):,} training rows")
        analyze = vectorizer.build_analyzer()
        if not any(analyze(text) for text in split.train.frame[column]):
            raise DataError(
                "no term in any training text: they hold only stop words, single letters or signs",
                hint="-p analyzer=char_wb reads letters instead of words; -p stop_words=none keeps all words",
            )


def train(
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    *,
    reading: Reading = from_texts,
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> TrainResult:
    """Fit `pipeline` (unfitted, from `build_pipeline(recipe)`) on the training rows and evaluate it on the test rows.

    Linear algebra runs in one thread: sums over several end in other last bits, by the number of cores.
    Raises TrainingFailed if the estimator raises, and if `strict` DataError where the data guard finds something that
    only the fitted model shows.
    """
    from threadpoolctl import threadpool_limits

    if text_only(pipeline):
        split = _columns(split, [recipe.text_column])
    noticed: list[str] = []
    with threadpool_limits(limits=1):
        folds = list(_cross_validate(recipe, split.train, pipeline, reading, progress, noticed)) if recipe.cv else []
        progress(f"fitting {recipe.model} on {len(split.train):,} rows")
        with reading(pipeline, 0) as shares:
            started = time.perf_counter()
            _guarded(partial(_fit, pipeline, split.train), noticed)
            fit_seconds = time.perf_counter() - started
            plain_vocabulary(pipeline)
            progress(f"evaluating on {len(split.test):,} rows")
            evaluation = _guarded(partial(evaluate, pipeline, split.test), noticed)
    vectorizer = vectorizer_of(pipeline)
    if shares is None and vectorizer is not None:
        shares = unknown_shares(vectorizer, split.test.frame[recipe.text_column])
    late = [] if shares is None else list(unknown(shares))
    if strict:
        raise_if_strict(late)
    predictions = predictions_frame(evaluation.predictions, split.test)
    return TrainResult(
        recipe=recipe,
        split=split,
        pipeline=pipeline,
        evaluation=evaluation,
        metrics={**evaluation.metrics, "fit_seconds": fit_seconds, **_oov(shares)},
        folds=folds,
        predictions=predictions,
        test_set=fingerprint(split.test.hashes, split.test.labels),
        sample=_sample(split.test, evaluation, recipe),
        example=split.test.frame.head(_EXAMPLE).reset_index(drop=True),
        data_issues=[*split.data_issues, *late],
        warnings=list(dict.fromkeys(noticed)),
    )


def _oov(shares: np.ndarray | None) -> dict[str, float]:
    seen = Seen()
    if shares is not None:
        seen.add(shares)
    return {"oov": seen.mean} if seen.with_terms else {}


def _columns(split: Split, names: list[str]) -> Split:
    narrow = (Rows(rows.frame[names], rows.labels, rows.hashes) for rows in (split.train, split.test))
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


def plain_vocabulary(pipeline: Pipeline) -> None:
    """Turn the indices of TF-IDF vocabularies into Python integers, equal in value.

    numpy's make skops write each as an array of its own: 0.7 s in place of 0.1 s for 5,000 terms.
    """
    transformer = pipeline.steps[0][1]
    for vectorizer in getattr(transformer, "named_transformers_", {}).values():
        if hasattr(vectorizer, "vocabulary_"):
            vectorizer.vocabulary_ = {term: int(index) for term, index in vectorizer.vocabulary_.items()}


def _cross_validate(
    recipe: Recipe,
    rows: Rows,
    pipeline: Pipeline,
    reading: Reading,
    progress: Callable[[str], None],
    noticed: list[str],
) -> Iterator[dict[str, float]]:
    """Metrics of each fold of the training rows. The folds depend on rows, labels and random state alone."""
    from sklearn.base import clone

    for number, (fit_on, measure_on) in enumerate(fold_positions(recipe, rows), 1):
        progress(f"fold {number} of {recipe.cv}")
        fold = clone(pipeline)
        with reading(fold, number):
            started = time.perf_counter()
            _guarded(partial(_fit, fold, rows.take(fit_on)), noticed)
            seconds = time.perf_counter() - started
            predictions = _guarded(partial(predict_rows, fold, rows.take(measure_on)), noticed)
        yield {**score_metrics(predictions), "fit_seconds": seconds}


def _fit(pipeline: Pipeline, rows: Rows) -> Pipeline:
    return pipeline.fit(rows.frame, rows.labels)


def fold_positions(recipe: Recipe, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) positions of the `recipe.cv` folds, shuffled by the random state, stratified if the split is.

    With `dedupe` distinct texts are divided, by the label of the first copy, and the others follow.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if recipe.stratify else KFold
    folds = kind(n_splits=recipe.cv, shuffle=True, random_state=recipe.random_state)
    texts = numbered(rows.hashes) if recipe.dedupe else np.arange(len(rows))
    labels = rows.labels[first_rows(texts)] if recipe.dedupe else rows.labels
    divided = folds.split(np.zeros(len(labels)), labels)
    return [(rows_of(one, texts), rows_of(other, texts)) if recipe.dedupe else (one, other) for one, other in divided]


def _sampled(recipe: Recipe, rows: int) -> np.ndarray:
    """The positions of the (up to) ten test rows that are recorded with their text."""
    import numpy as np

    return np.random.default_rng(recipe.random_state).permutation(rows)[:10]


def shown_only(split: Split, recipe: Recipe) -> Split:
    """The split without the texts that nobody reads once they are counted: workers need not hold them."""
    import numpy as np
    import pandas as pd

    def emptied(rows: Rows, keep: np.ndarray) -> Rows:
        texts = np.full(len(rows), "", dtype=object)
        texts[keep] = rows.frame[recipe.text_column].to_numpy()[keep]
        frame = pd.DataFrame({recipe.text_column: pd.Series(texts, rows.frame.index, "object")})
        return Rows(frame, rows.labels, rows.hashes)

    shown = np.concatenate([np.arange(min(_EXAMPLE, len(split.test))), _sampled(recipe, len(split.test))])
    return replace(split, train=emptied(split.train, np.arange(0)), test=emptied(split.test, shown))


def _sample(test: Rows, evaluation: Evaluation, recipe: Recipe) -> pd.DataFrame:
    import pandas as pd

    chosen = _sampled(recipe, len(test))
    part = test.frame.iloc[chosen]
    return pd.DataFrame(
        {
            "row": part.index,
            "text": part[recipe.text_column].to_numpy(),
            "label": test.labels[chosen],
            "prediction": evaluation.predictions.predicted[chosen],
        }
    )
