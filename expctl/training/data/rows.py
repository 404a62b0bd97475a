"""The rows that a model is trained and tested on. Knows nothing of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Rows:
    """Rows of a data file: `frame` is what a model reads (index: row number in the file), `labels` the truth.

    `hashes` are the `text_hashes` of the texts, as bytes: they stay when the texts are let go.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    hashes: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: list[int] | np.ndarray) -> Rows:
        """The rows at these positions."""
        return Rows(self.frame.iloc[positions], self.labels[positions], self.hashes[positions])
