"""The checks of the data that only tables have: columns that say nothing or everything, and numbers out of reach.

The table of them is `DATA_ISSUES`; each is given `SplitRows` and gives what `checks.py` calls a finding.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from expctl.training.data import cells as read
from expctl.training.data.cells import MISSING, is_missing, is_number
from expctl.training.data.table import TIME_PARTS
from expctl.wording import agree, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from expctl.training.data.checks import Finding, SplitRows

NOTHING: Final[Finding] = (0, None)
GIVES_AWAY: Final = 0.99  # accuracy, or R², of one column alone
FAR: Final = 10  # interquartile ranges beyond the quartiles
UNTRAINED: Final = 0.05  # of the test rows: at random fewer are beyond all training rows
_BINS: Final = 200  # of the numbers of a column
_LEAST: Final = 10  # rows by which a column is judged
_NAMED: Final = 5
_SHOWN: Final = 40  # characters of a cell
CHANCE: Final = 0.01  # of what is told of a random split
_DATE: Final = re.compile(r"(\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|\d{4}[./]\d{1,2}[./]\d{1,2})([ T].*)?")
_AMOUNT: Final = re.compile(r"[-+]?[$€£]? ?(\d{1,3}([., ]\d{3})+|\d+)([.,]\d+)?( ?[%$€£])?")
_BEGINNING: Final = datetime(1970, 1, 1)
_SECOND: Final = timedelta(seconds=1)
NUMBERS: Final = 0.9  # of the cells of a column: with fewer it may be one of words


def cells_of(frame: pd.DataFrame, name: str, kind: str) -> tuple[int, int]:
    """How many cells of a column are missing, and how many different values the others have."""
    if kind == "datetime":
        parts = frame[[f"{name}.{part}" for part in TIME_PARTS]].dropna()
        return len(frame) - len(parts), len(parts.drop_duplicates())
    column = frame[name]
    missing = column.isna() | (column.astype(object) == "")
    return int(missing.sum()), int(column[~missing].nunique())


def _both(split: SplitRows) -> pd.DataFrame:
    """All rows, as the file has them."""
    import pandas as pd

    frames = [split.train.frame, split.test.frame]
    return pd.concat(frames) if split.recipe.test_data is not None else pd.concat(frames).sort_index()


def _named(columns: Sequence[str]) -> str:
    return ", ".join(columns[:_NAMED]) + (", ..." if len(columns) > _NAMED else "")


def _dropped(columns: Sequence[str]) -> str:
    return " ".join(f"--drop {shlex.quote(name)}" for name in columns[:_NAMED])


def missing_cells(split: SplitRows) -> Finding:
    frame, kinds = _both(split), split.recipe.columns or {}
    missing = {name: cells_of(frame, name, kind)[0] for name, kind in kinds.items()}
    having = sorted((name for name in missing if missing[name]), key=lambda name: -missing[name])
    if not having:
        return NOTHING
    cells, most = sum(missing.values()), having[0]
    return cells, (
        f"{plural(cells, 'cell')} {agree(cells, 'is', 'are')} missing, in {len(having):,} of"
        f" {plural(len(kinds), 'column')}, {missing[most]:,} of {len(frame):,} in {most}"
    )


def constant_columns(split: SplitRows) -> Finding:
    kinds = split.recipe.columns or {}
    constant = [name for name, kind in kinds.items() if _is_constant(split.train.frame, name, kind)]
    empty = sum(not cells_of(split.train.frame, name, kinds[name])[1] for name in constant)
    having = "one value" if not empty else "no value" if empty == len(constant) else "one value or none"
    return len(constant), (
        f"{plural(len(constant), 'column')} {agree(len(constant), 'has', 'have')} {having} in all training rows:"
        f" {_dropped(constant)}"
    )


def _is_constant(frame: pd.DataFrame, name: str, kind: str) -> bool:
    missing, different = cells_of(frame, name, kind)
    return different == 0 or (different == 1 and not missing)


def id_columns(split: SplitRows) -> Finding:
    frame = _both(split)
    if len(frame) < _LEAST:
        return NOTHING
    kinds = (split.recipe.columns or {}).items()
    ids = [name for name, kind in kinds if kind in ("numeric", "categorical") and _is_id(frame[name], kind)]
    return len(ids), (
        f"{plural(len(ids), 'column')} {agree(len(ids), 'looks', 'look')} like an id, different in every row, which"
        f" says nothing of other rows: {_dropped(ids)}"
    )


def _is_id(column: pd.Series[float], kind: str) -> bool:
    """Whether all are different: words, or whole numbers in order."""
    if column.isna().any() or not column.is_unique:
        return False
    if kind == "categorical":
        return True
    in_order = column.is_monotonic_increasing or column.is_monotonic_decreasing
    return in_order and bool((column == column.round()).all())


def nearly_numeric_columns(split: SplitRows) -> Finding:
    frame = _both(split)
    found = {name: others for name in _taken_for_categories(split) if (others := _not_numbers(frame[name]))}
    if not found:
        return NOTHING
    (name, others), *more = found.items()
    shown = ", ".join(repr(word[:_SHOWN]) for word in list(others)[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
    missing = " ".join(f"--missing {shlex.quote(word)}" for word in list(others)[:_NAMED])
    too = f" (and so {agree(len(more), 'is', 'are')} {_named([name for name, _ in more])})" if more else ""
    return len(found), (
        f"column {name!r} is numbers but for {plural(sum(others.values()), 'cell')} ({shown}): it is read as"
        f" categories{too}; {missing}, or --as {shlex.quote(f'{name}=categorical')}"
    )


def _taken_for_categories(split: SplitRows) -> list[str]:
    """The columns that are read as categories, but for those that are said to be."""
    said = {pair.rpartition("=")[0].strip() for pair in (split.recipe.kinds or "").split(",")}
    return [name for name, kind in (split.recipe.columns or {}).items() if kind == "categorical" and name not in said]


def unread_columns(split: SplitRows) -> Finding:
    frame = _both(split)
    found = {name: form for name in _taken_for_categories(split) if (form := _written_otherwise(frame[name]))}
    if not found:
        return NOTHING
    (name, (what, cell, remedy)), *more = found.items()
    too = f" (and so {agree(len(more), 'is', 'are')} {_named([name for name, _ in more])})" if more else ""
    return len(found), (
        f"column {name!r} holds {what} ({cell!r}), which are read as categories{too}: write {remedy}, or"
        f" --as {shlex.quote(f'{name}=categorical')}"
    )


def _written_otherwise(column: pd.Series[float]) -> tuple[str, str, str] | None:
    """What most cells of a column are, an example, and how it would be read; None of categories."""
    cells = dict(Counter(map(str, column.dropna())).most_common())  # equally many as they come; pandas 2 has no order
    known = {word: rows for word, rows in cells.items() if not is_missing(word, MISSING)}
    for form, what, remedy in (
        (_DATE, "dates that are not ISO 8601", "them as 2024-12-31"),
        (_AMOUNT, "numbers with commas or signs", "them as 1234.5"),
    ):
        alike = {word: rows for word, rows in known.items() if form.fullmatch(word) and not is_number(word)}
        plain = sum(rows for word, rows in known.items() if is_number(word)) if form is _AMOUNT else 0
        total, some = sum(known.values()), sum(alike.values())
        if total >= _LEAST and some > (1 - NUMBERS) * total and some + plain >= NUMBERS * total:
            return what, next(iter(alike))[:_SHOWN], remedy
    return None


def _not_numbers(column: pd.Series[float]) -> dict[str, int]:
    """What the few cells say that are no numbers, with how many say it; nothing of a column that has many of them."""
    cells = dict(Counter(map(str, column.dropna())).most_common())  # equally many as they come; pandas 2 has no order
    known = {word: rows for word, rows in cells.items() if not is_missing(word, MISSING)}
    others = {word: rows for word, rows in known.items() if not is_number(word)}
    total = sum(known.values())
    return others if total >= _LEAST and sum(others.values()) <= (1 - NUMBERS) * total else {}


def target_columns(split: SplitRows) -> Finding:
    if min(len(split.train), len(split.test)) < _LEAST:
        return NOTHING
    scores = {name: score for name, score in _scores_alone(split) if score >= GIVES_AWAY}
    measure = "R²" if split.recipe.task == "regression" else "accuracy"
    shown = ", ".join(f"{name} ({measure} {score:.3f})" for name, score in list(scores.items())[:_NAMED])
    return len(scores), (
        f"{plural(len(scores), 'column')} alone {agree(len(scores), 'gives', 'give')} the target away: {shown};"
        f" if it is not known beforehand: {_dropped(list(scores))}"
    )


def _scores_alone(split: SplitRows) -> Iterator[tuple[str, float]]:
    """How well each column alone says the target of the test rows, by what training rows with such a value have.

    Numbers are put in bins of as many rows each. None is given of a target that hardly varies.
    """
    import numpy as np

    regression = split.recipe.task == "regression"
    train, test = split.train.labels, split.test.labels
    if not regression:
        classes, codes = np.unique(np.concatenate([train, test]), return_inverse=True)
        train, test = codes[: len(train)], codes[len(train) :]
        if np.bincount(test).max() > 0.95 * len(test):
            return
    elif (test == test[0]).all():
        return
    for name, kind in (split.recipe.columns or {}).items():
        if kind not in ("numeric", "categorical"):
            continue
        fitted, asked = _codes(split.train.frame[name], split.test.frame[name], kind)
        size = int(max(fitted.max(), asked.max())) + 1
        if regression:
            rows = np.bincount(fitted, minlength=size)
            means = np.bincount(fitted, train, size) / np.maximum(rows, 1)
            predicted = np.where(rows > 0, means, train.mean())[asked]
            yield name, float(1 - ((test - predicted) ** 2).sum() / ((test - test.mean()) ** 2).sum())
        else:
            votes = np.bincount(fitted * len(classes) + train, minlength=size * len(classes)).reshape(size, -1)
            majority = np.bincount(train).argmax()
            predicted = np.where(votes.any(axis=1), votes.argmax(axis=1), majority)[asked]
            yield name, float((predicted == test).mean())


def _codes(train: pd.Series[float], test: pd.Series[float], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as numbers of their categories, or bins; what is missing is one more."""
    import numpy as np
    import pandas as pd

    if kind == "categorical":
        codes, _ = pd.factorize(pd.concat([train, test]), use_na_sentinel=False)
        return codes[: len(train)], codes[len(train) :]
    known = np.unique(train.dropna())
    if len(known) > _BINS:
        known = np.unique(np.quantile(train.dropna(), np.linspace(0, 1, _BINS + 1)))
    found = [np.where(side.isna(), len(known) + 1, np.searchsorted(known, side)) for side in (train, test)]
    return found[0], found[1]


def unknown_categories(split: SplitRows) -> Finding:
    import numpy as np

    any_of, counts = np.zeros(len(split.test), dtype=bool), {}
    for name, kind in (split.recipe.columns or {}).items():
        if kind == "categorical":
            column = split.test.frame[name]
            unknown = (column.notna() & ~column.isin(split.train.frame[name].unique())).to_numpy()
            any_of |= unknown
            if unknown.any():
                counts[name] = int(unknown.sum())
    most = sorted(counts, key=lambda name: -counts[name])
    count = int(any_of.sum())
    return count, (
        f"{count:,} of {len(split.test):,} test rows {agree(count, 'has', 'have')} a category that no training row has"
        f" ({_named([f'{name} {counts[name]:,}' for name in most])}): to the model it is an infrequent one, or none"
    )


def far_targets(split: SplitRows) -> Finding:
    import numpy as np

    labels = np.concatenate([split.train.labels, split.test.labels])
    low, middle, high = np.quantile(labels, [0.25, 0.5, 0.75])
    far = labels[(labels < low - FAR * (high - low)) | (labels > high + FAR * (high - low))]
    if not len(far) or low == high:
        return NOTHING
    largest = far[np.abs(far - middle).argmax()]
    return len(far), (
        f"the target of {plural(len(far), 'row')} is far from all others, such as {largest:g} (half of them are between"
        f" {low:g} and {high:g}): rmse and r2 say little but of {agree(len(far), 'it', 'them')}; is it right?"
    )


def untrained_targets(split: SplitRows) -> Finding:
    train, test = split.train.labels, split.test.labels
    beyond = int(((test < train.min()) | (test > train.max())).sum())
    beyond = beyond if 2 * _all_tested(beyond, split) < CHANCE else 0
    low, high, between = _gap(split)
    count = beyond + between
    if count < UNTRAINED * len(test):
        return NOTHING
    where = [f"beyond those of all training rows ({train.min():g} to {train.max():g})"] if beyond else []
    where += [f"between {low:g} and {high:g}, where no training row is"] if between else []
    counts = "" if len(where) < 2 else f" ({beyond:,} and {between:,})"
    return count, (
        f"the target of {count:,} of {len(test):,} test rows is {' or '.join(where)}{counts}: what a model"
        " says there is a guess, and trees and neighbours cannot follow"
    )


def _all_tested(rows: int | np.ndarray, split: SplitRows) -> Any:
    """The chance that rows that lie together are all test rows, were the rows divided at random."""
    share = len(split.test) / (len(split.train) + len(split.test))
    return share**rows


def _gap(split: SplitRows) -> tuple[float, float, int]:
    """Two neighbouring targets of training rows with more test rows between them than chance has, and how many.

    They are far from each other: a tenth of what nine of ten training rows span, or more.
    """
    import numpy as np

    train, test = split.train.labels, split.test.labels
    known = np.unique(train)
    place = np.searchsorted(known, test)
    inside = (place > 0) & (place < len(known)) & (known[np.minimum(place, len(known) - 1)] != test)
    gaps, rows = np.unique(place[inside], return_counts=True)
    wide = known[gaps] - known[gaps - 1] > (np.quantile(train, 0.95) - np.quantile(train, 0.05)) / 10
    rows = np.where(wide & (len(known) * _all_tested(rows, split) < CHANCE), rows, 0)
    if not rows.any():
        return 0.0, 0.0, 0
    widest = gaps[rows.argmax()]
    return float(known[widest - 1]), float(known[widest]), int(rows.max())


def untimely_rows(split: SplitRows) -> Finding:
    import numpy as np

    recipe = split.recipe
    at_random = recipe.split_column is None and recipe.test_data is None
    if recipe.time_column is not None or (at_random and recipe.group_column is not None):
        return NOTHING
    early: dict[str, int] = {}
    for name, train, test in _dated(split):
        rows = np.argsort(np.concatenate([split.train.frame.index, split.test.frame.index]), kind="stable")
        if not at_random or _is_ordered(np.concatenate([train, test])[rows]):
            early[name] = int((test < train.max()).sum())
    if not early:
        return NOTHING
    name = min(early, key=lambda one: early[one])
    count, how = early[name], f"the rows are in the order of {name!r} and divided at random: " if at_random else ""
    return count, (
        f"{how}{count:,} of {len(split.test):,} test rows {agree(count, 'has', 'have')} an earlier {name!r} than a"
        f" training row; if later rows are to be predicted: --time-column {shlex.quote(name)}"
    )


def _is_ordered(times: np.ndarray) -> bool:
    """Whether times that are not all the same go one way."""
    import numpy as np

    steps = np.diff(times)
    return len(times) >= _LEAST and bool(steps.any()) and bool((steps >= 0).all() or (steps <= 0).all())


def _dated(split: SplitRows) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The columns of the files that hold a date or time in every row, as seconds of training and of test rows."""
    import numpy as np

    if split.tables is None:
        return
    sides = list(zip(split.tables, (split.train.frame.index, split.test.frame.index), strict=True))
    for name in split.tables[0]:
        other = (split.recipe.columns or {}).get(name, "datetime") != "datetime"
        if other or name == split.recipe.target or name not in split.tables[1]:
            continue
        try:
            times = [[read.moment(table[name][row]) for row in rows] for table, rows in sides]
        except ValueError:
            continue
        train, test = (np.array([(one - _BEGINNING) // _SECOND for one in side], dtype=np.int64) for side in times)
        yield name, train, test
