"""Rows of two runs by (label, prediction of A, prediction of B): all that their labels tell. Counts in, counts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np

    from expctl.analysis.predictions import Pairing

    Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, np.ndarray]]

_DRAWS: Final = (150, 10_000)
_CELLS_DRAWN: Final = 4_000_000  # cells times draws: 0.2 s
_CHUNK: Final = 4_000_000


@dataclass(frozen=True)
class JointTable:
    """Counts of rows by (label, prediction of A, prediction of B): the cells that occur, shape (cells,) each."""

    label: np.ndarray
    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray
    classes: int

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts.sum())


def joint_table(pairing: Pairing) -> JointTable:
    """Count the paired rows."""
    import numpy as np

    size = len(pairing.classes)
    codes = (pairing.labels * size + pairing.first_predicted) * size + pairing.second_predicted
    cells, counts = np.unique(codes, return_counts=True)
    rest, second = np.divmod(cells, size)
    label, first = np.divmod(rest, size)
    return JointTable(label, first, second, counts, size)


def sizes(cells: int) -> Iterator[int]:
    """How often a table of so many cells is drawn, in pieces that fit into memory."""
    least, most = _DRAWS
    left = int(min(most, max(least, _CELLS_DRAWN // max(1, cells))))
    while left:
        size = min(left, max(1, _CHUNK // max(1, cells)))
        yield size
        left -= size


def counts_by_class(
    label: np.ndarray, predicted: np.ndarray, drawn: np.ndarray, classes: int
) -> tuple[np.ndarray, ...]:
    """(hits, predicted, actual) by class, each of shape (resamples, classes), for `metrics_from_counts`."""
    (found,) = counts_of_each(label, (predicted,), drawn, classes)
    return found


def counts_of_each(
    label: np.ndarray, predicted: Sequence[np.ndarray], drawn: np.ndarray, classes: int
) -> list[tuple[np.ndarray, ...]]:
    """The same of several models on the same rows, whose labels are counted once."""
    import numpy as np

    every = np.arange(len(label))
    actual = _summed(drawn, every, label, classes)
    return [
        (
            _summed(drawn, np.flatnonzero(label == said), label, classes),
            _summed(drawn, every, said, classes),
            actual,
        )
        for said in predicted
    ]


def _summed(drawn: np.ndarray, chosen: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The chosen columns of `drawn` added up by group, shape (resamples, groups)."""
    import numpy as np

    sums = np.zeros((len(drawn), groups))
    if len(chosen):
        order = chosen[np.argsort(group[chosen], kind="stable")]
        present, starts = np.unique(group[order], return_index=True)
        as_it_is = len(order) == drawn.shape[1] and bool((np.diff(order) == 1).all())
        columns = drawn if as_it_is else drawn.take(order, axis=1)
        sums[:, present] = np.add.reduceat(columns, starts, axis=1)
    return sums
