"""Finding runs through MLflow's own search, page by page: what it cannot filter or order is done here.

A filter is sent as far as MLflow's language goes, and the answers are judged again by the whole expression: what some
servers read differently (older ones find NaN below every number) changes nothing. Knows no transport.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from expctl.errors import ExpctlError
from expctl.filters.evaluate import in_order, matches
from expctl.filters.expression import And, Condition, Field
from expctl.tracking.readers.protocol import projected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from expctl.filters.expression import Expression, FieldKind, Order
    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import Query

    # (filter, order_by, most runs, page token) -> runs, token of the next page
    Fetch = Callable[[str, list[str], int, str | None], tuple[list[RunRecord], str | None]]

PAGE: Final = 1000
_FIRST: Final = 4  # times the limit: the first page where MLflow's filter is not the whole one
_NEWEST: Final = ["attributes.start_time DESC", "attributes.run_id ASC"]
# Names and values that every MLflow reads as they are; it takes others apart, or has no way to write them.
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*")
_PLAIN_TEXT: Final = re.compile(r"[^'\"`\\;\x00-\x1f\x7f]+")
_ORDERED: Final = ("start_time", "end_time")
_SENT_ATTRIBUTES: Final = ("run_id", "run_name", "status", "start_time", "end_time")
_MOST_LISTED: Final = 100


def find_by_pages(fetch: Fetch, query: Query) -> list[RunRecord]:
    """The runs of a query, by as few pages as MLflow's own filter and order make possible."""
    order = _sent_order(query.order)
    try:
        return _found(fetch, query, order, *sent_filter(query.where))
    except ExpctlError as error:
        if "Invalid clause" not in error.message or " IN (" not in sent_filter(query.where)[0]:
            raise
        return _found(fetch, query, order, *sent_filter(query.where, lists=False))  # MLflow 2.0 knows no list of ids


def _found(fetch: Fetch, query: Query, order: list[str] | None, text: str, whole: bool) -> list[RunRecord]:
    limit = query.limit if order is not None else None
    found: list[RunRecord] = []
    token: str | None = None
    while limit is None or len(found) < limit:
        most = PAGE
        if limit is not None and (whole or token is None):  # most runs that were asked for pass what is judged here
            most = min(PAGE, limit - len(found) if whole else _FIRST * limit)
        page, token = fetch(text, _NEWEST if order is None else order, most, token)
        found.extend(run for run in page if matches(query.where, run))
        if not token:
            break
    if order is None:
        found = in_order(found, query.order)
    return [projected(run, query.columns) for run in found[: query.limit]]


def sent_filter(expression: Expression, *, lists: bool = True) -> tuple[str, bool]:
    """What of an expression MLflow's language can say, with `lists` of ids or without, and whether that is all."""
    parts = expression.parts if isinstance(expression, And) else (expression,)
    said = [_said(part, lists=lists) for part in parts]
    return " and ".join(one for one in said if one is not None), all(one is not None for one in said)


def _said(part: Expression, *, lists: bool) -> str | None:
    """A condition in MLflow's words; None for one that it has none for."""
    if not isinstance(part, Condition) or isinstance(part.operand, Field):
        return None
    field, operator, operand = part.field, part.operator, part.operand
    if field.space == "attributes":
        if field.key not in _SENT_ATTRIBUTES:
            return None
        name = f"attributes.{field.key}"
    elif field.space == "datasets":
        name = f"datasets.{field.key}"
    elif _PLAIN_KEY.fullmatch(field.key):
        name = f"{field.space}.`{field.key}`"
    else:
        return None
    if isinstance(operand, float):
        if not field.numeric or not math.isfinite(operand):
            return None
        whole = operand.is_integer() and field.space == "attributes"
        return f"{name} {operator} {int(operand) if whole else _decimal(operand)}"
    if isinstance(operand, str):
        return f"{name} {operator.upper()} '{operand}'" if _PLAIN_TEXT.fullmatch(operand) else None
    if lists and operator == "in" and field == Field("attributes", "run_id") and isinstance(operand, tuple):
        texts = [str(one) for one in operand]
        if len(texts) <= _MOST_LISTED and all(map(_PLAIN_TEXT.fullmatch, texts)):
            return f"{name} IN ({', '.join(repr(one) for one in texts)})"
    return None


def _decimal(value: float) -> str:
    """A number as MLflow's parser reads it, which knows no + in an exponent."""
    return repr(value).replace("e+", "e")


def _sent_order(order: Sequence[Order]) -> list[str] | None:
    """An order in MLflow's words; None if it has none for all of it."""
    terms = []
    for i, one in enumerate(order):
        field = one.field
        if any(field == earlier.field for earlier in order[:i]):
            continue  # changes nothing, and MLflow refuses it
        if field.space == "metrics" and _PLAIN_KEY.fullmatch(field.key):
            name = f"metrics.`{field.key}`"
        elif field.space == "attributes" and field.key in _ORDERED:
            name = f"attributes.{field.key}"
        else:
            return None
        terms.append(f"{name} {'DESC' if one.descending else 'ASC'}")
    return [*terms, *(term for term in _NEWEST if not any(one.startswith(term.split()[0]) for one in terms))]


def spaces_of(runs: Iterable[RunRecord], key: str) -> Collection[FieldKind]:
    """In which of params, metrics and tags some of the runs have a key."""
    return {space for run in runs for space, held in _held(run) if key in held}


def keys_of(runs: Iterable[RunRecord]) -> Mapping[FieldKind, Sequence[str]]:
    """The keys of the runs' params, metrics and tags, in the order of the alphabet."""
    found: dict[FieldKind, set[str]] = {"params": set(), "metrics": set(), "tags": set()}
    for run in runs:
        for space, held in _held(run):
            found[space].update(held)
    return {space: sorted(keys) for space, keys in found.items()}


def _held(run: RunRecord) -> Iterator[tuple[FieldKind, Mapping[str, object]]]:
    yield "params", run.params
    yield "metrics", run.metrics
    yield "tags", run.tags
