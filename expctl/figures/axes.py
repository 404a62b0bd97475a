"""Where the values of a parameter lie along an axis, and which have a name there. For every kind of picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import Value

NAMED: Final = 60  # names along an axis: more are too small to read
_LARGEST: Final = 1e300  # NaN is no less than it, and integers beyond have no logarithm
_TICKS: Final = 8  # more names than these would run into each other


@dataclass(frozen=True)
class Axis:
    """Where values lie between 0 and 1, and which places have a name."""

    of: dict[Value, float]
    ticks: dict[str, float]


def axis_of(values: Sequence[Value], *, logarithmic: bool) -> Axis:
    """Numbers lie in proportion, or by their logarithms; anything else evenly, in the order of first appearance."""
    numbers = [value for value in values if is_measured(value)]
    if len(numbers) == len(values):
        scale = math.log if logarithmic else float
        low, high = scale(min(numbers)), scale(max(numbers))
        place: dict[Value, float] = {
            number: (scale(number) - low) / (high - low) if high > low else 0.5 for number in numbers
        }
        named = sorted(set(numbers)) if len(place) <= _TICKS else [min(numbers), max(numbers)]
        return Axis(place, {f"{number:.4g}": place[number] for number in named})
    distinct = list(dict.fromkeys(values))
    even = {value: i / (len(distinct) - 1) if len(distinct) > 1 else 0.5 for i, value in enumerate(distinct)}
    names: dict[str, float] = {}
    for value in distinct[:NAMED]:
        name = short("none" if value is None else str(value).lower() if isinstance(value, bool) else str(value))
        names[name if name not in names else f"{name} ({len(names) + 1})"] = even[value]  # long ones may be cut alike
    return Axis(even, names)


def is_measured(value: Value) -> TypeGuard[float]:
    """Whether a value is a number that has a place on an axis."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST


def short(label: str) -> str:
    """A label that fits beside an axis, without characters that no font has."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in label)
    return plain if len(plain) <= 24 else plain[:23] + "…"
