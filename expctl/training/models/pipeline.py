"""From a recipe to an unfitted scikit-learn Pipeline: raw text in by column name, label out.

The Pipeline holds scikit-learn's own classes only, so a recorded model loads where expctl is not installed.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl import compat
from expctl.errors import UsageError, closest
from expctl.training.data.kinds import features_of
from expctl.training.models.families import families_of, is_factory
from expctl.training.models.preparation import native_categories
from expctl.training.models.steps import (
    calibrated,
    on_features,
    on_frame,
    on_text,
    reads_text,
    with_class_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.training.models.family import Family


def build_pipeline(recipe: Recipe) -> Pipeline:
    """The unfitted Pipeline of a recipe: its features and its family's estimator, or what the user's factory makes.

    Raises UsageError if a family's package is not installed, or a factory cannot be imported, called with these
    parameters, or returns no estimator.
    """
    if is_factory(recipe.model):
        return _from_factory(recipe)
    family = families_of(recipe.task, recipe.columns)[recipe.model]
    kind = _estimator_class(recipe.model, family)
    arguments: dict[str, Any] = {one.target: recipe.parameters[key] for key, one in family.by_key.items()}
    arguments |= family.fixed
    if family.packages or "random_state" in inspect.signature(kind).parameters:
        arguments["random_state"] = recipe.random_state
    if recipe.parameters.get("encoder") == "native":
        arguments["categorical_features"] = native_categories(recipe.columns or {})
    estimator = kind(**as_installed(kind, arguments))
    if family.numbered_classes:
        estimator = with_class_names(estimator)
    if recipe.calibrate is not None:
        estimator = calibrated(estimator, recipe.calibrate)
    kind = features_of(recipe)
    if recipe.columns is None:
        return on_features(kind.build_transformers(recipe), estimator)
    arguments = {"dense": family.dense, "regresses": recipe.task == "regression"}
    return on_features(kind.build_transformers(recipe), estimator, **arguments)


def _estimator_class(model: str, family: Family) -> Any:
    module_name, _, name = family.path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, OSError) as error:  # OSError: a library that it was compiled against is not there
        if not family.packages:
            raise
        raise UsageError(
            f"--model {model} needs the package {module_name}, which cannot be imported here: {error}",
            hint=f"pip install 'expctl-mlflow[{family.packages[0]}]'",
        ) from error
    return getattr(module, name)


def as_installed(kind: type, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a classifier of a family as the installed scikit-learn wants them.

    Before 1.8 the `l1_ratio` of logistic regression counts for one of its penalties only, and 0 and 1 have their names.
    """
    penalty = inspect.signature(kind).parameters.get("penalty")
    if kind.__name__ != "LogisticRegression" or penalty is None or penalty.default != "l2":
        return arguments
    ratio = arguments["l1_ratio"]
    named = {0.0: {"penalty": "l2"}, 1.0: {"penalty": "l1"}}.get(ratio, {"penalty": "elasticnet", "l1_ratio": ratio})
    return {key: value for key, value in arguments.items() if key != "l1_ratio"} | named


def _from_factory(recipe: Recipe) -> Pipeline:
    from sklearn.base import BaseEstimator

    factory = imported(recipe.model, "--model", "factory")
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
    reads_texts = recipe.columns is None and reads_text(estimator)
    return on_text(recipe.text_column, estimator) if reads_texts else on_frame(estimator)


def imported(path: str, option: str, what: str) -> Callable[..., Any]:
    """What `package.module:function` names, imported from the current folder as Python would.

    Raises UsageError, naming the option that it was given by and what it is for, if it cannot be imported or called.
    """
    compat.complete_skops()  # for that code may use skops too
    module_name, _, name = path.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does: the user's own package lies in the folder they work in
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # SystemExit: a script without `if __name__ == "__main__"`
        raise UsageError(
            f"cannot import {module_name!r} for {option} {path}: {type(error).__name__}: {error}",
            hint=f"write it as package.module:{what}, importable from this folder",
        ) from error
    factory = getattr(module, name, None)
    if not callable(factory):
        raise UsageError(f"{module_name} has no callable {name!r}", hint=f"{option} package.module:{what}")
    return factory  # type: ignore[no-any-return]
