"""What is proved of the parts of a model that read tables: every sound one passes, and none of a damaged file."""

from __future__ import annotations

import warnings
from copy import deepcopy
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, TargetEncoder
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from expctl import model_types
from expctl.errors import DataError
from expctl.tracking.models.safety import check_arrays
from expctl.training.fit.skops_file import trusted_types
from tests.tracking.models.bent_trees import bend

SOURCE = np.random.default_rng(0)
ROWS = 60
X = np.c_[SOURCE.normal(size=(ROWS, 2)), np.arange(ROWS) % 4]
CLASSES = np.array([str(i % 3) for i in range(ROWS)], dtype=object)
Y = X[:, 0] + SOURCE.normal(size=ROWS)
CATEGORIES = pd.DataFrame(
    {
        "a": pd.Series([("x", "y", "z", None)[i % 4] for i in range(ROWS)], dtype=object),
        "b": pd.Series([("p", "q", "r", "s", "t")[min(i % 10, 4)] for i in range(ROWS)], dtype=object),
    }
)
# What the table of families says of its members, of which some are not yet there.
TRUSTED = {
    *trusted_types(),
    *(
        model_types.TREE,
        model_types.BOOSTED_TREE,
        *model_types.LOSSES,
        *model_types.CATEGORIES,
        *model_types.OPTIMIZERS,
    ),
}


@cache
def boosting():
    """Of trees that split by numbers, and by categories where these tell the classes apart."""
    classes = np.where(np.isin(X[:, 2], [0, 3]), "a", np.where(X[:, 0] > 0, "b", "c"))
    return HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=3, categorical_features=[2]).fit(X, classes)


def problem(estimator):
    try:
        check_arrays(make_pipeline(estimator), "model")
    except DataError as error:
        return error.message.removeprefix("the model is damaged: ")
    return ""


BOOSTED = [
    HistGradientBoostingRegressor(max_iter=2, loss=loss, quantile=0.5)
    for loss in ("squared_error", "absolute_error", "quantile", "poisson", "gamma")
]
CLASSIFIERS = [
    HistGradientBoostingClassifier(max_iter=2),
    HistGradientBoostingClassifier(max_iter=2, categorical_features=[0, 2], early_stopping=True),
    RandomForestClassifier(2),
    DecisionTreeClassifier(),
    BaggingClassifier(DecisionTreeClassifier(), 2, max_features=2),
    OneVsRestClassifier(DecisionTreeClassifier()),
    GradientBoostingClassifier(n_estimators=2),
    KNeighborsClassifier(algorithm="brute"),
    RadiusNeighborsClassifier(radius=9, algorithm="brute"),
    SVC(),
    GaussianNB(),
    MLPClassifier(max_iter=2),
    MLPClassifier(max_iter=2, solver="sgd"),
    DummyClassifier(),
]
REGRESSORS = [
    *BOOSTED,
    RandomForestRegressor(2),
    DecisionTreeRegressor(),
    GradientBoostingRegressor(n_estimators=2, init=Ridge()),
    KNeighborsRegressor(algorithm="brute"),
    NearestNeighbors(algorithm="brute"),
    SVR(),
    MLPRegressor(max_iter=2),
    PoissonRegressor(),
    DummyRegressor(),
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    KNNImputer(),
    SimpleImputer(add_indicator=True),
    KBinsDiscretizer(3, quantile_method="linear") if "quantile_method" in KBinsDiscretizer().get_params() else Ridge(),
]


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, *REGRESSORS], ids=repr)
def test_every_sound_file_of_numbers_passes_by_our_list_of_types_alone(estimator):
    target = CLASSES if estimator in CLASSIFIERS else np.abs(Y) + 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = skops.io.dumps(estimator.fit(X, target))
    assert problem(skops.io.loads(content, trusted=sorted(TRUSTED))) == ""


ENCODERS = [
    *(
        OneHotEncoder(drop=drop, handle_unknown="ignore", **grouped)
        for drop in (None, "first", "if_binary")
        for grouped in ({}, {"min_frequency": 10}, {"max_categories": 2})
    ),
    OneHotEncoder(categories=[["z", "y", "x", None], ["t", "s", "r", "q", "p"]]),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2, max_categories=3),
    TargetEncoder(),
    make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="missing"), OneHotEncoder()),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_every_sound_file_of_categories_passes_by_our_list_of_types_alone(encoder):
    content = skops.io.dumps(encoder.fit(CATEGORIES, CLASSES))
    assert problem(skops.io.loads(content, trusted=sorted(TRUSTED))) == ""


def test_numbers_as_categories_and_all_columns_as_categories_pass():
    assert problem(OneHotEncoder().fit(np.array([[1, 2.5], [np.nan, 3], [2, 3]]))) == ""
    assert problem(OneHotEncoder().fit(pd.DataFrame({"a": [True, False, True]}))) == ""
    table = pd.DataFrame({"a": np.arange(ROWS) % 4, "b": np.arange(ROWS) % 3})
    for columns in (["a", "b"], ["b"]):
        every = HistGradientBoostingClassifier(max_iter=2, categorical_features=columns).fit(table, CLASSES)
        assert problem(every) == ""


def node(field, value, *, of="number"):
    """Change one node of the first tree that splits by a category, or by a number."""

    def change(model):
        tree, place = next(
            (tree, i)
            for trees in compat_predictors(model)
            for tree in trees
            for i, one in enumerate(tree.nodes)
            if not one["is_leaf"] and bool(one["is_categorical"]) == (of == "category")
        )
        tree.nodes[field][place] = value

    return change


def compat_predictors(model):
    return getattr(model, model_types.BOOSTING[0])


def words(value):
    def change(model):
        for trees in compat_predictors(model):
            for tree in trees:
                tree.raw_left_cat_bitsets = value(tree.raw_left_cat_bitsets)

    return change


def mapper(name, value):
    return lambda model: setattr(model._bin_mapper, name, value(getattr(model._bin_mapper, name)))


def prepared(name, value):
    return lambda model: setattr(model._preprocessor, name, value(getattr(model._preprocessor, name)))


@pytest.mark.parametrize(
    "change",
    [
        *(node(side, value) for side in ("left", "right") for value in (0, 10_000, 2**32 - 1)),
        *(node("feature_idx", value) for value in (-1, 3, 2**40)),
        node("is_categorical", 1),  # of a column that has no categories
        node("bitset_idx", 10_000, of="category"),
        lambda model: [tree.nodes["is_leaf"].fill(0) for trees in compat_predictors(model) for tree in trees],
        lambda model: setattr(compat_predictors(model)[0][0], "nodes", compat_predictors(model)[0][0].nodes[:0]),
        words(lambda bits: bits[:, :7]),
        words(lambda bits: bits[:0]),
        mapper("is_categorical_", lambda array: array[:-1]),
        mapper("is_categorical_", lambda array: np.zeros_like(array)),
        mapper("bin_thresholds_", lambda edges: [np.array([256.0]), *edges[1:]]),
        mapper("bin_thresholds_", lambda edges: [np.array([-1.0]), *edges[1:]]),
        lambda model: setattr(model, "n_trees_per_iteration_", 2),
        lambda model: setattr(model, "n_trees_per_iteration_", 10**9),
        lambda model: compat_predictors(model)[1].pop(),
        lambda model: setattr(model, "n_features_in_", 99),
        lambda model: delattr(model, "n_features_in_"),
        prepared("transformers_", lambda parts: [(*parts[0][:2], np.zeros(3, dtype=bool)), *parts[1:]]),
        prepared("transformers_", lambda parts: [parts[0], ("numerical", "drop", parts[1][2]), *parts[2:]]),
        prepared("transformers_", lambda parts: [parts[0], ("n", FunctionTransformer(np.ravel), parts[1][2])]),
        prepared("_transformer_to_input_indices", lambda columns: {**columns, "numerical": [0]}),
        prepared("n_features_in_", lambda _: 2),
    ],
)
def test_boosted_trees_that_would_leave_their_arrays_are_refused(change):
    model = deepcopy(boosting())
    assert problem(model) == ""
    change(model)
    assert problem(model) == "its boosted trees have indices out of range"


def test_a_partial_function_of_anything_else_is_refused():
    assert problem(FunctionTransformer(partial(np.add, 1))) == "a partial function is none of scikit-learn's"


def encoder_with(name, value):
    encoder = OneHotEncoder(min_frequency=10, drop="first", handle_unknown="ignore").fit(CATEGORIES)
    held = vars(encoder)[name]
    setattr(encoder, name, value(held))
    return encoder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_n_features_outs", lambda widths: [widths[0] - 1, *widths[1:]]),
        ("_n_features_outs", lambda widths: [widths[0] + 10**9, *widths[1:]]),
        ("_n_features_outs", lambda widths: widths[:1]),
        ("_infrequent_enabled", lambda _: False),
        ("_infrequent_indices", lambda rare: [rare[0], np.array([9])]),
        ("_infrequent_indices", lambda rare: [np.array([0]), *rare[1:]]),
        ("_default_to_infrequent_mappings", lambda maps: [maps[0], maps[1] + 1]),
        ("_default_to_infrequent_mappings", lambda maps: [maps[0], maps[1][:-1]]),
        ("_default_to_infrequent_mappings", lambda maps: [maps[0], maps[1] - 1]),
        ("_drop_idx_after_grouping", lambda _: np.array([-1, 0], dtype=object)),
        ("_drop_idx_after_grouping", lambda _: np.array([0, 9], dtype=object)),
        ("_drop_idx_after_grouping", lambda _: None),
        ("categories_", lambda categories: [categories[0], categories[1][:-1]]),
        ("categories_", lambda categories: categories[:1]),
    ],
)
def test_an_encoder_whose_columns_are_not_those_of_its_categories_is_refused(name, value):
    told = "the columns of a one-hot encoder are not those of its categories"
    assert problem(encoder_with(name, lambda held: held)) == ""
    assert problem(encoder_with(name, value)) == told
    inside = ColumnTransformer([("categorical", OneHotEncoder(), ["a", "b"])]).fit(CATEGORIES)
    inside.transformers_[0][1]._n_features_outs = [1, 1]
    assert problem(inside) == told


@pytest.mark.parametrize("categories", [[2.0, 1.0], [1.0, 1.0], [np.nan, 1.0], [np.nan, np.nan]])
def test_numbers_out_of_order_are_no_categories(categories):
    encoder = OneHotEncoder().fit([[1.0], [2.0]])
    encoder.categories_ = [np.array(categories)]
    assert problem(encoder) != ""


def test_a_tree_that_does_not_say_how_many_columns_it_reads_is_refused():
    """scikit-learn then takes a table of any width, and its members read past the row."""
    tree = DecisionTreeClassifier().fit(X, CLASSES)
    bend(tree.tree_, feature=(0, 2))
    del tree.n_features_in_
    assert problem(tree) == "a tree has child indices out of range"
    forest = RandomForestRegressor(2).fit(X, Y)
    del forest.n_features_in_
    assert problem(forest) == "a tree has child indices out of range"
    forest.n_features_in_ = "3"
    assert problem(forest) == "its number of columns is none"


@pytest.mark.parametrize(
    "change",
    [
        lambda one: setattr(one, "estimators_", np.tile(one.estimators_, 2)),
        lambda one: setattr(one, "estimators_", one.estimators_[:, :0]),
        lambda one: setattr(one, "init_", DummyClassifier().fit(X, CLASSES == "1")),
        lambda one: setattr(one.init_, "class_prior_", np.array([0.5])),
        lambda one: setattr(one.estimators_[1, 0], "n_features_in_", 2),
    ],
)
def test_stages_of_more_trees_than_columns_are_refused(change):
    model = GradientBoostingClassifier(n_estimators=2).fit(X, CLASSES)
    assert problem(model) == ""
    change(model)
    assert problem(model) in (
        "its stages are not of as many trees as it has columns",
        "a tree has child indices out of range",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_fit_X", lambda rows: rows[:, :2]),
        ("_fit_X", lambda rows: rows[:9]),
        ("_y", lambda labels: labels[:9]),
        ("n_neighbors", lambda _: 99),
        ("n_neighbors", lambda _: 0),
        ("n_samples_fit_", lambda _: 99),
    ],
)
@pytest.mark.parametrize("kind", [KNeighborsClassifier, KNeighborsRegressor])
def test_neighbours_in_dense_rows_that_do_not_fit_together_are_refused(kind, name, value):
    model = kind(algorithm="brute").fit(X, CLASSES if kind is KNeighborsClassifier else Y)
    setattr(model, name, value(getattr(model, name)))
    assert problem(model) == "its rows, classes and neighbours do not fit together"


@pytest.mark.parametrize("model", [SVC().fit(X, CLASSES), SVR().fit(X, Y)], ids=repr)
def test_dense_support_vectors_of_another_width_are_refused(model):
    model.support_vectors_ = model.support_vectors_[:, :2]
    assert problem(model) == "its support vectors and coefficients do not fit together"


def random_state(place):
    source = np.random.RandomState(0)
    state = source.get_state(legacy=False)
    source.set_state({**state, "state": {**state["state"], "pos": place}})
    return source


def generator(kind, **changes):
    bits = kind(0)
    bits.state = {**bits.state, **changes}
    return np.random.Generator(bits)


@pytest.mark.parametrize("place", [-1, 625, 10**9])
def test_a_random_state_that_reads_past_its_numbers_is_refused(place):
    told = "a generator of random numbers is out of its range"
    for make in (lambda: random_state(place), lambda: generator(np.random.Philox, buffer_pos=place)):
        try:
            made = make()
        except ValueError:  # numpy 2.5 makes none such
            continue
        assert problem(FunctionTransformer(kw_args={"a": [made]})) == told


@pytest.mark.parametrize(
    "sound", [random_state(0), random_state(624), np.random.default_rng(0), generator(np.random.Philox)], ids=str
)
def test_a_generator_of_random_numbers_within_its_range_passes(sound):
    assert problem(DummyClassifier(random_state=sound)) == ""
