"""The checks of the data: what makes a measured quality doubtful. They look at hashes and labels, one at texts.

The table of them is `DATA_ISSUES`; here is what they are given at each stage of a training, and what each looks for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.clusters import LEAST_GROUPS
from expctl.data_issues import DATA_ISSUES, DataIssue, messages
from expctl.errors import DataError
from expctl.training.data.duplicates import numbered
from expctl.training.data.kinds import features_of
from expctl.training.tasks import task_name
from expctl.wording import agree, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows
    from expctl.training.data.table_formats import TableColumns

MAJORITY: Final = 0.95  # of the training rows in one class: from here on accuracy says next to nothing
NEAR_COPIES: Final = 0.05  # of the test rows: fewer are no harm to a test (tests/simulation/near_copies.py)
Finding = tuple[int, "str | None"]  # the count, and the message that reports it
NOTHING: Final[Finding] = (0, None)


@dataclass(frozen=True)
class FileRows:
    """A file that has been read: how many rows it has, how many of them lack features, label or group, and the columns
    without a name.
    """

    recipe: Recipe
    name: str
    rows: int
    without_features: int
    without_label: int
    without_group: int = 0
    unnamed: Sequence[str] = ()


@dataclass(frozen=True)
class SplitRows:
    """Training and test rows, and how many were left out between: on neither side, or copies of test rows.

    `regrouped`: of a group that is in the test set; `gap`: between the two in time. `tables` are all columns of the
    files that training and test rows were read from.
    """

    recipe: Recipe
    train: Rows
    test: Rows
    unsplit: int = 0
    deduped: int = 0
    regrouped: int = 0
    gap: int = 0
    tables: tuple[TableColumns, TableColumns] | None = None

    @cached_property
    def texts(self) -> np.ndarray:
        """The number of each row's text, those of the training rows first."""
        import numpy as np

        return numbered(np.concatenate([self.train.hashes, self.test.hashes]))

    @cached_property
    def copies(self) -> np.ndarray:
        """How many rows have each text."""
        import numpy as np

        return np.bincount(self.texts)

    @cached_property
    def alike(self) -> np.ndarray:
        """The number of each row's content: of a text itself, of a row of a table with its target.

        Of few columns many rows are equal, and are no copies of each other.
        """
        import numpy as np

        if self.recipe.columns is None:
            return self.texts
        _, targets = np.unique(np.concatenate([self.train.labels, self.test.labels]), return_inverse=True)
        return np.unique(np.stack([self.texts, targets], axis=1), axis=0, return_inverse=True)[1].reshape(-1)

    @cached_property
    def train_classes(self) -> Counter[Any]:
        """The training rows of each class."""
        return Counter(self.train.labels.tolist())

    @cached_property
    def test_classes(self) -> Counter[Any]:
        """The test rows of each class."""
        return Counter(self.test.labels.tolist())


@dataclass(frozen=True)
class FittedRows:
    """The `unknown_shares` of the test rows, once a model is fitted."""

    recipe: Recipe
    shares: np.ndarray


_STAGES: Final = {FileRows: "read", SplitRows: "split", FittedRows: "fit"}


def find_issues(known: FileRows | SplitRows | FittedRows) -> Iterator[DataIssue]:
    """What the checks of a stage find, in the order of their table. Counts that are zero are no findings."""
    stage, task = _STAGES[type(known)], task_name(known.recipe)
    kind = "text" if known.recipe.columns is None else "table"
    for key, check in list(DATA_ISSUES.items()):
        if check.stage == stage and {check.task, check.features} <= {None, task, kind}:
            count, text = resolve_name(check.find)(known)
            if count:
                yield DataIssue(key, count, text, check.refused)


def rows_without_text(file: FileRows) -> Finding:
    return _left_out(file, file.without_features, "text")


def rows_without_label(file: FileRows) -> Finding:
    return _left_out(file, file.without_label, "label" if file.recipe.columns is None else file.recipe.target)


def rows_without_group(file: FileRows) -> Finding:
    count = file.without_group
    return count, (
        f"{count:,} of {file.rows:,} rows of {file.name} have no {file.recipe.group_column}:"
        f" {agree(count, 'it', 'each')} is a group by itself"
    )


def _left_out(file: FileRows, count: int, what: str) -> Finding:
    return count, f"left out {count:,} of {file.rows:,} rows of {file.name} that have no {what}"


def unnamed_columns(file: FileRows) -> Finding:
    count = len(file.unnamed)
    names = ", ".join(file.unnamed[:5]) + (", ..." if count > 5 else "")
    return (
        count,
        f"{plural(count, 'column')} of {file.name} {agree(count, 'has', 'have')} no name ({names}): left alone",
    )


def unsplit_rows(split: SplitRows) -> Finding:
    count = split.unsplit
    return count, f"left out {count:,} rows whose {split.recipe.split_column} is neither train nor test"


def deduped_rows(split: SplitRows) -> Finding:
    count, before = split.deduped, len(split.train) + split.deduped
    what = "text" if split.recipe.columns is None else "copy"
    return count, f"left out {count:,} of {before:,} training rows whose {what} is in the test set (--dedupe)"


def regrouped_rows(split: SplitRows) -> Finding:
    count, before = split.regrouped, len(split.train) + split.regrouped
    return count, f"left out {count:,} of {before:,} training rows whose group is in the test set (--group-column)"


def gap_rows(split: SplitRows) -> Finding:
    return split.gap, f"left out {plural(split.gap, 'row')} between training and test rows (--gap)"


def few_groups(split: SplitRows) -> Finding:
    import numpy as np

    if split.test.groups is None:
        return NOTHING
    count = len(np.unique(split.test.groups))
    if count >= LEAST_GROUPS:
        return NOTHING
    return count, (
        f"the test rows are of {plural(count, 'group')}: there are no limits and no tests with fewer than"
        f" {LEAST_GROUPS}; more groups, or a larger test set"
    )


def repeated_rows(split: SplitRows) -> Finding:
    return len(split.alike) - int(split.alike.max()) - 1, None


def leaked_rows(split: SplitRows) -> Finding:
    import numpy as np

    numbers, rows = split.alike, len(split.train)
    different = int(numbers.max()) + 1
    repeated = len(numbers) - different
    trained = np.zeros(different, dtype=bool)
    trained[numbers[:rows]] = True
    leaked = int(trained[numbers[rows:]].sum())
    what = "text" if split.recipe.columns is None else "copy"
    return leaked, (
        f"{leaked:,} of {len(split.test):,} test rows {agree(leaked, 'has', 'have')} a {what} that is trained on too"
        f" ({repeated:,} of all rows {agree(repeated, 'repeats', 'repeat')} another's):"
        " --dedupe keeps copies on one side"
    )


def near_copies(split: SplitRows) -> Finding:
    from expctl.training.data.near_copies import near_copies

    texts = [_texts(rows, split.recipe) for rows in (split.test, split.train)]
    if not all(texts):
        return NOTHING
    count = int(near_copies(*texts).sum())
    if count < NEAR_COPIES * len(split.test):
        return NOTHING
    remedy = "drop some" if split.recipe.group_column else "--group-column keeps what comes from one source on one side"
    return count, (
        f"{count:,} of {len(split.test):,} test rows {agree(count, 'is a near copy', 'are near copies')} of training"
        f" rows (80 % of the same word triples): {remedy}"
    )


def _texts(rows: Rows, recipe: Recipe) -> list[str]:
    """What the rows say, in one text each; none of features that are numbers."""
    columns = [rows.frame[name] for name in features_of(recipe).columns(recipe) if name in rows.frame]
    texts = [column.tolist() for column in columns if column.dtype == object]
    return [" ".join(map(str, cells)) for cells in zip(*texts, strict=True)]


def conflicting_texts(split: SplitRows) -> Finding:
    import numpy as np

    often = np.flatnonzero(split.copies[split.texts] > 1)
    if not len(often):
        return NOTHING
    both = np.concatenate([split.train.labels, split.test.labels])
    labels: dict[int, set[Any]] = {}
    for text, label in zip(split.texts[often].tolist(), both[often].tolist(), strict=True):
        labels.setdefault(text, set()).add(label)
    conflicting = sum(len(found) > 1 for found in labels.values())
    noun, have = plural(conflicting, features_of(split.recipe).NOUN), agree(conflicting, "has", "have")
    if split.recipe.columns is None:
        return conflicting, (
            f"{noun} {have} different labels in different rows, which no model can get right: fix the labels"
        )
    return conflicting, (
        f"{noun} {have} different labels in different copies, which no model can get right: wrong labels, or columns"
        " too few to tell them apart"
    )


def majority_rows(split: SplitRows) -> Finding:
    (largest, majority), rows = split.train_classes.most_common(1)[0], split.train_classes.total()
    if majority < MAJORITY * rows:
        return NOTHING
    return majority, (
        f"{majority:,} of {rows:,} training rows are of {named([largest])}: accuracy says little;"
        " look at f1_macro, and at what --model dummy gets"
    )


def untrained_rows(split: SplitRows) -> Finding:
    unseen = sorted(split.test_classes.keys() - split.train_classes.keys())
    count = sum(split.test_classes[label] for label in unseen)
    return count, f"{count:,} test rows are of classes without a training row ({named(unseen)}): always wrong"


def untested_classes(split: SplitRows) -> Finding:
    untested = sorted(split.train_classes.keys() - split.test_classes.keys())
    return len(untested), (
        f"{named(untested)} {agree(len(untested), 'has', 'have')} no test row: nothing is measured of"
        f" {agree(len(untested), 'it', 'them')}; more rows would help, or a larger test set"
    )


def rare_classes(split: SplitRows) -> Finding:
    folds = split.recipe.cv
    rare = sorted(label for label, count in split.train_classes.items() if folds is not None and count < folds)
    return len(rare), (
        f"{named(rare)} {agree(len(rare), 'has', 'have')} fewer training rows than there are folds ({folds}):"
        " not in each; drop the class, or a smaller --cv"
    )


def unknown_rows(fitted: FittedRows) -> Finding:
    count = int((~(fitted.shares < 1)).sum())  # NaN too: without a term there is none that is known
    return count, (
        f"{count:,} of {len(fitted.shares):,} test rows {agree(count, 'has', 'have')} no term that the model knows, and"
        f" {agree(count, 'gets', 'get')} the answer of an empty text: --max-features none, or -p analyzer=char_wb"
    )


def raise_if_strict(data_issues: Iterable[DataIssue]) -> None:
    """Raise DataError, with all that there is to tell, if `--strict` refuses some of it."""
    refused = messages(finding for finding in data_issues if finding.refused)
    if refused:
        raise DataError("; ".join(refused), hint="leave out --strict to be warned only")


def named(values: Sequence[object] | np.ndarray) -> str:
    """`class 'a'`, or `classes 'a', 'b', 'c' and 2 more`."""
    shown = ", ".join(repr(str(value)) for value in values[:3])
    more = f" and {len(values) - 3:,} more" if len(values) > 3 else ""
    return f"{agree(len(values), 'class', 'classes')} {shown}{more}"
