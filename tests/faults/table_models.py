"""Small models that read a mixed table with missing values, of whatever kind the families for tables are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

if TYPE_CHECKING:
    import random

NUMERIC, CATEGORICAL, TEXT = ["u", "v", "w"], ["a", "b"], "t"
WORDS = ("good", "bad", "film", "dull", "warm", "slow")


def table(source: random.Random, rows: int) -> pd.DataFrame:
    """Numbers, categories and a text, one cell in ten missing."""

    def cells(draw: Any) -> list[Any]:
        return [None if source.random() < 0.1 else draw() for _ in range(rows)]

    numbers = {name: pd.Series(cells(lambda: source.gauss(0, 1)), dtype="float64") for name in NUMERIC}
    words = {
        "a": pd.Series(cells(lambda: source.choice("xyz")), dtype="object"),
        "b": pd.Series(cells(lambda: source.choice("ppppqqqrst")), dtype="object"),
        TEXT: pd.Series([" ".join(source.choices(WORDS, k=3)) for _ in range(rows)], dtype="object"),
    }
    return pd.DataFrame({**numbers, **words})


def _prepared(numeric: Any, categorical: Any, *, text: bool = False) -> Any:
    parts = [("numeric", numeric, NUMERIC), ("categorical", categorical, CATEGORICAL)]
    return ColumnTransformer([*parts, ("text t", TfidfVectorizer(), TEXT)] if text else parts)


def sparse() -> Any:
    """What linear models take: indicators of the missing, rare categories as one."""
    rare = OneHotEncoder(min_frequency=8, handle_unknown="infrequent_if_exist")
    return _prepared(make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), rare, text=True)


def dense() -> Any:
    one_hot = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False)
    imputed = SimpleImputer(missing_values=None, strategy="constant", fill_value="missing")
    return _prepared(make_pipeline(SimpleImputer(), RobustScaler()), make_pipeline(imputed, one_hot))


def target() -> Any:
    return _prepared(make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler()), TargetEncoder(cv=2))


def ordinal() -> Any:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    return _prepared(SimpleImputer(), codes)


def native() -> Any:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    return _prepared("passthrough", codes)


_NATIVE = {"categorical_features": [3, 4], "min_samples_leaf": 3, "max_iter": 3}

CLASSIFIERS = {
    "logreg": (sparse, LogisticRegression()),
    "linear_svm": (sparse, LinearSVC()),
    "sgd": (sparse, SGDClassifier(loss="log_loss")),
    "ridge": (dense, RidgeClassifier()),
    "random_forest": (ordinal, RandomForestClassifier(3)),
    "random_forest_sparse": (sparse, RandomForestClassifier(3)),
    "extra_trees": (target, ExtraTreesClassifier(3)),
    "decision_tree": (native, DecisionTreeClassifier()),
    "hist_gradient_boosting": (native, HistGradientBoostingClassifier(**_NATIVE)),
    "hist_gradient_boosting_numbers": (ordinal, HistGradientBoostingClassifier(max_iter=3)),
    "gradient_boosting": (ordinal, GradientBoostingClassifier(n_estimators=3)),
    "knn": (dense, KNeighborsClassifier(algorithm="brute")),
    "knn_sparse": (sparse, KNeighborsClassifier(algorithm="brute", weights="distance")),
    "knn_manhattan": (dense, KNeighborsClassifier(algorithm="brute", metric="manhattan")),
    "svm": (dense, SVC()),
    "svm_sparse": (sparse, SVC()),
    "gaussian_nb": (dense, GaussianNB()),
    "mlp": (target, MLPClassifier((4,), max_iter=3)),
    "dummy": (ordinal, DummyClassifier(strategy="stratified", random_state=0)),
}
REGRESSORS = {
    "ridge": (sparse, Ridge()),
    "linear": (dense, LinearRegression()),
    "lasso": (sparse, Lasso(alpha=0.1)),
    "elastic_net": (target, ElasticNet(alpha=0.1)),
    "poisson": (dense, PoissonRegressor()),
    "huber": (dense, HuberRegressor()),
    "linear_svm": (sparse, LinearSVR()),
    "sgd": (sparse, SGDRegressor()),
    "random_forest": (ordinal, RandomForestRegressor(3)),
    "extra_trees": (ordinal, ExtraTreesRegressor(3)),
    "decision_tree": (native, DecisionTreeRegressor()),
    "hist_gradient_boosting": (native, HistGradientBoostingRegressor(**_NATIVE)),
    "hist_gradient_boosting_poisson": (native, HistGradientBoostingRegressor(**_NATIVE, loss="poisson")),
    "knn": (dense, KNeighborsRegressor(algorithm="brute")),
    "svm": (dense, SVR()),
    "mlp": (target, MLPRegressor(hidden_layer_sizes=(4,), max_iter=3)),
    "dummy": (ordinal, DummyRegressor()),
    "log_target": (dense, TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)),
}
MODELS = {
    **{f"classification:{name}": made for name, made in CLASSIFIERS.items()},
    **{f"regression:{name}": made for name, made in REGRESSORS.items()},
}


def fitted(name: str, rows: pd.DataFrame, source: random.Random) -> Any:
    """A model fitted on rows whose target follows from the cells, with noise."""
    preparation, estimator = MODELS[name]
    score = rows["u"].fillna(0) + rows["a"].map({"x": 2.0, "y": 0.5}).fillna(0) + [source.random() for _ in rows["t"]]
    labels = np.array(["low", "middle", "high"], dtype=object)[np.searchsorted([0.5, 1.5], score)]
    values = np.exp(score.to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Pipeline([("features", preparation()), ("estimator", estimator)])
        return model.fit(rows, labels if name.startswith("classification") else values)
