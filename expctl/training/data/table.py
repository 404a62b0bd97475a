"""The columns of a table as features: numbers, categories, texts and times, each read as its kind is.

The members are those of `FeatureKind`; which column is of which kind is decided in `column_kinds.py`.
"""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError
from expctl.training.data import cells as read
from expctl.training.data import text
from expctl.training.data.column_kinds import missing_words
from expctl.training.data.rows import text_hashes
from expctl.training.models.families import families_of, is_factory
from expctl.training.models.preparation import CATEGORICAL
from expctl.training.models.steps import fitted_transformer, fitted_transformers, unfitted_transformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.data.rows import Rows
    from expctl.training.data.table_formats import TableColumns

NOUN: Final = "row"
COLUMN_OPTION: Final = "--features"
COUNT_KEYS: Final = ()
WIDEST_KEY: Final = None
# The numbers that a date-time column is read as, each a column of its own.
TIME_PARTS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "weekday": lambda time: time.weekday(),
    "hour": lambda time: time.hour,
}
_SHOWN: Final = 12  # columns of a row in a sample of predictions


def columns(recipe: Recipe) -> list[str]:
    """The columns of the data that the model reads."""
    return list(recipe.columns or {})


def inputs(recipe: Recipe) -> list[str]:
    """The same, a date-time column as its parts."""
    return [one for name, kind in (recipe.columns or {}).items() for one in parts(name, kind)]


def parts(name: str, kind: str) -> list[str]:
    """The columns that the model reads of one of the data."""
    return [f"{name}.{part}" for part in TIME_PARTS] if kind == "datetime" else [name]


def read_cells(table: TableColumns, recipe: Recipe) -> tuple[TableColumns, list[bool]]:
    """Numbers as floats, NaN where one is missing; categories as text or None; texts, empty where one is missing.

    No row is left out. Raises DataError, with the row, for a cell that its column's kind does not allow.
    """
    found = read_rows(table, recipe)
    return found, [False] * len(next(iter(found.values()), []))


def read_rows(table: TableColumns, recipe: Recipe, *, first: int = 0) -> TableColumns:
    """The cells as `read_cells` gives them; `first` is the number of the first row, where others were before it."""
    given = missing_words(recipe.missing)
    found: TableColumns = {}
    for name, kind in (recipe.columns or {}).items():
        cells = _read(name, kind, table[name], given, first)
        twice = next((one for one in cells if one in found), None)
        if twice is not None:
            raise DataError(
                f"column {twice!r} is called as a part of the date-time column {name!r} is",
                hint=f"--drop {shlex.quote(twice)}, or --as {shlex.quote(f'{name}=categorical')}",
            )
        found |= cells
    return found


def _read(name: str, kind: str, values: Sequence[Any], given: frozenset[str] | None, first: int) -> TableColumns:
    try:
        if kind == "numeric":
            return {name: [_number(cell, given or read.MISSING) for cell in values]}
        if kind == "datetime":
            times = [None if read.is_missing(cell, given or read.MISSING) else read.moment(cell) for cell in values]
            return {
                f"{name}.{part}": [float("nan") if time is None else float(of(time)) for time in times]
                for part, of in TIME_PARTS.items()
            }
    except ValueError as error:
        row = first + next(i for i, cell in enumerate(values) if not _is_of(kind, cell, given or read.MISSING))
        raise DataError(f"column {name!r}, row {row + 1:,}: {error}", hint=f"--as {name}=categorical") from error
    nested = next((cell for cell in values if isinstance(cell, (list, dict, bytes))), None)
    if nested is not None:
        raise DataError(f"column {name!r} holds a {type(nested).__name__}", hint=f"--drop {name}")
    words = given or read.BLANK
    if kind == "text":
        return {name: ["" if read.is_missing(cell, words) else str(cell) for cell in values]}
    return {name: [None if read.is_missing(cell, words) else read.word(cell) for cell in values]}


def known_categories(pipeline: Any) -> dict[str, frozenset[str]]:
    """The categories of each column that a fitted pipeline met in training; none of a factory's."""
    encoder = fitted_transformer(pipeline, CATEGORICAL)
    if encoder is None:
        return {}
    names = zip(encoder.feature_names_in_.tolist(), encoder[-1].categories_, strict=True)
    return {name: frozenset(found.tolist()) - {""} for name, found in names}


def _number(cell: Any, missing: frozenset[str]) -> float:
    return float("nan") if read.is_missing(cell, missing) else read.number(cell)


def _is_of(kind: str, cell: Any, missing: frozenset[str]) -> bool:
    if read.is_missing(cell, missing):
        return True
    try:
        read.number(cell) if kind == "numeric" else read.moment(cell)
    except ValueError:
        return False
    return True


def row_hashes(cells: TableColumns) -> np.ndarray:
    """The `text_hashes` of all cells of a row, each as Python writes it."""
    return text_hashes(["\x1f".join(map(repr, row)) for row in zip(*cells.values(), strict=True)])


def build_transformers(recipe: Recipe) -> list[tuple[str, Any, Any]]:
    """Categories, numbers and times, and TF-IDF of each text column."""
    from expctl.training.models.preparation import transformers

    if is_factory(recipe.model):
        return []
    kinds = recipe.columns or {}
    numeric = [part for kind in ("numeric", "datetime") for name in _of(kinds, kind) for part in parts(name, kind)]
    found = transformers(
        recipe.parameters,
        numeric,
        _of(kinds, "categorical"),
        task=recipe.task or "classification",
        random_state=recipe.random_state,
        dense=families_of(recipe.task, recipe.columns)[recipe.model].dense,
    )
    texts = [
        (f"{step} {name}", vectorizer, name)
        for name in _of(kinds, "text")
        for step, vectorizer in text.unfitted_vectorizers(recipe).items()
    ]
    return [*found, *texts]


def _of(kinds: Mapping[str, str], wanted: str) -> list[str]:
    return [name for name, kind in kinds.items() if kind == wanted]


def check_fit(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> None:
    """What `text.py` checks, of each column of texts."""
    for name in _of(recipe.columns or {}, "text"):
        for step in text.STEPS:
            vectorizer = unfitted_transformer(pipeline, f"{step} {name}")
            if vectorizer is not None:
                text.check_terms(vectorizer, frame[name], name)


def after_fit(pipeline: Pipeline) -> None:
    """What `text.py` does, of each column of texts."""
    for name, vectorizer in fitted_transformers(pipeline).items():
        if name.partition(" ")[0] in text.STEPS:
            text.keep_plainly(vectorizer)


def unknown_shares(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> None:
    """Not told of a table."""


def share_metrics(shares: np.ndarray) -> dict[str, float]:
    """None of a table."""
    del shares
    return {}


def sample(frame: pd.DataFrame, recipe: Recipe) -> dict[str, np.ndarray]:
    """The first columns."""
    return {name: frame[name].to_numpy() for name in inputs(recipe)[:_SHOWN]}


def schema(recipe: Recipe) -> dict[str, object]:
    """The columns with their kinds."""
    return {"columns": dict(recipe.columns or {})}


def count(recipe: Recipe, frames: Sequence[pd.DataFrame], parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Nothing is counted once for many trainings."""


def counted(
    pipeline: Pipeline, counts: Any, part: int, parameters: Mapping[str, Value]
) -> AbstractContextManager[np.ndarray | None]:
    """Never asked for, as `count` gives nothing."""
    del pipeline, counts, part, parameters
    return nullcontext()


def emptied(rows: Rows, keep: np.ndarray, recipe: Recipe) -> Rows:
    """The rows as they are: they are read by each training."""
    del keep, recipe
    return rows


if TYPE_CHECKING:  # mypy holds this module to what a kind has to say
    from expctl.training.data import kinds, table

    _: kinds.FeatureKind = table
