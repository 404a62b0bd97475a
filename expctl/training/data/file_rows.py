"""Which rows of a data file predictions are of: known by what identifies them there, never by their position.

By the numbers of its rows a run is compared with a training on the same file, which knows them by other columns.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from expctl.training.data.cells import is_number
from expctl.training.data.rows import text_hashes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from expctl.training.data.predictions_table import PredictionsTable
    from expctl.training.data.table_formats import TableColumns


def rows_in(data: TableColumns, table: PredictionsTable) -> np.ndarray | None:
    """The numbers of the predictions' rows in a data file, from 0, shape (n,); None where that is not plain.

    They are those that the predictions say, or are identified by a column of the file that is different in each row, by
    the numbers of its rows, or by all of its columns but the target; and the file has their labels at these rows.
    """
    labels = [_value(one) for one in table.predictions.labels.tolist()]
    different = set(labels)
    columns = {name: list(map(_value, cells)) for name, cells in data.items()}
    targets = {name: values for name, values in columns.items() if different <= set(values)}
    if not targets:
        return None
    for rows in _candidates(data, table, targets):
        if any(
            all(values[row] == label for row, label in zip(rows, labels, strict=True)) for values in targets.values()
        ):
            return rows
    return None


def _value(cell: Any) -> float | str:
    """A cell as it is compared with a label, whichever file either comes from."""
    if isinstance(cell, bool) or cell is None:
        return str(cell).lower()
    if is_number(cell):
        return float(cell)
    text = str(cell).strip()
    return text.lower() if text.lower() in ("true", "false") else text


def _candidates(data: TableColumns, table: PredictionsTable, targets: TableColumns) -> Iterator[np.ndarray]:
    size = len(next(iter(data.values())))
    if table.numbered and table.rows.max() < size:
        yield table.rows
    for keys in _identities(data, targets, size):
        rows = _places(table.hashes, keys)
        if rows is not None:
            yield rows


def _identities(data: TableColumns, targets: TableColumns, size: int) -> Iterator[np.ndarray]:
    """By what the rows of a file may have been identified (see `predictions_table`), shape (size,), dtype S32 each."""
    for cells in data.values():
        words = list(map(str, cells))
        if len(set(words)) == size:
            yield text_hashes(words)
    yield text_hashes(list(map(str, range(size))))
    for target in targets:
        others = [cells for name, cells in data.items() if name != target]
        if len(others) > 1:
            rows = zip(*others, strict=True)
            yield text_hashes([json.dumps([str(one) for one in row], ensure_ascii=False) for row in rows])


def _places(hashes: np.ndarray, keys: np.ndarray) -> np.ndarray | None:
    """Where each of the hashes is among the keys; None if one is not, or stands there more than once."""
    import numpy as np

    different, first, counts = np.unique(keys, return_index=True, return_counts=True)
    found = np.minimum(np.searchsorted(different, hashes), len(different) - 1)
    if (different[found] != hashes).any() or (counts[found] > 1).any():
        return None
    rows: np.ndarray = first[found].astype(np.int64)
    return rows
