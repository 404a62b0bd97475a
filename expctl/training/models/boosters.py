"""The families of LightGBM and XGBoost, which are packages of their own.

Each has its parameters under the names of its own scikit-learn interface, in the ranges that it takes itself. Their
model files hold what only their own compiled code reads, which nothing here could prove: they are used with --trust.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from expctl.parameters import Interval, Parameter, choice, count, non_negative, positive
from expctl.training.models.family import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import Value

_SHARE: Final = Interval(float, 0, 1, "right")
# Missing numbers are their own business, and a tree splits a column wherever it lies, numbered categories too.
_PREPARATION: Final[Mapping[str, Value]] = {"imputer": None, "scaler": None, "encoder": "ordinal"}
_WEIGHS_NOT: Final = "a split of a tree counts only together with the others"
# One thread, and histograms column by column: the same sums on any number of cores.
_LIGHTGBM: Final[Mapping[str, Value]] = {"n_jobs": 1, "deterministic": True, "force_col_wise": True, "verbose": -1}
_XGBOOST: Final[Mapping[str, Value]] = {"n_jobs": 1, "verbosity": 0}

_OF_LIGHTGBM: Final = (
    count("n_estimators", "n_estimators", 100, "number of trees"),
    positive("learning_rate", "learning_rate", 0.1),
    Parameter("num_leaves", "num_leaves", (Interval(int, 2, 131072),), 31, "most leaves of a tree"),
    Parameter("max_depth", "max_depth", (Interval(int, -1),), -1, "deepest tree; -1: no limit"),
    count("min_child_samples", "min_child_samples", 20, low=0),
    non_negative("min_child_weight", "min_child_weight", 1e-3),
    non_negative("min_split_gain", "min_split_gain", 0.0),
    Parameter("subsample", "subsample", (_SHARE,), 1.0, "share of the rows; with subsample_freq above 0"),
    count("subsample_freq", "subsample_freq", 0, "rows are drawn anew every so many trees; 0: never", low=0),
    Parameter("colsample_bytree", "colsample_bytree", (_SHARE,), 1.0, "share of the columns"),
    non_negative("reg_alpha", "reg_alpha", 0.0, "L1 regularization"),
    non_negative("reg_lambda", "reg_lambda", 0.0, "L2 regularization"),
    choice("boosting_type", "boosting_type", ("gbdt", "dart"), "gbdt"),
    count("subsample_for_bin", "subsample_for_bin", 200_000, "rows by which the bins are made"),
)
_OF_XGBOOST: Final = (
    count("n_estimators", "n_estimators", 100, "number of trees"),
    non_negative("learning_rate", "learning_rate", 0.3),
    count("max_depth", "max_depth", 6, "deepest tree; 0: no limit", low=0),
    count("max_leaves", "max_leaves", 0, "most leaves of a tree; 0: no limit", low=0),
    choice("grow_policy", "grow_policy", ("depthwise", "lossguide"), "depthwise"),
    non_negative("min_child_weight", "min_child_weight", 1.0),
    non_negative("gamma", "gamma", 0.0, "least gain of a split"),
    Parameter("subsample", "subsample", (_SHARE,), 1.0, "share of the rows"),
    Parameter("colsample_bytree", "colsample_bytree", (_SHARE,), 1.0, "share of the columns of a tree"),
    Parameter("colsample_bylevel", "colsample_bylevel", (_SHARE,), 1.0, "of a level"),
    Parameter("colsample_bynode", "colsample_bynode", (_SHARE,), 1.0, "of a split"),
    non_negative("reg_alpha", "reg_alpha", 0.0, "L1 regularization"),
    non_negative("reg_lambda", "reg_lambda", 1.0, "L2 regularization"),
    non_negative("max_delta_step", "max_delta_step", 0.0),
    count("max_bin", "max_bin", 256, low=2),
    choice("booster", "booster", ("gbtree", "dart"), "gbtree"),
)
_LIGHTGBM_LOSSES: Final = ("regression", "regression_l1", "huber", "fair", "poisson", "mape", "gamma", "tweedie")
_XGBOOST_LOSSES: Final = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror"),
    *("count:poisson", "reg:gamma", "reg:tweedie"),
)

_LIGHTGBM_CLASSIFIER: Final = Family(
    "lightgbm:LGBMClassifier",
    "LightGBM's gradient boosting of trees; reads missing numbers",
    (*_OF_LIGHTGBM, choice("class_weight", "class_weight", (None, "balanced"), None, "weight classes by their rarity")),
    weighs_not=_WEIGHS_NOT,
    fixed=_LIGHTGBM,
    reads=("table",),
    preparation=_PREPARATION,
    packages=("lightgbm",),
)
_XGBOOST_CLASSIFIER: Final = Family(
    "xgboost:XGBClassifier",
    "XGBoost's gradient boosting of trees; reads missing numbers",
    _OF_XGBOOST,
    weighs_not=_WEIGHS_NOT,
    fixed=_XGBOOST,
    reads=("table",),
    preparation=_PREPARATION,
    packages=("xgboost", "xgboost-cpu"),
    numbered_classes=True,
)

BOOSTED_CLASSES: Final = {"lightgbm": _LIGHTGBM_CLASSIFIER, "xgboost": _XGBOOST_CLASSIFIER}
BOOSTED_NUMBERS: Final = {
    "lightgbm": replace(
        _LIGHTGBM_CLASSIFIER,
        path="lightgbm:LGBMRegressor",
        parameters=(*_OF_LIGHTGBM, choice("objective", "objective", _LIGHTGBM_LOSSES, "regression", "the loss")),
        weighs_not="",
    ),
    "xgboost": replace(
        _XGBOOST_CLASSIFIER,
        path="xgboost:XGBRegressor",
        parameters=(*_OF_XGBOOST, choice("objective", "objective", _XGBOOST_LOSSES, "reg:squarederror", "the loss")),
        weighs_not="",
        numbered_classes=False,
    ),
}
