"""Rows with the same text: which they are, and choices of distinct texts made choices of rows. Knows no recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def numbered(hashes: np.ndarray) -> np.ndarray:
    """The number of each row's text, shape (n,): 0, 1, ... in the order in which the texts first come."""
    import numpy as np

    known: dict[bytes, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in hashes.tolist()], dtype=np.int64)


def first_rows(numbers: np.ndarray) -> np.ndarray:
    """The position of the first row of each text."""
    import numpy as np

    return np.unique(numbers, return_index=True)[1]


def rows_of(texts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The positions of all rows with these texts: in the order of `texts`, the copies of one in their own."""
    import numpy as np

    place = np.full(int(numbers.max()) + 1, -1, dtype=np.int64)
    place[texts] = np.arange(len(texts))
    chosen = np.flatnonzero(place[numbers] >= 0)
    return np.asarray(chosen[np.argsort(place[numbers[chosen]], kind="stable")])


def divisible(hashes: np.ndarray, labels: np.ndarray, *, dedupe: bool) -> tuple[np.ndarray, np.ndarray]:
    """What a split divides: the number of each row's unit, shape (n,), and the label of each unit.

    Every row is a unit; with `dedupe` every distinct text is one, with the label of its first copy.
    """
    import numpy as np

    if not dedupe:
        return np.arange(len(labels)), labels
    numbers = numbered(hashes)
    return numbers, labels[first_rows(numbers)]
