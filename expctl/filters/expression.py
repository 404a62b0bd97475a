"""What a filter says, as values: conditions on the fields of a run, joined by and, or, not. Knows no syntax, no store.

A condition about something that a run does not have is false, whatever its operator; `Not` turns that round.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final, Literal

from expctl.records import STORED_INFINITY, Tag

FieldKind = Literal["", "attributes", "params", "metrics", "tags", "datasets"]  # "": a bare name, not yet looked up
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "like", "ilike", "in", "not in", "has"]

NUMERIC_ATTRIBUTES: Final = ("start_time", "end_time", "duration")
TEXT_ATTRIBUTES: Final = ("run_id", "run_name", "status", "user_id", "artifact_uri")
DATASET_KEYS: Final = ("name", "digest", "context")


@dataclass(frozen=True, slots=True)
class Field:
    """Something a run has: `metrics.f1_score` is Field("metrics", "f1_score"). `at` is where a filter names it."""

    space: FieldKind
    key: str
    at: int = dataclasses.field(default=0, compare=False)

    @property
    def numeric(self) -> bool:
        """Whether the store holds numbers under it; parameters and tags are texts that may read as numbers."""
        return self.space == "metrics" or (self.space == "attributes" and self.key in NUMERIC_ATTRIBUTES)

    def __str__(self) -> str:
        return f"{self.space}.{self.key}" if self.space else self.key


Operand = float | str | tuple[float, ...] | tuple[str, ...] | Field | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. A text is compared with texts, a number with numbers; `has` takes no operand.

    Times are milliseconds since 1970, `duration` is in seconds. `at` is where the operand stands in the filter.
    """

    field: Field
    operator: Operator
    operand: Operand = None
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; of none: every run."""

    parts: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts at least."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but."""

    part: Expression


Expression = And | Or | Not | Condition

EVERY_RUN: Final = And()


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order of runs. Runs without a value come last either way, after those whose metric is NaN.

    Parameters come as numbers before texts, everything else as the store compares it.
    """

    field: Field
    descending: bool = False


def all_of(*parts: Expression) -> Expression:
    """Runs that all of the parts let through."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, And) else (part,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def attribute(key: str, operator: Operator, operand: Operand) -> Condition:
    """A condition on an attribute of the run itself."""
    return Condition(Field("attributes", key), operator, operand)


FINISHED: Final = attribute("status", "=", "FINISHED")
NO_TRIAL: Final = Not(Condition(Field("tags", Tag.TRIAL), "has"))
NO_SWEEP: Final = Not(Condition(Field("tags", Tag.SWEEP), "has"))
# What `explain` and `reproduce` train is there to tell of other runs, not to be used.
REGULAR_RUNS: Final = all_of(*(Not(Condition(Field("tags", tag), "has")) for tag in (Tag.EXPLANATION, Tag.REPRODUCES)))


def fit_for(metric: str) -> Expression:
    """The runs that can rank: finished, with a finite value, and not made to explain others."""
    value = Field("metrics", metric)
    return all_of(
        REGULAR_RUNS, FINISHED, Condition(value, ">", -STORED_INFINITY), Condition(value, "<", STORED_INFINITY)
    )
