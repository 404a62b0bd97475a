"""Which rows of a data file are others than they were: by text hash and label, whatever their order. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np


@dataclass(frozen=True, slots=True)
class RowChanges:
    """What became of the rows: row numbers, counted from 0, of the file as it is now (`removed`: as it was).

    `relabelled` rows have a text that was there with another label, `altered` ones something else in the columns that
    are read. `order`, where all rows are there, are their positions now in the order in which they were; None where
    they are in that order.
    """

    added: Sequence[int] = ()
    removed: Sequence[int] = ()
    relabelled: Sequence[int] = ()
    altered: Sequence[int] = ()
    order: Sequence[int] | None = None

    @property
    def any(self) -> bool:
        """Whether a row is another than it was, wherever it stands."""
        return bool(self.added or self.removed or self.relabelled or self.altered)


@dataclass(frozen=True)
class RowKeys:
    """The rows of a data file by what they say: their numbers, `hashes` of the texts, `labels` and the rest as text.

    Shape (n,) each. The rest is "" where a recipe reads nothing else of a row.
    """

    rows: np.ndarray
    hashes: np.ndarray
    labels: Sequence[str]
    rest: Sequence[str]


def row_changes(before: RowKeys, after: RowKeys) -> RowChanges:
    """How the rows of a file differ from what they were. Repeated rows count as often as they stand there."""
    was = list(zip(before.hashes.tolist(), before.labels, before.rest, strict=True))
    now = list(zip(after.hashes.tolist(), after.labels, after.rest, strict=True))
    if was == now:
        return RowChanges()
    places = _places(now)
    found = [places[row].pop() if places.get(row) else None for row in was]
    order = [place for place in found if place is not None]
    came = {place for left in places.values() for place in left}
    if len(order) == len(was) and not came:
        return RowChanges(order=order)
    old, new = _by_text(was, (i for i, place in enumerate(found) if place is None)), _by_text(now, sorted(came))
    added: list[int] = []
    removed: list[int] = []
    relabelled: list[int] = []
    altered: list[int] = []
    for text in {**old, **new}:
        gone, here = old.get(text, []), new.get(text, [])
        both = min(len(gone), len(here))
        for then, place in zip(gone[:both], here[:both], strict=True):
            (altered if was[then][1] == now[place][1] else relabelled).append(place)
        added += here[both:]
        removed += gone[both:]
    return RowChanges(
        sorted(after.rows[added].tolist()),
        sorted(before.rows[removed].tolist()),
        sorted(after.rows[relabelled].tolist()),
        sorted(after.rows[altered].tolist()),
    )


_Row = tuple[bytes, str, str]


def _places(rows: Sequence[_Row]) -> dict[_Row, list[int]]:
    """Where each row stands, the first place last."""
    places: dict[_Row, list[int]] = defaultdict(list)
    for position in range(len(rows) - 1, -1, -1):
        places[rows[position]].append(position)
    return places


def _by_text(rows: Sequence[_Row], positions: Iterable[int]) -> dict[bytes, list[int]]:
    grouped: dict[bytes, list[int]] = defaultdict(list)
    for position in positions:
        grouped[rows[position][0]].append(position)
    return dict(grouped)
