"""Parameters that a classifier and a regressor of scikit-learn share, each list once for both tables of families."""

from __future__ import annotations

from typing import Final

from expctl.parameters import NONE, Interval, Options, Parameter, choice, count, flag, non_negative, positive

UNIT: Final = Interval(float, 0, 1)
INTERCEPT: Final = flag("fit_intercept", "fit_intercept", True)
_SHARE: Final = Interval(float, 0, 1, "neither")
_BELOW_ONE: Final = (Interval(float, 0, 1, "left"),)


def tree(*criteria: str, looked_at: str | float | None) -> tuple[Parameter, ...]:
    """Of every tree, alone or in a forest; the first criterion is the default, `looked_at` that of max_features."""
    return (
        count("max_depth", "max_depth", None, "deepest tree", or_none=True),
        Parameter("min_samples_leaf", "min_samples_leaf", (Interval(int, 1), _SHARE), 1),
        Parameter("min_samples_split", "min_samples_split", (Interval(int, 2), Interval(float, 0, 1, "right")), 2),
        Parameter(
            "tree_max_features",
            "max_features",
            (Interval(int, 1), Interval(float, 0, 1, "right"), Options(("sqrt", "log2", None))),
            looked_at,
            "features looked at for a split (max_features is the vocabulary's)",
        ),
        choice("criterion", "criterion", criteria, criteria[0]),
        count("max_leaf_nodes", "max_leaf_nodes", None, low=2, or_none=True),
        Parameter("min_weight_fraction_leaf", "min_weight_fraction_leaf", (Interval(float, 0, 0.5),), 0.0),
        non_negative("min_impurity_decrease", "min_impurity_decrease", 0.0),
        non_negative("ccp_alpha", "ccp_alpha", 0.0),
    )


def single_tree(*criteria: str) -> tuple[Parameter, ...]:
    """Of a tree that stands alone."""
    return (*tree(*criteria, looked_at=None), choice("splitter", "splitter", ("best", "random"), "best"))


def forest(*criteria: str, looked_at: str | float, bootstrap: bool) -> tuple[Parameter, ...]:
    """Of a forest. Its file holds trees, by `model_types.TREE`: arrays, with which loading runs no code.

    Wrong indices in them could still read past their ends when predicting, so `check_arrays` proves them before any
    model is used.
    """
    return (
        count("n_estimators", "n_estimators", 100, "number of trees"),
        *tree(*criteria, looked_at=looked_at),
        flag("bootstrap", "bootstrap", bootstrap),
        Parameter("max_samples", "max_samples", (NONE, Interval(int, 1), Interval(float, 0, 1, "right")), None),
    )


def boosting() -> tuple[Parameter, ...]:
    """Of histogram gradient boosting."""
    return (
        positive("learning_rate", "learning_rate", 0.1),
        count("max_iter", "max_iter", 100, "most trees of each class"),
        count("max_leaf_nodes", "max_leaf_nodes", 31, low=2, or_none=True),
        count("max_depth", "max_depth", None, or_none=True),
        count("min_samples_leaf", "min_samples_leaf", 20),
        non_negative("l2_regularization", "l2_regularization", 0.0),
        Parameter("tree_max_features", "max_features", (Interval(float, 0, 1, "right"),), 1.0, "share of the columns"),
        Parameter("max_bins", "max_bins", (Interval(int, 2, 255),), 255),
        Parameter("early_stopping", "early_stopping", (Options(("auto", True, False)),), "auto"),
        Parameter("validation_fraction", "validation_fraction", (_SHARE,), 0.1),
        count("n_iter_no_change", "n_iter_no_change", 10),
        non_negative("tol", "tol", 1e-7),
    )


def stochastic_descent(*losses: str, learning_rate: str, power_t: float) -> tuple[Parameter, ...]:
    """Of a linear model by stochastic gradient descent; the first loss is the default."""
    return (
        choice("loss", "loss", losses, losses[0]),
        non_negative("alpha", "alpha", 1e-4, "regularization strength"),
        choice("penalty", "penalty", ("l2", "l1", "elasticnet", None), "l2"),
        Parameter("l1_ratio", "l1_ratio", (UNIT,), 0.15),
        count("max_iter", "max_iter", 1000, "most passes over the data"),
        Parameter("tol", "tol", (Interval(float, 0), NONE), 1e-3),
        choice(
            "learning_rate",
            "learning_rate",
            ("optimal", "constant", "invscaling", "adaptive", "pa1", "pa2"),
            learning_rate,
        ),
        positive("eta0", "eta0", 0.01),
        Parameter("power_t", "power_t", (Interval(float, 0),), power_t),
        Parameter("epsilon", "epsilon", (Interval(float, 0),), 0.1),
        Parameter("average", "average", (Options((True, False)), Interval(int, 2)), False),
        flag("shuffle", "shuffle", True),
        flag("early_stopping", "early_stopping", False),
        Parameter("validation_fraction", "validation_fraction", (_SHARE,), 0.1),
        count("n_iter_no_change", "n_iter_no_change", 5),
        INTERCEPT,
    )


def kernel() -> tuple[Parameter, ...]:
    """Of a support vector machine with a kernel."""
    return (
        positive("c", "C", 1.0, "inverse of the regularization strength"),
        choice("kernel", "kernel", ("rbf", "linear", "poly", "sigmoid"), "rbf"),
        Parameter("gamma", "gamma", (Interval(float, 0), Options(("scale", "auto"))), "scale"),
        Parameter("degree", "degree", (Interval(int, 0),), 3, "of kernel=poly"),
        Parameter("coef0", "coef0", (Interval(float, None),), 0.0, "of kernel=poly and sigmoid"),
        Parameter("max_iter", "max_iter", (Interval(int, -1),), -1, "most iterations of the solver; -1: no limit"),
        positive("tol", "tol", 1e-3),
        flag("shrinking", "shrinking", True),
    )


def neighbours(verb: str) -> tuple[Parameter, ...]:
    """Of the nearest rows, which vote or are averaged."""
    return (
        count("n_neighbors", "n_neighbors", 5, f"how many {verb}"),
        choice("weights", "weights", ("uniform", "distance"), "uniform", "distance: nearer ones count more"),
        # manhattan is left out: with more neighbours than rows scikit-learn 1.9 reads past its arrays.
        choice("metric", "metric", ("minkowski", "cosine"), "minkowski", "minkowski is Euclidean here"),
    )


def network() -> tuple[Parameter, ...]:
    """Of a neural network of one hidden layer: a shell writes no list of several."""
    return (
        count("hidden_layer_sizes", "hidden_layer_sizes", 100, "neurons of the one hidden layer"),
        choice("activation", "activation", ("relu", "tanh", "logistic", "identity"), "relu"),
        choice("solver", "solver", ("adam", "sgd", "lbfgs"), "adam"),
        non_negative("alpha", "alpha", 1e-4, "regularization strength"),
        Parameter("batch_size", "batch_size", (Options(("auto",)), Interval(int, 1)), "auto", "auto: 200 rows at most"),
        choice("learning_rate", "learning_rate", ("constant", "invscaling", "adaptive"), "constant", "of solver=sgd"),
        positive("learning_rate_init", "learning_rate_init", 0.001),
        non_negative("power_t", "power_t", 0.5, "of learning_rate=invscaling"),
        count("max_iter", "max_iter", 200, "most passes over the data"),
        flag("shuffle", "shuffle", True),
        non_negative("tol", "tol", 1e-4),
        Parameter("momentum", "momentum", (UNIT,), 0.9, "of solver=sgd"),
        flag("nesterovs_momentum", "nesterovs_momentum", True),
        flag("early_stopping", "early_stopping", False),
        Parameter("validation_fraction", "validation_fraction", _BELOW_ONE, 0.1),
        Parameter("beta_1", "beta_1", _BELOW_ONE, 0.9, "of solver=adam"),
        Parameter("beta_2", "beta_2", _BELOW_ONE, 0.999, "of solver=adam"),
        positive("epsilon", "epsilon", 1e-8, "of solver=adam"),
        count("n_iter_no_change", "n_iter_no_change", 10),
        count("max_fun", "max_fun", 15_000, "of solver=lbfgs"),
    )
