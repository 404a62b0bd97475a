"""The rows that a model is trained and tested on. Knows nothing of files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

SAMPLE_COLUMNS: Final = ("row", "label", "prediction")  # of a sample of predictions, beside those of the features
_FEATURE: Final = "feature."


@dataclass(frozen=True)
class Rows:
    """Rows of a data file: `frame` is what a model reads (index: row number in the file), `labels` the truth.

    `hashes` are what the rows are known again by (of texts their `text_hashes`), as bytes: they stay when the texts
    are let go. `groups`, of a recipe with a group column, are hashes too: rows with the same one belong together.
    `times`, of one with a time column, are numbers in the order of time.
    `slices` are cells of columns by which the rows are looked at apart.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    hashes: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    slices: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: list[int] | np.ndarray) -> Rows:
        """The rows at these positions."""
        groups, times = (None if one is None else one[positions] for one in (self.groups, self.times))
        slices = {name: cells[positions] for name, cells in self.slices.items()}
        return Rows(self.frame.iloc[positions], self.labels[positions], self.hashes[positions], groups, times, slices)


def text_hashes(texts: Sequence[str]) -> np.ndarray:
    """128-bit BLAKE2b digests of the texts, shape (n,), in hex as bytes: enough to recognise a text without it."""
    import numpy as np

    digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for text in texts)
    return np.array(list(digests), dtype="S32")


def sample_column(name: str) -> str:
    """What a feature is called in a sample of predictions: as in the data, `feature.NAME` where that means another."""
    own = name
    while own.startswith(_FEATURE):
        own = own.removeprefix(_FEATURE)
    return f"{_FEATURE}{name}" if own in SAMPLE_COLUMNS else name
