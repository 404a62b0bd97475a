"""Parts of the training rows, each half of the next, in which every class has its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def doubling_sizes(rows: int, points: int, *, least: int) -> list[int]:
    """At most `points` numbers of rows, each about twice the one before, the last all `rows`; none below `least`."""
    sizes = [round(rows / 2**i) for i in range(points)]
    return sorted({size for size in sizes if size >= least} | {rows})


def shared_order(labels: np.ndarray, seed: tuple[int, int], *, groups: np.ndarray | None = None) -> np.ndarray:
    """Positions of all rows, shuffled, so that the first of them, however many, have each class in its share.

    By it a smaller part is within every larger one. The rarest classes come early enough to be in every part.
    With `groups`, numbered, one group comes after the other, in random order, whatever its classes: half of the rows of
    every author are not half of the authors.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    if groups is not None:
        whole: np.ndarray = np.argsort(generator.permutation(int(groups.max()) + 1)[groups], kind="stable")
        return whole
    places = np.empty(len(labels))
    for name in np.unique(labels):
        positions = generator.permutation(np.flatnonzero(labels == name))
        places[positions] = (np.arange(len(positions)) + generator.random()) / len(positions)
    order: np.ndarray = np.argsort(places, kind="stable")
    return order
