"""Columns by which test rows are sliced: their cells as they are recorded beside the predictions. Knows no run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from expctl.training.data.tables import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.training.data.table_formats import TableColumns

LENGTH: Final = "length"  # where no column has this name: characters of the text


def slice_names(text: str | None) -> list[str]:
    """The columns that a recipe's option `slice` names, once each."""
    return list(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def slice_cells(
    table: TableColumns, column: str, texts: Sequence[str], kept: Sequence[int], *, name: str, option: str
) -> np.ndarray:
    """The cells of a column in the rows `kept`, of which `texts` are the texts: numbers where all that are there are.

    Shape (n,), float64 with NaN for empty cells, or objects: text, "" for empty cells. Raises DataError for a column
    that the file `name` does not have.
    """
    import numpy as np

    if column not in table and column == LENGTH:
        return np.array([len(text) for text in texts], dtype=np.float64)
    require(list(table), column, name=name, option=option, also=[LENGTH])
    cells = [_bare(table[column][i]) for i in kept]
    numbers = _numbers(cells)
    if numbers is not None:
        return np.array(numbers, dtype=np.float64)
    return np.array(["" if cell is None else str(cell).strip() for cell in cells], dtype=object)


def _bare(cell: Any) -> Any:
    return None if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()) else cell


def _numbers(cells: Sequence[Any]) -> list[float] | None:
    """The cells as floats, NaN for those that are empty; None if any is no finite number, or all are empty."""
    if any(isinstance(cell, bool) for cell in cells) or all(cell is None for cell in cells):
        return None
    try:
        numbers = [math.nan if cell is None else float(cell) for cell in cells]
    except (TypeError, ValueError):
        return None
    return None if any(math.isinf(number) for number in numbers) else numbers
