"""Predictions for rows of a table by a model that expctl trained on one: the cells are read as in training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expctl.errors import DataError
from expctl.training.data import table as kind
from expctl.training.data.dataset import feature_frame
from expctl.training.data.table_formats import check_separator
from expctl.training.data.tables import shown_names
from expctl.training.fit.predict_batches import answer_names, answers, check_free
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from expctl.recipe import Recipe
    from expctl.training.data.table_formats import TableColumns

_NAMED = 3  # columns of unknown categories that are named


@dataclass
class RowCounts:
    """The rows that went by: how many are `empty`, without a cell that the model reads, and how many name a category
    that training never met, column by column.

    `known` are the categories of training; `first` has the first unknown one of each column.
    """

    known: Mapping[str, frozenset[str]]
    rows: int = 0
    empty: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, cells: TableColumns) -> None:
        """Count in some rows, as `read_cells` gives them."""
        rows = len(next(iter(cells.values()), []))
        self.rows += rows
        empty: Sequence[int] = range(rows)
        for values in cells.values():
            empty = [i for i in empty if (cell := values[i]) is None or cell == "" or cell != cell]
        self.empty += len(empty)
        for column, known in self.known.items():
            unknown = [cell for cell in cells[column] if cell is not None and cell not in known]
            if unknown:
                self.counts[column] = self.counts.get(column, 0) + len(unknown)
                self.first.setdefault(column, unknown[0])

    def told(self) -> Iterator[str]:
        """A sentence on each thing to warn of."""
        if self.empty:
            yield (
                f"{self.empty:,} of {self.rows:,} rows have no value in any column that the model reads: their"
                " predictions are one and the same"
            )
        if not self.counts:
            return
        most = sorted(self.counts, key=lambda column: -self.counts[column])
        named = [f"{column} in {self.counts[column]:,} ({self.first[column][:30]!r})" for column in most[:_NAMED]]
        more = f" and {plural(len(most) - _NAMED, 'more column')}" if len(most) > _NAMED else ""
        yield (
            f"categories unknown from training in {self.rows:,} rows: {', '.join(named)}{more};"
            " to the model they are infrequent ones, or none"
        )


def predicted_tables(
    estimator: Any,
    recipe: Recipe,
    chunks: Iterable[TableColumns],
    *,
    name: str,
    proba: bool = False,
    counts: RowCounts | None = None,
) -> Iterator[TableColumns]:
    """Each piece with a column `prediction`, and if `proba` one `proba_CLASS` a class; rows with missing cells too.

    `recipe` says which columns the model reads, and how; they are found by name, in any order. `counts` counts the
    rows as they go by. `name` stands for the table in errors. Raises UsageError if `proba` is asked of a model
    without, DataError if columns are missing, one to add is there, or a cell is not of its column's kind,
    TrainingFailed if the estimator raises.
    """
    names = answer_names(estimator, proba=proba)
    passed = 0
    for chunk in chunks:
        _require(chunk, kind.columns(recipe), name)
        shown = _beside(chunk, names, kind.columns(recipe))
        check_free(shown, names, name)
        try:
            cells = kind.read_rows(chunk, recipe, first=passed)
        except DataError as error:
            raise DataError(f"{name}: {error.message}", hint="the model reads it as in training") from error
        if counts is not None:
            counts.add(cells)
        rows = len(next(iter(chunk.values()), []))
        passed += rows
        added: TableColumns = {one: [] for one in names}
        if rows:
            added = answers(estimator, feature_frame(cells, range(rows)), names)
        yield {**shown, **added}


def _beside(chunk: TableColumns, added: Sequence[str], read: Sequence[str]) -> TableColumns:
    """The columns under the names that they have beside those which are added: `feature.NAME` where the model reads one
    of such a name, which nobody can rename then.
    """
    return {f"feature.{one}" if one in added and one in read else one: cells for one, cells in chunk.items()}


def _require(columns: TableColumns, wanted: list[str], name: str) -> None:
    """Raise DataError, naming all columns that are missing."""
    missing = [column for column in wanted if column not in columns]
    if not missing:
        return
    check_separator(list(columns), "csv", name)
    raise DataError(
        f"{name} lacks {plural(len(missing), 'column')} that the model reads: {shown_names(missing)}",
        hint=f"it has {shown_names(list(columns))}",
    )
