"""What a user gave becomes a complete recipe, or one line that says what is wrong and what would be right."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from expctl.errors import ExitCode, UsageError
from expctl.recipe import Recipe
from expctl.training.models.configure import RECIPE_KEYS, configure, defaults, recorded
from expctl.training.models.families import families_of, parameters_of
from expctl.training.models.features import FEATURES

FAMILIES = families_of()  # of texts


def refusal(**given: object) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as refused:
        configure({"data": "a.csv", **given})
    assert refused.value.exit_code == ExitCode.USAGE
    return refused.value.message, refused.value.hint


def test_nothing_given_is_the_recipe_of_the_defaults() -> None:
    recipe = configure({"data": "a.csv"})
    assert recipe == Recipe("a.csv", parameters=defaults("logreg"))
    assert (recipe.test_size, recipe.random_state, recipe.stratify, recipe.cv) == (0.2, 42, True, None)
    chosen = {key: recipe.parameters[key] for key in ("c", "max_iter", "max_features")}
    assert chosen == {"c": 1.0, "max_iter": 1000, "max_features": 5000}


def test_the_keys_of_a_recipe_are_those_it_is_made_of() -> None:
    from dataclasses import fields

    assert {*RECIPE_KEYS, "columns", "parameters", "model_hash", "extra_metric_hash", "stop_words_hash"} == {
        field.name for field in fields(Recipe)
    }


@pytest.mark.parametrize("model", FAMILIES)
def test_the_range_of_no_parameter_of_the_recipe_hides_one_of_a_model(model: str) -> None:
    assert not set(RECIPE_KEYS) & set(defaults(model))


@pytest.mark.parametrize(
    ("key", "values", "range_"),
    [
        ("c", (0, "0", -1, "-1", "nan", "inf", "-inf", "abc", "", math.nan, True), "a number above 0"),
        ("max_features", (0, "0", "-1", 1.5, "1.5", "1e3", "all"), "an integer from 1 or none"),
        ("max_iter", (0, "-1", "1.5", "none"), "an integer from 1"),
        ("ngram_min", ("0", "-1", "1.5"), "an integer from 1"),
        ("ngram_max", (0, "one"), "an integer from 1"),
        ("min_df", ("1.5", "-1", "-0.1", "nan", "1e9"), "an integer from 1 or a number from 0 to 1"),
        ("max_df", ("1.5", "-0.1", "inf"), "an integer from 1 or a number from 0 to 1"),
        ("analyzer", ("words", ""), "one of word, char, char_wb, word+char_wb"),
        ("lowercase", ("yes", 1, "1"), "one of true, false"),
        ("stop_words", ("german",), "one of none, english or a .txt file of words"),
        ("test_size", (0, "0", 1, "1", "1.0", "-0.1", "nan", "100", "20%"), "a number above 0 below 1"),
        ("random_state", (-1, "-1", 2**32, str(2**32), "1.5", "none"), "an integer from 0 to 4294967295"),
        ("cv", (1, "1", 0, "-5", "2.5"), "an integer from 2 or none"),
        ("stratify", ("label", 1), "one of true, false"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(key: str, values: tuple[Any, ...], range_: str) -> None:
    for value in values:
        assert refusal(**{key: value})[0] == f"{key} must be {range_}; {value!r} is not"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("c", "1e-3", 0.001),
        ("c", 10, 10.0),
        ("max_features", "none", None),
        ("max_features", "1", 1),
        ("random_state", "4294967295", 2**32 - 1),
        ("random_state", "0", 0),
        ("test_size", "0.999", 0.999),
        ("cv", "2", 2),
        ("cv", "none", None),
        ("stratify", "False", False),
    ],
)
def test_the_ends_of_a_range_are_taken(key: str, text: object, value: object) -> None:
    recipe = configure({"data": "a.csv", key: text})
    read = recipe.parameters[key] if key in recipe.parameters else getattr(recipe, key)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"ngram_min": 2}, "ngram_min 2 is above ngram_max 1", "-p ngram_max=2"),
        ({"ngram_min": "3", "ngram_max": "2"}, "ngram_min 3 is above ngram_max 2", "-p ngram_max=3"),
        (
            {"min_df": "0.5", "max_df": "0.4"},
            "min_df 0.5 is above max_df 0.4",
            "no term can satisfy both; change one of them",
        ),
        ({"min_df": "5", "max_df": "4"}, "min_df 5 is above max_df 4", "no term can satisfy both; change one of them"),
        ({"stop_words": "english", "analyzer": "char"}, "stop_words needs analyzer=word", "-p stop_words=none"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(given: dict[str, Any], message: str, hint: str) -> None:
    assert refusal(**given) == (message, hint)


def test_a_count_and_a_share_do_not_contradict_each_other() -> None:
    assert configure({"data": "a.csv", "min_df": "5", "max_df": "0.5"}).parameters["min_df"] == 5


def test_an_unknown_parameter_names_the_closest_and_all_there_are() -> None:
    message, hint = refusal(max_feature=100)
    assert message == "logreg has no parameter 'max_feature', did you mean 'max_features'?"
    assert hint == f"it has {', '.join((*FEATURES, *FAMILIES['logreg'].by_key))}"
    assert refusal(zzz=1)[0] == "logreg has no parameter 'zzz'"


def test_a_parameter_of_another_family_is_unknown() -> None:
    assert refusal(model="naive_bayes", c=1)[0].startswith("naive_bayes has no parameter 'c'")
    assert refusal(n_estimators=10)[0].startswith("logreg has no parameter 'n_estimators'")


def test_an_unknown_model_names_the_closest() -> None:
    message, hint = refusal(model="logref")
    assert message == "unknown model 'logref' of texts, did you mean 'logreg'?"
    assert hint == f"use {', '.join(FAMILIES)}, or package.module:factory"


@pytest.mark.parametrize(
    "given",
    [
        {"test_size": 0.3, "test_data": "b.csv"},
        {"test_size": "0.3", "split_column": "part"},
        {"test_data": "b.csv", "split_column": "part"},
        {"test_size": 0.3, "test_data": "b.csv", "split_column": "part"},
    ],
)
def test_only_one_way_to_a_test_set_is_taken(given: dict[str, Any]) -> None:
    assert refusal(**given) == (f"{' and '.join(given)} both make a test set", "give one of them")


@pytest.mark.parametrize("given", [{"test_data": "b.csv"}, {"split_column": "part"}])
def test_a_test_set_of_its_own_leaves_no_share(given: dict[str, str]) -> None:
    assert configure({"data": "a.csv", **given}).test_size is None


def test_text_and_label_are_two_columns() -> None:
    assert refusal(text_column="label")[0] == "text_column and target are both 'label'"
    assert refusal(text_column="a", label_column="a")[0] == "text_column and target are both 'a'"


@pytest.mark.parametrize("key", ["data", "text_column", "target", "encoding", "model", "split_column", "test_data"])
@pytest.mark.parametrize("wrong", ["", 1, None, ["a"]])
def test_a_name_is_text_and_not_empty(key: str, wrong: object) -> None:
    assert refusal(**{key: wrong})[0] == f"{key} must be text, not {wrong!r}"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("none", None), ("True", True), ("false", False), ("7", 7), ("-2.5", -2.5), ("1e3", 1000.0), ("nan", "nan"),
        ("inf", "inf"), ("text", "text"), ("", ""), (None, None), (3, 3), (2.5, 2.5), (False, False),
    ],
)  # fmt: skip
def test_parameters_of_a_factory_are_none_booleans_numbers_or_text(given: object, value: object) -> None:
    read = configure({"data": "a.csv", "model": "pkg:make", "x": given}).parameters["x"]
    assert (type(read), read) == (type(value), value)


def test_a_factory_has_no_known_defaults_and_takes_no_feature_parameters_of_ours() -> None:
    assert defaults("pkg:make") == {}
    assert configure({"data": "a.csv", "model": "pkg:make"}).parameters == {}


@pytest.mark.parametrize("model", FAMILIES)
def test_a_recipe_holds_every_parameter_so_that_a_new_default_leaves_it_alone(model: str) -> None:
    assert configure({"data": "a.csv", "model": model}).parameters == defaults(model)
    assert list(defaults(model)) == list(parameters_of(model))


@pytest.mark.parametrize(
    ("key", "value"), [("test_size", "0.2"), ("cv", "3"), ("random_state", "42"), ("stratify", "true")]
)
def test_a_recorded_recipe_with_a_text_for_a_number_is_refused(key: str, value: str) -> None:
    text = configure({"data": "a.csv"}).to_json()
    with pytest.raises(UsageError, match=f"{key} is the text '{value}'"):
        recorded(json.dumps({**json.loads(text), key: value}))


def test_a_recorded_parameter_with_a_text_for_a_number_is_refused() -> None:
    made = json.loads(configure({"data": "a.csv"}).to_json())
    with pytest.raises(UsageError, match=r"c is the text '1\.0'"):
        recorded(json.dumps({**made, "parameters": {**made["parameters"], "c": "1.0"}}))


def test_a_recorded_recipe_without_data_is_refused() -> None:
    made = json.loads(configure({"data": "a.csv"}).to_json())
    del made["data"]
    with pytest.raises(UsageError):
        recorded(json.dumps(made))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"time_column": "day", "split_column": "side"}, "time_column and split_column both make a test set"),
        ({"time_column": "day", "test_data": "b.csv"}, "time_column and test_data both make a test set"),
        ({"gap": "3"}, "gap needs a time_column"),
        ({"time_column": "day", "gap": "-1"}, "gap must be"),
        ({"group_column": "author", "calibrate": "sigmoid"}, "calibrate divides the training rows at random"),
    ],
)
def test_what_groups_and_time_do_not_go_with_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        configure({"data": "a.csv", **given})
    assert told in refused.value.message
    assert configure({"data": "a.csv", "time_column": "day", "gap": "3", "test_size": "0.3"}).test_size == 0.3
