"""What differs between two recipes, as factors; and that changing all of them gives the other recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from expctl.errors import UsageError
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.search.recipe_diff import Factor, changed_values, factors_between, recipe_between

FAMILIES = families_of()  # of texts

SAME = (("f" * 64, None), ("f" * 64, None))


def factors(one: dict[str, Any], other: dict[str, Any], hashes: Any = SAME) -> list[Factor]:
    return factors_between(configure({"data": "a.csv", **one}), configure({"data": "a.csv", **other}), hashes)


def told(found: list[Factor]) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.old, one.new) for one in found]


def test_the_same_recipe_has_no_factors() -> None:
    assert factors({}, {}) == []


def test_cross_validation_changes_no_model() -> None:
    assert factors({}, {"cv": 3}) == []


def test_the_same_content_elsewhere_is_the_same_data() -> None:
    assert factors({}, {"data": "moved/b.csv"}) == []


def test_data_comes_first_then_parameters_then_the_split() -> None:
    found = factors(
        {"random_state": 1, "c": 1.0, "test_size": 0.3},
        {"c": 2.0, "max_features": None},
        (("1" * 64, None), ("2" * 64, None)),
    )
    assert told(found) == [
        ("data", "a.csv (11111111)", "a.csv (22222222)"),
        ("max_features", 5000, None),
        ("c", 1.0, 2.0),
        ("test_size", 0.3, 0.2),
        ("random_state", 1, 42),
    ]


def test_everything_that_says_which_rows_there_are_is_one_factor() -> None:
    (found,) = factors(
        {},
        {"text_column": "body", "encoding": "latin-1", "test_data": "t.csv"},
        (("1" * 64, None), ("1" * 64, "2" * 64)),
    )
    assert (found.name, found.old) == ("data", "text_column=text encoding=utf-8 test_size=0.2")
    assert found.new == "t.csv (22222222) text_column=body encoding=latin-1"


def test_equal_numbers_of_two_types_are_two_settings() -> None:
    assert [one.name for one in factors({"max_df": 1}, {"max_df": 1.0})] == ["max_df"]


def test_a_model_takes_along_what_only_one_of_the_two_has_or_nobody_chose() -> None:
    (found,) = factors({}, {"model": "sgd"})
    assert (found.name, found.old, found.new) == ("model", "logreg", "sgd")
    assert {"model", "c", "alpha", "solver", "tol"} <= found.keys  # tol: by default 1e-4 and 1e-3


def test_what_was_chosen_for_both_models_is_a_factor_of_its_own() -> None:
    found = factors({"c": 3.0}, {"model": "linear_svm", "class_weight": "balanced"})
    assert [one.name for one in found] == ["model", "c", "class_weight"]


def test_what_was_chosen_for_one_model_alone_is_told_with_it() -> None:
    (found,) = factors({"model": "naive_bayes"}, {"c": 10, "class_weight": "balanced"})
    assert (found.old, found.new) == ("naive_bayes", "logreg c=10.0 class_weight=balanced")


def test_a_value_that_the_other_model_refuses_goes_with_the_model() -> None:
    found = factors({"solver": "liblinear"}, {"model": "ridge", "solver": "lsqr"})
    assert [one.name for one in found] == ["model"]


@pytest.mark.parametrize("model", sorted(set(FAMILIES) - {"logreg"}))
def test_any_two_families_are_one_factor_apart_and_either_can_be_had(model: str) -> None:
    one, other = configure({"data": "a.csv"}), configure({"data": "a.csv", "model": model})
    (found,) = factors_between(one, other, SAME)
    assert recipe_between(one, other, [found]) == other
    assert recipe_between(one, other, []) == one


def test_all_factors_changed_give_the_other_recipe_and_none_the_first() -> None:
    one = configure({"data": "a.csv", "c": 2, "ngram_max": 3, "cv": 5})
    other = configure(
        {
            "data": "b.tsv",
            "split_column": "part",
            "model": "own:made",
            "depth": "none",
            "random_state": 3,
            "stratify": False,
        }
    )
    found = factors_between(one, other, (("1" * 64, None), ("2" * 64, None)))
    assert [factor.name for factor in found] == ["data", "model", "stratify", "random_state"]
    assert recipe_between(one, other, found) == other
    assert recipe_between(one, other, []) == replace(one, cv=None)


def test_the_place_of_data_that_is_the_same_stays_that_of_the_first() -> None:
    one, other = configure({"data": "a.csv"}), configure({"data": "b.csv", "c": 2.0})
    assert recipe_between(one, other, factors_between(one, other, SAME)).data == "a.csv"


def test_what_does_not_go_together_is_refused_with_the_reason() -> None:
    one, other = configure({"data": "a.csv"}), configure({"data": "a.csv", "ngram_min": 3, "ngram_max": 5})
    low = [one for one in factors_between(one, other, SAME) if one.name == "ngram_min"]
    with pytest.raises(UsageError, match="ngram_min 3 is above ngram_max 1"):
        recipe_between(one, other, low)


def test_changed_values_are_those_that_are_not_as_before() -> None:
    one, other = configure({"data": "a.csv", "max_df": 1}), configure({"data": "b.csv", "max_df": 1.0, "cv": 3})
    assert changed_values(one, other) == {"data": ("a.csv", "b.csv"), "cv": (None, 3), "max_df": (1, 1.0)}


def test_what_only_one_model_has_by_default_is_no_change() -> None:
    one, other = configure({"data": "a.csv"}), configure({"data": "a.csv", "model": "naive_bayes"})
    assert changed_values(one, other) == {"model": ("logreg", "naive_bayes")}
    one, other = configure({"data": "a.csv", "c": 3}), configure({"data": "a.csv", "model": "naive_bayes", "alpha": 2})
    assert changed_values(one, other) == {"model": ("logreg", "naive_bayes"), "c": (3.0, None), "alpha": (None, 2.0)}
