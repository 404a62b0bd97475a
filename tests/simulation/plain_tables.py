"""Every family on tables, each trained by expctl and by plain scikit-learn: equal by ==?

    python -m tests.simulation.plain_tables FOLDER [--drawn 1] [--seed 0] [--family NAME]

Plain scikit-learn is written here with its own names: pandas reads the file, `train_test_split` divides it, and none of
expctl's code takes part. Compared are kinds of columns, predictions, scores and metrics, of each family with its
defaults and with `drawn` random choices, on each table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from packaging.version import Version
from sklearn import datasets, preprocessing
from sklearn import metrics as sk
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
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
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from expctl.errors import ExpctlError
from expctl.training.data.column_kinds import decided
from expctl.training.data.dataset import load_split
from expctl.training.fit.trainer import train
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline

_FOREST = {"n_estimators": [10], "max_features": ["sqrt", 0.5], "min_samples_leaf": [1, 3]}
_TREE = {"max_depth": [None, 4], "max_features": [None, 0.5], "splitter": ["best", "random"]}
_BOOSTING = {"learning_rate": [0.1, 0.3], "max_iter": [10], "max_features": [1.0, 0.5], "max_bins": [255, 16]}
_NEIGHBOURS = {"n_neighbors": [1, 7], "weights": ["uniform", "distance"], "metric": ["minkowski", "cosine"]}
_NETWORK = {"hidden_layer_sizes": [8], "activation": ["relu", "tanh"], "max_iter": [30], "alpha": [1e-4, 0.1]}
_KERNEL = {"C": [0.5, 5.0], "kernel": ["rbf", "linear", "poly"], "gamma": ["scale", 0.1], "max_iter": [200]}
# A class of scikit-learn and what is drawn of its arguments.
FAMILIES: dict[str, dict[str, tuple[Any, dict[str, list[Any]]]]] = {
    "classification": {
        "logreg": (LogisticRegression, {"C": [0.1, 10.0], "class_weight": [None, "balanced"], "max_iter": [50]}),
        "linear_svm": (LinearSVC, {"C": [0.1, 1.0], "loss": ["hinge", "squared_hinge"], "max_iter": [200]}),
        "sgd": (SGDClassifier, {"loss": ["hinge", "log_loss"], "alpha": [1e-4, 1e-3], "penalty": ["l1", "l2"]}),
        "ridge": (RidgeClassifier, {"alpha": [0.1, 10.0], "solver": ["auto", "sag", "lsqr"]}),
        "random_forest": (RandomForestClassifier, _FOREST),
        "extra_trees": (ExtraTreesClassifier, {**_FOREST, "bootstrap": [True, False]}),
        "knn": (KNeighborsClassifier, _NEIGHBOURS),
        "nearest_centroid": (
            NearestCentroid,
            {"metric": ["euclidean", "manhattan"], "priors": ["uniform", "empirical"]},
        ),
        "svm": (SVC, _KERNEL),
        "hist_gradient_boosting": (HistGradientBoostingClassifier, {**_BOOSTING, "class_weight": [None, "balanced"]}),
        "decision_tree": (DecisionTreeClassifier, {**_TREE, "criterion": ["gini", "entropy"]}),
        "gaussian_nb": (GaussianNB, {"var_smoothing": [1e-9, 1e-3]}),
        "mlp": (MLPClassifier, _NETWORK),
        "dummy": (DummyClassifier, {"strategy": ["prior", "stratified"]}),
    },
    "regression": {
        "ridge": (Ridge, {"alpha": [0.1, 10.0], "solver": ["auto", "sag", "lsqr"]}),
        "linear": (LinearRegression, {"fit_intercept": [True, False]}),
        "lasso": (Lasso, {"alpha": [0.1, 1.0], "selection": ["cyclic", "random"]}),
        "elastic_net": (ElasticNet, {"alpha": [0.1, 1.0], "l1_ratio": [0.2, 0.8]}),
        "poisson": (PoissonRegressor, {"alpha": [0.1, 1.0], "solver": ["lbfgs", "newton-cholesky"]}),
        "huber": (HuberRegressor, {"epsilon": [1.2, 2.0], "max_iter": [50]}),
        "linear_svm": (LinearSVR, {"C": [0.1, 10.0], "epsilon": [0.0, 0.5]}),
        "sgd": (SGDRegressor, {"loss": ["squared_error", "huber"], "penalty": ["l1", "l2"]}),
        "random_forest": (RandomForestRegressor, {**_FOREST, "criterion": ["squared_error", "poisson"]}),
        "extra_trees": (ExtraTreesRegressor, {**_FOREST, "bootstrap": [True, False]}),
        "hist_gradient_boosting": (HistGradientBoostingRegressor, {**_BOOSTING, "loss": ["squared_error", "poisson"]}),
        "decision_tree": (DecisionTreeRegressor, _TREE),
        "knn": (KNeighborsRegressor, _NEIGHBOURS),
        "svm": (SVR, _KERNEL),
        "mlp": (MLPRegressor, _NETWORK),
        "dummy": (DummyRegressor, {"strategy": ["mean", "median"]}),
    },
}
# What expctl says it sets otherwise than scikit-learn.
DEFAULTS = {
    LogisticRegression: {"max_iter": 1000},
    LinearSVC: {"dual": "auto"},
    LinearSVR: {"dual": "auto"},
    KNeighborsClassifier: {"algorithm": "brute"},
    KNeighborsRegressor: {"algorithm": "brute"},
}
TREES = ("random_forest", "extra_trees", "decision_tree")
PREPARATION: dict[str, list[Any]] = {
    "imputer": ["median", "mean", "most_frequent"], "missing_indicator": [False, True],
    "scaler": ["standard", "minmax", "robust", None], "encoder": ["onehot", "ordinal", "target"],
    "min_frequency": [None, 5, 0.05], "max_categories": [None, 4],
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A CSV file with what is learned from it, and its columns that are neither numbers nor categories."""

    file: Path
    target: str
    task: str
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    def given(self) -> dict[str, Any]:
        """What expctl is told of it."""
        found: dict[str, Any] = {"data": str(self.file), "target": self.target}
        return {**found, **({"drop": ",".join(self.drop)} if self.drop else {})}

    def read(self) -> tuple[pd.DataFrame, pd.Series, list[str], list[str]]:
        """By pandas: features and target, and which are categories and which numbers."""
        typed = pd.read_csv(self.file)
        words = pd.read_csv(self.file, dtype=str, keep_default_na=False, na_values=[""])
        features = typed.drop(columns=[self.target, *self.drop, *self.dates])
        categories, numbers = [], []
        for name in features.columns:
            if name in self.text:
                features[name] = words[name].fillna("").astype(object)
            elif pd.api.types.is_numeric_dtype(features[name]):
                numbers.append(name)
                features[name] = _floats(words[name], typed[name])
            else:
                categories.append(name)
                cells = words[name].str.strip().astype(object)
                features[name] = cells.fillna("")  # missing: a category of its own
        for name in self.dates:
            times = pd.to_datetime(typed[name])
            for part in ("year", "month", "day", "weekday", "hour"):
                features[f"{name}.{part}"] = getattr(times.dt, "day_of_week" if part == "weekday" else part).astype(
                    "float64"
                )
                numbers.append(f"{name}.{part}")
        target = typed[self.target]
        return (
            features,
            _floats(words[self.target], target) if self.task == "regression" else target,
            categories,
            numbers,
        )


def _floats(words: pd.Series, typed: pd.Series) -> pd.Series:
    """Numbers to the last bit, which the fast reader of an older pandas misses."""
    return pd.Series([float("nan") if pd.isna(cell) else float(word) for word, cell in zip(words, typed, strict=True)])


@dataclass
class Combination:
    """A family on a table: `preparation` by expctl's names, `arguments` by scikit-learn's."""

    table: Table
    model: str
    seed: int = 0
    preparation: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        chosen = ", ".join(f"{key}={value}" for key, value in {**self.preparation, **self.arguments}.items())
        return f"{self.table.file.stem}, {self.table.task}, {self.model}: {chosen or 'defaults'}"

    def given(self) -> dict[str, Any]:
        """The same under expctl's names."""
        own = {"C": "c", "max_features": "tree_max_features"}
        arguments = {own.get(key, key): value for key, value in self.arguments.items()}
        common = {"model": self.model, "random_state": self.seed, "test_size": 0.3}
        return {**self.table.given(), **common, **self.preparation, **arguments}

    def plain(self, categories: list[str], numbers: list[str]) -> Pipeline:
        """The pipeline of plain scikit-learn."""
        boosted, dense = self.model == "hist_gradient_boosting", self.model in ("hist_gradient_boosting", "gaussian_nb")
        own: dict[str, Any] = {
            "imputer": None if boosted else "median",
            "missing_indicator": False,
            "scaler": None if boosted or self.model in TREES else "standard",
            "encoder": "native" if boosted else "onehot",
            "min_frequency": None,
            "max_categories": None,
            **self.preparation,
        }
        kind, _ = FAMILIES[self.table.task][self.model]
        arguments = {**DEFAULTS.get(kind, {}), **self.arguments}
        if "random_state" in kind().get_params():
            arguments["random_state"] = self.seed
        if own["encoder"] == "native" and categories:
            arguments["categorical_features"] = list(range(len(categories)))
        columns: list[tuple[str, Any, Any]] = []
        if categories:
            columns.append(("words", self._encoder(own, dense=dense), categories))
        if numbers:
            columns.append(("numbers", _scaled(own), numbers))
        columns += [(f"text of {name}", TfidfVectorizer(max_features=5000), name) for name in self.table.text]
        return make_pipeline(ColumnTransformer(columns, sparse_threshold=0.0 if dense else 0.3), kind(**arguments))

    def _encoder(self, own: dict[str, Any], *, dense: bool) -> Any:
        rare = {"min_frequency": own["min_frequency"], "max_categories": own["max_categories"]}
        if own["encoder"] == "onehot":
            return preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=not dense, **rare)
        if own["encoder"] == "target":
            regresses = self.table.task == "regression"
            shuffled: dict[str, Any] = {"shuffle": True, "random_state": self.seed}
            folds: Any = {"cv": 5, **shuffled}
            if Version(sklearn.__version__) >= Version("1.9"):  # which wants them made
                folds = {"cv": (KFold if regresses else StratifiedKFold)(5, **shuffled)}
            return preprocessing.TargetEncoder(target_type="continuous" if regresses else "auto", **folds)
        if own["encoder"] == "native":
            rare["max_categories"] = rare["max_categories"] or 255
        unknown = float("nan") if own["encoder"] == "native" else -1
        return preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown, **rare)


def _scaled(own: dict[str, Any]) -> Any:
    steps: list[Any] = []
    if own["imputer"] is not None:
        steps.append(
            SimpleImputer(strategy=own["imputer"], add_indicator=own["missing_indicator"], keep_empty_features=True)
        )
    if own["scaler"] is not None:
        kinds = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "robust": "RobustScaler"}
        steps.append(getattr(preprocessing, kinds[own["scaler"]])())
    return make_pipeline(*steps) if steps else "passthrough"


def draw(random: np.random.Generator, table: Table, model: str) -> Combination:
    """A combination of a family on a table."""

    def chosen(of: dict[str, list[Any]]) -> dict[str, Any]:
        return {key: values[int(random.integers(len(values)))] for key, values in of.items()}

    preparation = chosen(PREPARATION)
    if model == "hist_gradient_boosting" and random.random() < 0.5:
        preparation |= {"imputer": None, "encoder": "native"}
    return Combination(table, model, int(random.integers(100)), preparation, chosen(FAMILIES[table.task][model][1]))


def differences(one: Combination) -> list[str] | None:
    """What comes out otherwise than by plain scikit-learn; None if neither can be trained."""
    features, target, categories, numbers = one.table.read()
    chosen = train_test_split(
        np.arange(len(target)),
        test_size=0.3,
        random_state=one.seed,
        stratify=target if one.table.task == "classification" else None,
    )
    (train_x, train_y), (test_x, test_y) = ((features.iloc[rows], target.iloc[rows].to_numpy()) for rows in chosen)
    recipe = configure(decided(one.given()))
    split = load_split(recipe)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with threadpool_limits(1):
                plain = one.plain(categories, numbers).fit(train_x, train_y)
                predicted = plain.predict(test_x)
                scores = _scores(plain, test_x)
                theirs = _metrics(one.table.task, plain, test_y, predicted, scores)
        except ValueError as error:
            try:
                train(recipe, split, build_pipeline(recipe))
            except ExpctlError:
                return None
            return [f"plain scikit-learn alone raised {error}"]
        result = train(recipe, split, build_pipeline(recipe))
    found = [
        f"{key} {result.metrics.get(key)!r} {value!r}"
        for key, value in theirs.items()
        if result.metrics.get(key) != value
    ]
    if not np.array_equal(np.asarray(result.evaluation.predictions.predicted), predicted):
        found.append("predictions")
    ours = result.evaluation.predictions.scores
    if (ours is None) != (scores is None) or (scores is not None and not np.array_equal(ours, scores, equal_nan=True)):
        found.append("scores")
    return found


def _scores(plain: Pipeline, rows: pd.DataFrame) -> Any:
    known = (name for name in ("predict_proba", "decision_function") if hasattr(plain, name))
    name = next(known, None)
    return None if name is None else getattr(plain, name)(rows)


def _metrics(task: str, plain: Pipeline, labels: Any, predicted: Any, scores: Any) -> dict[str, float]:
    if task == "regression":
        found = {
            "r2": sk.r2_score(labels, predicted),
            "rmse": sk.root_mean_squared_error(labels, predicted),
            "mae": sk.mean_absolute_error(labels, predicted),
            "median_ae": sk.median_absolute_error(labels, predicted),
        }
        return {**found, **({"mape": sk.mean_absolute_percentage_error(labels, predicted)} if labels.all() else {})}
    found = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "f1_score": sk.f1_score(labels, predicted, average="weighted", zero_division=0),
        "f1_macro": sk.f1_score(labels, predicted, average="macro", zero_division=0),
        "mcc": sk.matthews_corrcoef(labels, predicted),
    }
    if hasattr(plain, "predict_proba"):
        found["log_loss"] = sk.log_loss(labels, scores, labels=plain.classes_)
        found["roc_auc"] = (
            sk.roc_auc_score(labels, scores[:, 1])
            if len(plain.classes_) == 2
            else sk.roc_auc_score(labels, scores, multi_class="ovr", average="weighted")
        )
    return found


def made_tables(folder: Path) -> list[Table]:
    """Those of scikit-learn, as CSV; one with dates and missing numbers."""
    found = []
    for name in ("iris", "wine", "breast_cancer"):
        made = getattr(datasets, f"load_{name}")(as_frame=True)
        made.frame["target"] = made.target_names[made.target]
        made.frame.to_csv(folder / f"{name}.csv", index=False)
        found.append(Table(folder / f"{name}.csv", "target", "classification"))
    frame = datasets.load_diabetes(as_frame=True).frame
    frame["day"] = pd.date_range("2019-12-30", periods=len(frame), freq="31h").strftime("%Y-%m-%dT%H:%M:%S")
    frame.loc[frame.index % 9 == 0, ["bmi", "day"]] = None
    frame["group"] = [("a", "b", None, "c c")[i % 4] for i in range(len(frame))]
    frame.to_csv(folder / "diabetes.csv", index=False)
    return [*found, Table(folder / "diabetes.csv", "target", "regression", dates=("day",))]


def shared_tables(data: Path, folder: Path) -> list[Table]:
    """Those of a folder, the large ones in part."""
    for name, rows in (("adult", 600), ("ames", 500), ("diamonds", 600)):
        whole = pd.read_csv(data / f"{name}.csv", dtype=str, keep_default_na=False)
        whole.sample(rows, random_state=1).to_csv(folder / f"{name}.csv", index=False)
    return [
        Table(data / "titanic.csv", "survived", "classification", drop=("ticket",), text=("name",)),
        Table(data / "titanic.csv", "fare", "regression", drop=("ticket", "name")),
        Table(data / "penguins.csv", "species", "classification"),
        Table(folder / "adult.csv", "class", "classification"),
        Table(folder / "ames.csv", "SalePrice", "regression", drop=("Order", "PID")),
        Table(folder / "diamonds.csv", "price", "regression"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--drawn", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family")
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        tables = [*made_tables(Path(place)), *shared_tables(asked.data, Path(place))]
        combinations = [
            one
            for table in tables
            for model in families_of(table.task, {})
            for one in (Combination(table, model), *(draw(random, table, model) for _ in range(asked.drawn)))
            if asked.family in (None, model)
        ]
        wrong = untrained = 0
        for one in combinations:
            found = differences(one)
            untrained += found is None
            wrong += bool(found)
            sys.stdout.write(f"{'not trained' if found is None else ', '.join(found) or 'equal'} | {one}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(combinations)} combinations, {untrained} trained by neither, {wrong} differ\n")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
