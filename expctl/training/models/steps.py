"""The layout of the Pipelines that expctl builds: the names of their steps, and every look inside.

Nobody else names a step or reaches into one, so that another layout (other columns, another kind of estimator) changes
this file alone. The names are in every recorded model: a new one must not replace an old one.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

TFIDF: Final = "tfidf"
_SPARSE: Final = 0.3  # scikit-learn's default: the share of numbers that are not zero below which a matrix is sparse
CALIBRATION_FOLDS: Final = 5  # scikit-learn's default, said so that a later one changes no recipe
TFIDF_CHARACTERS: Final = "tfidf_characters"  # of analyzer=word+char_wb, beside the words
_FEATURES: Final = "features"
_CLASSIFIER: Final = "classifier"
_REGRESSOR: Final = "regressor"
_COLUMN: Final = "column"
_TEXT: Final = "text"
_FACTORY: Final = "model"


def on_features(
    transformers: list[tuple[str, Any, Any]], estimator: Any, *, dense: bool | None = None, regresses: bool = False
) -> Pipeline:
    """An estimator on features: `transformers` are (name, transformer, columns), as ColumnTransformer takes them.

    Of a table the matrix is `dense`, or as it takes less memory; None: of a text.
    """
    from sklearn.pipeline import Pipeline

    # 1.0: the matrix of the one vectorizer stays sparse unless every text has every term.
    threshold = 1.0 if dense is None else 0.0 if dense else _SPARSE
    features = _on_columns(transformers, sparse_threshold=threshold)
    return Pipeline([(_FEATURES, features), (_REGRESSOR if regresses else _CLASSIFIER, estimator)])


def calibrated(estimator: Any, method: str) -> Any:
    """A classifier whose probabilities are calibrated, by what it says of rows that it was not fitted on.

    It is fitted once more on all rows: one model, which weighs terms as it does without calibration, behind one curve.
    """
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(estimator, method=method, cv=CALIBRATION_FOLDS, ensemble=False)


def with_class_names(estimator: Any) -> Any:
    """A classifier that learns classes 0, 1, 2 only, with their names before and behind it: a vote of one, which is all
    that scikit-learn has for it, so that the model is loaded without expctl.
    """
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier([(_CLASSIFIER, estimator)], voting="soft")


def on_text(column: str, estimator: Any) -> Pipeline:
    """A factory's estimator that reads texts, given the texts of a column."""
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    chosen = _on_columns([(_TEXT, "passthrough", [column])])
    return Pipeline([(_COLUMN, chosen), (_TEXT, FunctionTransformer(np.ravel)), (_FACTORY, estimator)])


def _on_columns(transformers: list[tuple[str, Any, Any]], **options: Any) -> ColumnTransformer:
    """A ColumnTransformer that keeps the columns left over as a plain list.

    scikit-learn 1.5 and 1.6 keep a list of their own, which neither skops nor MLflow loads, unless told not to.
    """
    from sklearn.compose import ColumnTransformer

    own_list = inspect.signature(ColumnTransformer).parameters.get("force_int_remainder_cols")
    if own_list is not None and own_list.default is True:
        options["force_int_remainder_cols"] = False
    return ColumnTransformer(transformers, **options)


def on_frame(estimator: Any) -> Pipeline:
    """A factory's estimator that reads the DataFrame with all its columns."""
    from sklearn.pipeline import Pipeline

    return Pipeline([(_FACTORY, estimator)])


def selects_columns(pipeline: Pipeline) -> bool:
    """Whether a built pipeline reads the columns of its features alone (all but `on_frame` do)."""
    return pipeline.steps[0][0] in (_FEATURES, _COLUMN)


def is_from_factory(pipeline: Pipeline) -> bool:
    """Whether the estimator is one that a user's own code made."""
    return bool(pipeline.steps[-1][0] == _FACTORY)


def is_calibrated(pipeline: Pipeline) -> bool:
    """Whether the probabilities of a pipeline's estimator are calibrated."""
    return _is_calibration(pipeline.steps[-1][1])


def final_estimator(pipeline: Pipeline) -> Any:
    """The estimator behind the features, without its calibration; the fitted one of a fitted pipeline."""
    estimator = pipeline.steps[-1][1]
    if not _is_calibration(estimator):
        return estimator
    fitted = getattr(estimator, "calibrated_classifiers_", None)
    return fitted[0].estimator if fitted else estimator.estimator


def _is_calibration(estimator: Any) -> bool:
    """By its name: who asks of a model that has none need not import it."""
    return f"{type(estimator).__module__}.{type(estimator).__name__}" == "sklearn.calibration.CalibratedClassifierCV"


def features_step(pipeline: Pipeline) -> ColumnTransformer:
    """What makes the features of a pipeline that `on_features` made."""
    return pipeline.named_steps[_FEATURES]


def unfitted_transformer(pipeline: Pipeline, name: str) -> Any:
    """The transformer of that name as it will be cloned and fitted; None where there is none."""
    if pipeline.steps[0][0] != _FEATURES:
        return None
    return next((transformer for own, transformer, _ in pipeline.steps[0][1].transformers if own == name), None)


def fitted_transformer(estimator: Any, name: str) -> Any:
    """The fitted transformer of that name; None of a factory's estimator, and of anything else."""
    return fitted_transformers(estimator).get(name)


def fitted_transformers(estimator: Any) -> dict[str, Any]:
    """The fitted transformers by name; none of a factory's estimator, and of anything else."""
    steps = getattr(estimator, "steps", None)
    features = steps[0][1] if steps and steps[0][0] == _FEATURES else None
    return dict(getattr(features, "named_transformers_", {}))


def transformed(pipeline: Pipeline, frame: pd.DataFrame) -> tuple[Any, Any]:
    """The part of a fitted pipeline that predicts, and what it reads of these rows.

    The features are made here once, where `predict` and then `predict_proba` of the pipeline would make them twice.
    """
    if pipeline.steps[0][0] == _FEATURES:
        return pipeline[-1], pipeline[:-1].transform(frame)
    return pipeline, frame


def reads_text(estimator: Any) -> bool:
    """Whether an estimator reads a column of texts rather than a DataFrame, by the tags of its first step."""
    from sklearn.utils import get_tags

    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[0][1]
        elif hasattr(estimator, "transformer_list"):
            estimator = estimator.transformer_list[0][1]
        elif hasattr(estimator, "estimator"):  # GridSearchCV, CalibratedClassifierCV, ...
            estimator = estimator.estimator
        else:
            return hasattr(estimator, "__sklearn_tags__") and bool(get_tags(estimator).input_tags.string)


def fitted_parts(columns: ColumnTransformer) -> list[tuple[str, Any, Any]]:
    """Name, fitted transformer and columns of each part of any ColumnTransformer."""
    return list(columns.transformers_)


def named_parts(estimator: Any) -> dict[str, Any] | None:
    """The steps of any Pipeline, the fitted transformers of any ColumnTransformer, by name; None of what is neither."""
    if hasattr(estimator, "steps"):
        return dict(estimator.steps)
    if hasattr(estimator, "transformers_"):
        return {name: transformer for name, transformer, _ in estimator.transformers_}
    return None
