"""Classes as labels: read from cells, checked, and divided so that every class is on both sides.

The rules (`expctl help data`): a typed file (JSONL, Parquet) keeps its types; in CSV and TSV a column whose every
cell is an integer holds integers, one of true and false only holds booleans, anything else is text without the blanks
around it. Whole floats stay floats; fractions are measurements, not classes, and are refused.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from expctl.errors import DataError, mask_secrets
from expctl.training.data.checks import named
from expctl.training.data.row_groups import unit_labels
from expctl.wording import agree, plural

if TYPE_CHECKING:
    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_MANY = 20  # classes, as many as whole numbers are taken for: with more, most of a single row, they are none
_LIST = re.compile(r"\[[-+.eE\d, ]*\]")  # of numbers


def read_labels(values: list[Any], *, parse: bool, column: str) -> np.ndarray:
    """Labels, shape (n,), of one type: int64, bool, float64 (whole) or str (object). None of `values` is missing.

    `parse` says that they come from a text file and may be numbers or booleans written out. Raises DataError for
    fractions and for lists or objects.
    """
    import numpy as np

    strange = next((value for value in values if not isinstance(value, (str, int, float))), None)
    if strange is not None:
        raise DataError(
            f"a label in column {column!r} is a {type(strange).__name__}", hint="labels are text or numbers"
        )
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return np.array(values, dtype=bool)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return np.array(values, dtype=np.int64)
    if kinds <= {int, float}:
        fraction = next((value for value in values if isinstance(value, float) and not value.is_integer()), None)
        if fraction is not None:
            raise _fraction(fraction, column)
        if all(isinstance(value, float) or abs(value) <= 2**53 for value in values):  # beyond, floats merge integers
            return np.array(values, dtype=np.float64)
    # Equal words are one object: a million labels then cost a pointer each, also when they are sent to a worker.
    words = [sys.intern(str(value).strip()) for value in values]
    if words and all(_LIST.fullmatch(word) for word in words):
        raise DataError(
            f"the labels in column {column!r} are lists, such as {words[0]}: a row has one label",
            hint="make a column of each, and name one by --target",
        )
    if parse:
        if all(_INTEGER.fullmatch(word) for word in words):
            return np.array([int(word) for word in words], dtype=np.int64)
        if all(word.lower() in ("true", "false") for word in words):
            return np.array([word.lower() == "true" for word in words], dtype=bool)
        if all(_is_decimal(word) for word in words):
            numbers = [float(word) for word in words]
            fraction = next((number for number in numbers if not number.is_integer()), None)
            if fraction is not None:
                raise _fraction(fraction, column)
            return np.array(numbers, dtype=np.float64)
    return np.array(words, dtype=object)


def _is_decimal(word: str) -> bool:
    return (
        re.fullmatch(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?", word) is not None and "." in word
    ) or _INTEGER.fullmatch(word) is not None


def _fraction(value: float, column: str) -> DataError:
    return DataError(
        f"column {column!r} holds continuous values ({value!r}), not classes",
        hint="a classifier needs labels such as low, high",
    )


def check_labels(labels: np.ndarray, recipe: Recipe) -> None:
    """Raise DataError if there is one class only."""
    import numpy as np

    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(
            f"all {len(labels):,} rows of {mask_secrets(recipe.data)} to learn from have the label {str(classes[0])!r}",
            hint="a classifier needs two classes",
        )


def check_sides(train: Rows, test: Rows, recipe: Recipe) -> None:
    """Raise DataError if the labels of the two sides differ in type, or a class has too few rows for the folds."""
    import numpy as np

    if train.labels.dtype != test.labels.dtype:
        raise DataError(
            f"labels of the training rows are {_kind(train.labels)}, of the test rows {_kind(test.labels)}",
            hint="write them the same way in both files",
        )
    check_labels(train.labels, recipe)
    if recipe.cv is None or not recipe.stratify or recipe.time_column is not None:
        return
    labels = unit_labels(train, recipe)
    what = "groups" if recipe.group_column else "texts" if recipe.dedupe else "rows"
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < recipe.cv:
        raise DataError(
            f"{named(classes[counts < recipe.cv])}: fewer than {recipe.cv} training {what}, one for each fold",
            hint=f"--cv {max(2, int(counts.min()))}, or --no-stratify",
        )


def strata(labels: np.ndarray, recipe: Recipe, unit: str) -> np.ndarray | None:
    """The classes, if the recipe says so. Raises DataError for a class of a single `unit`."""
    import numpy as np

    if not recipe.stratify:
        return None
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        rare = classes[counts < 2]
        if len(classes) > _MANY and 2 * len(rare) > len(classes):
            raise DataError(
                f"{mask_secrets(recipe.data)}: {len(classes):,} values of {recipe.target!r} in"
                f" {plural(len(labels), unit)}, too many for classes",
                hint="--target names another column; numbers are learned by --task regression",
            )
        raise DataError(
            f"{named(rare)} in {mask_secrets(recipe.data)} {agree(len(rare), 'has', 'have')} a single {unit}:"
            " it cannot be both trained and tested on",
            hint="add rows, drop the class, or --no-stratify",
        )
    return labels


def fold_splitter(recipe: Recipe) -> Any:
    """Folds shuffled by the random state, stratified if the split is, of whole groups if the recipe has some."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if recipe.group_column is not None:
        kind = StratifiedGroupKFold if recipe.stratify else GroupKFold
    else:
        kind = StratifiedKFold if recipe.stratify else KFold
    return kind(n_splits=recipe.cv, shuffle=True, random_state=recipe.random_state)


def _kind(labels: np.ndarray) -> str:
    return {"i": "integers", "b": "booleans", "f": "numbers", "O": "text"}[labels.dtype.kind]
