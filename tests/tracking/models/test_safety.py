"""What is proved of a model file before it is used: a sane size, and trees that stay in themselves."""

from __future__ import annotations

import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
import sklearn
from packaging.version import Version
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from expctl.errors import DataError
from expctl.tracking.models import safety
from expctl.tracking.models.safety import check_arrays, check_size
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.steps import final_estimator
from tests.tracking.models.bent_trees import bend


def test_a_tree_hidden_in_another_ensemble_is_found():
    from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, VotingClassifier
    from sklearn.tree import DecisionTreeClassifier

    features, labels = np.arange(40.0).reshape(20, 2), [0, 1] * 10
    boosted = GradientBoostingClassifier(n_estimators=2).fit(features, labels)
    bagged = BaggingClassifier(DecisionTreeClassifier(), 2).fit(features, labels)
    alone = DecisionTreeClassifier().fit(features, labels)
    voting = VotingClassifier([("tree", DecisionTreeClassifier())]).fit(features, labels)
    for ensemble, tree in (
        (boosted, boosted.estimators_[1, 0].tree_),
        (bagged, bagged.estimators_[1].tree_),
        (voting, voting.estimators_[0].tree_),
        (FunctionTransformer(kw_args={"model": [alone]}), alone.tree_),
    ):
        check_arrays(Pipeline([("model", ensemble)]), "model")
        bend(tree, left_child=(0, 10_000))
        with pytest.raises(DataError, match="a tree has child indices out of range"):
            check_arrays(Pipeline([("model", ensemble)]), "model")


def test_a_tree_that_claims_more_nodes_than_it_has_or_none_is_refused():
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(1).fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10)
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    for count in (state["node_count"] + 100_000, 0, -1):  # of none predicting would read the first all the same
        tree.__setstate__({**state, "node_count": count})
        with pytest.raises(DataError, match="a tree has child indices out of range"):
            check_arrays(Pipeline([("model", forest)]), "model")
    tree.__setstate__(state)
    check_arrays(Pipeline([("model", forest)]), "model")


def zipped(path, size):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(size))
    return path


def test_a_file_that_unpacks_to_far_more_than_it_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "_UNPACKED", 10_000)
    check_size(zipped(tmp_path / "small.skops", 10_000).read_bytes(), "model")
    with pytest.raises(DataError, match="the model would unpack to 5 MB: it is not loaded"):
        check_size(zipped(tmp_path / "bomb.skops", 5 << 20).read_bytes(), "model")


def test_a_large_file_may_be_compressed_as_files_are(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "_UNPACKED", 10_000)
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.npy", bytes(20_000))
    check_size(path.read_bytes(), "model")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_a_file_that_is_no_zip_is_damaged(content):
    with pytest.raises(DataError, match="the model of run x is damaged"):
        check_size(content, "model of run x")


def test_a_model_that_holds_itself_is_looked_at_once():
    estimator = FunctionTransformer()
    estimator.itself = [estimator, {"again": estimator}]
    check_arrays(estimator, "model")


ROWS = pd.DataFrame({"text": pd.Series(["good film", "bad film", "dull day", "warm day"] * 3, dtype="object")})


def fitted(model):
    labels = np.array(["a", "b", "c"] * 4, dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_pipeline(configure({"data": "a.csv", "model": model})).fit(ROWS, labels)


def is_refused(pipeline):
    try:
        check_arrays(pipeline, "model")
    except DataError as error:
        return error.message
    return ""


SAYS_PROBABILITIES = "probability" if Version(sklearn.__version__) < Version("1.9") else "_effective_probability"


def _set(name, value):
    return lambda classifier: setattr(classifier, name, value(getattr(classifier, name)))


def _within(name, place, value):
    """Set one number of an array, or of the part `name.part` of a sparse matrix."""

    def change(classifier):
        *holders, last = name.split(".")
        array = getattr(getattr(classifier, holders[0]) if holders else classifier, last)
        array.flat[place] = value

    return change


@pytest.mark.parametrize(
    ("model", "change", "told"),
    [
        ("knn", _within("_fit_X.indices", 0, 10**6), "a sparse matrix has indices out of range"),
        ("knn", _within("_fit_X.indices", 0, -1), "a sparse matrix has indices out of range"),
        ("knn", _within("_fit_X.indptr", 1, 10**6), "a sparse matrix has indices out of range"),
        ("knn", _set("_fit_X", lambda rows: rows[:5]), "its rows, classes and neighbours"),
        ("knn", _within("_y", 0, 3), "its rows, classes and neighbours"),
        ("knn", _within("_y", 0, -1), "its rows, classes and neighbours"),
        ("knn", _set("_y", lambda labels: labels[:-1]), "its rows, classes and neighbours"),
        ("knn", _set("_y", lambda labels: labels.astype(np.int8)), "its rows, classes and neighbours"),
        ("knn", _set("n_neighbors", lambda _: 13), "its rows, classes and neighbours"),
        ("knn", _set("n_samples_fit_", lambda _: 99), "its rows, classes and neighbours"),
        ("knn", _set("_tree", lambda _: FunctionTransformer()), "its rows, classes and neighbours"),
        ("knn", _set("effective_metric_params_", lambda _: {"V": np.ones(1)}), "its rows, classes and neighbours"),
        ("nearest_centroid", _set("centroids_", lambda one: one[:, :-1]), "its centroids are of another shape"),
        ("svm", _within("support_vectors_.indices", 0, -5), "a sparse matrix has indices out of range"),
        ("svm", _within("_n_support", 0, 10**6), "its support vectors and coefficients"),
        ("svm", _set("_n_support", lambda numbers: numbers.astype(np.int64)), "its support vectors and coefficients"),
        ("svm", _set("_intercept_", lambda values: values[:-1]), "its support vectors and coefficients"),
        ("svm", _set("_dual_coef_", lambda values: values[:-1]), "its support vectors and coefficients"),
        ("svm", _set(SAYS_PROBABILITIES, lambda _: True), "its support vectors and coefficients"),
        ("svm", _set("_impl", lambda _: "one_class"), "its support vectors and coefficients"),
        ("svm", _set("kernel", lambda _: "precomputed"), "its support vectors and coefficients"),
        ("svm", _set("_sparse", lambda _: False), "its support vectors and coefficients"),
        ("extra_trees", lambda one: bend(one.estimators_[1].tree_, left_child=(0, 0)), "a tree has child indices"),
        ("extra_trees", lambda one: bend(one.estimators_[1].tree_, feature=(0, 99)), "a tree has child indices"),
    ],
)
def test_an_array_that_leaves_its_bounds_is_refused(model, change, told):
    pipeline = fitted(model)
    assert is_refused(pipeline) == ""
    change(final_estimator(pipeline))
    assert told in is_refused(pipeline)


@pytest.mark.parametrize("column", [-1, 10**6, 0.5, None])
def test_a_vocabulary_of_columns_that_the_features_have_not_is_refused(column):
    pipeline = fitted("logreg")
    vectorizer = pipeline.named_steps["features"].named_transformers_["tfidf"]
    vectorizer.vocabulary_["film"] = column
    assert is_refused(pipeline) == "the model is damaged: its vocabulary has columns out of range"


@pytest.mark.slow
def test_damaged_files_of_every_kind_are_refused_or_predict():
    """A few of what `python -m tests.faults.model_files` tries: in a process of its own, which must outlive them."""
    from tests.faults.model_files import run

    of_tables = "classification:logreg,classification:hist_gradient_boosting,regression:extra_trees,regression:knn"
    lived, told = run(f"knn,nearest_centroid,svm,extra_trees,{of_tables}", 12, seed=3)
    assert lived, told
