"""Labels in several columns of 0 and 1, one a class: recognised where there is no label column, to say what to do.

They are not read as they are: a row has one label (see `tasks/class_labels.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from expctl.training.data.table_formats import TableColumns

_YES: Final = frozenset({"1", "1.0", "true"})
_NO: Final = frozenset({"0", "0.0", "false"})
_SHOWN: Final = 5  # classes that an error names


def check_class_columns(table: TableColumns, wanted: str, others: Collection[str], *, name: str) -> None:
    """Raise DataError, with what to do, where a table has no column `wanted` but one of 0 and 1 for each class.

    `others` are the columns that are read for something else; `name` stands for the table.
    """
    if wanted in table:
        return
    classes = {key: cells for key, cells in table.items() if key not in others and _is_indicator(cells)}
    if len(classes) < 2:
        return
    sums = [sum(_word(cell) in _YES for cell in row) for row in zip(*classes.values(), strict=True)]
    shown = ", ".join([*list(classes)[:_SHOWN], *(["..."] if len(classes) > _SHOWN else [])])
    told = f"{name} has no column {wanted!r}, but {len(classes)} of 0 and 1, one a class: {shown}"
    one = f"--target {next(iter(classes))} trains on one of them"
    if max(sums) > 1:
        raise DataError(
            f"{told}; some rows have several", hint=f"a row has one label: {one}, so train a model for each"
        )
    part = _in_pandas(list(table), list(classes))
    kept = "" if min(sums) == 1 else f".where({part}.any(axis=1))"
    raise DataError(told, hint=f"{one}; for all, in pandas: df[{wanted!r}] = {part}.idxmax(axis=1){kept}")


def _is_indicator(cells: Sequence[object]) -> bool:
    """Whether a column has both 0 and 1 and nothing else."""
    words = {_word(cell) for cell in cells}
    return words <= _YES | _NO and not words.isdisjoint(_YES) and not words.isdisjoint(_NO)


def _word(cell: object) -> str:
    return str(cell).strip().lower()


def _in_pandas(columns: Sequence[str], chosen: Sequence[str]) -> str:
    """The chosen columns of a data frame `df`: those beside each other by the first and the last of them."""
    first = columns.index(chosen[0])
    if list(columns[first : first + len(chosen)]) == list(chosen):
        return f"df.loc[:, {chosen[0]!r}:{chosen[-1]!r}]"
    return f"df[{list(chosen)!r}]"
