"""The columns of a table as features: numbers, categories, texts and times, each read as its kind is.

The members are those of `FeatureKind`; which column is of which kind is decided in `column_kinds.py`.
"""

from __future__ import annotations

import math
import shlex
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from expctl.errors import DataError
from expctl.training.data import cells as read
from expctl.training.data import text
from expctl.training.data.column_kinds import missing_words
from expctl.training.data.rows import text_hashes
from expctl.training.models.families import families_of, is_factory
from expctl.training.models.features import FEATURES
from expctl.training.models.preparation import CATEGORICAL, PREPARATION
from expctl.training.models.steps import (
    features_step,
    fitted_transformer,
    fitted_transformers,
    unfitted_transformer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.data.prepared_columns import PreparedPart
    from expctl.training.data.rows import Rows
    from expctl.training.data.table_formats import TableColumns

NOUN: Final = "row"
COLUMN_OPTION: Final = "--features"
COUNT_KEYS: Final = (*PREPARATION, *FEATURES)
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
    missing = given or read.MISSING
    try:
        if kind == "numeric":
            return {name: read.numbers(values, missing)}
        if kind == "datetime":
            times = read.each(values, partial(_time_parts, missing=missing))
            return {part: [time[i] for time in times] for i, part in enumerate(parts(name, kind))}
    except ValueError as error:
        row = first + next(i for i, cell in enumerate(values) if not _is_of(kind, cell, missing))
        raise DataError(f"column {name!r}, row {row + 1:,}: {error}", hint=f"--as {name}=categorical") from error
    if set(map(type, values)) & {list, dict, bytes}:
        nested = next(cell for cell in values if isinstance(cell, (list, dict, bytes)))
        raise DataError(f"column {name!r} holds a {type(nested).__name__}", hint=f"--drop {name}")
    words = given or read.BLANK
    if kind == "text":
        return {name: read.each(values, lambda cell: "" if read.is_missing(cell, words) else str(cell))}
    return {name: read.each(values, lambda cell: None if read.is_missing(cell, words) else read.word(cell))}


def _time_parts(cell: Any, missing: frozenset[str]) -> list[float]:
    if read.is_missing(cell, missing):
        return [math.nan] * len(TIME_PARTS)
    time = read.moment(cell)
    return [float(of(time)) for of in TIME_PARTS.values()]


def known_categories(pipeline: Any) -> dict[str, frozenset[str]]:
    """The categories of each column that a fitted pipeline met in training; none of a factory's."""
    encoder = fitted_transformer(pipeline, CATEGORICAL)
    if encoder is None:
        return {}
    names = zip(encoder.feature_names_in_.tolist(), encoder[-1].categories_, strict=True)
    return {name: frozenset(found.tolist()) - {""} for name, found in names}


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
    return text_hashes(list(map("\x1f".join, zip(*map(_written, cells.values()), strict=True))))


def _written(cells: Sequence[Any]) -> list[str]:
    """Each cell as `repr` writes it, asked once of each different one."""
    if set(map(type, cells)) == {float}:
        import numpy as np

        # By their bits: 0.0 and -0.0 are equal.
        different, places = np.unique(np.array(cells).view(np.int64), return_inverse=True)
        texts = np.array(list(map(repr, different.view(np.float64).tolist())), dtype=object)
        return cast("list[str]", texts[places].tolist())
    return read.each(cells, repr)


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


def count(
    recipe: Recipe,
    frames: Sequence[pd.DataFrame],
    labels: np.ndarray,
    parts: Iterable[tuple[np.ndarray, np.ndarray]],
) -> list[PreparedPart] | None:
    """The matrices of each part, as the recipe prepares them."""
    import pandas as pd

    from expctl.training.data.prepared_columns import prepare_parts
    from expctl.training.models.pipeline import build_pipeline

    whole = pd.concat([frame[inputs(recipe)] for frame in frames])
    return prepare_parts(features_step(build_pipeline(recipe)), whole, labels, parts)


@contextmanager
def counted(
    pipeline: Pipeline, counts: list[PreparedPart], part: int, parameters: Mapping[str, Value]
) -> Iterator[None]:
    """In the block, the model is given the matrices of a part."""
    from expctl.training.data.prepared_columns import reading_prepared

    del parameters
    with reading_prepared(features_step(pipeline), counts[part]):
        yield


def emptied(rows: Rows, keep: np.ndarray, recipe: Recipe) -> Rows:
    """The rows with nothing in their cells, but for those at the positions `keep`."""
    import numpy as np
    import pandas as pd

    left = {}
    for name in inputs(recipe):
        column = rows.frame[name]
        known = column.to_numpy()
        cells = np.full(len(rows), np.nan, dtype=known.dtype)
        cells[keep] = known[keep]
        left[name] = pd.Series(cells, column.index, column.dtype)
    return replace(rows, frame=pd.DataFrame(left, rows.frame.index))


if TYPE_CHECKING:  # mypy holds this module to what a kind has to say
    from expctl.training.data import kinds, table

    _: kinds.FeatureKind = table
