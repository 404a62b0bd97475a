"""The columns of a recipe come back as they were, in its order, however many they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.columns import COLUMN_KINDS, by_kind, read_columns, told_columns, written_columns
from expctl.recipe import Recipe

COLUMNS = st.dictionaries(st.text(min_size=1, max_size=9), st.sampled_from(COLUMN_KINDS), min_size=1, max_size=12)


@given(COLUMNS)
def test_they_come_back_kind_by_kind_each_in_the_order_of_the_table(columns: dict[str, str]) -> None:
    back = read_columns(json.loads(json.dumps(written_columns(columns), sort_keys=True)))
    assert list((back or {}).items()) == list((by_kind(columns) or {}).items())


def test_a_thousand_columns_fit_into_the_tag_of_a_store() -> None:
    columns = {f"pixel_{i}": "numeric" for i in range(1000)}
    recipe = Recipe("a.csv", task="regression", columns=columns)
    assert len(recipe.to_json()) < 5000
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    "wrong", [{"zlib": "AAAA"}, {"zlib": "eJwDAAAAAAE="}, {"odd": ["a"]}, {"numeric": "a"}, {"numeric": [1]}, "text", 3]
)
def test_what_is_no_columns_is_an_error_that_callers_expect(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_columns(wrong)


def test_they_are_told_by_their_kinds() -> None:
    assert told_columns({"a": "text", "b": "numeric", "c": "text"}) == "1 numeric, 2 text"
