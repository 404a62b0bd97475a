"""What a model goes by, as values: terms that speak for each class, or columns. Made by workflows, shown by render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class Term:
    """A term with its weight; `made_of` words or characters, as `analyzer` has it."""

    text: str
    weight: float
    made_of: str


@dataclass(frozen=True, slots=True)
class Importance:
    """The terms of each class, the strongest first. `kind` says what the weights are."""

    run: RunRecord
    kind: str
    terms: Sequence[tuple[str, Sequence[Term]]]


@dataclass(frozen=True, slots=True)
class ColumnLoss:
    """What a metric loses where the cells of a column are permuted: the mean, and its 95 % limits over permutations.

    Above 0 the model is worse without the column. None where the metric has no value.
    """

    column: str
    kind: str
    loss: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ColumnImportance:
    """The columns of a table by what a metric loses without each, the largest loss first; `value` is the metric's."""

    run: RunRecord
    metric: str
    value: float
    permutations: int
    columns: Sequence[ColumnLoss]
