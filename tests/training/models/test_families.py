"""The contract of the tables: what we offer is what scikit-learn has, its defaults, its ranges, nothing forgotten."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import warnings
from typing import Any

import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils._param_validation import InvalidParameterError, StrOptions

from expctl.parameters import Domain, Interval, Options, Parameter, Pattern, WordFile
from expctl.training.models.configure import configure
from expctl.training.models.families import FAMILIES, Family, families_of, is_factory, parameters_of
from expctl.training.models.features import FEATURES, vectorizer_arguments
from expctl.training.models.pipeline import as_installed, build_pipeline
from expctl.training.models.regressors import REGRESSORS

# What scikit-learn has and we do not offer. A new argument of a new release must be decided on: offer it or list it.
SHARED_OR_SILENT = {"random_state", "n_jobs", "verbose", "warm_start", "copy_X"}
_BOOSTING = {"categorical_features", "interaction_cst", "monotonic_cst", "scoring"}  # the first: encoder=native
NOT_OFFERED = {
    "logreg": {"penalty", "multi_class"},  # deprecated: l1_ratio says it; gone since 1.8
    "linear_svm": set(),
    "sgd": set(),
    "naive_bayes": {"class_prior"},
    "complement_nb": {"class_prior"},
    "ridge": set(),
    "random_forest": {"oob_score", "monotonic_cst"},
    "extra_trees": {"oob_score", "monotonic_cst"},
    "knn": {"algorithm", "leaf_size", "p", "metric_params"},  # of trees, and of metrics that sparse features have not
    "nearest_centroid": {"shrink_threshold"},  # not for sparse features
    "svm": {"probability", "cache_size", "decision_function_shape"},  # the last: scores are one a class
    "hist_gradient_boosting": {"loss", *_BOOSTING},  # the one loss that classes have
    "decision_tree": {"monotonic_cst"},
    "gaussian_nb": {"priors"},
    "mlp": set(),
    "dummy": {"constant"},
    "regression:ridge": set(),
    "regression:linear": {"tol"},  # of sparse features alone; 1.6 has none
    "regression:lasso": {"precompute"},
    "regression:elastic_net": {"precompute"},
    "regression:poisson": set(),
    "regression:huber": set(),
    "regression:linear_svm": set(),
    "regression:sgd": set(),
    "regression:random_forest": {"oob_score", "monotonic_cst"},
    "regression:extra_trees": {"oob_score", "monotonic_cst"},
    "regression:hist_gradient_boosting": {"quantile", *_BOOSTING},
    "regression:decision_tree": {"monotonic_cst"},
    "regression:knn": {"algorithm", "leaf_size", "p", "metric_params"},
    "regression:svm": {"cache_size"},
    "regression:mlp": {"loss"},  # 1.6 has none
    "regression:dummy": {"constant", "quantile"},
}
NOT_OFFERED_FEATURES = {
    "input", "encoding", "decode_error", "preprocessor", "tokenizer", "vocabulary", "dtype",
}  # fmt: skip

# Defaults of ours that are meant to differ.
OUR_DEFAULTS = {
    ("logreg", "max_iter"): 1000,
    **{(name, "hidden_layer_sizes"): 100 for name in ("mlp", "regression:mlp")},  # (100,), the same
}
OUR_FEATURE_DEFAULTS = {"max_features": 5000}

# Words of scikit-learn that could never train on our sparse features, or need what a shell cannot give.
NOT_OFFERED_WORDS = {
    ("ridge", "solver"): {"svd", "lbfgs"},
    ("dummy", "strategy"): {"constant"},
    ("knn", "metric"): set(KNeighborsClassifier._parameter_constraints["metric"][0].options) - {"minkowski", "cosine"},
    ("svm", "kernel"): {"precomputed"},
    ("regression:ridge", "solver"): {"svd"},
    ("regression:dummy", "strategy"): {"constant", "quantile"},
    ("regression:hist_gradient_boosting", "loss"): {"quantile"},  # r2 and rmse judge means
    ("regression:svm", "kernel"): {"precomputed"},
}
NOT_OFFERED_WORDS["regression:knn", "metric"] = NOT_OFFERED_WORDS["knn", "metric"]
DEPRECATED = {"friedman_mse"}  # gone since 1.9: squared_error says it

# Where scikit-learn takes more than we do: no iteration, no tolerance, a rate that grows, averaging at once.
NARROWER = {
    ("logreg", "max_iter"), ("logreg", "tol"), ("linear_svm", "max_iter"), ("sgd", "power_t"), ("sgd", "average"),
    ("regression:huber", "max_iter"), ("regression:linear_svm", "max_iter"), ("regression:linear_svm", "epsilon"),
    ("regression:sgd", "power_t"), ("regression:sgd", "average"),
}  # fmt: skip

# Words that need another parameter to go with them.
COMPANIONS = {
    ("logreg", "dual", True): {"solver": "liblinear"},
    ("ridge", "solver", "cholesky"): {"fit_intercept": False},
    ("ridge", "solver", "saga"): {"fit_intercept": False},
    **{("regression:sgd", "learning_rate", rate): {"loss": "epsilon_insensitive"} for rate in ("pa1", "pa2")},
    ("regression:ridge", "solver", "lbfgs"): {"positive": True},
    ("regression:ridge", "positive", True): {"solver": "lbfgs"},
    ("regression:linear_svm", "loss", "epsilon_insensitive"): {"dual": True},
    ("regression:linear_svm", "dual", False): {"loss": "squared_epsilon_insensitive"},
}

# Of scikit-learn: those of other packages are in test_boosters.py, and below where they are installed.
EVERY_FAMILY = {
    name: family
    for name, family in (*FAMILIES.items(), *((f"regression:{name}", family) for name, family in REGRESSORS.items()))
    if not family.packages
}


BEFORE_1_8 = Version(sklearn.__version__) < Version("1.8")
since_1_8 = pytest.mark.skipif(
    BEFORE_1_8,
    reason="our defaults and ranges are those of scikit-learn 1.8 and later",
)


def is_installed(family: Family) -> bool:
    """Whether a family can be built here: LightGBM wants a library of the system, libgomp, besides its package."""
    try:
        importlib.import_module(family.path.partition(".")[0].partition(":")[0])
    except (ImportError, OSError):
        return False
    return True


def sklearn_class(family: Family) -> Any:
    module, _, name = family.path.partition(":")
    return getattr(importlib.import_module(module), name)


def edges(domain: Domain) -> list[Any]:
    """The outermost values of a domain and some inside."""
    if isinstance(domain, Options):
        return list(domain.values)
    if isinstance(domain, Pattern):
        return [r"\w+", r"[a-z](\w)"]
    if isinstance(domain, WordFile):
        return []
    low = domain.low or 0
    if domain.type is int:
        return [int(low), int(low) + 1, 10_000 if domain.high is None else int(domain.high)]
    tiny, top = 1e-12, 1e12 if domain.high is None else domain.high
    return [
        low + tiny if domain.closed in ("right", "neither") else float(low),
        (low + top) / 2,
        top * (1 - tiny) if domain.closed in ("left", "neither") else float(top),
    ]


def fits_sklearn(estimator: Any) -> None:
    """Raise what scikit-learn's own check of arguments raises."""
    estimator._validate_params()


EVERY_PARAMETER = [(name, parameter) for name, family in EVERY_FAMILY.items() for parameter in family.parameters]
EVERY_ID = [f"{name}:{parameter.key}" for name, parameter in EVERY_PARAMETER]


@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_every_argument_of_scikit_learn_is_offered_or_left_out_on_purpose(name: str) -> None:
    theirs = set(inspect.signature(sklearn_class(EVERY_FAMILY[name])).parameters)
    ours = [parameter.target for parameter in EVERY_FAMILY[name].parameters]
    assert len(ours) == len(set(ours))
    assert theirs - SHARED_OR_SILENT == set(ours) | NOT_OFFERED[name] & theirs
    assert not set(ours) & (NOT_OFFERED[name] | SHARED_OR_SILENT)


@since_1_8
@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_our_defaults_are_those_of_scikit_learn_but_for_a_few(name: str) -> None:
    theirs = sklearn_class(EVERY_FAMILY[name])().get_params()
    differing = {p.key: p.default for p in EVERY_FAMILY[name].parameters if p.default != theirs[p.target]}
    assert differing == {key: value for (family, key), value in OUR_DEFAULTS.items() if family == name}


@pytest.mark.parametrize(("name", "parameter"), EVERY_PARAMETER, ids=EVERY_ID)
def test_scikit_learn_takes_every_value_of_our_range(name: str, parameter: Parameter) -> None:
    kind = sklearn_class(EVERY_FAMILY[name])
    for domain in parameter.domains:
        for value in edges(domain):
            fits_sklearn(kind(**{parameter.target: parameter.read(value)}))


@pytest.mark.parametrize(("name", "parameter"), EVERY_PARAMETER, ids=EVERY_ID)
def test_the_key_is_scikit_learns_own_name_wherever_that_is_free(name: str, parameter: Parameter) -> None:
    expected = {"C": "c", "max_features": "tree_max_features"}.get(parameter.target, parameter.target)
    assert parameter.key == expected


def first_below(domain: Interval) -> float:
    if domain.type is int:
        return int(domain.low or 0) - 1
    return float(domain.low or 0) if domain.closed in ("right", "neither") else -1.0


@since_1_8
@pytest.mark.parametrize(("name", "parameter"), EVERY_PARAMETER, ids=EVERY_ID)
def test_we_refuse_nothing_that_scikit_learn_takes_but_on_purpose(name: str, parameter: Parameter) -> None:
    kind = sklearn_class(EVERY_FAMILY[name])
    taken = []
    for domain in parameter.domains:
        if isinstance(domain, Interval) and domain.low is not None:
            try:
                fits_sklearn(kind(**{parameter.target: first_below(domain)}))
            except InvalidParameterError:
                continue
            taken.append(first_below(domain))
    assert bool(taken) == ((name, parameter.key) in NARROWER), taken


@pytest.mark.parametrize(("name", "parameter"), EVERY_PARAMETER, ids=EVERY_ID)
def test_every_word_of_scikit_learn_is_offered_or_left_out_on_purpose(name: str, parameter: Parameter) -> None:
    constraints = sklearn_class(EVERY_FAMILY[name])._parameter_constraints[parameter.target]
    theirs = {word for constraint in constraints if isinstance(constraint, StrOptions) for word in constraint.options}
    theirs -= DEPRECATED
    ours = {
        value
        for domain in parameter.domains
        if isinstance(domain, Options)
        for value in domain.values
        if isinstance(value, str)
    }
    assert theirs - ours == NOT_OFFERED_WORDS.get((name, parameter.key), set())


@pytest.mark.parametrize("name", families_of())
def test_no_key_of_a_family_is_one_of_the_features_but_for_one_that_has_another_name(name: str) -> None:
    shared = {"norm"} if name == "complement_nb" else set()
    assert set(FEATURES) & set(FAMILIES[name].by_key) == shared
    assert len(FAMILIES[name].by_key) == len(FAMILIES[name].parameters)
    assert set(parameters_of(name)) == {*FEATURES, *FAMILIES[name].by_key, *(f"tfidf_{key}" for key in shared)}


TEXTS = [f"{word} {noun} number {i}" for i in range(6) for word in ("good", "bad") for noun in ("film", "meal")]
FRAME = pd.DataFrame({"text": pd.Series(TEXTS, dtype="object")})
LABELS = [text.split()[0] for text in TEXTS]


def fitted(**given: Any) -> Any:
    recipe = configure({"data": "a.csv", **given})
    return build_pipeline(recipe).fit(FRAME, LABELS)


@pytest.mark.parametrize("name", families_of())
def test_every_family_learns_what_is_plain_to_see(name: str) -> None:
    predicted = fitted(model=name).predict(FRAME)
    if name == "dummy":
        assert len(set(predicted)) == 1
    else:
        assert predicted.tolist() == LABELS


@pytest.mark.parametrize("name", families_of())
def test_every_family_comes_out_the_same_for_the_same_random_state(name: str) -> None:
    twice = [fitted(model=name, random_state=7) for _ in range(2)]
    for method in ("predict_proba", "decision_function"):
        if hasattr(twice[0], method):
            assert (getattr(twice[0], method)(FRAME) == getattr(twice[1], method)(FRAME)).all()
    assert twice[0].named_steps["classifier"].get_params().get("random_state", 7) == 7


@pytest.mark.parametrize("name", families_of())
def test_every_parameter_arrives_at_the_classifier(name: str) -> None:
    family = FAMILIES[name]
    for parameter in family.parameters:
        value = next(v for d in parameter.domains for v in edges(d) if v != parameter.default)
        recipe = configure({"data": "a.csv", "model": name, parameter.key: value})
        classifier = build_pipeline(recipe).named_steps["classifier"]
        expected = {**{p.target: p.default for p in family.parameters}, parameter.target: parameter.read(value)}
        expected = as_installed(type(classifier), expected)
        assert {target: classifier.get_params()[target] for target in expected} == expected


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        (n, p.key, v)
        for n, p in EVERY_PARAMETER
        if n in families_of()
        for d in p.domains
        if isinstance(d, Options)
        for v in d.values
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")  # nearest_centroid: of terms of one class alone
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_every_choice_trains(name: str, key: str, value: Any) -> None:
    given: dict[str, Any] = {"model": name, key: value, **COMPANIONS.get((name, key, value), {})}
    assert len(fitted(**given).predict(FRAME)) == len(FRAME)


COLUMNS = {"x": "numeric", "c": "categorical"}
ROWS = 120
TABLE = pd.DataFrame(
    {
        "x": pd.Series([float("nan") if i % 11 == 0 else (i * 37 % ROWS) / 10 for i in range(ROWS)], dtype="float64"),
        "c": pd.Series([(None, "p", "q")[i % 3] for i in range(ROWS)], dtype="object"),
    }
)
_SCORES = (TABLE["x"].fillna(6) + 10 * (TABLE["c"] == "p")).to_numpy()
TARGETS = {"classification": ["ab"[int(score > 8)] for score in _SCORES], "regression": list(_SCORES + 1)}
OF_TABLES = [(task, name) for task in TARGETS for name, one in families_of(task, COLUMNS).items() if is_installed(one)]


def fitted_table(task: str, model: str, **given: Any) -> Any:
    recipe = configure({"data": "a.csv", "target": "y", "task": task, "columns": COLUMNS, "model": model, **given})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return build_pipeline(recipe).fit(TABLE, TARGETS[task])


@pytest.mark.parametrize(("task", "name"), OF_TABLES)
def test_every_family_learns_what_is_plain_to_see_in_a_table_and_the_same_again(task: str, name: str) -> None:
    given: dict[str, Any] = {"tol": 0.01} if name == "svm" else {}
    first, again = (fitted_table(task, name, random_state=7, **given) for _ in range(2))
    assert (first.predict(TABLE) == again.predict(TABLE)).all()
    score, constant = first.score(TABLE, TARGETS[task]), fitted_table(task, "dummy").score(TABLE, TARGETS[task])
    assert score == constant if name == "dummy" else score > constant + 0.2
    assert first[-1].get_params().get("random_state", 7) == 7


@pytest.mark.parametrize(("task", "name"), OF_TABLES)
def test_every_parameter_arrives_at_the_estimator_of_a_table(task: str, name: str) -> None:
    family = families_of(task, COLUMNS)[name]
    for parameter in family.parameters:
        value = next(v for d in parameter.domains for v in edges(d) if v != parameter.default)
        of_task = {"target": "y", "task": task, "columns": COLUMNS}
        recipe = configure({"data": "a.csv", "model": name, parameter.key: value, **of_task})
        estimator = build_pipeline(recipe)[-1]
        if family.numbered_classes:
            ((_, estimator),) = estimator.estimators
        expected = {**{p.target: p.default for p in family.parameters}, parameter.target: parameter.read(value)}
        expected = as_installed(type(estimator), expected) | dict(family.fixed)
        assert {target: estimator.get_params()[target] for target in expected} == expected


@pytest.mark.parametrize(
    ("task", "name", "key", "value"),
    [
        (task, name, parameter.key, value)
        for task, name in OF_TABLES
        for parameter in families_of(task, COLUMNS)[name].parameters
        if task == "regression" or name not in families_of()  # else it is tried with texts
        for domain in parameter.domains
        if isinstance(domain, Options)
        for value in domain.values
        if value != parameter.default
    ],
)
def test_every_choice_trains_on_a_table(task: str, name: str, key: str, value: Any) -> None:
    table = f"regression:{name}" if task == "regression" else name
    few = {"n_estimators": 5, "max_iter": 10} if "trees" in name or "forest" in name or "boosting" in name else {}
    few = {few_of: few[few_of] for few_of in families_of(task, COLUMNS)[name].by_key.keys() & few.keys()}
    given = {**few, key: value, **COMPANIONS.get((table, key, value), {})}
    if (table, key) == ("mlp", "early_stopping") and BEFORE_1_8:
        pytest.skip("scikit-learn before 1.8 looks for NaN among classes that are words, and fails")
    assert len(fitted_table(task, name, **given).predict(TABLE)) == ROWS


def test_every_argument_of_the_vectorizer_is_offered_or_left_out_on_purpose() -> None:
    theirs = set(inspect.signature(TfidfVectorizer).parameters)
    assert theirs == {parameter.target for parameter in FEATURES.values()} | NOT_OFFERED_FEATURES


def test_our_feature_defaults_are_those_of_scikit_learn_but_for_a_few() -> None:
    ours = vectorizer_arguments({key: parameter.default for key, parameter in FEATURES.items()})
    theirs = TfidfVectorizer().get_params()
    assert {key: value for key, value in ours.items() if value != theirs[key]} == OUR_FEATURE_DEFAULTS


def values_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    return st.sampled_from([value for domain in parameter.domains for value in edges(domain)])


@given(st.fixed_dictionaries({key: values_of(parameter) for key, parameter in FEATURES.items()}))
@settings(max_examples=300)
def test_the_vectorizer_takes_every_value_of_our_ranges(values: dict[str, Any]) -> None:
    fits_sklearn(TfidfVectorizer(**vectorizer_arguments(values)))


def test_every_feature_parameter_arrives_at_the_vectorizer() -> None:
    given = {
        "max_features": 7, "ngram_min": 2, "ngram_max": 3, "min_df": 2, "max_df": 0.9, "analyzer": "word",
        "sublinear_tf": True, "lowercase": False, "stop_words": "english", "binary": True, "use_idf": False,
        "smooth_idf": False, "norm": "l1", "strip_accents": "ascii", "token_pattern": r"\w+",
    }  # fmt: skip
    assert set(given) == {key for key in FEATURES if not key.startswith("char_")}
    features = build_pipeline(configure({"data": "a.csv", **given})).named_steps["features"]
    ((_, vectorizer, column),) = features.transformers
    expected = {key: value for key, value in given.items() if not key.startswith("ngram")}
    assert {key: vectorizer.get_params()[key] for key in expected} == expected
    assert (vectorizer.ngram_range, column) == ((2, 3), "text")


def test_words_and_characters_have_a_vectorizer_each() -> None:
    given = {"analyzer": "word+char_wb", "ngram_max": 2, "char_ngram_max": 6, "stop_words": "english", "min_df": 2}
    features = build_pipeline(configure({"data": "a.csv", **given})).named_steps["features"]
    (_, words, _), (name, characters, column) = features.transformers
    assert (words.analyzer, words.ngram_range, words.stop_words, words.min_df) == ("word", (1, 2), "english", 2)
    assert (name, column) == ("tfidf_characters", "text")
    assert (characters.analyzer, characters.ngram_range) == ("char_wb", (3, 6))
    assert (characters.stop_words, characters.min_df) == (None, 2)


def test_the_norm_of_the_features_has_another_name_where_the_classifier_has_one() -> None:
    recipe = configure({"data": "a.csv", "model": "complement_nb", "tfidf_norm": "l1", "norm": True})
    pipeline = build_pipeline(recipe)
    assert pipeline.named_steps["features"].transformers[0][1].norm == "l1"
    assert pipeline.named_steps["classifier"].norm is True


def test_a_factory_is_told_by_its_colon() -> None:
    assert is_factory("package.module:factory")
    assert not any(is_factory(name) for name in FAMILIES)


def test_looking_at_the_tables_imports_nothing_heavy() -> None:
    code = (
        "import sys, expctl.training.models.configure as c; c.configure({'data': 'a.csv', 'c': '0.1'})\n"
        "print([m for m in ('sklearn', 'numpy', 'pandas', 'scipy', 'mlflow', 'rich', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
