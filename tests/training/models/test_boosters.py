"""LightGBM and XGBoost as families: their own parameters, defaults and ranges, one model for one recipe.

Skipped where they are not installed, but for what is said then.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from expctl.errors import UsageError
from expctl.parameters import Interval
from expctl.tracking.models import storage
from expctl.training.fit.skops_file import dumped, reloaded, trusted_types
from expctl.training.models import boosters
from expctl.training.models.boosters import BOOSTED_CLASSES, BOOSTED_NUMBERS
from expctl.training.models.configure import configure
from expctl.training.models.families import FAMILIES, needed_packages
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.regressors import REGRESSORS
from tests.conftest import ROOT
from tests.training.models.test_families import COLUMNS, TABLE, TARGETS, edges, first_below, is_installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from expctl.parameters import Parameter
    from expctl.recipe import Recipe

BOTH = [
    *(("classification", name, family) for name, family in BOOSTED_CLASSES.items()),
    *(("regression", name, family) for name, family in BOOSTED_NUMBERS.items()),
]
INSTALLED = [one for one in BOTH if is_installed(one[2])]
every_installed = pytest.mark.parametrize(("task", "name", "family"), INSTALLED)
X = TABLE[["x"]].to_numpy()

# What each has and is not offered: what a recipe says, what changes no result, what a shell cannot write, and losses of
# classes, of which there is one for two classes and one for more.
NOT_OFFERED = {
    "lightgbm": {"random_state", "n_jobs", "importance_type", "objective", "class_weight"},
    "xgboost": {
        "random_state", "n_jobs", "verbosity", "importance_type", "device", "validate_parameters", "missing", "kwargs",
        "objective", "callbacks", "eval_metric", "early_stopping_rounds", "monotone_constraints", "tree_method",
        "interaction_constraints", "feature_types", "feature_weights", "enable_categorical", "max_cat_to_onehot",
        "max_cat_threshold", "multi_strategy", "base_score", "scale_pos_weight", "sampling_method", "num_parallel_tree",
    },
}  # fmt: skip
# Where they take more than we do: no limit below, no tree, no row or column at all.
NARROWER = {
    ("lightgbm", "max_depth"), ("lightgbm", "subsample_freq"), ("xgboost", "n_estimators"), ("xgboost", "subsample"),
    ("xgboost", "colsample_bytree"), ("xgboost", "colsample_bylevel"), ("xgboost", "colsample_bynode"),
}  # fmt: skip


def recipe(task: str, name: str, **given: Any) -> Recipe:
    return configure({"data": "a.csv", "target": "y", "task": task, "columns": COLUMNS, "model": name, **given})


def estimator_of(family: Any, **arguments: Any) -> Any:
    """The bare estimator, small."""
    module, _, name = family.path.partition(":")
    return getattr(importlib.import_module(module), name)(**{"n_estimators": 2, **family.fixed, **arguments})


def fits(family: Any, parameter: Parameter, value: Any) -> bool:
    try:
        estimator_of(family, **{parameter.target: value}).fit(X, TARGETS["regression"])
    except Exception:
        return False
    return True


def missing(module: str, *_: object) -> None:
    raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def test_they_are_families_beside_those_of_scikit_learn() -> None:
    assert [name for name, one in FAMILIES.items() if one.packages] == list(BOOSTED_CLASSES)
    assert [name for name, one in REGRESSORS.items() if one.packages] == list(BOOSTED_NUMBERS)


@every_installed
def test_every_argument_is_offered_or_left_out_on_purpose(task: str, name: str, family: Any) -> None:
    theirs = set(estimator_of(family).get_params()) - set(family.fixed)
    ours = {parameter.target for parameter in family.parameters}
    assert theirs - NOT_OFFERED[name] == ours - {"objective", "class_weight"}
    assert ours <= theirs


@every_installed
def test_our_defaults_are_theirs(task: str, name: str, family: Any) -> None:
    labels = np.arange(len(X)) % 2 if task == "classification" else TARGETS["regression"]
    defaults = {one.target: one.default for one in family.parameters}
    said = estimator_of(family, **defaults).fit(X, labels)
    unsaid = estimator_of(family, n_estimators=100).fit(X, labels)
    ask = "predict_proba" if task == "classification" else "predict"
    assert (getattr(said, ask)(X) == getattr(unsaid, ask)(X)).all()


@pytest.mark.parametrize(
    ("name", "family", "parameter"),
    [(name, family, one) for task, name, family in INSTALLED if task == "regression" for one in family.parameters],
    ids=lambda one: getattr(one, "key", None),
)
def test_a_range_is_the_one_that_the_library_takes(name: str, family: Any, parameter: Parameter) -> None:
    for domain in parameter.domains:
        for value in edges(domain):
            if parameter.key != "n_estimators":  # many trees are as good as two
                assert fits(family, parameter, value), value
        if isinstance(domain, Interval):
            assert fits(family, parameter, first_below(domain)) == ((name, parameter.key) in NARROWER)
            if domain.high is not None:
                assert not fits(family, parameter, domain.high + (1 if domain.type is int else 0.1))


@every_installed
def test_one_recipe_gives_one_model_whose_file_needs_trust(task: str, name: str, family: Any) -> None:
    given = {"subsample": 0.5, "colsample_bytree": 0.5, **({"subsample_freq": 1} if name == "lightgbm" else {})}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # LightGBM 4.6 names columns that have no names.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        made = [build_pipeline(recipe(task, name, random_state=3, **given)).fit(TABLE, TARGETS[task]) for _ in range(2)]
        other = build_pipeline(recipe(task, name, random_state=4, **given)).fit(TABLE, TARGETS[task])
        ask = "predict_proba" if task == "classification" else "predict"
        first, second, third = (getattr(one, ask)(TABLE) for one in (*made, other))
        assert (first == second).all()
        assert (first != third).any()
        assert (reloaded(made[0]).predict(TABLE) == made[0].predict(TABLE)).all()
    _, unusual = dumped(made[0])
    assert {one.partition(".")[0] for one in set(unusual or ()) - set(trusted_types())} >= {name}
    assert needed_packages(recipe(task, name)) in [(one,) for one in family.packages]


def test_a_family_whose_package_is_not_there_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, family in BOOSTED_CLASSES.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(UsageError) as refused:
            build_pipeline(recipe("classification", name))
        assert refused.value.message.startswith(f"--model {name} needs the package {name}, which cannot be imported")
        assert refused.value.hint == f"pip install 'expctl-mlflow[{family.packages[0]}]'"


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="neither LightGBM nor XGBoost is installed")
def test_train_says_that_the_model_needs_trust_and_predict_asks_for_it(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "data" / "houses.csv", tmp_path)
    for _, name, _ in dict.fromkeys((task, name, None) for task, name, _ in INSTALLED if task == "classification"):
        data = ("--data", "houses.csv", "--target", "quick", "--drop", "listing,price")
        trained = cli("train", *data, "--model", name, "-p", "n_estimators=5", "--run-name", name)
        assert trained.exit_code == 0, trained.stderr
        assert "is used with --trust only" in trained.stdout + trained.stderr
        assert "[LightGBM]" not in trained.stdout
        refused = cli("predict", "--run", name, "--input", "houses.csv", "--output", f"{name}.csv")
        assert (refused.exit_code, "--trust" in refused.stderr) == (5, True)
        done = cli("predict", "--run", name, "--input", "houses.csv", "--output", f"{name}.csv", "--trust")
        assert done.exit_code == 0, done.stderr
        assert set(pd.read_csv(f"{name}.csv")["prediction"]) == {"yes", "no"}
        assert [cli("importance", name, *words).exit_code for words in ((), ("--trust",))] == [5, 0]
        again = cli("reproduce", name, "--trust")
        assert again.exit_code == 0, again.stderr
        with monkeypatch.context() as patch:
            patch.setattr(storage, "loaded", partial(missing, f"{name}.sklearn"))
            gone = cli("predict", "--run", name, "--input", "houses.csv", "--output", f"{name}2.csv", "--trust")
        assert (gone.exit_code, f"needs the package {name}" in gone.stderr) == (5, True), gone.stderr


def test_the_tables_import_neither() -> None:
    assert not {"lightgbm", "xgboost"} & vars(boosters).keys()
