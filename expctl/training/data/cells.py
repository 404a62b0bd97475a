"""Cells of a table as what they stand for: numbers, dates and times, words, or nothing. Imports nothing heavy."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

# Words that mean missing where a column is otherwise of numbers or times; `--missing` says others, of every column.
MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "."})
BLANK: Final = frozenset(("",))
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
_DATE: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}.*", re.DOTALL)


def is_missing(cell: Any, words: frozenset[str] = BLANK) -> bool:
    """Whether a cell is empty, NaN, or one of the words, which are in lower case."""
    if isinstance(cell, str):
        text = cell.strip()
        return not text or text.lower() in words
    return cell is None or cell != cell


def is_number(cell: Any) -> bool:
    """Whether a cell is a finite number, or written as one; booleans are none."""
    if isinstance(cell, str):
        return _NUMBER.fullmatch(cell.strip()) is not None
    if not isinstance(cell, (int, float, Decimal)) or isinstance(cell, bool):
        return False
    try:
        return math.isfinite(cell)
    except (OverflowError, ValueError):  # an integer beyond every float; a signalling NaN
        return False


def number(cell: Any) -> float:
    """The number that a cell is. Raises ValueError for one that `is_number` refuses."""
    if not is_number(cell):
        raise ValueError(f"{cell!r} is not a number")
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is too large")
    return value


def is_moment(cell: Any) -> bool:
    """Whether a cell is a date or time, or written as one by ISO 8601."""
    try:
        moment(cell)
    except ValueError:
        return False
    return True


def moment(cell: Any) -> datetime:
    """The date or time that a cell is, without its zone, which is UTC then. Raises ValueError for another cell."""
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime(cell.year, cell.month, cell.day)
    elif isinstance(cell, str) and _DATE.fullmatch(cell.strip()):
        found = datetime.fromisoformat(cell.strip())
    else:
        raise ValueError(f"{cell!r} is not a date or time")
    try:
        return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:  # its zone takes it beyond the years 1 to 9999
        raise ValueError(f"{cell!r} is not a date or time") from error


def word(cell: Any) -> str:
    """The category that a cell names: a whole number without its fraction, as text files have it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
