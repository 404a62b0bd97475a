"""A run's recipe, taken for another training: what it holds, what changes, and what of it nobody is to trust."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from expctl.errors import DataError, RunNotFound, UsageError
from expctl.records import RunRecord, Tag
from expctl.training.data.column_kinds import decided
from expctl.training.models.configure import configure
from expctl.workflows.recipe_source import Base, recipe_of, told_data
from tests.conftest import ROOT
from tests.tracking.recorded import store_of

HOUSES = ROOT / "data" / "houses.csv"


@pytest.fixture
def strong(runs) -> RunRecord:
    return store_of(runs).find("name = 'strong'")[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", "nosuch"), ("model", 3), ("parameters", {"c": "much"}), ("parameters", ["x"]), ("cv", 1),
        ("data", 5), ("text_column", "label"), ("test_size", 7), ("random_state", -1),
    ],
)  # fmt: skip
def test_a_recipe_that_is_none_is_refused_with_the_run(strong, key, value):
    recipe = json.dumps({**json.loads(strong.tags[Tag.RECIPE]), key: value})
    with pytest.raises(DataError, match=rf"the recipe of run strong \({strong.run_id[:8]}\) cannot be used: "):
        recipe_of(replace(strong, tags={Tag.RECIPE: recipe}))


def base(**given) -> Base:
    """A run called `first` of a recipe."""
    recipe = configure({"data": "d.csv", **given})
    run = RunRecord("7cb12345" + "0" * 24, "first", "finished", "1", tags={Tag.RECIPE: recipe.to_json()})
    return Base(run, recipe)


def test_without_changes_it_is_the_same_recipe():
    one = base(c=3, cv=5, test_size=0.3)
    assert one.changed({}) == one.recipe
    assert one.told(one.changed({})) == "from first (7cb12345): the same recipe"


def test_what_is_given_changes_the_recipe_and_is_told():
    one = base(c=3, cv=5)
    changed = one.changed({"c": "0.5", "cv": "none", "max_features": "none", "stop_words": "english"})
    assert changed == configure({"data": "d.csv", "c": 0.5, "max_features": None, "stop_words": "english"})
    assert one.told(changed) == (
        "from first (7cb12345): cv=none (was 5), max_features=none (was 5000), stop_words=english (was none),"
        " c=0.5 (was 3.0)"
    )


def test_another_way_to_make_the_test_set_replaces_that_of_the_run():
    one = base(test_data="t.csv")
    assert one.changed({"split_column": "side"}) == configure({"data": "d.csv", "split_column": "side"})
    assert one.changed({"c": 2}).test_data == "t.csv"


def test_with_another_model_the_parameters_stay_that_somebody_chose_and_that_it_has():
    one = base(c=3, ngram_max=2)
    changed = one.changed({"model": "naive_bayes"})
    assert changed == configure({"data": "d.csv", "model": "naive_bayes", "ngram_max": 2})
    assert one.told(changed) == "from first (7cb12345): model=naive_bayes (was logreg), without c (was 3.0)"
    assert one.changed({"model": "linear_svm"}).parameters["c"] == 3


def test_a_wrong_change_is_refused_as_it_is_without_a_run():
    with pytest.raises(UsageError, match="logreg has no parameter 'alpha'"):
        base().changed({"alpha": 1})


def test_code_that_only_the_store_names_is_not_run():
    one = base(model="own_models:counted", c=2)
    with pytest.raises(DataError, match=r"is made by code that its recipe names, own_models:counted") as refusal:
        one.changed({"c": 3})
    assert refusal.value.hint == "--model own_models:counted runs what has that name here"
    assert one.changed({"c": 3, "model": "own_models:counted"}).parameters == {"c": 3}
    assert one.changed({"model": "logreg"}) == configure({"data": "d.csv"})


def test_the_trials_of_a_sweep_have_in_common_what_was_chosen_and_is_not_varied():
    one = base(c=3, ngram_max=2, stop_words="english", dedupe=True)
    _, common = one.varied({"max_features": "none"}, {"c": "1,2"})
    assert common == {"data": "d.csv", "dedupe": True, "ngram_max": 2, "stop_words": "english", "max_features": "none"}


def test_a_parameter_at_none_is_written_as_people_type_it():
    _, common = base(max_features=None).varied({}, {"c": "1,2"})
    assert common == {"data": "d.csv", "max_features": "none"}


def test_what_only_one_of_the_varied_models_has_stays_with_it():
    one = base(c=3, ngram_max=2)
    _, common = one.varied({}, {"model": "logreg,naive_bayes"})
    assert common == {"data": "d.csv", "ngram_max": 2, "logreg.c": 3.0}
    _, common = one.varied({}, {"model": "linear_svm,ridge", "linear_svm.c": "1,2"})
    assert common == {"data": "d.csv", "ngram_max": 2}


def test_a_varied_test_size_replaces_the_test_file_of_the_run():
    _, common = base(test_data="t.csv").varied({}, {"test_size": "0.1,0.2"})
    assert common == {"data": "d.csv"}


def test_a_sweep_tells_what_it_varies():
    one = base(c=3)
    made, _ = one.varied({"cv": 5}, {"c": "1,2"})
    assert one.told(made, {"c": "1,2"}) == "from first (7cb12345): cv=5 (was none), varies c"


def test_a_file_of_another_content_is_told():
    one = base(test_data="t.csv")
    one = Base(replace(one.run, params={"data_hash": "a" * 64, "test_data_hash": "b" * 64}), one.recipe)
    assert told_data(one, one.recipe, ("a" * 64, "b" * 64)) == []
    told = told_data(one, one.recipe, ("c" * 64, "b" * 64))
    assert told == [f"d.csv has changed since first: its sha256 was {'a' * 12}, is {'c' * 12}"]
    assert told_data(one, one.changed({"data": "e.csv"}), ("c" * 64, "b" * 64)) == []  # that is told as a change
    assert told_data(None, one.recipe, ("c" * 64, None)) == []


def test_a_sweep_has_no_recipe_but_its_best_trial_has():
    parent = RunRecord(
        "7cb12345", "swept", "finished", "1", tags={Tag.SWEEP: "{}", Tag.BEST_RUN: "abcd1234" + "0" * 24}
    )
    with pytest.raises(RunNotFound, match=r"run swept \(7cb12345\) is a sweep: its trials are") as told:
        recipe_of(parent, instead="--from {} takes its best trial")
    assert told.value.hint == "--from abcd1234 takes its best trial"


@pytest.fixture
def houses() -> Base:
    given = {"data": str(HOUSES), "target": "price", "drop": "listing,quick", "alpha": 3}
    return base(**decided(given))


@pytest.mark.parametrize(
    ("changes", "task", "model", "columns"),
    [
        ({"alpha": 1}, "regression", "ridge", 7),
        ({"drop": "listing,quick,note"}, "regression", "ridge", 6),  # and no parameters of texts
        ({"kinds": "note=categorical"}, "regression", "ridge", 7),
        ({"features": "area,town"}, "regression", "ridge", 2),
        ({"target": "quick", "drop": "listing,price"}, "classification", "logreg", 7),
        ({"target": "quick", "drop": "listing,price", "model": "dummy"}, "classification", "dummy", 7),
    ],
)
def test_the_columns_of_a_table_are_decided_anew_where_something_decides_them(
    houses: Base, changes: dict[str, Any], task: str, model: str, columns: int
) -> None:
    made = houses.changed(changes)
    assert (made.task, made.model, len(made.columns or {})) == (task, model, columns)
    assert made.stratify is (task == "classification")
    assert ("analyzer" in made.parameters) is ("text" in (made.columns or {}).values())
    assert made.parameters.get("alpha", 3) == changes.get("alpha", 3)
