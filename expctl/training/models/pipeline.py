"""From a recipe to an unfitted scikit-learn Pipeline: raw text in by column name, label out.

The Pipeline holds scikit-learn's own classes only, so a recorded model loads where expctl is not installed.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl.errors import UsageError, closest
from expctl.training.models.families import FAMILIES, is_factory
from expctl.training.models.features import vectorizer_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe


def build_pipeline(recipe: Recipe) -> Pipeline:
    """The unfitted Pipeline of a recipe: `features` then `classifier`, or what the user's factory makes.

    Raises UsageError if a factory cannot be imported, called with these parameters, or returns no estimator.
    """
    from sklearn.pipeline import Pipeline

    if is_factory(recipe.model):
        return _from_factory(recipe)
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    family = FAMILIES[recipe.model]
    module, _, name = family.path.partition(":")
    kind = getattr(importlib.import_module(module), name)
    arguments = {parameter.target: recipe.parameters[key] for key, parameter in family.by_key.items()}
    if "random_state" in inspect.signature(kind).parameters:
        arguments["random_state"] = recipe.random_state
    vectorizer = TfidfVectorizer(**vectorizer_arguments(recipe.parameters))
    # sparse_threshold=1.0: the matrix of the one vectorizer stays sparse unless every text has every term.
    features = ColumnTransformer([("tfidf", vectorizer, recipe.text_column)], sparse_threshold=1.0)
    return Pipeline([("features", features), ("classifier", kind(**arguments))])


def _from_factory(recipe: Recipe) -> Pipeline:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

    factory = _import_factory(recipe.model)
    try:
        known = inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise UsageError(f"cannot tell the parameters of {recipe.model}: {error}", hint="write a function") from error
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for key in recipe.parameters:
        if key not in known and not takes_any:
            raise UsageError(
                f"{recipe.model} has no parameter {key!r}{closest(key, known)}",
                hint=f"it has {', '.join(known) or 'none'}",
            )
    arguments = dict(recipe.parameters)
    if "random_state" in known:
        arguments.setdefault("random_state", recipe.random_state)
    try:
        estimator = factory(**arguments)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{recipe.model} raised {type(error).__name__}: {error}") from error
    if not isinstance(estimator, BaseEstimator) or not hasattr(estimator, "predict"):
        raise UsageError(
            f"{recipe.model} returned a {type(estimator).__name__}", hint="return a scikit-learn classifier"
        )
    if not reads_text(estimator):
        return Pipeline([("model", estimator)])
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import FunctionTransformer

    column = ColumnTransformer([("text", "passthrough", [recipe.text_column])])
    return Pipeline([("column", column), ("text", FunctionTransformer(np.ravel)), ("model", estimator)])


def _import_factory(path: str) -> Callable[..., Any]:
    module_name, _, name = path.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does: the user's own package lies in the folder they work in
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # SystemExit: a script without `if __name__ == "__main__"`
        raise UsageError(
            f"cannot import {module_name!r} for --model {path}: {type(error).__name__}: {error}",
            hint="write it as package.module:factory, importable from this folder",
        ) from error
    factory = getattr(module, name, None)
    if not callable(factory):
        raise UsageError(f"{module_name} has no callable {name!r}", hint="--model package.module:factory")
    return factory  # type: ignore[no-any-return]


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


def text_only(pipeline: Pipeline) -> bool:
    """Whether a built pipeline needs the text column alone (all but a factory's own DataFrame estimators do)."""
    return pipeline.steps[0][0] in ("features", "column")
