"""Values as text that programs read, exactly: CSV, TSV, JSON. Knows nothing of sheets, stores or screens."""

from __future__ import annotations

import csv
import json
import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# Controls beyond those that JSON escapes itself, line separators, and what turns the direction of writing: U+009B is
# the beginning of a command to many terminals. They stand within texts alone, and an escape means the same there.
_OBEYED: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

# What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = frozenset("=+-@\t\r")


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], str] | None = None) -> str:
    """A value as JSON that people can read, but for the characters that a terminal or an editor would obey."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def exact(cell: Any) -> Any:
    """A value as JSON holds it, unrounded. NaN and infinities, which JSON has not, are their names as text."""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    return cell


class _Echo:
    """A file whose `write` hands the line back, so that csv's `writerow` returns it."""

    def write(self, line: str) -> str:
        return line


def csv_text(rows: Iterable[Iterable[Any]], *, formulas: str) -> str:
    """Rows as lines of CSV, headers included: a name of a column comes from elsewhere too."""
    # Until Python 3.13 csv quotes a cell with a carriage return only if that is part of the line's end.
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    # Most cells are texts that stand as they are: of a million rows, asking more of each took longer than the model.
    lines = (
        writer.writerow(
            [
                cell if cell.__class__ is str and cell[:1] not in _FORMULA else _csv_cell(exact(cell), formulas)
                for cell in row
            ]
        )
        for row in rows
    )
    return "".join([line.removesuffix("\r\n") + "\n" for line in lines])


def tsv_text(rows: Iterable[Iterable[Any]], *, formulas: str) -> str:
    """Rows as lines of TSV, where a quote is a character like any other; no cell may have a tab or a line end."""

    def cell(value: Any) -> str:
        tamed = _csv_cell(exact(value), formulas)
        return "" if tamed is None else str(tamed)

    return "".join("\t".join(map(cell, row)) + "\n" for row in rows)


def _csv_cell(value: Any, formulas: str) -> Any:
    """A value for a CSV cell: booleans as true/false, formulas tamed unless `formulas` is "keep"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in _FORMULA and formulas != "keep" and not _is_number(value):
        return "'" + value
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) or text == "-Infinity"
    except ValueError:
        return text == "-Infinity"
