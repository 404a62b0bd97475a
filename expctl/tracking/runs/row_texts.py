"""The texts of recorded test rows. A run holds their hashes and row numbers; the texts are in its data file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.training.data.stored import read_stored
from expctl.training.data.table_formats import layout_of
from expctl.training.data.text import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.flips import Flip
    from expctl.records import RunRecord
    from expctl.training.data.table_formats import TableColumns


def with_texts(run: RunRecord, flips: Sequence[Flip]) -> list[tuple[Flip, str | None]]:
    """Each flip with its text, None where the data is gone or has changed since the run."""
    texts = _texts(run) if flips else None
    return [(flip, None if texts is None or flip.row >= len(texts) else texts[flip.row]) for flip in flips]


def _texts(run: RunRecord) -> list[str | None] | None:
    """The text column of the file the run was tested on, if it is there and the same."""
    found = read_data(run)
    if found is None:
        return None
    table, recipe = found
    try:
        return [as_text(value) for value in table[recipe.text_column]]
    except (KeyError, DataError):
        return None


def read_data(run: RunRecord) -> tuple[TableColumns, Recipe] | None:
    """The file that a run was tested on, and its recipe, if the file is there and the same, byte for byte."""
    try:
        recipe = Recipe.from_json(run.tags[Tag.RECIPE])
        path = recipe.test_data or recipe.data
        stored = read_stored(path)
        recorded = run.params["test_data_hash" if recipe.test_data else "data_hash"]
        if stored.digest != recorded:
            return None
        return stored.table(recipe.encoding, layout_of(recipe.delimiter, recipe.names)), recipe
    except (KeyError, ValueError, TypeError, DataError):
        return None
