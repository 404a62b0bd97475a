"""The table of the checks of the data of a run, and what one has found. Names only; imports nothing heavy.

To add a check: one entry here. Warnings, the run's parameters, `--strict` and a table of `expctl help data` read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Stage = Literal["read", "split", "fit"]


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What a check counts, and the function that counts it.

    `find`, as `module:function`, is given what is known at its `stage` (`FileRows` when a file has been read,
    `SplitRows` when its rows are divided, `FittedRows` when a model is fitted: see `training/data/checks.py`) and
    returns the count and the message that reports it with the remedy, None if none is due. `--strict` refuses what is
    `refused`; the rest was asked for, or does no harm. `task` is the one that the check is for, and
    `features` the kind of features (`text` or `table`); None is every one.
    """

    counts: str
    find: str
    stage: Stage = "split"
    refused: bool = True
    task: str | None = None
    features: str | None = None


_CHECKS: Final = "expctl.training.data.checks"
_TABLES: Final = "expctl.training.data.table_checks"

# A run has each count as a parameter of the check's name, if it is not zero. They are reported in this order.
DATA_ISSUES: Final = {
    "rows_without_text": DataCheck("rows left out for having no text", f"{_CHECKS}:rows_without_text", "read"),
    "rows_without_label": DataCheck("rows left out for having no label", f"{_CHECKS}:rows_without_label", "read"),
    "rows_without_group": DataCheck(
        "rows whose `--group-column` is empty: each is a group by itself", f"{_CHECKS}:rows_without_group", "read"
    ),
    "unnamed_columns": DataCheck(
        "columns without a name in the header, which are left alone",
        f"{_CHECKS}:unnamed_columns",
        "read",
        refused=False,
    ),
    "unsplit_rows": DataCheck(
        "rows left out whose `--split-column` says neither train nor test", f"{_CHECKS}:unsplit_rows", refused=False
    ),
    "deduped_rows": DataCheck(
        "training rows that `--dedupe` left out, their text being in the test set",
        f"{_CHECKS}:deduped_rows",
        refused=False,
    ),
    "regrouped_rows": DataCheck(
        "training rows that `--group-column` left out, their group being in the test set",
        f"{_CHECKS}:regrouped_rows",
        refused=False,
    ),
    "gap_rows": DataCheck(
        "rows between training and test rows that `--gap` left out", f"{_CHECKS}:gap_rows", refused=False
    ),
    "few_groups": DataCheck(
        "groups of the test rows, where they are too few for limits and tests", f"{_CHECKS}:few_groups"
    ),
    "repeated_rows": DataCheck(
        "rows whose text stands in an earlier row, or of a table all that is read and the target",
        f"{_CHECKS}:repeated_rows",
    ),
    "leaked_rows": DataCheck(
        "test rows whose text is trained on too, or of a table all that is read and the target",
        f"{_CHECKS}:leaked_rows",
    ),
    "near_copies": DataCheck(
        "test rows that share 80 % of their word triples with a training row, where that is 5 % of them or more",
        f"{_CHECKS}:near_copies",
        features="text",
    ),
    "conflicting_texts": DataCheck(
        "texts with different labels in different rows", f"{_CHECKS}:conflicting_texts", task="classification"
    ),
    "majority_rows": DataCheck(
        "training rows of the largest class, where that is 95 % of them or more",
        f"{_CHECKS}:majority_rows",
        task="classification",
    ),
    "untrained_rows": DataCheck(
        "test rows of classes without a training row", f"{_CHECKS}:untrained_rows", task="classification"
    ),
    "untested_classes": DataCheck("classes without a test row", f"{_CHECKS}:untested_classes", task="classification"),
    "rare_classes": DataCheck(
        "classes with fewer training rows than `--cv` makes folds (with `--no-stratify`)",
        f"{_CHECKS}:rare_classes",
        task="classification",
    ),
    "missing_cells": DataCheck(
        "cells of a table that are missing", f"{_TABLES}:missing_cells", refused=False, features="table"
    ),
    "constant_columns": DataCheck(
        "columns of a table with one value in all training rows",
        f"{_TABLES}:constant_columns",
        refused=False,
        features="table",
    ),
    "id_columns": DataCheck(
        "columns of a table that are different in every row: words, or whole numbers in order",
        f"{_TABLES}:id_columns",
        refused=False,
        features="table",
    ),
    "nearly_numeric_columns": DataCheck(
        "columns of a table that are read as categories though 90 % of their cells or more are numbers",
        f"{_TABLES}:nearly_numeric_columns",
        refused=False,
        features="table",
    ),
    "unread_columns": DataCheck(
        "columns of a table that are read as categories though they hold dates that are not ISO 8601, or numbers with"
        " commas or signs",
        f"{_TABLES}:unread_columns",
        refused=False,
        features="table",
    ),
    "target_columns": DataCheck(
        "columns of a table that alone say the target of the test rows, with an accuracy or R² of 0.99 or more",
        f"{_TABLES}:target_columns",
        features="table",
    ),
    "unknown_categories": DataCheck(
        "test rows with a category that no training row has",
        f"{_TABLES}:unknown_categories",
        refused=False,
        features="table",
    ),
    "far_targets": DataCheck(
        "rows whose target is more than 10 interquartile ranges beyond the quartiles",
        f"{_TABLES}:far_targets",
        task="regression",
    ),
    "untrained_targets": DataCheck(
        "test rows whose target is beyond those of all training rows, or in a gap between them, where that is 5 % of"
        " them or more",
        f"{_TABLES}:untrained_targets",
        task="regression",
    ),
    "untimely_rows": DataCheck(
        "test rows of a table that are dated before a training row, where a split column or another file divides them,"
        " or rows in the order of time are divided at random",
        f"{_TABLES}:untimely_rows",
        refused=False,
        features="table",
    ),
    "unknown_rows": DataCheck("test rows without a single term that the model knows", f"{_CHECKS}:unknown_rows", "fit"),
}


@dataclass(frozen=True, slots=True)
class DataIssue:
    """A count under its key of `DATA_ISSUES`, and the message that reports it with the remedy, None if none is due.

    What is not `refused` by `--strict` was asked for, or does no harm.
    """

    key: str
    count: int
    text: str | None
    refused: bool = True


def counts(data_issues: Iterable[DataIssue]) -> dict[str, int]:
    """The count of each key; of what was found in several files, the sum."""
    total: dict[str, int] = {}
    for finding in data_issues:
        total[finding.key] = total.get(finding.key, 0) + finding.count
    return total


def messages(data_issues: Iterable[DataIssue]) -> list[str]:
    """The sentences, in order."""
    return [finding.text for finding in data_issues if finding.text is not None]
