"""The path adds up to the whole, takes the largest effect first, and asks for no more than it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.ablation import Step, ablation_path, most_trainings

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = "abcdef"


class Asked:
    """What configurations are worth, by the factors changed in them; remembers which were asked for."""

    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = {frozenset(key): value for key, value in values.items()}
        self.seen: list[str] = []

    def __call__(self, changed: frozenset[str]) -> float | None:
        self.seen.append("".join(sorted(changed)))
        return self.values[changed]


def path(values: Mapping[str, float | None], names: str, start: float, end: float, **more) -> tuple[list[Step], Asked]:
    asked = Asked(values)
    return ablation_path(names, start, end, asked, **more), asked


def told(steps: list[Step]) -> list[tuple[str, float, float]]:
    return [("".join(step.names), step.before, step.after) for step in steps]


def test_each_round_takes_the_largest_effect_towards_the_end() -> None:
    steps, asked = path({"a": 1, "b": 3, "c": -9, "ab": 4, "bc": 7}, "abc", 0, 10)
    assert told(steps) == [("b", 0, 3), ("c", 3, 7), ("a", 7, 10)]
    assert asked.seen == ["a", "b", "c", "ab", "bc"]


def test_downwards_the_largest_loss_comes_first() -> None:
    steps, _ = path({"a": -1, "b": 8, "c": -2, "ac": -3, "bc": -4}, "abc", 0, -5)
    assert told(steps) == [("c", 0, -2), ("b", -2, -4), ("a", -4, -5)]


def test_between_equal_ends_the_largest_effect_in_any_direction_comes_first() -> None:
    steps, _ = path({"a": 1, "b": -2}, "ab", 0, 0)
    assert told(steps) == [("b", 0, -2), ("a", -2, 0)]


def test_equal_effects_stay_in_the_order_given() -> None:
    steps, _ = path(dict.fromkeys(["a", "b", "c", "ab", "ac", "bc"], 1.0), "bca", 0, 1)
    assert [step.names for step in steps] == [("b",), ("c",), ("a",)]


@pytest.mark.parametrize("names", ["", "a"])
def test_one_factor_is_the_whole_difference_and_takes_no_training(names: str) -> None:
    steps, asked = path({}, names, 2, 5)
    assert told(steps) == ([("a", 2, 5)] if names else [])
    assert asked.seen == []


def test_what_cannot_be_had_alone_waits_for_the_others() -> None:
    steps, _ = path({"a": None, "b": 1, "ab": 2, "bc": 1, "c": None}, "abc", 0, 3)
    assert told(steps) == [("b", 0, 1), ("a", 1, 2), ("c", 2, 3)]


def test_what_cannot_be_had_one_by_one_is_one_step() -> None:
    steps, _ = path({"a": None, "b": 1, "c": None, "ab": None, "bc": None}, "abc", 0, 3)
    assert told(steps) == [("b", 0, 1), ("ac", 1, 3)]


def test_what_is_not_possible_is_not_asked_for() -> None:
    steps, asked = path({"b": 1, "c": 0, "bc": 4}, "abc", 0, 5, possible=lambda changed: "a" not in changed)
    assert told(steps) == [("b", 0, 1), ("c", 1, 4), ("a", 4, 5)]
    assert asked.seen == ["b", "c", "bc"]


VALUES = {"a": 1, "b": 4, "c": 2, "d": 3, "bd": 7, "bcd": 9, "ab": 0, "bc": 0, "abd": 8, "ac": 5, "ad": 2, "acd": 6}


@pytest.mark.parametrize(
    ("budget", "steps", "seen"),
    [
        (0, "abcd", []),
        (1, "a bcd", ["a"]),
        (3, "a b c d", ["a", "ab", "abc"]),
        (5, "a c d b", ["a", "ab", "ac", "ad", "acd"]),  # after one step without comparing, a round of three
        (6, "b d c a", ["a", "b", "c", "d", "bd", "bcd"]),  # a round of four, then its order
        (9, "b d c a", ["a", "b", "c", "d", "bd", "bc", "ab", "bcd", "abd"]),
    ],
)
def test_a_budget_makes_the_rounds_it_suffices_for_then_single_steps_then_one_of_the_rest(budget, steps, seen) -> None:
    found, asked = path({**VALUES, "abc": 2}, "abcd", 0, 10, budget=budget)
    assert " ".join("".join(step.names) for step in found) == steps
    assert sorted(asked.seen) == sorted(seen)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[str, dict[frozenset[str], float | None], float, float, int | None]:
    names = NAMES[: draw(st.integers(0, 5))]
    subsets = [frozenset(n for i, n in enumerate(names) if bits >> i & 1) for bits in range(2 ** len(names))]
    value = st.one_of(st.none(), st.integers(-5, 5).map(float))
    values = {subset: draw(value) for subset in subsets}
    ends = st.integers(-5, 5).map(float)
    return names, values, draw(ends), draw(ends), draw(st.none() | st.integers(0, 16))


@given(worlds())
def test_the_effects_add_up_within_the_budget_and_nothing_is_asked_twice(world) -> None:
    names, values, start, end, budget = world
    seen: list[frozenset[str]] = []

    def evaluate(changed: frozenset[str]) -> float | None:
        seen.append(changed)
        return values[changed]

    steps = ablation_path(names, start, end, evaluate, budget=budget)
    assert sum(step.effect for step in steps) == (end - start if names else 0)
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]
    assert sorted(name for step in steps for name in step.names) == list(names)
    assert len(seen) == len(set(seen)) <= most_trainings(len(names), budget)
    assert not {frozenset(), frozenset(names)} & set(seen)  # the ends are known
    assert steps == ablation_path(names, start, end, values.__getitem__, budget=budget)


@given(worlds())
def test_where_everything_has_a_value_the_number_of_trainings_is_as_said(world) -> None:
    names, values, start, end, _ = world
    asked = Asked({"".join(key): value or 0.0 for key, value in values.items()})
    steps = ablation_path(names, start, end, asked)
    assert len(asked.seen) == most_trainings(len(names), None)
    assert all(len(step.names) == 1 for step in steps)
