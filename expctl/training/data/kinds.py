"""The table of the kinds of features, and what a kind has to say. Names only; imports nothing heavy.

To add one: a module beside `text.py` with what `FeatureKind` lists, and one entry here. Whoever trains, sweeps or
records asks `features_of(recipe)`, and knows no kind itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.data.rows import Rows
    from expctl.training.data.table_formats import TableColumns

KINDS: Final = {"text": "expctl.training.data.text", "table": "expctl.training.data.table"}
DEFAULT: Final = "text"


class FeatureKind(Protocol):
    """How the columns of a table become what a model reads. A module of these names is one."""

    @property
    def NOUN(self) -> str:  # noqa: N802
        """What a row's features are called in messages."""

    @property
    def COLUMN_OPTION(self) -> str:  # noqa: N802
        """The option that names the columns."""

    @property
    def COUNT_KEYS(self) -> tuple[str, ...]:  # noqa: N802
        """The parameters that decide what `count` gives; trials that agree in them share it."""

    @property
    def WIDEST_KEY(self) -> str | None:  # noqa: N802
        """The parameter whose largest value counts for all smaller ones too."""

    def columns(self, recipe: Recipe) -> list[str]:
        """The columns that a recipe's features are made of."""

    def inputs(self, recipe: Recipe) -> list[str]:
        """The columns that a model reads, which `read_cells` gives."""

    def read_cells(self, table: TableColumns, recipe: Recipe) -> tuple[TableColumns, list[bool]]:
        """The cells of `columns` as a model reads them, and which rows have none and are left out. Raises DataError."""

    def row_hashes(self, cells: TableColumns) -> np.ndarray:
        """What a row is known again by, shape (n,), as 32 hexadecimal digits in bytes: equal rows have equal hashes."""

    def build_transformers(self, recipe: Recipe) -> list[tuple[str, Any, Any]]:
        """Name, unfitted transformer and columns of each, as ColumnTransformer takes them."""

    def check_fit(self, pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> None:
        """Raise DataError or UsageError if an unfitted pipeline could not be fitted on these rows."""

    def after_fit(self, pipeline: Pipeline) -> None:
        """Put a fitted pipeline in the form in which it is kept; it predicts the same."""

    def unknown_shares(self, pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> np.ndarray | None:
        """The share of each row that a fitted pipeline never met in training; None if it does not tell."""

    def share_metrics(self, shares: np.ndarray) -> dict[str, float]:
        """The metrics of these shares."""

    def sample(self, frame: pd.DataFrame, recipe: Recipe) -> dict[str, np.ndarray]:
        """The columns by which people recognise a row in a sample of predictions."""

    def schema(self, recipe: Recipe) -> dict[str, object]:
        """What the data set's entity says of the feature columns."""

    def count(
        self,
        recipe: Recipe,
        frames: Sequence[pd.DataFrame],
        labels: np.ndarray,
        parts: Iterable[tuple[np.ndarray, np.ndarray]],
    ) -> Any:
        """What many trainings on these rows need counted or prepared once; None if nothing is.

        `parts` are positions in the rows of all `frames`: those that a training is fitted on, those it is measured on.
        `labels` are those of the first frame, the training rows.
        """

    def counted(
        self, pipeline: Pipeline, counts: Any, part: int, parameters: Mapping[str, Value]
    ) -> AbstractContextManager[np.ndarray | None]:
        """In the block, a pipeline reads its part of `counts` in place of the rows; gives their `unknown_shares`."""

    def emptied(self, rows: Rows, keep: np.ndarray, recipe: Recipe) -> Rows:
        """The rows without what nobody reads once it is counted, but for those at the positions `keep`."""


def load_kind(name: str) -> FeatureKind:
    """The kind of that name in the table."""
    return cast(FeatureKind, importlib.import_module(KINDS[name]))


def features_of(recipe: Recipe) -> FeatureKind:
    """The kind of a recipe's features: a text, or the columns of a table."""
    return load_kind(DEFAULT if recipe.columns is None else "table")
