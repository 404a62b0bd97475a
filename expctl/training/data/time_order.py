"""Rows in the order of time: read from a column, the latest tested on, folds that go forward. No time is cut in two."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows

_SHOWN: Final = 5
_MICROSECOND: Final = timedelta(microseconds=1)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_times(cells: Sequence[Any], rows: Sequence[int], *, column: str, name: str) -> np.ndarray:
    """The times of rows as numbers that can be ordered, shape (n,): microseconds since 1970, or the numbers they are.

    `rows` are the positions of the rows in the file `name`; errors count them from 1. All cells are numbers, or all are
    dates or times in ISO 8601, with a time zone or all without. Raises DataError that names the rows of which none can
    be read.
    """
    import numpy as np

    numbers, times = ([_tried(read, cell) for cell in cells] for read in (_number, _moment))
    found = numbers if numbers.count(None) < times.count(None) else times
    wrong = [i for i, value in enumerate(found) if value is None]
    if wrong:
        raise _unreadable(wrong, cells, rows, column=column, name=name)
    if found is numbers:
        return np.array(numbers, dtype=np.float64)
    zoned = [value is not None and value.tzinfo is not None for value in times]
    if any(zoned) and not all(zoned):
        fewer = zoned.count(True) <= len(zoned) / 2
        odd = [i for i, one in enumerate(zoned) if one is fewer]
        raise DataError(
            f"{name}: times in {column!r} with and without a time zone: {_named(odd, cells, rows)}",
            hint="write all of them in one way",
        )
    utc = [value if value.tzinfo else value.replace(tzinfo=UTC) for value in times if value is not None]
    return np.array([(value - _BEGINNING) // _MICROSECOND for value in utc], dtype=np.int64)


def _tried(read: Callable[[Any], Any], cell: Any) -> Any:
    try:
        return read(cell)
    except (ValueError, TypeError, OverflowError):
        return None


def _number(cell: Any) -> float | None:
    if isinstance(cell, (bool, date)):
        return None
    number = float(cell)
    return number if math.isfinite(number) else None


def _moment(cell: Any) -> datetime | None:
    if isinstance(cell, datetime):
        return None if cell != cell else cell  # NaT
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    return datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else None


def _unreadable(wrong: list[int], cells: Sequence[Any], rows: Sequence[int], *, column: str, name: str) -> DataError:
    return DataError(
        f"{name}: {plural(len(wrong), 'row')} without a time in {column!r} that can be read:"
        f" {_named(wrong, cells, rows)}",
        hint="ISO 8601, such as 2024-05-31 or 2024-05-31T12:00, or numbers in all rows",
    )


def _named(places: list[int], cells: Sequence[Any], rows: Sequence[int]) -> str:
    def told(cell: Any) -> str:
        return "empty" if cell is None or cell != cell or not str(cell).strip() else repr(str(cell)[:40])

    some = ", ".join(f"row {rows[i] + 1:,} ({told(cells[i])})" for i in places[:_SHOWN])
    return some + (f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else "")


def latest(times: np.ndarray, share: float, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to train and to test on, in the order of time: the latest rows, as near as can be to that share.

    Between two rows of one time nothing is cut. The `gap` rows before the test set, and those of the same time as the
    earliest of them, are left out. Raises ValueError where nothing is left to train on.
    """
    import numpy as np

    order = np.argsort(times, kind="stable")
    ordered = times[order]
    cuts = 1 + np.flatnonzero(ordered[1:] != ordered[:-1])
    if not len(cuts):
        raise ValueError("all rows have one time")
    cut = int(cuts[np.argmin(np.abs(len(times) - cuts - share * len(times)))])
    end = _before(ordered, cut, gap)
    if not end:
        raise ValueError(f"a gap of {gap:,} leaves no row to train on")
    return order[:end], order[cut:]


def forward_folds(times: np.ndarray, folds: int, gap: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) positions of folds that go forward: each is measured on the rows that follow those it is fitted on.

    As `TimeSeriesSplit` of scikit-learn cuts them, but never between rows of one time, which go to the later side.
    Raises ValueError where there are too few times.
    """
    import numpy as np

    rows, size = len(times), len(times) // (folds + 1)
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    cuts = [int(np.searchsorted(ordered, ordered[rows - (folds - i) * size])) if size else 0 for i in range(folds)]
    ends = [_before(ordered, cut, gap) for cut in cuts]
    if not all(ends) or len(set(cuts)) < folds:
        raise ValueError(f"the times of {rows:,} training rows cannot make {folds} folds")
    return [(order[:end], order[cut:after]) for end, cut, after in zip(ends, cuts, [*cuts[1:], rows], strict=True)]


def time_folds(rows: Rows, recipe: Recipe) -> list[tuple[np.ndarray, np.ndarray]]:
    """The `forward_folds` of a recipe's training rows. What is fitted has no row of a group, and with `dedupe` no text,
    that is measured. Raises ValueError where nothing is left to fit.
    """
    import numpy as np

    assert rows.times is not None
    assert recipe.cv is not None
    kept_apart = [one for one in (rows.groups, rows.hashes if recipe.dedupe else None) if one is not None]
    folds = []
    for fitted, measured in forward_folds(rows.times, recipe.cv, recipe.gap or 0):
        for marks in kept_apart:
            fitted = fitted[~np.isin(marks[fitted], marks[measured])]
        if not len(fitted):
            raise ValueError(f"of {recipe.cv} folds one has no row to be fitted on")
        folds.append((fitted, measured))
    return folds


def _before(ordered: np.ndarray, cut: int, gap: int) -> int:
    """How many rows there are before the gap before a cut."""
    import numpy as np

    end = max(cut - gap, 0)
    return int(np.searchsorted(ordered, ordered[end])) if gap else end
