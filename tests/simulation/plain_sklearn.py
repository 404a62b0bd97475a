"""Random combinations of parameters, each trained by expctl and by plain scikit-learn: equal by ==?

    python -m tests.simulation.plain_sklearn [200] [--seed 0] [--data FILE] [--rows 400]

Every family gets its turn, on rows spread over the file: of all 5000 an SVM alone takes minutes. Plain scikit-learn is
written here with its own names, a FeatureUnion for words and characters, and none of expctl's code but the reading of
rows. Compared are predictions, scores and metrics, and the same training from the terms that a sweep counts once.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from expctl.errors import ExpctlError
from expctl.training.data.dataset import load_split
from expctl.training.fit.trainer import train
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline
from expctl.training.search.shared_data import prepare
from expctl.training.search.space import read_space

DATA = Path(__file__).parent.parent.parent / "data" / "reviews.csv"
FEATURES: dict[str, list[Any]] = {
    "max_features": [None, 50, 700], "ngram_range": [(1, 1), (1, 2), (2, 2)], "min_df": [1, 2, 0.01],
    "max_df": [1.0, 0.5], "sublinear_tf": [True, False], "lowercase": [True, False], "stop_words": [None, "english"],
    "binary": [True, False], "use_idf": [True, False], "smooth_idf": [True, False], "norm": ["l1", "l2", None],
    "strip_accents": [None, "ascii", "unicode"], "token_pattern": [r"(?u)\b\w\w+\b", r"\w+", r"[^ ]+ ?"],
}  # fmt: skip
FAMILIES: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "logreg": (LogisticRegression, {"C": [0.1, 10.0], "max_iter": [100, 1000], "class_weight": [None, "balanced"]}),
    "linear_svm": (
        LinearSVC,
        {"C": [0.1, 1.0], "loss": ["hinge", "squared_hinge"], "max_iter": [200], "dual": ["auto"]},
    ),
    "sgd": (SGDClassifier, {"loss": ["hinge", "log_loss"], "alpha": [1e-5, 1e-3], "penalty": ["l1", "l2"]}),
    "naive_bayes": (MultinomialNB, {"alpha": [0.01, 1.0], "fit_prior": [True, False]}),
    "complement_nb": (ComplementNB, {"alpha": [0.01, 1.0], "norm": [True, False]}),
    "ridge": (RidgeClassifier, {"alpha": [0.1, 1.0], "solver": ["auto", "sag"]}),
    "random_forest": (RandomForestClassifier, {"n_estimators": [5], "max_features": ["sqrt", 0.1]}),
    "extra_trees": (ExtraTreesClassifier, {"n_estimators": [5], "bootstrap": [True, False]}),
    "knn": (
        KNeighborsClassifier,
        {"n_neighbors": [1, 5], "weights": ["uniform", "distance"], "metric": ["minkowski", "cosine"]},
    ),
    "nearest_centroid": (NearestCentroid, {"metric": ["euclidean", "manhattan"], "priors": ["uniform", "empirical"]}),
    "svm": (SVC, {"C": [0.5, 5.0], "kernel": ["rbf", "linear", "poly"], "gamma": ["scale", 0.5]}),
    "dummy": (DummyClassifier, {"strategy": ["prior", "stratified"]}),
}
DEFAULTS = {"logreg": {"max_iter": 1000}, "linear_svm": {"max_iter": 1000, "dual": "auto"}}


@dataclass
class Combination:
    """What one training is made from, under scikit-learn's names; `characters` are of a second vectorizer, or None."""

    model: str
    seed: int
    features: dict[str, Any]
    characters: tuple[int, int] | None
    classifier: dict[str, Any]

    def parameters(self) -> dict[str, Any]:
        """The same under expctl's names."""
        given = dict(self.features)
        given["ngram_min"], given["ngram_max"] = given.pop("ngram_range")
        if self.characters is not None:
            given |= {
                "analyzer": "word+char_wb",
                "char_ngram_min": self.characters[0],
                "char_ngram_max": self.characters[1],
            }
        if self.model == "complement_nb":
            given["tfidf_norm"] = given.pop("norm")
        own = {"C": "c", **({"max_features": "tree_max_features"} if "forest" in self.model else {})}
        return {**given, **{own.get(key, key): value for key, value in self.classifier.items()}}

    def plain(self) -> Any:
        """The pipeline of plain scikit-learn."""
        words = TfidfVectorizer(**self.features)
        features: Any = words
        if self.characters is not None:
            own = {**self.features, "analyzer": "char_wb", "ngram_range": self.characters}
            own |= {"stop_words": None, "token_pattern": FEATURES["token_pattern"][0]}
            features = FeatureUnion([("words", words), ("characters", TfidfVectorizer(**own))])
        kind, _ = FAMILIES[self.model]
        arguments = {**DEFAULTS.get(self.model, {}), **self.classifier}
        if "random_state" in kind().get_params():
            arguments["random_state"] = self.seed
        return make_pipeline(features, kind(**arguments))


def draw(random: np.random.Generator, model: str) -> Combination:
    """A combination of a family."""

    def chosen(table: dict[str, list[Any]]) -> dict[str, Any]:
        return {key: values[int(random.integers(len(values)))] for key, values in table.items()}

    features = {"max_features": 5000, "ngram_range": (1, 1), **chosen(FEATURES)}
    characters = (2, int(random.integers(2, 5))) if random.random() < 0.4 else None
    if characters is None and random.random() < 0.3:
        features |= {"analyzer": str(random.choice(["char", "char_wb"])), "stop_words": None}
        features["token_pattern"] = FEATURES["token_pattern"][0]
    return Combination(model, int(random.integers(100)), features, characters, chosen(FAMILIES[model][1]))


def differences(one: Combination, data: str, *, shared: bool = True) -> list[str] | None:
    """What comes out otherwise than by plain scikit-learn; None if neither can be trained."""
    given = {"data": data, "model": one.model, "random_state": one.seed, "test_size": 0.3, **one.parameters()}
    recipe = configure(given)
    split = load_split(recipe)
    train_texts, test_texts = (list(rows.frame["text"]) for rows in (split.train, split.test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with threadpool_limits(1):
                plain = one.plain().fit(train_texts, split.train.labels)
                predicted = plain.predict(test_texts)
                scores = next(
                    (
                        getattr(plain, name)(test_texts)
                        for name in ("predict_proba", "decision_function")
                        if hasattr(plain, name)
                    ),
                    None,
                )
        except ValueError as error:
            try:
                train(recipe, split, build_pipeline(recipe))
            except ExpctlError:
                return None
            return [f"plain scikit-learn alone raised {error}"]
        results = {"train": train(recipe, split, build_pipeline(recipe))}
        if shared:
            space = read_space(
                {"max_df": repr(recipe.parameters["max_df"])}, {k: v for k, v in given.items() if k != "max_df"}
            )
            results["sweep"] = prepare(space).train(recipe)
    found = []
    for name, result in results.items():
        theirs = {
            "accuracy": sk.accuracy_score(split.test.labels, predicted),
            "f1_macro": sk.f1_score(split.test.labels, predicted, average="macro", zero_division=0),
            "mcc": sk.matthews_corrcoef(split.test.labels, predicted),
        }
        found += [f"{name}: {key}" for key, value in theirs.items() if result.metrics[key] != value]
        if result.predictions["prediction"].tolist() != predicted.tolist():
            found.append(f"{name}: predictions")
        ours = result.evaluation.predictions.scores
        if (ours is None) != (scores is None) or (
            scores is not None and not np.array_equal(ours, scores, equal_nan=True)
        ):
            found.append(f"{name}: scores")
    return found


def spread_rows(data: Path, number: int, folder: Path) -> Path:
    """A file of so many rows, taken at equal distances: files are often sorted by label."""
    with data.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    chosen = [rows[i * len(rows) // number] for i in range(number)] if number < len(rows) else rows
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *chosen])
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rows", type=int, default=400)
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    wrong = untrained = 0
    with tempfile.TemporaryDirectory(prefix="expctl-plain-") as folder:
        data = str(spread_rows(asked.data, asked.rows, Path(folder)))
        for number in range(asked.number):
            one = draw(random, list(FAMILIES)[number % len(FAMILIES)])
            found = differences(one, data)
            untrained += found is None
            if found:
                wrong += 1
                sys.stdout.write(f"{number}: {one}\n    {', '.join(found)}\n")
                sys.stdout.flush()
            if (number + 1) % 10 == 0:
                sys.stderr.write(f"{number + 1} of {asked.number}: {wrong} differ\n")
    sys.stdout.write(f"{asked.number} combinations, {untrained} of them of no term, {wrong} differ\n")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
