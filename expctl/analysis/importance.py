"""The terms that speak for each class, as values: made by workflows/importance.py, shown by render."""

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
