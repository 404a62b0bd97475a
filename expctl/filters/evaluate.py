"""An expression over a run record, and runs in an order: the reference that every reader's own way has to equal."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Final

from expctl.filters.expression import And, Condition, Field, Not, Or, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from expctl.filters.expression import Expression
    from expctl.records import RunRecord

LARGEST: Final = 1.7976931348623157e308  # what MLflow stores for infinity, which databases do not have
RUN_NAME_TAG: Final = "mlflow.runName"  # what MLflow's filters read for a run's name

_NUMBER: Final = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE | re.ASCII)
_COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # SQLite's lower() knows no other letters


def matches(expression: Expression, run: RunRecord) -> bool:
    """Whether a run is one of those an expression without bare names means."""
    if isinstance(expression, And):
        return all(matches(part, run) for part in expression.parts)
    if isinstance(expression, Or):
        return any(matches(part, run) for part in expression.parts)
    if isinstance(expression, Not):
        return not matches(expression.part, run)
    return _condition(expression, run)


def number(text: str) -> float | None:
    """The number a text reads as; None for any other text, NaN among them."""
    return float(text) if _NUMBER.fullmatch(text) else None


def in_order(runs: Sequence[RunRecord], order: Sequence[Order]) -> list[RunRecord]:
    """Runs in an order; equal ones newest first, then by id."""
    found = sorted(runs, key=lambda run: run.run_id)
    newest = Order(Field("attributes", "start_time"), descending=True)
    for one in reversed([*order, newest]):
        found = _by(found, one)
    return found


def _by(runs: list[RunRecord], order: Order) -> list[RunRecord]:
    keys = {id(run): _sort_key(run, order.field) for run in runs}
    present = [run for run in runs if keys[id(run)] is not None]
    absent = [run for run in runs if keys[id(run)] is None]
    present.sort(key=lambda run: keys[id(run)] or (), reverse=order.descending)
    absent.sort(key=lambda run: order.field.key not in run.metrics if order.field.space == "metrics" else False)
    return [*present, *absent]


def _sort_key(run: RunRecord, field: Field) -> tuple[int, float, str] | None:
    if field.numeric:
        value = _numeric(run, field)
        return None if value is None else (0, value, "")
    text = (run.name or None) if field == Field("attributes", "run_name") else _text(run, field)
    if text is None:
        return None
    value = number(text) if field.space == "params" else None
    return (1, 0.0, text) if value is None else (0, value, "")  # 1 and 1.0 are equal


def _condition(condition: Condition, run: RunRecord) -> bool:
    field, wanted = condition.field, condition.operand
    if field.space == "datasets":
        found = [getattr(one, field.key) for one in run.datasets]
        return any(text is not None and _compared(condition, text, None) for text in found)
    if condition.operator == "has":
        return _has(run, field)
    if isinstance(wanted, Field):
        if not (_has(run, field) and _has(run, wanted)):
            return False
        if condition.operator in ("=", "!=") and not (field.numeric or wanted.numeric):
            return (_text(run, field) == _text(run, wanted)) == (condition.operator == "=")
        mine, other = _numeric(run, field), _numeric(run, wanted)
        if condition.operator == "!=":
            return mine is None or other is None or mine != other
        return mine is not None and other is not None and _COMPARED[condition.operator](mine, other)
    if not _has(run, field):
        return False
    first = wanted[0] if isinstance(wanted, tuple) else wanted
    if isinstance(first, float):
        return _compared(condition, None, _numeric(run, field))
    return _compared(condition, _text(run, field), None)


def _compared(condition: Condition, text: str | None, value: float | None) -> bool:
    """Whether what a run has, as a text or as a number, is what a condition wants; the run has the field."""
    operator, wanted = condition.operator, condition.operand
    if operator == "has":
        return True
    mine = text if value is None else value
    if operator in ("!=", "not in"):
        return not (mine in wanted if isinstance(wanted, tuple) else mine == wanted)
    if mine is None:
        return False
    if isinstance(wanted, tuple):
        return mine in wanted
    if isinstance(wanted, float):
        return isinstance(mine, float) and _COMPARED[operator](mine, wanted)
    if operator == "=":
        return mine == wanted
    pattern = str(wanted)
    if operator == "ilike":
        return like(str(mine).translate(_LOWER), pattern.translate(_LOWER))
    return like(str(mine), pattern)


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE: `%` stands for any characters, `_` for one, nothing is an escape."""
    at = here = 0
    star, mark = -1, 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == "%":
            star, mark = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in ("_", text[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark += 1
            at, here = mark, star + 1
        else:
            return False
    return all(char == "%" for char in pattern[here:])


def _has(run: RunRecord, field: Field) -> bool:
    if field.space == "metrics":
        return field.key in run.metrics
    return _numeric(run, field) is not None if field.numeric else _text(run, field) is not None


def _text(run: RunRecord, field: Field) -> str | None:
    if field.space == "params":
        return run.params.get(field.key)
    if field.space == "tags":
        return run.tags.get(field.key)
    texts = {
        "run_id": run.run_id,
        "run_name": run.tags.get(RUN_NAME_TAG),
        "status": run.status.upper(),
        "user_id": run.user_id,
        "artifact_uri": run.artifact_uri,
    }
    return texts[field.key]


def _numeric(run: RunRecord, field: Field) -> float | None:
    """The number under a field as the store has it; None for NaN and for a text that is none."""
    if field.space == "metrics":
        value = run.metrics.get(field.key, math.nan)
        return None if math.isnan(value) else max(-LARGEST, min(LARGEST, value))
    if field.space == "attributes" and field.numeric:
        if field.key == "duration":
            return None if run.duration is None else run.duration.total_seconds()
        return _milliseconds(run.started if field.key == "start_time" else run.ended)
    text = _text(run, field)
    return None if text is None else number(text)


def _milliseconds(moment: datetime | None) -> float | None:
    return None if moment is None else float(round(moment.timestamp() * 1000))
