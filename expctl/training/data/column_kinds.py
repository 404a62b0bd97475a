"""What the columns of a table are to a model, and what there is to learn: decided from the cells, by rules.

The rules stand in `expctl help tables`. What is decided is recorded with the recipe, so that another rule changes no
old one. How cells of a kind are read is the business of `table.py`.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from fnmatch import fnmatchcase
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from expctl.columns import COLUMN_KINDS, by_kind
from expctl.errors import DataError, UsageError, closest, mask_secrets
from expctl.recipe import renamed
from expctl.training.data.cells import MISSING, are_missing, are_numbers, is_missing, is_moment, is_number, numbers
from expctl.training.data.class_folders import is_class_folder
from expctl.training.data.stored import read_stored
from expctl.training.data.table_formats import layout_of, likely_delimiter
from expctl.training.data.tables import chunks, is_repeated, kind_of, opened, require
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from expctl.training.data.table_formats import Layout, TableColumns

# By which columns are decided: where one of them is another, they are decided anew.
DECIDING: Final = frozenset({
    "data", "encoding", "delimiter", "names", "target", "task", "features", "drop", "kinds", "missing", "text_column",
    "split_column", "group_column", "time_column",
})  # fmt: skip
_CLASSES: Final = 20  # different whole numbers: with more they are measurements
_LONG: Final = 20  # characters that a text has at least, on average; and more than one word
_OF_TABLES: Final = ("features", "drop", "kinds", "missing")


def decided(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given for a recipe, of a table with `task` and `columns` as its cells decide them.

    Texts stay as they are: where a text column is named or the data has that of the default, and nothing is said of
    a table. Raises DataError for data that cannot be read or have no such columns, UsageError for options that are
    wrong.
    """
    said = renamed(given)
    if "columns" in said or not _is_of_table(said):
        return said
    path, target = str(said["data"]), str(said.get("target") or "label")
    name = mask_secrets(path)
    stored = read_stored(path, "--data")
    table = stored.table(_encoding(said), layout_of(said.get("delimiter"), said.get("names")), again=True)
    found = None if said.get("delimiter") or kind_of(path) != "csv" else likely_delimiter(list(table))
    if found is not None:
        said["delimiter"] = found
        table = stored.table(_encoding(said), layout_of(found, said.get("names")), again=True)
    require(list(table), target, name=name, option="--target")
    missing = missing_words(said.get("missing"))
    columns = decide_columns(table, said, target=target, missing=missing, name=name)
    gone = are_missing(table[target], missing or MISSING)
    cells = [cell for cell, is_gone in zip(table[target], gone, strict=True) if not is_gone]
    task = said.get("task") or _clear_task(cells, target=target, name=name)
    return {**said, "target": target, "task": task, "columns": columns}


def _is_of_table(said: Mapping[str, Any]) -> bool:
    """Whether a table's columns are asked for, or there is no text column but there is the target."""
    if any(said.get(key) is not None for key in _OF_TABLES) or said.get("task") == "regression":
        return True
    path = said.get("data")
    if said.get("text_column") is not None or not path or is_class_folder(str(path)):
        return False
    try:
        names = _names(str(path), _encoding(said), layout_of(said.get("delimiter"), said.get("names")))
    except (DataError, UsageError, OSError, ValueError):
        return False  # told where the data are read
    if said.get("delimiter") is None and likely_delimiter(names) is not None:
        return "text" not in re.split(r"[\t;|]", names[0])
    if is_repeated("text", names):
        return False  # told where the data are read
    return "text" not in names and (said.get("target") is not None or "label" in names)


def _encoding(said: Mapping[str, Any]) -> str:
    return str(said.get("encoding") or "utf-8")


def _names(path: str, encoding: str, layout: Layout) -> list[str]:
    """The names of the columns of a file or URL, from its beginning."""
    with opened(path) as stream:
        return list(next(chunks(stream, kind_of(path), encoding=encoding, name=path, rows=1000, layout=layout), {}))


def missing_words(given: str | None) -> frozenset[str] | None:
    """The words that mean missing in every column, in lower case; None: none were given."""
    return None if given is None else frozenset(word.strip().lower() for word in given.split(","))


def decide_columns(
    table: TableColumns, said: Mapping[str, Any], *, target: str, missing: frozenset[str] | None, name: str
) -> dict[str, str]:
    """The columns that are features, with the kind of each, in the order of a recipe."""
    apart = {target, *(said.get(key) for key in ("split_column", "group_column", "time_column"))}
    others = [column for column in table if column not in apart]
    for word in {one.strip() for one in (said.get("features") or "").split(",")} & apart:
        what = "is the target" if word == target else "divides the rows"
        raise DataError(f"--features {word}: in {name} this column {what}", hint="leave it out")
    given = _given_kinds(said.get("kinds"), table, name)
    chosen = others if said.get("features") is None else _matching(said["features"], others, "--features", name)
    if said.get("features") is None and said.get("text_column") is not None:
        require(list(table), str(said["text_column"]), name=name, option="--text-column")
        chosen = [str(said["text_column"])]
        given = {chosen[0]: "text", **given}
    if said.get("drop") is not None:
        dropped = _matching(said["drop"], list(table), "--drop", name)
        chosen = [column for column in chosen if column not in dropped]
    if not chosen:
        raise DataError(f"{name} has no column to learn from besides {target!r}", hint="--features names them")
    kinds = {column: given.get(column) or kind_of_cells(table[column], missing or MISSING) for column in chosen}
    return by_kind(kinds) or {}


def _matching(patterns: str, columns: Sequence[str], option: str, name: str) -> list[str]:
    found: set[str] = set()
    for pattern in (one.strip() for one in patterns.split(",")):
        here = {column for column in columns if column == pattern} or {
            column for column in columns if fnmatchcase(column, pattern)
        }
        if not here:
            raise DataError(
                f"{option} {pattern}: {name} has no such column{closest(pattern, columns)}",
                hint=f"it has {', '.join(columns[:20])}{', ...' if len(columns) > 20 else ''}",
            )
        found |= here
    return [column for column in columns if column in found]


def _given_kinds(pairs: str | None, columns: Collection[str], name: str) -> dict[str, str]:
    found = {}
    for pair in [] if pairs is None else pairs.split(","):
        column, equals, kind = (part.strip() for part in pair.rpartition("="))
        if not equals or kind not in COLUMN_KINDS:
            raise UsageError(f"--as {pair}: NAME=KIND", hint=f"KIND is one of {', '.join(COLUMN_KINDS)}")
        if column not in columns:
            raise DataError(f"--as {pair}: {name} has no column {column!r}{closest(column, columns)}")
        found[column] = kind
    return found


def kind_of_cells(cells: Sequence[Any], missing: frozenset[str] = MISSING) -> str:
    """numeric where each cell that is not missing is a number; datetime where each is a date or time by ISO 8601; text
    where most are different and of several words; else categorical.
    """
    texts = set(map(type, cells)) <= {str, NoneType}  # then it is enough to look at each different one
    rows = Counter(cells) if texts else Counter[Any]()
    present = [cell for cell in (rows if texts else cells) if not is_missing(cell, missing)]
    if are_numbers(present):
        return "numeric"
    if all(map(is_moment, present)):
        return "datetime"
    words = [cell for cell in present if isinstance(cell, str)]
    different = set(words)
    size = sum(rows[word] for word in words) if texts else len(words)
    long = sum(map(len, different)) >= _LONG * len(different)
    spaced = sum(re.search(r"\s", word.strip()) is not None for word in different) * 2 >= len(different)
    return "text" if words and len(different) * 2 > size and long and spaced else "categorical"


def _clear_task(cells: Sequence[Any], *, target: str, name: str) -> str:
    """The task of a target. Raises DataError for one that is measurements but for a few cells."""
    task = task_of_target(cells)
    if task == "regression":
        return task
    others = [cell for cell in cells if not is_number(cell)]
    few = 0 < len(others) <= len(cells) / 10
    if few and task_of_target([cell for cell in cells if is_number(cell)]) == "regression":
        raise DataError(
            f"{name}: the target {target!r} is numbers but for {plural(len(others), 'cell')} ({str(others[0])[:40]!r})",
            hint=f"--missing {shlex.quote(str(others[0])[:40])} leaves such rows out, --task classification takes them",
        )
    return task


def task_of_target(cells: Sequence[Any]) -> str:
    """classification of words, of booleans and of up to 20 different whole numbers; else regression.

    Of numbers with decimal commas too, so that reading them says what is wrong.
    """
    try:
        different = set(numbers(cells, frozenset()))
    except ValueError:
        commas = [cell for cell in cells if isinstance(cell, str) and "," in cell]
        points = [cell.replace(",", ".") if isinstance(cell, str) else cell for cell in cells]
        return "regression" if commas and are_numbers(points) else "classification"
    whole = all(one.is_integer() for one in different)
    return "classification" if whole and len(different) <= _CLASSES else "regression"
