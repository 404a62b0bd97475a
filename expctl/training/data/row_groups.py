"""Rows that belong together, such as those of one author: read from a column, and kept on one side of every split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from expctl.errors import DataError, mask_secrets
from expctl.training.data.duplicates import divisible, numbered
from expctl.training.data.rows import text_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows


def group_names(cells: Sequence[Any]) -> list[str]:
    """The cells of a group column as text, the same in every file format; "" where there is none."""
    names = []
    for cell in cells:
        if cell is None or cell != cell:
            names.append("")
        elif isinstance(cell, float) and cell.is_integer():
            names.append(str(int(cell)))
        else:
            names.append(str(cell).strip())
    return names


def group_hashes(names: Sequence[str], hashes: np.ndarray, labels: np.ndarray, *, side: str) -> np.ndarray:
    """What each row's group is known by, shape (n,), as `text_hashes`.

    A row without a group is one by itself: known by its file (`side`), text, label, and how often it came before, so
    that the order of the rows does not matter.
    """
    seen: dict[tuple[bytes, str], int] = {}
    marked = []
    for name, text, label in zip(names, hashes.tolist(), labels.tolist(), strict=True):
        if name:
            marked.append(name)
            continue
        key = (text, str(label))
        seen[key] = seen.get(key, 0) + 1
        marked.append(f"\0{side}\0{text.decode()}\0{label}\0{seen[key]}")
    return text_hashes(marked)


def units_of(rows: Rows, recipe: Recipe) -> np.ndarray:
    """The number of what each row must stay with, shape (n,): 0, 1, ... in the order in which they first come.

    Its group; with `dedupe` the groups that share a text are one.
    """
    import numpy as np

    assert rows.groups is not None
    groups = numbered(rows.groups)
    if not recipe.dedupe:
        return groups
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    texts = numbered(rows.hashes) + int(groups.max()) + 1
    size = int(texts.max()) + 1
    together = coo_array((np.ones(len(groups)), (groups, texts)), shape=(size, size))
    return numbered(connected_components(together, directed=False)[1][groups])


def unit_count(rows: Rows, recipe: Recipe) -> int:
    """How many things a split of these rows divides: rows, distinct texts, or groups."""
    if rows.groups is not None:
        return int(units_of(rows, recipe).max()) + 1
    return len(divisible(rows.hashes, rows.labels, dedupe=recipe.dedupe)[1])


def unit_labels(rows: Rows, recipe: Recipe) -> np.ndarray:
    """The label of each thing that a split divides; of a group each label that it has, once."""
    import numpy as np

    if rows.groups is None:
        return divisible(rows.hashes, rows.labels, dedupe=recipe.dedupe)[1]
    classes, codes = np.unique(rows.labels, return_inverse=True)
    pairs = np.unique(units_of(rows, recipe) * len(classes) + codes)
    labels: np.ndarray = classes[pairs % len(classes)]
    return labels


def drawn_groups(units: np.ndarray, strata: np.ndarray | None, share: float, seed: int) -> np.ndarray:
    """Which rows a random split of whole groups tests on, shape (n,), bool.

    The groups come in random order, and one is tested on if that brings the rows of each class (without `strata`: all
    rows) nearer to `share` of them, by the sum of the squared distances, each divided by the rows of the class. So the
    test set is as near to its size, and to the classes' shares, as the groups allow, and a group that is larger than
    the test set is trained on. `GroupShuffleSplit` of scikit-learn takes a share of the groups, whatever their sizes;
    `StratifiedGroupKFold` makes shares of 1 / k. Each side has a group at least; raises ValueError for a single one.
    """
    import numpy as np

    groups = int(units.max()) + 1
    if groups < 2:
        raise ValueError("all rows are of one group")
    classes, codes = np.unique(np.zeros(len(units)) if strata is None else strata, return_inverse=True)
    sizes = np.bincount(units * len(classes) + codes, minlength=groups * len(classes)).reshape(groups, -1)
    total = sizes.sum(axis=0)
    left = share * total
    order = np.random.default_rng(seed).permutation(groups)
    taken = np.zeros(groups, dtype=bool)
    for group in order.tolist():
        size = sizes[group]
        if (size * (2 * left - size) / total).sum() > 0:
            taken[group] = True
            left = left - size
    rows = sizes.sum(axis=1)[order]
    if not taken.any():
        taken[order[int(rows.argmin())]] = True
    elif taken.all():
        taken[order[int(rows.argmin())]] = False
    tested: np.ndarray = taken[units]
    return tested


def split_groups(rows: Rows, strata: np.ndarray | None, recipe: Recipe) -> tuple[Rows, Rows]:
    """Training and test rows by `drawn_groups`, each in the order of the file. Raises DataError for a single group."""
    import numpy as np

    assert recipe.test_size is not None
    try:
        tested = drawn_groups(units_of(rows, recipe), strata, recipe.test_size, recipe.random_state)
    except ValueError as error:
        raise DataError(
            f"{mask_secrets(recipe.data)}: {error}, by {recipe.group_column!r}", hint="--group-column"
        ) from error
    return rows.take(np.flatnonzero(~tested)), rows.take(np.flatnonzero(tested))


def without_tested_groups(train: Rows, test: Rows) -> Rows:
    """The training rows whose group is not in the test set. Raises DataError if there are none."""
    import numpy as np

    assert train.groups is not None
    assert test.groups is not None
    kept = np.flatnonzero(~np.isin(train.groups, test.groups))
    if not len(kept):
        raise DataError("every training row is of a group of the test set", hint="another test set or --group-column")
    return train.take(kept)
