"""The table of model families: dotted path, parameters, defaults. Names only; imports nothing heavy.

Here are the classifiers; `regressors.py` has the table of those that learn numbers, `boosters.py` those of other
packages.

To add a family: one entry here, the types of its model files included. Help, validation, the table of `expctl help
models` and the contract tests read the same table. Parameters that every fit shares (`random_state`) or that change no
result (`n_jobs`, `verbose`) are not offered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from expctl import model_types
from expctl.parameters import Options, Parameter, choice, count, flag, non_negative, positive
from expctl.training.models.boosters import BOOSTED_CLASSES
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
from expctl.training.models.features import FEATURES, PREFIX
from expctl.training.models.preparation import PREPARATION
from expctl.training.models.regressors import REGRESSORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.recipe import Recipe

_CLASS_WEIGHT: Final = choice(
    "class_weight", "class_weight", (None, "balanced"), None, "weight classes by their rarity"
)

_WEIGHTS: Final = "expctl.training.models.term_weights:"
_NO_SPLIT_WEIGHS: Final = "a split of a tree counts only together with the others"


def _forest(*, bootstrap: bool) -> tuple[Parameter, ...]:
    weights = Parameter("class_weight", "class_weight", (Options((None, "balanced", "balanced_subsample")),), None)
    return (*forest("gini", "entropy", "log_loss", looked_at="sqrt", bootstrap=bootstrap), weights)


FAMILIES: Final = {
    "logreg": Family(
        "sklearn.linear_model:LogisticRegression",
        "logistic regression",
        (
            positive("c", "C", 1.0, "inverse of the regularization strength"),
            count("max_iter", "max_iter", 1000, "most iterations of the solver"),
            _CLASS_WEIGHT,
            choice("solver", "solver", ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"), "lbfgs"),
            Parameter("l1_ratio", "l1_ratio", (UNIT,), 0.0, "1 is the lasso penalty; saga takes values between"),
            flag("dual", "dual", False),
            positive("tol", "tol", 1e-4),
            INTERCEPT,
            positive("intercept_scaling", "intercept_scaling", 1.0),
        ),
        weighs=_WEIGHTS + "coefficients",
    ),
    "linear_svm": Family(
        "sklearn.svm:LinearSVC",
        "linear support vector machine",
        (
            positive("c", "C", 1.0, "inverse of the regularization strength"),
            count("max_iter", "max_iter", 1000, "most iterations of the solver"),
            _CLASS_WEIGHT,
            choice("loss", "loss", ("squared_hinge", "hinge"), "squared_hinge"),
            choice("penalty", "penalty", ("l2", "l1"), "l2"),
            Parameter("dual", "dual", (Options((True, False, "auto")),), "auto"),
            positive("tol", "tol", 1e-4),
            choice("multi_class", "multi_class", ("ovr", "crammer_singer"), "ovr"),
            INTERCEPT,
            positive("intercept_scaling", "intercept_scaling", 1.0),
        ),
        weighs=_WEIGHTS + "coefficients",
    ),
    "sgd": Family(
        "sklearn.linear_model:SGDClassifier",
        "linear model by stochastic gradient descent",
        (
            *stochastic_descent(
                *("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"),
                *("epsilon_insensitive", "squared_epsilon_insensitive"),
                learning_rate="optimal",
                power_t=0.5,
            ),
            _CLASS_WEIGHT,
        ),
        weighs=_WEIGHTS + "coefficients",
    ),
    "naive_bayes": Family(
        "sklearn.naive_bayes:MultinomialNB",
        "multinomial naive Bayes",
        (
            non_negative("alpha", "alpha", 1.0, "additive smoothing"),
            flag("force_alpha", "force_alpha", True),
            flag("fit_prior", "fit_prior", True, "learn how frequent the classes are"),
        ),
        weighs=_WEIGHTS + "likelihood_ratios",
        reads=("text",),
    ),
    "complement_nb": Family(
        "sklearn.naive_bayes:ComplementNB",
        "complement naive Bayes, for uneven classes",
        (
            non_negative("alpha", "alpha", 1.0, "additive smoothing"),
            flag("force_alpha", "force_alpha", True),
            flag("fit_prior", "fit_prior", True),
            flag("norm", "norm", False, "normalize the weights a second time"),
        ),
        weighs=_WEIGHTS + "complement_weights",
        reads=("text",),
    ),
    "ridge": Family(
        "sklearn.linear_model:RidgeClassifier",
        "least squares on +1/-1 labels",
        (
            non_negative("alpha", "alpha", 1.0, "regularization strength"),
            count("max_iter", "max_iter", None, "most iterations of the solver", or_none=True),
            _CLASS_WEIGHT,
            # Not svd: it reads no sparse features. cholesky and saga read them with fit_intercept=false only.
            choice("solver", "solver", ("auto", "cholesky", "lsqr", "sparse_cg", "sag", "saga"), "auto"),
            flag("positive", "positive", False),
            non_negative("tol", "tol", 1e-4),
            INTERCEPT,
        ),
        weighs=_WEIGHTS + "coefficients",
    ),
    "random_forest": Family(
        "sklearn.ensemble:RandomForestClassifier",
        "random forest",
        _forest(bootstrap=True),
        (model_types.TREE,),
        weighs_not=_NO_SPLIT_WEIGHS,
        preparation=UNSCALED,
    ),
    "extra_trees": Family(
        "sklearn.ensemble:ExtraTreesClassifier",
        "forest of extremely randomized trees",
        _forest(bootstrap=False),
        (model_types.TREE,),
        weighs_not=_NO_SPLIT_WEIGHS,
        preparation=UNSCALED,
    ),
    "knn": Family(
        "sklearn.neighbors:KNeighborsClassifier",
        "vote of the nearest training texts",
        neighbours("vote"),
        model_types.SPARSE,  # the training texts: numbers, whose indices `check_arrays` proves
        # What scikit-learn takes by itself for sparse features. Of a tree of neighbours no file would be trusted.
        fixed={"algorithm": "brute"},
        weighs_not="texts vote there, not terms",
    ),
    "nearest_centroid": Family(
        "sklearn.neighbors:NearestCentroid",
        "the class whose mean text is nearest (Rocchio)",
        (
            choice("metric", "metric", ("euclidean", "manhattan"), "euclidean"),
            choice("priors", "priors", ("uniform", "empirical"), "uniform", "empirical: as frequent as in training"),
        ),
        weighs_not="a text is compared with whole texts there",
    ),
    "svm": Family(
        "sklearn.svm:SVC",
        "support vector machine with a kernel; slow beyond some ten thousand texts",
        (*kernel(), _CLASS_WEIGHT, flag("break_ties", "break_ties", False)),
        model_types.SPARSE,  # the support vectors
        weighs_not="support vectors are whole texts",
    ),
    "hist_gradient_boosting": Family(
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "gradient boosting of trees on histograms; reads missing numbers and categories as they are",
        (*boosting(), _CLASS_WEIGHT),
        BOOSTED,
        weighs_not=_NO_SPLIT_WEIGHS,
        reads=("table",),
        preparation=NATIVE,
        dense=True,
    ),
    **BOOSTED_CLASSES,
    "decision_tree": Family(
        "sklearn.tree:DecisionTreeClassifier",
        "one tree",
        (*single_tree("gini", "entropy", "log_loss"), _CLASS_WEIGHT),
        (model_types.TREE,),
        weighs_not=_NO_SPLIT_WEIGHS,
        reads=("table",),
        preparation=UNSCALED,
    ),
    "gaussian_nb": Family(
        "sklearn.naive_bayes:GaussianNB",
        "naive Bayes of normal distributions",
        (non_negative("var_smoothing", "var_smoothing", 1e-9, "share of the largest variance added to all"),),
        weighs_not="it has a mean and a variance of each feature",
        reads=("table",),
        dense=True,
    ),
    "mlp": Family(
        "sklearn.neural_network:MLPClassifier",
        "neural network of one hidden layer",
        network(),
        model_types.OPTIMIZERS,  # numbers to fit on from
        weighs_not="its features count through a hidden layer",
        reads=("table",),
    ),
    "dummy": Family(
        "sklearn.dummy:DummyClassifier",
        "ignores the text: a baseline to compare with",
        (choice("strategy", "strategy", ("prior", "most_frequent", "stratified", "uniform"), "prior"),),
        weighs_not="it ignores the text",
    ),
}


def families_of(task: str | None = None, columns: Mapping[str, str] | None = None) -> dict[str, Family]:
    """The families that learn a task, by name: of a recipe's `columns`, None of a text's."""
    of = "text" if columns is None else "table"
    table = REGRESSORS if task == "regression" else FAMILIES
    return {name: family for name, family in table.items() if of in family.reads}


def parameters_of(
    model: str, task: str | None = None, columns: Mapping[str, str] | None = None
) -> dict[str, Parameter]:
    """Every parameter of a family by its key, those of features and preparation first.

    A key that both have is the family's; the feature's is then called `tfidf_KEY`.
    """
    family = families_of(task, columns)[model]
    own = family.by_key
    texts = FEATURES if columns is None or "text" in columns.values() else {}
    features = (replace(one, key=PREFIX + key) if key in own else one for key, one in texts.items())
    prepared = {} if columns is None else PREPARATION
    preparation = (replace(one, default=family.preparation.get(key, one.default)) for key, one in prepared.items())
    return {**{one.key: one for one in (*preparation, *features)}, **own}


def all_parameters() -> dict[str, Parameter]:
    """Every parameter that any family has for anything, by its key."""
    own = {
        key: one for table in (REGRESSORS, FAMILIES) for family in table.values() for key, one in family.by_key.items()
    }
    twice = {PREFIX + key: one for key, one in FEATURES.items() if key in own}
    return {**PREPARATION, **FEATURES, **twice, **own}


def of_class(kind: type) -> Family | None:
    """The family whose estimator a class is; None for a factory's own."""
    for family in (*FAMILIES.values(), *REGRESSORS.values()):
        module, _, name = family.path.partition(":")
        if name == kind.__name__ and kind.__module__.startswith(module):
            return family
    return None


def needed_packages(recipe: Recipe) -> tuple[str, ...]:
    """The installed package that a recipe's family comes from, if that is not scikit-learn; none of a factory's."""
    from importlib.metadata import PackageNotFoundError, version

    if is_factory(recipe.model):
        return ()
    for name in families_of(recipe.task, recipe.columns)[recipe.model].packages:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return (name,)
    return ()


def is_factory(model: str) -> bool:
    """Whether `model` names a callable of the user (`package.module:factory`) in place of a family."""
    return ":" in model
