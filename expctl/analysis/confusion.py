"""Which classes a run takes for which, of many classes those that matter. Arrays in, counts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.predictions import RunPredictions

SHOWN: Final = 16  # classes side by side that can still be read
_MIXED_UP: Final = 15


@dataclass(frozen=True, slots=True)
class MixedUp:
    """Test rows of one class that are taken for another: how many in each of the runs."""

    label: str
    predicted: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Confusion matrices of several runs over the same classes.

    `counts`: of each run rows by label (outer) and prediction (inner), in the order of `classes`. Where there are too
    many, the classes with the fewest errors are `pooled`, that many of them, in a last row and column more than there
    are `classes`. `mixed_up`: the pairs of classes that are taken for each other most often.
    """

    classes: Sequence[str]
    pooled: int
    counts: Sequence[Sequence[Sequence[int]]]
    mixed_up: Sequence[MixedUp]


def confusion(runs: Sequence[RunPredictions]) -> Confusion:
    """The matrices of some runs, with the classes that any of them has."""
    import numpy as np

    classes = sorted({name for run in runs for name in run.classes})
    position = {name: i for i, name in enumerate(classes)}
    size = len(classes)
    tables = []
    for run in runs:
        known = np.array([position[name] for name in run.classes], dtype=np.int64)
        cells = np.bincount(known[run.labels] * size + known[run.predicted], minlength=size * size)
        tables.append(cells.reshape(size, size))
    wrong = sum(tables) * ~np.eye(size, dtype=bool)
    errors = wrong.sum(axis=0) + wrong.sum(axis=1)
    kept = np.arange(size) if size <= SHOWN else np.sort(np.argsort(-errors, kind="stable")[: SHOWN - 1])
    group = np.full(size, len(kept))
    group[kept] = np.arange(len(kept))
    return Confusion(
        [classes[i] for i in kept],
        size - len(kept),
        [_grouped(table, group, len(kept) + (size > len(kept))).tolist() for table in tables],
        [
            MixedUp(classes[i], classes[j], [int(table[i, j]) for table in tables])
            for i, j in (divmod(int(cell), size) for cell in np.argsort(-wrong.ravel(), kind="stable")[:_MIXED_UP])
            if wrong[i, j]
        ],
    )


def _grouped(table: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    import numpy as np

    found = np.zeros((size, size), dtype=np.int64)
    np.add.at(found, (group[:, None], group[None, :]), table)
    return found
