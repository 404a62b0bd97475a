"""Which columns of a table could be its texts and its labels, where those that were named are not there.

Nobody trains on what is found here: it stands in an error, as the command that would work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from expctl.training.data.table_formats import TableColumns

ROWS: Final = 10_000  # the first ones are looked at
_LONG: Final = 15  # characters that a text has at least, on average
_LONGER: Final = 2  # times as long as those of any other such column
_PER_CLASS: Final = 3  # rows that a class has at least, on average
_A_LABEL: Final = 50  # characters: no name of a class is longer


def likely_text(table: TableColumns, besides: Collection[str] = ()) -> str | None:
    """The one column of long, mostly different strings: of several, the one of strings twice as long as the others'."""
    lengths = {}
    for name, cells in table.items():
        words = _words(cells)
        if name in besides or not words or len(set(words)) * 2 < len(words):
            continue
        length = sum(map(len, words)) / len(words)
        if length >= _LONG:
            lengths[name] = length
    ordered = sorted(lengths, key=lambda name: -lengths[name])
    if len(ordered) > 1 and lengths[ordered[0]] < _LONGER * lengths[ordered[1]]:
        return None
    return ordered[0] if ordered else None


def likely_label(table: TableColumns, besides: Collection[str] = ()) -> str | None:
    """The one column with few values, of which there are two or more; None if several columns have few."""
    found = [name for name, cells in table.items() if name not in besides and _has_few_values(cells[:ROWS])]
    return found[0] if len(found) == 1 else None


def _has_few_values(cells: Sequence[Any]) -> bool:
    values = [str(cell) for cell in cells if isinstance(cell, (str, int)) and str(cell).strip()]
    distinct = set(values)
    return (
        2 <= len(distinct) <= len(cells) / _PER_CLASS
        and len(values) * 2 >= len(cells)
        and max(map(len, distinct)) <= _A_LABEL
    )


def _words(cells: Sequence[Any]) -> list[str]:
    """The texts of a column of which at least half the cells are texts."""
    words = [cell for cell in cells[:ROWS] if isinstance(cell, str) and cell.strip()]
    return words if len(words) * 2 >= len(cells[:ROWS]) else []
