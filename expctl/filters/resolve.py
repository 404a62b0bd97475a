"""What a parsed filter means here: bare names looked up, times and status words read, texts and numbers checked.

Also the names that sorting and columns are told by. Knows of the store only the function that looks names up.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final, cast

from expctl.durations import duration
from expctl.errors import closest
from expctl.filters.expression import (
    DATASET_KEYS,
    NUMERIC_ATTRIBUTES,
    TEXT_ATTRIBUTES,
    And,
    Condition,
    Expression,
    Field,
    Not,
    Or,
)
from expctl.filters.parse import FilterError, field_of
from expctl.metrics import METRICS
from expctl.records import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from expctl.filters.expression import FieldKind, Operand

    Spaces = Callable[[str], Collection[FieldKind]]  # in which of params, metrics and tags a key is

_ALIASES: Final = {
    "id": "run_id", "name": "run_name", "run name": "run_name", "Run name": "run_name", "Run Name": "run_name",
    "started": "start_time", "created": "start_time", "Created": "start_time", "ended": "end_time", "user": "user_id",
}  # fmt: skip
_ATTRIBUTES: Final = (*TEXT_ATTRIBUTES, *NUMERIC_ATTRIBUTES)
_TIMES: Final = ("start_time", "end_time")
_KINDS: Final[dict[FieldKind, str]] = {"params": "a parameter", "metrics": "a metric", "tags": "a tag"}
_LOGGED: Final = {"none": "None", "true": "True", "false": "False"}  # words that stores hold otherwise than one types
_LONGEST_PATTERN: Final = 8_000  # the longest value a store holds

_DAYS: Final = {"today": 0, "yesterday": 1}
_AGO: Final = re.compile(r"\s+ago$", re.IGNORECASE)


def resolve_fields(expression: Expression, spaces: Spaces, *, text: str, now: datetime) -> Expression:
    """A parsed filter without bare names, its operands of the kinds their fields have.

    `text` is what was parsed, for errors; times like "2 days ago" are counted from `now`. Raises FilterError.
    """
    if isinstance(expression, And | Or):
        return replace(
            expression, parts=tuple(resolve_fields(part, spaces, text=text, now=now) for part in expression.parts)
        )
    if isinstance(expression, Not):
        return Not(resolve_fields(expression.part, spaces, text=text, now=now))
    field = _looked_up(expression.field, spaces, text)
    operand = expression.operand
    words: tuple[object, ...] = operand if isinstance(operand, tuple) else (operand,)
    if field == Field("attributes", "status"):
        words = tuple(one.key if isinstance(one, Field) and not one.space else one for one in words)
    found = tuple(_looked_up(one, spaces, text) if isinstance(one, Field) else one for one in words)
    condition = replace(
        expression, field=field, operand=cast("Operand", found if isinstance(operand, tuple) else found[0])
    )
    return _checked(condition, text, now)


def known_field(name: str, spaces: Spaces) -> Field | None:
    """The field a name means in `--sort` and `--columns`; None if no run has it.

    A bare name is an attribute, else a parameter, else a metric, else a tag.
    """
    field = field_of(name)
    if field.space == "datasets":
        return field if field.key in DATASET_KEYS else None
    if field.space in _KINDS:
        there = field.space in spaces(field.key) or (field.space == "metrics" and field.key in METRICS)
        return field if there else None
    attribute = _ALIASES.get(field.key, field.key)
    if field.space == "attributes" or attribute in _ATTRIBUTES:
        return Field("attributes", attribute) if attribute in _ATTRIBUTES else None
    found = spaces(field.key)
    if found:
        return Field(next(space for space in _KINDS if space in found), field.key)
    return Field("metrics", field.key) if field.key in METRICS else None


def moment(text: str, now: datetime) -> int | None:
    """The time a text means, in milliseconds: `2 days ago`, `2d`, `2026-03-01`, `2026-03-01 12:30`; None if none.

    Without an offset it is the local time. `today` and `yesterday` are their first moments.
    """
    days = _DAYS.get(text.strip().lower())
    if days is not None:
        day = now.astimezone().date() - timedelta(days=days)
        return int(datetime.combine(day, time()).timestamp() * 1000)
    age = duration(_AGO.sub("", text.strip()))
    if age is not None:
        return int((now.timestamp() - age) * 1000)
    try:
        return int(datetime.fromisoformat(text.strip()).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def _looked_up(field: Field, spaces: Spaces, text: str) -> Field:
    if field.space == "attributes" or (not field.space and _ALIASES.get(field.key, field.key) in _ATTRIBUTES):
        key = _ALIASES.get(field.key, field.key)
        if key not in _ATTRIBUTES:
            raise FilterError(f"runs have no attribute {field.key!r}", text, field.at, hint=", ".join(_ATTRIBUTES))
        return Field("attributes", key, field.at)
    if field.space == "datasets" and field.key not in DATASET_KEYS:
        raise FilterError(f"datasets have no {field.key!r}", text, field.at, hint=", ".join(DATASET_KEYS))
    if field.space:
        return field
    found = [space for space in _KINDS if space in spaces(field.key)]
    if not found and field.key in METRICS:
        found = ["metrics"]
    if not found:
        raise FilterError(
            f"no run has {field.key!r}{closest(field.key, METRICS)}",
            text,
            field.at,
            hint=f"metrics.NAME, params.NAME or tags.NAME names any; quote a text: '{field.key}'",
        )
    if len(found) > 1:
        kinds = " and ".join(_KINDS[space] for space in found)
        choice = " or ".join(f"{space}.{field.key}" for space in found)
        raise FilterError(f"{field.key!r} is {kinds}", text, field.at, hint=f"write {choice}")
    return Field(found[0], field.key, field.at)


def _checked(condition: Condition, text: str, now: datetime) -> Condition:
    """The condition with an operand of its field's kind. Raises FilterError where the two do not go together."""
    field, operator, operand = condition.field, condition.operator, condition.operand
    if isinstance(operand, str | tuple) and field.space == "attributes" and field.key in _TIMES:
        operand = _times(condition, text, now)
    if field == Field("attributes", "status"):
        operand = _statuses(condition, text)
    values = operand if isinstance(operand, tuple) else (operand,)
    if isinstance(operand, tuple) and {type(one) for one in operand} not in ({float}, {str}):
        raise FilterError("a list holds numbers, or texts in quotes", text, condition.at, hint="c in (0.1, 1)")
    value = values[0]
    if operator in ("like", "ilike"):
        if field.numeric:
            raise FilterError(f"{field} is a number, which no pattern matches", text, field.at)
        if len(str(value)) > _LONGEST_PATTERN:
            raise FilterError("no value is as long as this pattern", text, condition.at)
    elif isinstance(value, str) and field.numeric:
        raise FilterError(f"{field} is a number: {value[:50]!r} is a text", text, condition.at)
    elif isinstance(value, float) and (field.space in ("attributes", "datasets") and not field.numeric):
        raise FilterError(f"{field} is a text, which needs quotes", text, condition.at)
    elif isinstance(value, str) and operator in ("<", "<=", ">", ">="):
        raise FilterError("texts have no order; write numbers without quotes", text, condition.at)
    elif isinstance(value, Field) and "datasets" in (field.space, value.space):
        raise FilterError("a dataset is compared with a text", text, condition.at)
    if field.space == "params" and operator in ("=", "!=") and operand in _LOGGED:
        both = (str(operand), _LOGGED[str(operand)])
        return replace(condition, operator="in" if operator == "=" else "not in", operand=both)
    return replace(condition, operand=operand)


def _times(condition: Condition, text: str, now: datetime) -> Operand:
    given = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
    found: list[object] = []
    for one in given:
        at = moment(one, now) if isinstance(one, str) else one
        if at is None:
            raise FilterError(
                f"{one!r} is not a time", text, condition.at, hint="'2 days ago', 'yesterday', '2026-03-01 12:30'"
            )
        found.append(float(at) if isinstance(at, int) else at)
    return cast("Operand", tuple(found) if isinstance(condition.operand, tuple) else found[0])


def _statuses(condition: Condition, text: str) -> Operand:
    """Status words as stores write them, whatever case they were typed in; patterns as they are."""
    operand = condition.operand
    if condition.operator in ("like", "ilike", "has") or not isinstance(operand, str | tuple):
        return operand
    words = operand if isinstance(operand, tuple) else (operand,)
    for word in words:
        if isinstance(word, str) and word.lower() not in STATUSES:
            raise FilterError(
                f"no status {word!r}{closest(word, STATUSES)}", text, condition.at, hint=" | ".join(STATUSES)
            )
    upper = tuple(word.upper() if isinstance(word, str) else word for word in words)
    return cast("Operand", upper if isinstance(operand, tuple) else upper[0])
