"""From a table to the rows a model is trained and tested on: features, labels, the split, and what had to be left out.

How cells become features and labels is the business of the recipe's kind of features and of its task.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from expctl.data_issues import DataIssue, messages
from expctl.errors import DataError, closest, mask_secrets
from expctl.training.data.cells import BLANK, MISSING, are_missing
from expctl.training.data.checks import FileRows, SplitRows, find_issues
from expctl.training.data.class_columns import check_class_columns
from expctl.training.data.column_advice import likely_label, likely_text
from expctl.training.data.column_kinds import missing_words
from expctl.training.data.duplicates import divisible, rows_of
from expctl.training.data.kinds import features_of
from expctl.training.data.row_groups import (
    group_hashes,
    group_names,
    split_groups,
    unit_count,
    unit_labels,
    without_tested_groups,
)
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.data.slices import slice_cells, slice_names
from expctl.training.data.stored import Stored, digest_of, read_stored
from expctl.training.data.table_formats import TableColumns, layout_of, unnamed_columns
from expctl.training.data.tables import has_header, is_repeated, require, shown_names
from expctl.training.data.time_order import latest, read_times, time_folds
from expctl.training.models.configure import defaults_for
from expctl.training.tasks import task_of

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
    """Training and test rows with where they came from. `data_hash` is the `Stored.digest` of the file or folder.

    `data` marks the usable rows of the data file, `dataset_size` of them; `data_fingerprint` is the `fingerprint` of
    their texts and labels, in whatever order and format the file has them. `columns` are all that the file has.
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
    columns: tuple[str, ...] = ()

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
    stored = read_stored(recipe.data, "--data")
    table = _read(stored, recipe)
    rows, kept, file = _rows(table, recipe, stored, all_columns=all_columns)
    data_issues, unsplit, deduped, regrouped, gap = list(find_issues(file)), 0, 0, 0, 0
    if order is not None:
        rows, kept = rows.take(list(order)), [kept[position] for position in order]
    if recipe.test_data is not None:
        test_stored = read_stored(recipe.test_data, "--test-data")
        test_table = _read(test_stored, recipe)
        train = rows
        test, _, file = _rows(test_table, recipe, test_stored, all_columns=all_columns)
        data_issues += find_issues(file)
    elif recipe.split_column is not None:
        require(list(table), recipe.split_column, name=_shown(recipe.data), option="--split-column")
        column = table[recipe.split_column]
        train, test = _by_column(rows, [column[i] for i in kept], recipe)
        unsplit = len(rows) - len(train) - len(test)
    elif recipe.time_column is not None:
        train, test = _by_time(rows, recipe)
        gap = len(rows) - len(train) - len(test)
    else:
        train, test = _at_random(rows, recipe)
    at_random = recipe.test_size is not None and recipe.time_column is None
    if recipe.dedupe and not at_random:
        before, train = len(train), _without_copies(train, test)
        deduped = before - len(train)
    if recipe.group_column is not None and not at_random:
        before, train = len(train), without_tested_groups(train, test)
        regrouped = before - len(train)
    _check(train, test, recipe)
    tables = (table, table if recipe.test_data is None else test_table)
    data_issues += find_issues(SplitRows(recipe, train, test, unsplit, deduped, regrouped, gap, tables))
    return Split(
        train,
        test,
        _marks(table, recipe, rows, kept),
        data_hash=stored.digest,
        data_fingerprint=fingerprint(rows.hashes, rows.labels),
        data_bytes=stored.size,
        dataset_size=len(kept),
        test_data_hash=test_stored.digest if recipe.test_data is not None else None,
        data_issues=data_issues,
        columns=tuple(table),
    )


def file_hashes(recipe: Recipe) -> tuple[str, str | None]:
    """The sha256 of the data file and of the test file, as a `Split` has them. Raises DataError without a file."""
    files = (recipe.data, recipe.test_data)
    data, test = (None if path is None else digest_of(path) for path in files)
    assert data is not None
    return data, test


def read_marks(recipe: Recipe, path: str) -> RowDigests:
    """The marks of one file, read as the recipe says. Raises DataError as `load_split` does."""
    stored = read_stored(path)
    table = _read(stored, recipe)
    rows, kept, _ = _rows(table, recipe, stored, all_columns=False)
    return _marks(table, recipe, rows, kept)


def _marks(table: TableColumns, recipe: Recipe, rows: Rows, kept: list[int]) -> RowDigests:
    side = table.get(recipe.split_column or "")
    columns = [] if side is None else [[str(side[i]).strip().lower() for i in kept]]
    if recipe.group_column is not None:
        columns.append([f"group {name}" for name in group_names([table[recipe.group_column][i] for i in kept])])
    if rows.times is not None:
        columns.append([f"time {time}" for time in rows.times.tolist()])
    if recipe.own_code:
        read = (*features_of(recipe).columns(recipe), recipe.target, recipe.split_column)
        others = sorted(name for name in table if name not in read)
        columns += [[f"{name}={value}" for value in as_numbers([table[name][i] for i in kept])] for name in others]
    rest = text_hashes(["\n".join(cells) for cells in zip(*columns, strict=True)]) if columns else None
    return RowDigests(rows.frame.index.to_numpy(), rows.hashes, rows.labels, rest)


def _shown(path: str) -> str:
    return mask_secrets(path)


def _read(stored: Stored, recipe: Recipe) -> TableColumns:
    name = _shown(stored.path)
    table = stored.table(recipe.encoding, layout_of(recipe.delimiter, recipe.names))
    kind = features_of(recipe)
    if stored.path == recipe.data and recipe.columns is None:
        _advise(table, recipe, name)
    for column in kind.columns(recipe):
        require(list(table), column, name=name, option=kind.COLUMN_OPTION)
    check_class_columns(table, recipe.target, kind.columns(recipe), name=name)
    require(list(table), recipe.target, name=name, option="--target")
    for other, option in ((recipe.group_column, "--group-column"), (recipe.time_column, "--time-column")):
        if other is not None:
            require(list(table), other, name=name, option=option)
    if not table[recipe.target]:
        raise DataError(f"{name} has a header and no rows")
    return table


def _advise(table: TableColumns, recipe: Recipe, name: str) -> None:
    """Raise DataError with the command that would work, if text or label is missing and other columns are likely."""
    missing = [column for column in (recipe.text_column, recipe.target) if column not in table]
    unclear = any(is_repeated(column, table) for column in missing) or not has_header(table)
    if not missing or unclear or features_of(recipe).columns(recipe) != [recipe.text_column]:
        return
    text = recipe.text_column if recipe.text_column in table else likely_text(table, [recipe.target])
    label = recipe.target if recipe.target in table else likely_label(table, [text or recipe.text_column])
    if text is not None and label is not None:
        advised = replace(recipe, text_column=text, target=label).command(defaults_for(recipe))
        raise DataError(
            f"{name} has no column {missing[0]!r}{closest(missing[0], table)}; it has {shown_names(list(table))}",
            hint=mask_secrets(advised),
        )
    if len(missing) > 1:
        raise DataError(
            f"{name} has no column {missing[0]!r}{closest(missing[0], table)}",
            hint=f"it has {shown_names(list(table))}; --text-column names another, or --target what to learn from all"
            " others",
        )


def _rows(
    table: TableColumns, recipe: Recipe, stored: Stored, *, all_columns: bool
) -> tuple[Rows, list[int], FileRows]:
    """The usable rows and their numbers in the file, and how many are left out."""
    kind = features_of(recipe)
    cells, no_features = kind.read_cells(table, recipe)
    raw = table[recipe.target]
    words = BLANK if recipe.columns is None else missing_words(recipe.missing) or MISSING
    no_label = are_missing(raw, words)
    kept = [i for i in range(len(raw)) if not no_features[i] and not no_label[i]]
    if not kept:
        missing = kind.NOUN if all(no_features) else "label" if all(no_label) else f"{kind.NOUN} and label"
        raise DataError(
            f"{_shown(stored.path)}: no row has a {missing}",
            hint=f"{kind.COLUMN_OPTION} and --target name the columns",
        )
    labels = task_of(recipe).read_labels([raw[i] for i in kept], parse=not stored.typed, column=recipe.target)
    features = {name: [values[i] for i in kept] for name, values in cells.items()}
    columns: TableColumns = dict(features)
    if all_columns:
        for name, values in table.items():
            if name not in (*features, *kind.columns(recipe), recipe.target, recipe.split_column):
                columns[name] = as_numbers([values[i] for i in kept])
    rows, without_group = Rows(feature_frame(columns, kept), labels, kind.row_hashes(features)), 0
    if recipe.group_column is not None:
        names = group_names([table[recipe.group_column][i] for i in kept])
        side = "test" if stored.path == recipe.test_data else "data"
        rows = replace(rows, groups=group_hashes(names, rows.hashes, labels, side=side))
        without_group = names.count("")
    if recipe.time_column is not None:
        times = read_times(
            [table[recipe.time_column][i] for i in kept], kept, column=recipe.time_column, name=_shown(stored.path)
        )
        rows = replace(rows, times=times)
    if stored.path == (recipe.test_data or recipe.data):  # where the test rows are
        names = slice_names(recipe.slice)
        texts = [" ".join(map(str, cells)) for cells in zip(*features.values(), strict=True)] if names else []
        slices = {
            name: slice_cells(table, name, texts, kept, name=_shown(stored.path), option="--slice") for name in names
        }
        rows = replace(rows, slices=slices)
    left_out = sum(no_features), sum(no_label), without_group
    return rows, kept, FileRows(recipe, _shown(stored.path), len(raw), *left_out, unnamed_columns(table))


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
    return "float64" if values and all(issubclass(kind, float) for kind in set(map(type, values))) else "object"


def _at_random(rows: Rows, recipe: Recipe) -> tuple[Rows, Rows]:
    import numpy as np
    from sklearn.model_selection import train_test_split

    task = task_of(recipe)
    task.check_labels(rows.labels, recipe)
    if rows.groups is not None:
        if unit_count(rows, recipe) > 1:  # else `split_groups` says that there is one
            task.strata(unit_labels(rows, recipe), recipe, "group")
        return split_groups(rows, rows.labels if recipe.stratify else None, recipe)
    units, labels = divisible(rows.hashes, rows.labels, dedupe=recipe.dedupe)
    what = features_of(recipe).NOUN if recipe.dedupe else "row"
    strata = task.strata(labels, recipe, what)
    try:
        train, test = train_test_split(
            np.arange(len(labels)), test_size=recipe.test_size, random_state=recipe.random_state, stratify=strata
        )
    except ValueError as error:
        raise DataError(
            f"{_shown(recipe.data)}: {len(labels)} {what}s cannot be split: {error}", hint="--test-size"
        ) from error
    if recipe.dedupe:
        train, test = rows_of(train, units), rows_of(test, units)
    return rows.take(train), rows.take(test)


def _by_time(rows: Rows, recipe: Recipe) -> tuple[Rows, Rows]:
    assert rows.times is not None
    assert recipe.test_size is not None
    task_of(recipe).check_labels(rows.labels, recipe)
    try:
        train, test = latest(rows.times, recipe.test_size, recipe.gap or 0)
    except ValueError as error:
        hint = "--time-column, or a smaller --gap" if recipe.gap else "--time-column"
        raise DataError(f"{_shown(recipe.data)}: {error}", hint=hint) from error
    return rows.take(train), rows.take(test)


def _without_copies(train: Rows, test: Rows) -> Rows:
    """The training rows whose text is not in the test set."""
    tested = set(test.hashes.tolist())
    kept = [i for i, one in enumerate(train.hashes.tolist()) if one not in tested]
    if not kept:
        raise DataError("every training row has the text of a test row", hint="another test set, or no --dedupe")
    return train.take(kept)


def _by_column(rows: Rows, values: list[Any], recipe: Recipe) -> tuple[Rows, Rows]:
    words = ["" if value is None else str(value).strip().lower() for value in values]
    for side in ("train", "test"):
        if side not in words:
            found = ", ".join(sorted(set(words))[:10])
            raise DataError(
                f"column {recipe.split_column!r} of {_shown(recipe.data)} never says {side!r}", hint=f"it says {found}"
            )
    return tuple(rows.take([i for i, word in enumerate(words) if word == side]) for side in ("train", "test"))  # type: ignore[return-value]


def _check(train: Rows, test: Rows, recipe: Recipe) -> None:
    task_of(recipe).check_sides(train, test, recipe)
    if recipe.cv is not None and train.times is not None:
        try:
            folds = time_folds(train, recipe)
        except ValueError as error:
            hint = "a smaller --cv or --gap" if recipe.gap else "a smaller --cv"
            raise DataError(f"{_shown(recipe.data)}: {error}", hint=hint) from error
        for fitted, _ in folds:
            task_of(recipe).check_labels(train.labels[fitted], recipe)
    elif recipe.cv is not None:
        units = unit_count(train, recipe)
        if units < recipe.cv:
            what = "groups" if recipe.group_column else f"{features_of(recipe).NOUN}s" if recipe.dedupe else "rows"
            raise DataError(f"{units} training {what} cannot make {recipe.cv} folds", hint="a smaller --cv")


def fingerprint(hashes: np.ndarray, labels: Sequence[object] | np.ndarray) -> str:
    """sha256 over the sorted (text hash, label) pairs: the same rows have it in any order and any file format."""
    lines = sorted(f"{text.decode()}\t{label}\n" for text, label in zip(hashes.tolist(), labels, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
