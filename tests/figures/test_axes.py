"""Where the values of a parameter lie: between 0 and 1, each distinct one at one place, named as far as can be read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.figures.axes import NAMED, axis_of, is_measured, short

numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)


def test_numbers_lie_in_proportion():
    assert axis_of([1.0, 2.0, 5.0], logarithmic=False).of == {1.0: 0.0, 2.0: 0.25, 5.0: 1.0}


def test_numbers_of_a_logarithmic_axis_lie_by_their_ratio():
    assert list(axis_of([0.01, 1.0, 100.0], logarithmic=True).of.values()) == pytest.approx([0.0, 0.5, 1.0])


def test_other_values_lie_evenly_in_the_order_of_their_first_appearance():
    axis = axis_of(["b", None, "a", "b"], logarithmic=False)
    assert axis.of == {"b": 0.0, None: 0.5, "a": 1.0}
    assert axis.ticks == {"b": 0.0, "none": 0.5, "a": 1.0}


def test_one_number_among_words_makes_all_of_them_words():
    assert axis_of([3, "auto"], logarithmic=True).ticks == {"3": 0.0, "auto": 1.0}


@pytest.mark.parametrize("values", [[2.0, 2.0], ["a"], [True]], ids=repr)
def test_a_single_value_lies_in_the_middle(values):
    assert list(axis_of(values, logarithmic=False).of.values()) == [0.5]


@given(st.lists(numbers, min_size=1))
def test_places_are_from_0_to_1_in_the_order_of_the_numbers(values):
    axis = axis_of(values, logarithmic=False)
    places = [axis.of[value] for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert {0.0, 1.0} <= set(places) or set(places) == {0.5}


def test_many_numbers_have_their_ends_named_and_few_all_of_them():
    assert axis_of([3, 1, 2], logarithmic=False).ticks == {"1": 0.0, "2": 0.5, "3": 1.0}
    assert axis_of(list(range(9)), logarithmic=False).ticks == {"0": 0.0, "8": 1.0}


def test_names_that_are_cut_alike_are_told_apart():
    axis = axis_of(["x" * 30 + "a", "x" * 30 + "b"], logarithmic=False)
    assert list(axis.ticks.values()) == [0.0, 1.0]


def test_no_more_names_than_can_be_read():
    assert len(axis_of([f"word {i}" for i in range(200)], logarithmic=False).ticks) == NAMED


@pytest.mark.parametrize(
    ("value", "measured"),
    [(0, True), (-1.5, True), (True, False), ("1", False), (None, False), (math.nan, False), (math.inf, False)],
)
def test_a_number_with_a_place_is_finite_and_no_truth_value(value, measured):
    assert is_measured(value) is measured


def test_an_integer_that_no_float_holds_has_no_place():
    assert not is_measured(10**400)


def test_a_short_label_is_at_most_24_characters_and_all_of_them_can_be_drawn():
    assert short("x" * 24) == "x" * 24
    assert short("x" * 25) == "x" * 23 + "…"
    assert short("a\nb\x1b") == "a\ufffdb\ufffd"
