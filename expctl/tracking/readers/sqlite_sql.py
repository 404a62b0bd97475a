"""Expressions and orders as SQL over the tables of MLflow's store. Values are always bound, never written into it.

`r` is the table of runs. `number(text)` is a function of ours: what a text reads as, by the same rules as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from expctl.filters.evaluate import RUN_NAME_TAG
from expctl.filters.expression import And, Condition, Field, Not, Or, Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.filters.expression import Expression, FieldKind

Sql = tuple[str, list[Any]]
AtHand = Mapping[Field, str]  # metrics by the alias of the table that has them

TABLES: Final[dict[FieldKind, str]] = {"params": "params", "metrics": "latest_metrics", "tags": "tags"}
RUN_NAME: Final = f"(SELECT value FROM tags WHERE key = '{RUN_NAME_TAG}' AND run_uuid = r.run_uuid)"
_ATTRIBUTES: Final = {
    "run_id": "r.run_uuid",
    "run_name": RUN_NAME,
    "status": "r.status",
    "user_id": "r.user_id",
    "artifact_uri": "r.artifact_uri",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
    "duration": "(max(r.end_time - r.start_time, 0) / 1000.0)",
}
_ORDERED_NAME: Final = f"nullif(coalesce(nullif(r.name, ''), {RUN_NAME}), '')"  # an empty name is none
_NAME: Final = Field("attributes", "run_name")
_DATASET: Final = {"name": "d.name", "digest": "d.digest", "context": "t.value"}
_COMPARED: Final = {"=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def condition(expression: Expression, at_hand: AtHand) -> Sql:
    """An expression without bare names as a condition that is 0 or 1, never NULL.

    Metrics that the statement has joined already, for its order or its counts, are `at_hand`, and not looked up again.
    """
    if isinstance(expression, And):
        return _several(expression.parts, " AND ", "1", at_hand)
    if isinstance(expression, Or):
        return _several(expression.parts, " OR ", "0", at_hand)
    if isinstance(expression, Not):
        sql, values = condition(expression.part, at_hand)
        return f"NOT {sql}", values
    return _dataset(expression) if expression.field.space == "datasets" else _compared(expression, at_hand)


def _several(parts: Sequence[Expression], word: str, nothing: str, at_hand: AtHand) -> Sql:
    found = [condition(part, at_hand) for part in parts]
    sql = word.join(sql for sql, _ in found)
    return f"({sql or nothing})", [value for _, values in found for value in values]


def _compared(one: Condition, at_hand: AtHand) -> Sql:
    wanted = one.operand
    if one.operator == "has":
        return _has(one.field)
    if isinstance(wanted, Field):
        texts = one.operator in ("=", "!=") and not (one.field.numeric or wanted.numeric)
        mine, other = (_text(field) if texts else _number(field, at_hand) for field in (one.field, wanted))
        both = _both(_has(one.field), _has(wanted))
        word = _COMPARED.get(one.operator, "=")
        same = f"coalesce({mine[0]} {word} {other[0]}, 0)", [*mine[1], *other[1]]
        return _both(both, same, negated=one.operator == "!=")
    first = wanted[0] if isinstance(wanted, tuple) else wanted
    mine = _number(one.field, at_hand) if isinstance(first, float) else _text(one.field)
    same = _fits(mine, one)
    if one.field == _NAME and one.operator in ("=", "like"):
        # The table of runs has the name too, but for runs of MLflow 1.29 and older: no tag is read for other names.
        return _both((f"(coalesce(r.name, '') = '' OR {_fits(('r.name', []), one)[0]})", [wanted]), same)
    if one.operator in ("!=", "not in"):
        return _both(_has(one.field), same, negated=True)
    return same


def _fits(mine: Sql, one: Condition) -> Sql:
    """Whether a value is what a condition wants; for != and not in, whether it is what they do not."""
    sql, values = mine
    wanted = one.operand
    if isinstance(wanted, tuple):
        return f"coalesce({sql} IN (SELECT value FROM json_each(?)), 0)", [*values, _json(wanted)]
    if one.operator == "ilike":
        return f"coalesce(lower({sql}) LIKE lower(?), 0)", [*values, wanted]
    word = "LIKE" if one.operator == "like" else _COMPARED.get(one.operator, "=")
    return f"coalesce({sql} {word} ?, 0)", [*values, wanted]


def _both(first: Sql, second: Sql, *, negated: bool = False) -> Sql:
    return f"({first[0]} AND {'NOT ' if negated else ''}{second[0]})", [*first[1], *second[1]]


def _json(values: tuple[Any, ...]) -> str:
    """A list for json_each, which reads 9e999 as infinity and has no other word for it."""
    if isinstance(values[0], str):
        return json.dumps(values)
    return json.dumps(values).replace("Infinity", "9e999")


def _has(field: Field) -> Sql:
    if field.space == "attributes":
        return f"({_ATTRIBUTES[field.key]} IS NOT NULL)", []
    return f"EXISTS (SELECT 1 FROM {TABLES[field.space]} WHERE key = ? AND run_uuid = r.run_uuid)", [field.key]


def _text(field: Field) -> Sql:
    if field.space == "attributes":
        return _ATTRIBUTES[field.key], []
    return f"(SELECT value FROM {TABLES[field.space]} WHERE key = ? AND run_uuid = r.run_uuid)", [field.key]


def _number(field: Field, at_hand: AtHand) -> Sql:
    """A number under a field; NULL for NaN, and for a text that reads as none."""
    if field in at_hand:
        return f"CASE WHEN NOT {at_hand[field]}.is_nan THEN {at_hand[field]}.value END", []
    if field.space == "metrics":
        return (
            "(SELECT value FROM latest_metrics WHERE key = ? AND run_uuid = r.run_uuid AND NOT is_nan)",
            [field.key],
        )
    sql, values = _text(field)
    return (sql if field.numeric else f"number({sql})"), values


def _dataset(one: Condition) -> Sql:
    value = _DATASET[one.field.key]
    if one.operator == "has":
        fits: Sql = f"{value} IS NOT NULL", []
    else:
        fits = _fits((value, []), one)
        if one.operator in ("!=", "not in"):
            fits = f"{value} IS NOT NULL AND NOT {fits[0]}", fits[1]
    return (
        "EXISTS (SELECT 1 FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
        " LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context'"
        f" WHERE i.destination_type = 'RUN' AND i.destination_id = r.run_uuid AND {fits[0]})",
        fits[1],
    )


def ordering(order: Sequence[Order]) -> tuple[Sql, str, AtHand]:
    """An order: the joins it takes, the terms of ORDER BY, the metrics joined. Equal runs newest first, then by id."""
    at_hand: dict[Field, str] = {}
    joins: list[str] = []
    values: list[Any] = []
    terms: list[str] = []
    for i, one in enumerate(order):
        field, direction = one.field, " DESC" if one.descending else ""
        if field.space == "attributes":
            name = _ORDERED_NAME if field.key == "run_name" else _ATTRIBUTES[field.key]
            terms += [f"{name} IS NULL", f"{name}{direction}"]
            continue
        joins.append(f"LEFT JOIN {TABLES[field.space]} o{i} ON o{i}.key = ? AND o{i}.run_uuid = r.run_uuid")
        values.append(field.key)
        terms.append(f"o{i}.key IS NULL")
        if field.space == "metrics":
            at_hand[field] = f"o{i}"
            terms += [f"o{i}.is_nan", f"o{i}.value{direction}"]
        elif field.space == "params":
            terms += [f"number(o{i}.value) IS NULL{direction}", f"number(o{i}.value){direction}"]
            terms.append(f"CASE WHEN number(o{i}.value) IS NULL THEN o{i}.value END{direction}")
        else:
            terms.append(f"o{i}.value{direction}")
    return (" ".join(joins), values), ", ".join([*terms, "r.start_time DESC", "r.run_uuid"]), at_hand
