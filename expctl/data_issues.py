"""What the data guard can find in the data of a run: the table of findings. Imports nothing heavy.

To add one: an entry here and a line in `training/guard.py`, or where it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# What each count counts. A run has it as a parameter of this name, if it is not zero.
DATA_ISSUES: Final = {
    "rows_without_text": "rows left out for having no text",
    "rows_without_label": "rows left out for having no label",
    "unsplit_rows": "rows left out whose `--split-column` says neither train nor test",
    "deduped_rows": "training rows that `--dedupe` left out, their text being in the test set",
    "repeated_rows": "rows whose text stands in an earlier row",
    "leaked_rows": "test rows whose text is trained on too",
    "conflicting_texts": "texts with different labels in different rows",
    "majority_rows": "training rows of the largest class, where that is 95 % of them or more",
    "untrained_rows": "test rows of classes without a training row",
    "untested_classes": "classes without a test row",
    "rare_classes": "classes with fewer training rows than `--cv` makes folds (with `--no-stratify`)",
    "unknown_rows": "test rows without a single term that the model knows",
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
