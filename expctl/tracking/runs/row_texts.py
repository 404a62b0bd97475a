"""The texts of recorded test rows. A run holds their hashes and row numbers; the texts are in its data file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.stored import read_stored
from expctl.training.data.table_formats import layout_of
from expctl.training.data.text import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.flips import Flip
    from expctl.records import RunRecord
    from expctl.training.data.table_formats import TableColumns

_COLUMNS: Final = 4  # of a table, by which people know a row


def with_texts(run: RunRecord, flips: Sequence[Flip]) -> list[tuple[Flip, str | None]]:
    """Each flip with its text, of a table with its first columns; None where the data is gone or has changed since."""
    texts = _texts(run) if flips else None
    return [(flip, None if texts is None or flip.row >= len(texts) else texts[flip.row]) for flip in flips]


def _texts(run: RunRecord) -> list[str | None] | None:
    """What people know the rows by, of the file the run was tested on, if it is there and the same."""
    found = read_data(run)
    if found is None:
        return None
    table, recipe = found
    try:
        if recipe.columns is None:
            return [as_text(value) for value in table[recipe.text_column]]
        names = list(recipe.columns)[:_COLUMNS]
        return [_described(names, cells) for cells in zip(*(table[name] for name in names), strict=True)]
    except (KeyError, DataError):
        return None


def _described(names: Sequence[str], cells: Sequence[object]) -> str:
    return ", ".join(f"{name} {as_text(cell) or '-'}" for name, cell in zip(names, cells, strict=True))


def read_data(run: RunRecord) -> tuple[TableColumns, Recipe] | None:
    """The file that a run was tested on, and its recipe, if the file is there and the same, byte for byte."""
    try:
        recipe = Recipe.from_json(run.recipe_json or "")
        path = recipe.test_data or recipe.data
        stored = read_stored(path)
        recorded = run.params["test_data_hash" if recipe.test_data else "data_hash"]
        if stored.digest != recorded:
            return None
        return stored.table(recipe.encoding, layout_of(recipe.delimiter, recipe.names)), recipe
    except (KeyError, ValueError, TypeError, DataError):
        return None
