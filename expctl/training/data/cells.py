"""Cells of a table as what they stand for: numbers, dates and times, words, or nothing. Imports nothing heavy.

What a cell is, is said of one at a time; columns of them are read as that says, but each different text once.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import repeat
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

# Words that mean missing where a column is otherwise of numbers or times; `--missing` says others, of every column.
MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "."})
BLANK: Final = frozenset(("",))
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
# Of what `_NUMBER` allows the characters in ASCII, and the line ends between cells: a text of these that `float` takes
# is a number of that pattern, but for a longer exponent.
_IN_NUMBERS: Final = b"0123456789.+-eE \n"
_LONG_EXPONENT: Final = re.compile(r"[eE][-+]?\d{4}")
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


def each(cells: Sequence[Any], read: Callable[[Any], _T]) -> list[_T]:
    """What `read` makes of each cell, asked once of each different text, in the order in which they come."""
    if not set(map(type, cells)) <= {str, NoneType}:  # 1, 1.0 and True are equal and read differently
        return [read(cell) for cell in cells]
    known = {cell: read(cell) for cell in dict.fromkeys(cells)}
    return list(map(known.__getitem__, cells))


def are_missing(cells: Sequence[Any], words: frozenset[str] = BLANK) -> list[bool]:
    """What `is_missing` says of each cell."""
    return each(cells, partial(is_missing, words=words))


def numbers(cells: Sequence[Any], missing: frozenset[str] = MISSING) -> list[float]:
    """The number that each cell is, NaN where `is_missing` says so. Raises ValueError for the first that is neither."""
    if not set(map(type, cells)) <= {str, NoneType}:
        found = _floats(cells)
        return [_number(cell, missing) for cell in cells] if found is None else found
    different = list(dict.fromkeys(cells))
    present = [cell for cell in different if cell is not None]
    read = None if any(map(is_number, missing)) else _floats(present)
    if read is None:
        present = [cell for cell in present if not is_missing(cell, missing)]
        read = _floats(present) or list(map(number, present))
    known = dict(zip(present, read, strict=True))
    return list(map(known.get, cells, repeat(math.nan)))


def _number(cell: Any, missing: frozenset[str]) -> float:
    return math.nan if is_missing(cell, missing) else number(cell)


def are_numbers(cells: Sequence[Any]) -> bool:
    """Whether each cell is a number."""
    return _floats(cells) is not None or all(map(is_number, cells))


def _floats(cells: Sequence[Any]) -> list[float] | None:
    """The cells as numbers, if that is plain to see of all of them at once: NaN of NaN, and of None."""
    kinds = set(map(type, cells))
    try:
        if kinds <= {str}:
            text = "\n".join(cells)
            strange = text.encode("utf-8", "surrogatepass").translate(None, _IN_NUMBERS)
            found = None if strange or _LONG_EXPONENT.search(text) else list(map(float, cells))
        elif kinds <= {float, int, NoneType}:
            found = [math.nan if cell is None else float(cell) for cell in cells]
        else:
            found = None
    except (ValueError, OverflowError):
        return None
    return None if found is None or math.inf in found or -math.inf in found else found
