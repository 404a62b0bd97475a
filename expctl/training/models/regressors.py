"""The families that learn numbers, as `families.py` has those that learn classes."""

from __future__ import annotations

from typing import Final

from expctl import compat
from expctl.parameters import Interval, Options, Parameter, choice, count, flag, non_negative
from expctl.training.models.family import NATIVE, UNSCALED, Family, boosting

_TABLE: Final = ("table",)


REGRESSORS: Final = {
    "ridge": Family(
        "sklearn.linear_model:Ridge",
        "least squares, regularized",
        (
            non_negative("alpha", "alpha", 1.0, "regularization strength"),
            count("max_iter", "max_iter", None, "most iterations of the solver", or_none=True),
            choice("solver", "solver", ("auto", "cholesky", "lsqr", "sparse_cg", "sag", "saga"), "auto"),
            flag("positive", "positive", False),
            non_negative("tol", "tol", 1e-4),
            flag("fit_intercept", "fit_intercept", True),
        ),
        reads=_TABLE,
    ),
    "random_forest": Family(
        "sklearn.ensemble:RandomForestRegressor",
        "random forest",
        (
            count("n_estimators", "n_estimators", 100, "number of trees"),
            count("max_depth", "max_depth", None, "deepest tree", or_none=True),
            Parameter("min_samples_leaf", "min_samples_leaf", (Interval(int, 1), Interval(float, 0, 1, "neither")), 1),
            Parameter(
                "tree_max_features",
                "max_features",
                (Interval(int, 1), Interval(float, 0, 1, "right"), Options(("sqrt", "log2", None))),
                1.0,
                "columns looked at for a split",
            ),
        ),
        (compat.TREE,),
        reads=_TABLE,
        preparation=UNSCALED,
    ),
    "hist_gradient_boosting": Family(
        "sklearn.ensemble:HistGradientBoostingRegressor",
        "gradient boosting of trees on histograms; reads missing numbers and categories as they are",
        (*boosting(), choice("loss", "loss", ("squared_error", "absolute_error", "gamma", "poisson"), "squared_error")),
        reads=_TABLE,
        preparation=NATIVE,
        dense=True,
    ),
    "dummy": Family(
        "sklearn.dummy:DummyRegressor",
        "ignores the columns: a baseline to compare with",
        (choice("strategy", "strategy", ("mean", "median"), "mean"),),
        reads=_TABLE,
    ),
}
