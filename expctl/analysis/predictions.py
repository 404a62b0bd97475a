"""What a run said of its test rows, and which rows of two runs are the same. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

ScoreKind = Literal["probability", "decision", "none"]


@dataclass(frozen=True)
class RunPredictions:
    """The test-set predictions of a run, one entry a row.

    `rows`: row number in the data file, shape (n,). `keys`: text hashes, shape (n,), dtype S32. `labels` and
    `predicted`: positions in `classes`, shape (n,). `scores`: shape (n, k) or None; k is 1 for the decision between
    two classes, else the number of `score_classes`. `groups`: hashes as `keys`, the same of rows that belong together;
    None where none were recorded. `slices`: the cells of recorded columns by name, float64 (NaN: empty) or text.
    `values`: the classes in the type that was recorded.

    Of a `task` that is regression `labels` and `predicted` are the values themselves, float64, and there are no
    classes. `source` is the hash of the file that the rows are numbered in; None where nobody recorded it.
    """

    rows: np.ndarray
    keys: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    classes: Sequence[str]
    scores: np.ndarray | None = None
    score_kind: ScoreKind = "none"
    score_classes: Sequence[str] = ()
    groups: np.ndarray | None = None
    slices: Mapping[str, np.ndarray] = field(default_factory=dict)
    values: Sequence[str | float] = ()  # and int and bool, which are floats to mypy
    task: str = "classification"
    source: str | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Pairing:
    """The rows two runs share: `first` and `second` are their positions in each run, in the same order.

    `labels`, `first_predicted` and `second_predicted` are positions in `classes`. `groups` numbers the group of each
    row, of what either run recorded; None where neither did. Of a `task` that is regression labels and predictions are
    the values themselves.
    """

    first: np.ndarray
    second: np.ndarray
    labels: np.ndarray
    first_predicted: np.ndarray
    second_predicted: np.ndarray
    classes: Sequence[str]
    complete: bool
    groups: np.ndarray | None = None
    task: str = "classification"

    def __len__(self) -> int:
        return len(self.labels)


def pair(first: RunPredictions, second: RunPredictions) -> Pairing:
    """Match the rows of two runs by what the models read of them and the label, whatever their order; repeated rows as
    often as both have them. Models that read other columns of one file have its row numbers in common instead.

    `complete` says that every row of either run has its match. Runs of two tasks have no row in common.
    """
    import numpy as np

    if first.task != second.task:
        nothing = np.zeros(0, dtype=np.int64)
        return Pairing(nothing, nothing, nothing, nothing, nothing, [], complete=False, task=first.task)
    classes = sorted({*first.classes, *second.classes})
    labels, first_predicted, other_labels, second_predicted = (
        _recoded(codes, run, classes)
        for codes, run in (
            (first.labels, first),
            (first.predicted, first),
            (second.labels, second),
            (second.predicted, second),
        )
    )
    if len(first) == len(second) and (first.keys == second.keys).all() and (labels == other_labels).all():
        one = other = np.arange(len(first))
    else:
        one, other = _of_one_file(first, second, labels, other_labels) or _by_identity(
            first, second, labels, other_labels
        )
    complete = len(one) == len(first) == len(second)
    groups = joined(
        None if first.groups is None else first.groups[one], None if second.groups is None else second.groups[other]
    )
    return Pairing(
        one, other, labels[one], first_predicted[one], second_predicted[other], classes, complete, groups, first.task
    )


def _by_identity(
    first: RunPredictions, second: RunPredictions, labels: np.ndarray, other_labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    _, one, other = np.intersect1d(
        _identities(first.keys, labels),
        _identities(second.keys, other_labels),
        assume_unique=True,
        return_indices=True,
    )
    return one, other


def _of_one_file(
    first: RunPredictions, second: RunPredictions, labels: np.ndarray, other_labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """The rows with the same numbers, where both runs read one file, by other columns; None of any others.

    By the same columns a row has one hash in both, and rows are matched by these. The labels of all must agree.
    """
    import numpy as np

    if first.source is None or first.source != second.source:
        return None
    _, one, other = np.intersect1d(first.rows, second.rows, return_indices=True)
    if (first.keys[one] == second.keys[other]).all() or not (labels[one] == other_labels[other]).all():
        return None
    return one, other


def _recoded(codes: np.ndarray, run: RunPredictions, classes: Sequence[str]) -> np.ndarray:
    """Labels or predictions of a run as positions in `classes`; the values of a regression as they are."""
    import numpy as np

    if run.task == "regression":
        return codes
    position = {name: i for i, name in enumerate(classes)}
    recoded: np.ndarray = np.array([position[name] for name in run.classes], dtype=np.int64)[codes]
    return recoded


_PRIMES: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


def _identities(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A 64-bit number for each (text, label, how many times it came before): sortable a hundred times faster than text.

    Two different rows of a million get the same number with a probability of some 1e-7.
    """
    import numpy as np

    told = (labels + 0.0).view(np.uint64) if labels.dtype.kind == "f" else labels.astype(np.uint64)  # -0 is 0
    mixed = _mixed(keys, told * np.uint64(_PRIMES[4]))
    order = np.argsort(mixed, kind="stable")
    ranked = mixed[order]
    before = np.arange(len(ranked)) - np.searchsorted(ranked, ranked, side="left")
    repeats = np.empty(len(mixed), dtype=np.uint64)
    repeats[order] = before.astype(np.uint64)
    unique: np.ndarray = mixed + repeats * np.uint64(_PRIMES[1])
    return unique


def _mixed(keys: np.ndarray, mixed: np.ndarray) -> np.ndarray:
    import numpy as np

    words = np.ascontiguousarray(keys).view(np.uint64).reshape(len(keys), 4)
    for i in range(4):
        mixed = (mixed ^ words[:, i]) * np.uint64(_PRIMES[i])
        mixed ^= mixed >> np.uint64(29)
    return mixed


def group_numbers(names: np.ndarray) -> np.ndarray:
    """The number of each row's group, 0, 1, ..., shape (n,), by its name as in `RunPredictions`.

    It does not depend on the order of the rows.
    """
    import numpy as np

    numbers: np.ndarray = np.unique(_mixed(names, np.zeros(len(names), np.uint64)), return_inverse=True)[1]
    return numbers


def joined(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    """The number of each paired row's group, shape (n,), of what either run has recorded; None where neither has.

    Two rows that are of one group in either run are of one group here. Numbers do not depend on the order of the rows.
    """
    import numpy as np

    known = [one for one in (first, second) if one is not None]
    if not known:
        return None
    if len(known) == 1 or np.array_equal(known[0], known[1]):
        return group_numbers(known[0])
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = group_numbers(np.concatenate(known))
    one, other = np.split(codes, 2)
    size = int(codes.max()) + 1
    part = connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(size, size)), directed=False)[1]
    least = np.full(int(part.max()) + 1, size)
    np.minimum.at(least, part, np.arange(size))
    numbers: np.ndarray = np.unique(least[part[one]], return_inverse=True)[1]
    return numbers


def same_groups(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    """Whether two runs put the same rows, in one order, together: both by groups, or neither."""
    if first is None or second is None:
        return first is None and second is None
    import numpy as np

    one, other = group_numbers(first), group_numbers(second)
    pairs = len(np.unique(one * (int(other.max()) + 1) + other))
    return pairs == int(one.max()) + 1 == int(other.max()) + 1
