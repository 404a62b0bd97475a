"""The path from one configuration to another, one factor at a time, and what each step changes.

Pure: what a configuration is worth is asked of a function; nothing here knows what a factor is.
Source: Fawcett and Hoos 2016, Analysing differences between algorithm configurations through ablation, Journal of
Heuristics 22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """The factors that a step changes (several where they could not be told apart), and the values around it."""

    names: tuple[str, ...]
    before: float
    after: float

    @property
    def effect(self) -> float:
        """After minus before."""
        return self.after - self.before


def most_trainings(factors: int, budget: int | None) -> int:
    """How many configurations `ablation_path` asks for at most: rounds of all factors that are left, until one is."""
    rounds = (factors - 1) * (factors + 2) // 2 if factors else 0
    return rounds if budget is None else min(rounds, budget)


def ablation_path(
    names: Sequence[str],
    start: float,
    end: float,
    evaluate: Callable[[frozenset[str]], float | None],
    *,
    budget: int | None = None,
    possible: Callable[[frozenset[str]], bool] = lambda changed: True,
) -> list[Step]:
    """The steps from `start`, where no factor is changed, to `end`, where all are. Their effects add up to the whole.

    Each round asks what every factor that is left would do on top of those changed before, and changes the one with
    the largest effect in the direction from start to end (in any, where these are equal). A round is made only if the
    `budget` suffices for it and for changing the rest one by one; else the next factor is changed without comparing, in
    the order of the last round, without any in the order given. What the budget does not reach is one step together.

    `evaluate` tells the value with these factors changed, None where there is none; `possible` says for nothing
    whether it is worth asking. A factor without a value waits until others are changed. Equal effects stay in order.
    """
    spare = math.inf if budget is None else budget
    left, changed, value = list(names), frozenset[str](), start
    steps: list[Step] = []

    def gain(result: float) -> float:
        return abs(result - value) if start == end else math.copysign(1, end - start) * (result - value)

    while len(left) > 1:
        whole_round = spare >= 2 * len(left) - 2
        found: dict[str, float] = {}
        for name in left:
            if spare < 1 or (found and not whole_round):
                break
            if possible(changed | {name}):
                spare -= 1
                result = evaluate(changed | {name})
                if result is not None:
                    found[name] = result
        if not found:
            break
        if whole_round:
            left.sort(key=lambda name: -gain(found[name]) if name in found else math.inf)
        chosen = next(name for name in left if name in found)
        steps.append(Step((chosen,), value, found[chosen]))
        left.remove(chosen)
        changed, value = changed | {chosen}, found[chosen]
    if left:
        steps.append(Step(tuple(name for name in names if name in left), value, end))
    return steps
