"""How the columns of a table become numbers: the parameters, and scikit-learn's transformers by them.

A table of parameters and what is built of them; imports nothing heavy until it builds.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from expctl.parameters import NONE, Interval, Options, Parameter, choice, count, flag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import Value

_FOLDS: Final = 5  # of target encoding
_BINS: Final = 255  # categories that the bins of histogram gradient boosting take
NUMERIC: Final = "numeric"
CATEGORICAL: Final = "categorical"

PREPARATION: Final = {
    parameter.key: parameter
    for parameter in (
        Parameter(
            "imputer",
            "strategy",
            (Options(("median", "mean", "most_frequent", None)),),
            "median",
            "what stands for a missing number; none: it stays missing, where the model takes that",
        ),
        flag("missing_indicator", "add_indicator", False, "a column more for each with missing numbers, saying where"),
        choice("scaler", "scaler", ("standard", "minmax", "robust", None), "standard", "scale the numbers"),
        choice(
            "encoder",
            "encoder",
            ("onehot", "ordinal", "target", "native"),
            "onehot",
            "how categories become numbers; native: by hist_gradient_boosting itself",
        ),
        Parameter(
            "min_frequency",
            "min_frequency",
            (NONE, Interval(int, 1), Interval(float, 0, 1, "neither")),
            None,
            "categories of fewer rows (integer) or a smaller share are one",
        ),
        count("max_categories", "max_categories", None, "most categories of a column, the rarer are one", or_none=True),
    )
}


def transformers(
    parameters: Mapping[str, Value],
    numeric: Sequence[str],
    categorical: Sequence[str],
    *,
    task: str,
    random_state: int,
    dense: bool,
) -> list[tuple[str, Any, Any]]:
    """Name, unfitted transformer and columns of each, as ColumnTransformer takes them; none without columns."""
    found: list[tuple[str, Any, Any]] = []
    if categorical:  # first: `native_categories` says so
        encoder = _categories(parameters, task=task, random_state=random_state, dense=dense)
        found.append((CATEGORICAL, encoder, list(categorical)))
    if numeric:
        found.append((NUMERIC, _numbers(parameters), list(numeric)))
    return found


def native_categories(columns: Mapping[str, str]) -> list[int] | None:
    """Which of the prepared columns histogram gradient boosting is to take for categories: the first ones."""
    return list(range(list(columns.values()).count(CATEGORICAL))) or None


def _numbers(parameters: Mapping[str, Value]) -> Any:
    """Imputed, then scaled: a Pipeline of what there is to do."""
    from sklearn.pipeline import Pipeline

    steps: list[tuple[str, Any]] = []
    if parameters["imputer"] is not None:
        from sklearn.impute import SimpleImputer

        # A column without a number in the training rows stays: the model reads as many columns as it is given.
        indicator = parameters["missing_indicator"]
        imputer = SimpleImputer(strategy=parameters["imputer"], add_indicator=indicator, keep_empty_features=True)
        steps.append(("imputer", imputer))
    if parameters["scaler"] is not None:
        from sklearn import preprocessing

        names = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "robust": "RobustScaler"}
        steps.append(("scaler", getattr(preprocessing, names[str(parameters["scaler"])])()))
    return Pipeline(steps) if steps else "passthrough"


def _categories(parameters: Mapping[str, Value], *, task: str, random_state: int, dense: bool) -> Any:
    """A missing category is one of its own, "", whether a DataFrame says it by None or by NaN: encoders tell the two
    apart, and pandas reads files, and MLflow requests, with either.
    """
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    constant = {"strategy": "constant", "fill_value": "", "keep_empty_features": True}
    imputers = [
        (name, SimpleImputer(missing_values=missing, **constant)) for name, missing in (("nan", np.nan), ("none", None))
    ]
    encoder = _encoder(parameters, task=task, random_state=random_state, dense=dense)
    return Pipeline([*imputers, ("encoder", encoder)])


def _encoder(parameters: Mapping[str, Value], *, task: str, random_state: int, dense: bool) -> Any:
    """What training never met counts as the rare ones do, where these are one category, else as none, and of histogram
    gradient boosting as missing.
    """
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    rare = {"min_frequency": parameters["min_frequency"], "max_categories": parameters["max_categories"]}
    if parameters["encoder"] == "onehot":
        return OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=not dense, **rare)
    if parameters["encoder"] == "target":
        # Cross-fitted over five folds, so that no row is encoded by its own target.
        kind = "continuous" if task == "regression" else "auto"
        return TargetEncoder(target_type=kind, **_cross_fitting(TargetEncoder, task, random_state))
    native = parameters["encoder"] == "native"
    if native and rare["max_categories"] is None:
        rare["max_categories"] = _BINS
    unknown = float("nan") if native else -1
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown, **rare)


def _cross_fitting(encoder: type, task: str, random_state: int) -> dict[str, Any]:
    """The same shuffled folds by the arguments of every scikit-learn: since 1.9 it takes a splitter for them."""
    if inspect.signature(encoder).parameters["random_state"].default != "deprecated":
        return {"cv": _FOLDS, "random_state": random_state}
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = KFold if task == "regression" else StratifiedKFold
    return {"cv": kind(_FOLDS, shuffle=True, random_state=random_state)}
