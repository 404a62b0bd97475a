"""The data guard: what of the data makes a measured quality doubtful. Looks at hashes and labels, never at texts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from expctl.data_issues import DataIssue, messages
from expctl.errors import DataError
from expctl.training.data.duplicates import numbered
from expctl.wording import agree, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from expctl.recipe import Recipe
    from expctl.training.data.rows import Rows

MAJORITY: Final = 0.95  # of the training rows in one class: from here on accuracy says next to nothing


def check_split(train: Rows, test: Rows, recipe: Recipe) -> Iterator[DataIssue]:
    """What there is to tell of a split before anything is trained on it. Counts that are zero are no findings."""
    yield from _copies(train, test)
    yield from _classes(Counter(train.labels.tolist()), Counter(test.labels.tolist()), recipe)


def _copies(train: Rows, test: Rows) -> Iterator[DataIssue]:
    import numpy as np

    texts = numbered(np.concatenate([train.hashes, test.hashes]))
    rows = np.bincount(texts)
    repeated = len(texts) - len(rows)
    if not repeated:
        return
    trained = np.zeros(len(rows), dtype=bool)
    trained[texts[: len(train)]] = True
    leaked = int(trained[texts[len(train) :]].sum())
    yield DataIssue("repeated_rows", repeated, None)
    if leaked:
        yield DataIssue(
            "leaked_rows",
            leaked,
            f"{leaked:,} of {len(test):,} test rows {agree(leaked, 'has', 'have')} a text that is trained on too"
            f" ({repeated:,} of all rows {agree(repeated, 'repeats', 'repeat')} another's):"
            " --dedupe keeps copies on one side",
        )
    often = np.flatnonzero(rows[texts] > 1)
    labels: dict[int, set[Any]] = {}
    for text, label in zip(
        texts[often].tolist(), np.concatenate([train.labels, test.labels])[often].tolist(), strict=True
    ):
        labels.setdefault(text, set()).add(label)
    conflicting = sum(len(found) > 1 for found in labels.values())
    if conflicting:
        yield DataIssue(
            "conflicting_texts",
            conflicting,
            f"{plural(conflicting, 'text')} {agree(conflicting, 'has', 'have')} different labels in different"
            " rows, which no model can get right: settle on one",
        )


def _classes(train: Counter[Any], test: Counter[Any], recipe: Recipe) -> Iterator[DataIssue]:
    (largest, majority), rows = train.most_common(1)[0], train.total()
    if majority >= MAJORITY * rows:
        yield DataIssue(
            "majority_rows",
            majority,
            f"{majority:,} of {rows:,} training rows are of {named([largest])}: accuracy says little;"
            " look at f1_macro, and at what --model dummy gets",
        )
    unseen = sorted(test.keys() - train.keys())
    if unseen:
        count = sum(test[label] for label in unseen)
        yield DataIssue(
            "untrained_rows",
            count,
            f"{count:,} test rows are of classes without a training row ({named(unseen)}): always wrong",
        )
    untested = sorted(train.keys() - test.keys())
    if untested:
        yield DataIssue(
            "untested_classes",
            len(untested),
            f"{named(untested)} {agree(len(untested), 'has', 'have')} no test row: nothing is measured of"
            f" {agree(len(untested), 'it', 'them')}; more rows would help, or a larger test set",
        )
    rare = sorted(label for label, count in train.items() if recipe.cv is not None and count < recipe.cv)
    if rare:
        yield DataIssue(
            "rare_classes",
            len(rare),
            f"{named(rare)} {agree(len(rare), 'has', 'have')} fewer training rows than there are folds ({recipe.cv}):"
            " not in each; drop the class, or a smaller --cv",
        )


def unknown(shares: np.ndarray) -> Iterator[DataIssue]:
    """What there is to tell of the `unknown_shares` of the test rows, once a model is fitted."""
    count = int((~(shares < 1)).sum())  # NaN too: without a term there is none that is known
    if count:
        yield DataIssue(
            "unknown_rows",
            count,
            f"{count:,} of {len(shares):,} test rows {agree(count, 'has', 'have')} no term that the model knows, and"
            f" {agree(count, 'gets', 'get')} the answer of an empty text: --max-features none, or -p analyzer=char_wb",
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
