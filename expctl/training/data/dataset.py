"""From a table to the rows a model is trained and tested on: texts, labels, the split, and what had to be left out.

The rules for labels (README, "Data"): a typed file (JSONL, Parquet) keeps its types; in CSV and TSV a column whose
every cell is an integer holds integers, one of true and false only holds booleans, anything else is text
without the blanks around it. Whole floats stay floats; fractions are measurements, not classes, and are refused.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expctl.data_issues import DataIssue, messages
from expctl.errors import DataError, mask_secrets
from expctl.training.data.checks import check_split, named
from expctl.training.data.duplicates import first_rows, numbered, rows_of
from expctl.training.data.rows import Rows
from expctl.training.data.tables import TableColumns, kind_of, read_bytes, read_table, require
from expctl.training.models.families import is_factory
from expctl.wording import agree

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from expctl.recipe import Recipe


@dataclass(frozen=True)
class RowDigests:
    """What the usable rows of a data file say, without their texts: by this they are known again in another file.

    `rows` are their numbers in the file, `hashes` and `labels` as in `Rows`, shape (n,) each; `rest` are hashes of
    whatever else a recipe reads of a row (its side of the split, the columns of a factory), None where that is nothing.
    """

    rows: np.ndarray
    hashes: np.ndarray
    labels: np.ndarray
    rest: np.ndarray | None


@dataclass(frozen=True)
class Split:
    """Training and test rows with where they came from. `data_hash` is the sha256 of the file as stored, in hex.

    `data` marks the usable rows of the data file, `dataset_size` of them; `data_fingerprint` is the `fingerprint` of
    their texts and labels, in whatever order and format the file has them.
    """

    train: Rows
    test: Rows
    data: RowDigests
    data_hash: str
    data_fingerprint: str
    data_bytes: int
    dataset_size: int
    test_data_hash: str | None = None
    data_issues: list[DataIssue] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What of the findings is to be told."""
        return messages(self.data_issues)


def load_split(recipe: Recipe, *, all_columns: bool = False, order: Sequence[int] | None = None) -> Split:
    """Read the data of a recipe and divide it. `all_columns` keeps every feature column, not the text alone.

    `order` are the positions of the usable rows in the order in which they are to be taken, None for the file's own.

    Raises DataError for everything that would make training fail or lie: nothing to read, missing columns, one class,
    a class too rare to divide, no text left.
    """
    data_issues: list[DataIssue] = []
    content = read_bytes(recipe.data)
    table = _read(recipe.data, content, recipe)
    rows, kept = _rows(table, recipe, recipe.data, data_issues, all_columns=all_columns)
    if order is not None:
        rows, kept = rows.take(list(order)), [kept[position] for position in order]
    if recipe.test_data is not None:
        test_content = read_bytes(recipe.test_data)
        test_rows, _ = _rows(
            _read(recipe.test_data, test_content, recipe),
            recipe,
            recipe.test_data,
            data_issues,
            all_columns=all_columns,
        )
        train, test = rows, test_rows
    elif recipe.split_column is not None:
        require(list(table), recipe.split_column, name=_shown(recipe.data), option="--split-column")
        column = table[recipe.split_column]
        train, test = _by_column(rows, [column[i] for i in kept], recipe, data_issues)
    else:
        train, test = _at_random(rows, recipe)
    if recipe.dedupe and recipe.test_size is None:
        train = _without_copies(train, test, data_issues)
    _check(train, test, recipe)
    data_issues += check_split(train, test, recipe)
    return Split(
        train,
        test,
        _marks(table, recipe, rows, kept),
        data_hash=hashlib.sha256(content).hexdigest(),
        data_fingerprint=fingerprint(rows.hashes, rows.labels),
        data_bytes=len(content),
        dataset_size=len(kept),
        test_data_hash=hashlib.sha256(test_content).hexdigest() if recipe.test_data is not None else None,
        data_issues=data_issues,
    )


def read_marks(recipe: Recipe, path: str) -> RowDigests:
    """The marks of one file, read as the recipe says. Raises DataError as `load_split` does."""
    table = _read(path, read_bytes(path), recipe)
    return _marks(table, recipe, *_rows(table, recipe, path, [], all_columns=False))


def _marks(table: TableColumns, recipe: Recipe, rows: Rows, kept: list[int]) -> RowDigests:
    side = table.get(recipe.split_column or "")
    columns = [] if side is None else [[str(side[i]).strip().lower() for i in kept]]
    if is_factory(recipe.model):
        read = (recipe.text_column, recipe.label_column, recipe.split_column)
        others = sorted(name for name in table if name not in read)
        columns += [[f"{name}={value}" for value in as_numbers([table[name][i] for i in kept])] for name in others]
    rest = text_hashes(["\n".join(cells) for cells in zip(*columns, strict=True)]) if columns else None
    return RowDigests(rows.frame.index.to_numpy(), rows.hashes, rows.labels, rest)


def _shown(path: str) -> str:
    return mask_secrets(path)


def _read(path: str, content: bytes, recipe: Recipe) -> TableColumns:
    name = _shown(path)
    if not content:
        raise DataError(f"{name} is empty (0 bytes)")
    table = read_table(content, kind_of(path), encoding=recipe.encoding, name=name)
    require(list(table), recipe.text_column, name=name, option="--text-column")
    require(list(table), recipe.label_column, name=name, option="--label-column")
    if not table[recipe.text_column]:
        raise DataError(f"{name} has a header and no rows")
    return table


def _rows(
    table: TableColumns, recipe: Recipe, path: str, data_issues: list[DataIssue], *, all_columns: bool
) -> tuple[Rows, list[int]]:
    """The usable rows and their numbers in the file; what is left out is counted in `data_issues`."""
    texts = [as_text(value) for value in table[recipe.text_column]]
    raw = table[recipe.label_column]
    no_text = [text is None or not text.strip() for text in texts]
    no_label = [label is None or label != label or (isinstance(label, str) and not label.strip()) for label in raw]
    for count, what in ((sum(no_text), "text"), (sum(no_label), "label")):
        if count:
            told_as = f"left out {count:,} of {len(texts):,} rows of {_shown(path)} that have no {what}"
            data_issues.append(DataIssue(f"rows_without_{what}", count, told_as))
    kept = [i for i in range(len(texts)) if not no_text[i] and not no_label[i]]
    if not kept:
        missing = "text" if all(no_text) else "label" if all(no_label) else "text and label"
        raise DataError(
            f"{_shown(path)}: no row has a {missing}", hint="--text-column and --label-column name the columns"
        )
    parsed = kind_of(path) in ("csv", "tsv")
    labels = read_labels([raw[i] for i in kept], parse=parsed, column=recipe.label_column)
    readable = [str(texts[i]) for i in kept]
    columns: TableColumns = {recipe.text_column: readable}
    if all_columns:
        for name, values in table.items():
            if name not in (recipe.text_column, recipe.label_column, recipe.split_column):
                columns[name] = as_numbers([values[i] for i in kept])
    return Rows(feature_frame(columns, kept), labels, text_hashes(readable)), kept


def as_text(value: object) -> str | None:
    """A cell of a text column as text; None and NaN are missing. Raises DataError for bytes, lists and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bytes, list, dict)):
        raise DataError(f"a text is a {type(value).__name__}, not text", hint="--text-column names another column")
    return None if value != value else str(value)


def as_numbers(values: list[Any]) -> list[Any]:
    """The cells of a column as floats if each one is empty or a number; else unchanged."""
    try:
        return [float("nan") if value is None else float(value) for value in values]
    except (TypeError, ValueError):
        return values


def feature_frame(columns: TableColumns, index: Sequence[int]) -> pd.DataFrame:
    """What a model reads. Texts are Python strings in object columns: the one form every estimator and skops takes."""
    import pandas as pd

    rows = pd.Index(index)
    return pd.DataFrame({name: pd.Series(values, rows, _dtype(values)) for name, values in columns.items()}, rows)


def _dtype(values: list[Any]) -> Any:
    return "float64" if values and all(isinstance(value, float) for value in values) else "object"


_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


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
        f"column {column!r} holds measurements ({value!r}), not classes",
        hint="a classifier needs labels such as low, high",
    )


def _at_random(rows: Rows, recipe: Recipe) -> tuple[Rows, Rows]:
    import numpy as np
    from sklearn.model_selection import train_test_split

    _check_classes(rows.labels, recipe)
    texts = numbered(rows.hashes) if recipe.dedupe else np.arange(len(rows))
    labels = rows.labels[first_rows(texts)] if recipe.dedupe else rows.labels
    what = "text" if recipe.dedupe else "row"
    classes, counts = np.unique(labels, return_counts=True)
    if recipe.stratify and counts.min() < 2:
        rare = classes[counts < 2]
        raise DataError(
            f"{named(rare)} in {_shown(recipe.data)} {agree(len(rare), 'has', 'have')} a single {what}:"
            " it cannot be both trained and tested on",
            hint="add rows, drop the class, or --no-stratify",
        )
    try:
        train, test = train_test_split(
            np.arange(len(labels)),
            test_size=recipe.test_size,
            random_state=recipe.random_state,
            stratify=labels if recipe.stratify else None,
        )
    except ValueError as error:
        raise DataError(
            f"{_shown(recipe.data)}: {len(labels)} {what}s cannot be divided: {error}", hint="--test-size"
        ) from error
    if recipe.dedupe:
        train, test = rows_of(train, texts), rows_of(test, texts)
    return rows.take(train), rows.take(test)


def _without_copies(train: Rows, test: Rows, data_issues: list[DataIssue]) -> Rows:
    """The training rows whose text is not in the test set."""
    tested = set(test.hashes.tolist())
    kept = [i for i, one in enumerate(train.hashes.tolist()) if one not in tested]
    if not kept:
        raise DataError("every training row has the text of a test row", hint="another test set, or no --dedupe")
    count = len(train) - len(kept)
    if count:
        told_as = f"left out {count:,} of {len(train):,} training rows whose text is in the test set (--dedupe)"
        data_issues.append(DataIssue("deduped_rows", count, told_as, refused=False))
    return train.take(kept)


def _by_column(rows: Rows, values: list[Any], recipe: Recipe, data_issues: list[DataIssue]) -> tuple[Rows, Rows]:
    words = ["" if value is None else str(value).strip().lower() for value in values]
    others = len(words) - words.count("train") - words.count("test")
    for side in ("train", "test"):
        if side not in words:
            found = ", ".join(sorted(set(words))[:10])
            raise DataError(
                f"column {recipe.split_column!r} of {_shown(recipe.data)} never says {side!r}", hint=f"it says {found}"
            )
    if others:
        told_as = f"left out {others:,} rows whose {recipe.split_column} is neither train nor test"
        data_issues.append(DataIssue("unsplit_rows", others, told_as, refused=False))
    return tuple(rows.take([i for i, word in enumerate(words) if word == side]) for side in ("train", "test"))  # type: ignore[return-value]


def _check_classes(labels: np.ndarray, recipe: Recipe) -> None:
    import numpy as np

    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(
            f"all {len(labels):,} rows of {_shown(recipe.data)} to learn from have the label {str(classes[0])!r}",
            hint="a classifier needs two classes",
        )


def _check(train: Rows, test: Rows, recipe: Recipe) -> None:
    import numpy as np

    if train.labels.dtype != test.labels.dtype:
        raise DataError(
            f"labels of the training rows are {_kind(train.labels)}, of the test rows {_kind(test.labels)}",
            hint="write them the same way in both files",
        )
    _check_classes(train.labels, recipe)
    if recipe.cv is not None:
        labels = train.labels[first_rows(numbered(train.hashes))] if recipe.dedupe else train.labels
        what = "texts" if recipe.dedupe else "rows"
        classes, counts = np.unique(labels, return_counts=True)
        if recipe.stratify and counts.min() < recipe.cv:
            raise DataError(
                f"{named(classes[counts < recipe.cv])}: fewer than {recipe.cv} training {what}, one for each fold",
                hint=f"--cv {max(2, int(counts.min()))}, or --no-stratify",
            )
        if len(labels) < recipe.cv:
            raise DataError(f"{len(labels)} training {what} cannot make {recipe.cv} folds", hint="a smaller --cv")


def _kind(labels: np.ndarray) -> str:
    return {"i": "integers", "b": "booleans", "f": "numbers", "O": "text"}[labels.dtype.kind]


def text_hashes(texts: Sequence[str]) -> np.ndarray:
    """128-bit BLAKE2b digests of the texts, shape (n,), in hex as bytes: enough to recognise a text without it."""
    import numpy as np

    digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for text in texts)
    return np.array(list(digests), dtype="S32")


def fingerprint(hashes: np.ndarray, labels: Sequence[object] | np.ndarray) -> str:
    """sha256 over the sorted (text hash, label) pairs: the same rows have it in any order and any file format."""
    lines = sorted(f"{text.decode()}\t{label}\n" for text, label in zip(hashes.tolist(), labels, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
