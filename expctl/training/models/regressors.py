"""The families that learn numbers, as `families.py` has those that learn classes."""

from __future__ import annotations

from typing import Final

from expctl import model_types
from expctl.parameters import Interval, Options, Parameter, choice, count, flag, non_negative, positive
from expctl.training.models.boosters import BOOSTED_NUMBERS
from expctl.training.models.estimator_parameters import (
    INTERCEPT,
    UNIT,
    boosting,
    forest,
    kernel,
    neighbours,
    network,
    single_tree,
    stochastic_descent,
)
from expctl.training.models.family import BOOSTED, NATIVE, UNSCALED, Family

_TABLE: Final = ("table",)
# friedman_mse is left out: the same as squared_error, and so deprecated.
_CRITERIA: Final = ("squared_error", "absolute_error", "poisson")
_DESCENT: Final = (
    count("max_iter", "max_iter", 1000, "most passes of the solver"),
    non_negative("tol", "tol", 1e-4),
    flag("positive", "positive", False),
    choice("selection", "selection", ("cyclic", "random"), "cyclic"),
    INTERCEPT,
)


REGRESSORS: Final = {
    "ridge": Family(
        "sklearn.linear_model:Ridge",
        "least squares, regularized",
        (
            non_negative("alpha", "alpha", 1.0, "regularization strength"),
            count("max_iter", "max_iter", None, "most iterations of the solver", or_none=True),
            # Not svd: it reads no sparse features.
            choice("solver", "solver", ("auto", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"), "auto"),
            flag("positive", "positive", False),
            non_negative("tol", "tol", 1e-4),
            INTERCEPT,
        ),
        reads=_TABLE,
    ),
    "linear": Family(
        "sklearn.linear_model:LinearRegression",
        "least squares, not regularized",
        (flag("positive", "positive", False), INTERCEPT),
        reads=_TABLE,
    ),
    "lasso": Family(
        "sklearn.linear_model:Lasso",
        "least squares of few features (L1)",
        (non_negative("alpha", "alpha", 1.0, "regularization strength"), *_DESCENT),
        reads=_TABLE,
    ),
    "elastic_net": Family(
        "sklearn.linear_model:ElasticNet",
        "least squares between ridge and lasso",
        (
            non_negative("alpha", "alpha", 1.0, "regularization strength"),
            Parameter("l1_ratio", "l1_ratio", (UNIT,), 0.5, "1 is the lasso"),
            *_DESCENT,
        ),
        reads=_TABLE,
    ),
    "poisson": Family(
        "sklearn.linear_model:PoissonRegressor",
        "log-linear model of counts, or of other numbers from 0 on",
        (
            non_negative("alpha", "alpha", 1.0, "regularization strength"),
            choice("solver", "solver", ("lbfgs", "newton-cholesky"), "lbfgs"),
            count("max_iter", "max_iter", 100, "most iterations of the solver"),
            positive("tol", "tol", 1e-4),
            INTERCEPT,
        ),
        model_types.LOSSES,
        reads=_TABLE,
    ),
    "huber": Family(
        "sklearn.linear_model:HuberRegressor",
        "linear model that outliers pull less",
        (
            Parameter("epsilon", "epsilon", (Interval(float, 1),), 1.35, "the smaller, the more are outliers"),
            non_negative("alpha", "alpha", 1e-4, "regularization strength"),
            count("max_iter", "max_iter", 100, "most iterations of the solver"),
            non_negative("tol", "tol", 1e-5),
            INTERCEPT,
        ),
        reads=_TABLE,
    ),
    "linear_svm": Family(
        "sklearn.svm:LinearSVR",
        "linear support vector machine",
        (
            positive("c", "C", 1.0, "inverse of the regularization strength"),
            non_negative("epsilon", "epsilon", 0.0, "errors up to here cost nothing"),
            choice("loss", "loss", ("epsilon_insensitive", "squared_epsilon_insensitive"), "epsilon_insensitive"),
            Parameter("dual", "dual", (Options((True, False, "auto")),), "auto"),
            count("max_iter", "max_iter", 1000, "most iterations of the solver"),
            positive("tol", "tol", 1e-4),
            INTERCEPT,
            positive("intercept_scaling", "intercept_scaling", 1.0),
        ),
        reads=_TABLE,
    ),
    "sgd": Family(
        "sklearn.linear_model:SGDRegressor",
        "linear model by stochastic gradient descent",
        stochastic_descent(
            *("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"),
            learning_rate="invscaling",
            power_t=0.25,
        ),
        reads=_TABLE,
    ),
    "random_forest": Family(
        "sklearn.ensemble:RandomForestRegressor",
        "random forest",
        forest(*_CRITERIA, looked_at=1.0, bootstrap=True),
        (model_types.TREE,),
        reads=_TABLE,
        preparation=UNSCALED,
    ),
    "extra_trees": Family(
        "sklearn.ensemble:ExtraTreesRegressor",
        "forest of extremely randomized trees",
        forest(*_CRITERIA, looked_at=1.0, bootstrap=False),
        (model_types.TREE,),
        reads=_TABLE,
        preparation=UNSCALED,
    ),
    "hist_gradient_boosting": Family(
        "sklearn.ensemble:HistGradientBoostingRegressor",
        "gradient boosting of trees on histograms; reads missing numbers and categories as they are",
        (*boosting(), choice("loss", "loss", ("squared_error", "absolute_error", "gamma", "poisson"), "squared_error")),
        BOOSTED,
        reads=_TABLE,
        preparation=NATIVE,
        dense=True,
    ),
    **BOOSTED_NUMBERS,
    "decision_tree": Family(
        "sklearn.tree:DecisionTreeRegressor",
        "one tree",
        single_tree(*_CRITERIA),
        (model_types.TREE,),
        reads=_TABLE,
        preparation=UNSCALED,
    ),
    "knn": Family(
        "sklearn.neighbors:KNeighborsRegressor",
        "mean of the nearest training rows",
        neighbours("are averaged"),
        model_types.SPARSE,
        fixed={"algorithm": "brute"},  # no file would be trusted of a tree of neighbours
        reads=_TABLE,
    ),
    "svm": Family(
        "sklearn.svm:SVR",
        "support vector machine with a kernel; slow beyond some ten thousand rows",
        (*kernel(), non_negative("epsilon", "epsilon", 0.1, "errors up to here cost nothing")),
        model_types.SPARSE,
        reads=_TABLE,
    ),
    "mlp": Family(
        "sklearn.neural_network:MLPRegressor",
        "neural network of one hidden layer",
        network(),
        model_types.OPTIMIZERS,
        reads=_TABLE,
    ),
    "dummy": Family(
        "sklearn.dummy:DummyRegressor",
        "ignores the columns: a baseline to compare with",
        (choice("strategy", "strategy", ("mean", "median"), "mean"),),
        reads=_TABLE,
    ),
}
