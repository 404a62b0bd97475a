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

    `relabelled` rows have a text that was there with another label. `moved`: all rows are there, in another order.
    """

    added: Sequence[int]
    removed: Sequence[int]
    relabelled: Sequence[int]
    moved: bool

    @property
    def any(self) -> bool:
        """Whether a row was added, removed or relabelled."""
        return bool(self.added or self.removed or self.relabelled)


@dataclass(frozen=True)
class RowKeys:
    """The rows of a data file by what they say: `hashes` of the texts and `labels` as text, both shape (n,)."""

    rows: np.ndarray
    hashes: np.ndarray
    labels: np.ndarray


def row_changes(before: RowKeys, after: RowKeys) -> RowChanges:
    """How the rows of a file differ from what they were. Repeated rows count as often as they stand there."""
    was = list(zip(before.hashes.tolist(), before.labels.tolist(), strict=True))
    now = list(zip(after.hashes.tolist(), after.labels.tolist(), strict=True))
    if was == now:
        return RowChanges((), (), (), moved=False)
    gone, came = _unmatched(was, now)
    added: list[int] = []
    removed: list[int] = []
    relabelled: list[int] = []
    for text in {**gone, **came}:
        old, new = gone.get(text, []), came.get(text, [])
        both = min(len(old), len(new))
        relabelled += new[:both]
        added += new[both:]
        removed += old[both:]
    return RowChanges(
        sorted(after.rows[added].tolist()),
        sorted(before.rows[removed].tolist()),
        sorted(after.rows[relabelled].tolist()),
        moved=not (gone or came),
    )


_Row = tuple[bytes, str]


def _unmatched(was: Sequence[_Row], now: Sequence[_Row]) -> tuple[dict[bytes, list[int]], dict[bytes, list[int]]]:
    """The positions, by text, of rows that only the one or the other side has, or has more often."""
    places: dict[_Row, list[int]] = defaultdict(list)
    for position in range(len(was) - 1, -1, -1):
        places[was[position]].append(position)
    came: list[tuple[bytes, int]] = []
    for position, row in enumerate(now):
        if places.get(row):
            places[row].pop()
        else:
            came.append((row[0], position))
    gone = [(text, position) for (text, _), positions in places.items() for position in positions]
    return _by_text(gone), _by_text(came)


def _by_text(found: Iterable[tuple[bytes, int]]) -> dict[bytes, list[int]]:
    grouped: dict[bytes, list[int]] = defaultdict(list)
    for text, position in sorted(found, key=lambda one: one[1]):
        grouped[text].append(position)
    return dict(grouped)
