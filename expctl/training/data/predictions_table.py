"""Predictions of another program, from a table: checked, their rows identified. Form: `expctl help predictions`.

Whatever is wrong is told with the row where it stands. Rows are never known by their position.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError, closest
from expctl.training.data import cells
from expctl.training.data.column_kinds import task_of_target
from expctl.training.data.rows import text_hashes
from expctl.training.data.tables import kind_of, read_table
from expctl.training.tasks import TASKS
from expctl.training.tasks.class_labels import read_labels
from expctl.training.tasks.protocol import Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from expctl.analysis.predictions import ScoreKind
    from expctl.training.data.table_formats import TableColumns

TARGETS: Final = ("label", "target", "y_true")
PREDICTIONS: Final = ("prediction", "predicted", "y_pred")
TEXT: Final = "text"
TEXT_HASH: Final = "text_hash"
GROUP: Final = "group"
GROUP_HASH: Final = "group_hash"
_IDS: Final = ("id", "row_id")
_PROBABILITY: Final = "proba_"
_DECISION: Final = "decision"
_SCORES: Final = "scores"  # of a predictions.parquet as expctl writes it
_OURS: Final = ("row", "text_hash", "label", "prediction", GROUP, GROUP_HASH)
_HASH: Final = re.compile(r"[0-9a-f]{32}")
_EXACT: Final = 2**53  # below, a float that is whole is one integer
_SUM: Final = 1e-3  # by which the probabilities of a row may differ from 1: as much as four digits of each


@dataclass(frozen=True, slots=True)
class PredictionColumns:
    """Which columns are what; None, or none: those of the usual names. `ids` identify a row, or `text` does.

    `task` is what was predicted, None where the target tells.
    """

    target: str | None = None
    prediction: str | None = None
    ids: tuple[str, ...] = ()
    text: str | None = None
    task: str | None = None

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UsageError(f"--task {self.task}: no such task{closest(self.task, TASKS)}", hint=" or ".join(TASKS))

    @property
    def options(self) -> list[str]:
        """The options that say so, of those that were given."""
        said = {
            "--target": self.target, "--prediction": self.prediction, "--id": self.ids, "--text-column": self.text,
            "--task": self.task,
        }  # fmt: skip
        return [option for option, value in said.items() if value]


@dataclass(frozen=True)
class PredictionsTable:
    """Predictions of rows that `hashes` identify, shape (n,), dtype S32, and `rows` number, shape (n,).

    `numbered` says that the numbers stood in the table; `source` is the hash of the data file whose rows they number,
    None where that is not known. `task` is what was predicted.
    """

    predictions: Predictions
    hashes: np.ndarray
    rows: np.ndarray
    numbered: bool = False
    source: str | None = None
    task: str = "classification"


def read_predictions_table(
    content: bytes, name: str, columns: PredictionColumns | None = None, *, encoding: str = "utf-8"
) -> PredictionsTable:
    """The predictions that a CSV, TSV, JSONL or Parquet file holds; `name` is its name, whose ending says which.

    Raises DataError for one that is malformed.
    """
    kind = kind_of(name)
    table = read_table(content, kind, encoding=encoding, name=name)
    parquet = content if kind == "parquet" else None
    return predictions_of(table, name, columns, parse=kind in ("csv", "tsv"), parquet=parquet)


def predictions_of(
    table: TableColumns,
    name: str,
    columns: PredictionColumns | None = None,
    *,
    parse: bool = False,
    parquet: bytes | None = None,
) -> PredictionsTable:
    """The predictions of a table that has been read. `parse`: its labels are written out, as in CSV; `parquet` is the
    file that it was, whose metadata say what its scores are.

    Raises DataError for a table that is malformed.
    """
    import numpy as np

    columns = columns or PredictionColumns()
    size = len(next(iter(table.values()), []))
    if not size:
        raise DataError(f"{name} has no rows", hint="one line for each test row: expctl help predictions")
    target = _chosen(table, columns.target, TARGETS, name, "--target")
    prediction = _chosen(table, columns.prediction, PREDICTIONS, name, "--prediction")
    _check_present(table, (target, prediction), name)
    task = _task(table, columns, target, parquet)
    groups = _groups(table, name)
    if task == "regression":
        labels, predicted = (_measured(table[column], column, name) for column in (target, prediction))
        predictions = Predictions(labels, predicted, None, "none", np.array([]), 0.0, groups)
    else:
        labels, predicted = _labels(table, target, prediction, parse=parse)
        scores, score_kind, classes = _scores(table, labels, predicted, name, parquet)
        predictions = Predictions(labels, predicted, scores, score_kind, classes, 0.0, groups)
    hashes = _hashes(table, columns, (target, prediction), name)
    numbered = all(isinstance(one, int) and 0 <= one < 2**63 for one in table.get("row", [None]))
    rows = np.array(table["row"], dtype=np.int64) if numbered else np.arange(size)
    return PredictionsTable(predictions, hashes, rows, numbered, task=task)


def _task(table: TableColumns, columns: PredictionColumns, target: str, parquet: bytes | None) -> str:
    """What was predicted: as said; classes where there are scores of them, and of texts with whole numbers; else as the
    target of a training tells it.
    """
    if columns.task is not None:
        return columns.task
    if parquet is not None and TEXT_HASH in table:
        import pyarrow.parquet as pq

        described = pq.read_schema(io.BytesIO(parquet)).metadata or {}
        if b"expctl.classes" in described or b"expctl.task" in described:  # it is of expctl's form
            return str(described.get(b"expctl.task", b"classification").decode())
    values = table[target]
    if _DECISION in table or any(key.startswith(_PROBABILITY) for key in table):
        return "classification"
    of_texts = columns.text is not None or (not columns.ids and TEXT in table)
    if of_texts and cells.are_numbers(values) and all(one.is_integer() for one in cells.numbers(values)):
        return "classification"
    return task_of_target(values)


def _measured(values: list[Any], column: str, name: str) -> np.ndarray:
    """The numbers of a column, float64, shape (n,). Raises DataError, with the row, for a cell that is none."""
    import numpy as np

    wrong = next((row for row, value in enumerate(values, 1) if not cells.is_number(value)), None)
    if wrong is not None:
        raise DataError(
            f"{name}: row {wrong:,} has the {column} {str(values[wrong - 1])[:40]!r}, which is not a finite number",
            hint="the target is numbers; --task classification, if they are classes",
        )
    try:
        return np.array(cells.numbers(values), dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{name}: column {column!r}: {error}", hint="numbers that a float holds") from error


def _chosen(table: TableColumns, asked: str | None, usual: Sequence[str], name: str, option: str) -> str:
    found = next((one for one in ([asked] if asked else usual) if one in table), None)
    if found is None:
        wanted = asked or usual[0]
        shown = ", ".join(list(table)[:20])
        raise DataError(
            f"{name} has no column {wanted!r}{closest(wanted, table)}", hint=f"it has {shown}; {option} names another"
        )
    return found


def _check_present(table: TableColumns, columns: Sequence[str], name: str) -> None:
    """Raise DataError where a cell of the columns is empty."""
    for column in columns:
        missing = next((row for row, value in enumerate(table[column], 1) if value is None or value != value), None)
        if missing is not None:
            raise DataError(f"{name}: row {missing:,} has no {column}", hint="every row needs both: predict them all")


def _labels(table: TableColumns, target: str, prediction: str, *, parse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Both columns, of one type: integers where the targets are, though predictions be written 1.0.

    Raises DataError where a cell holds no class.
    """
    import numpy as np

    try:
        both = read_labels([*table[target], *table[prediction]], parse=parse, column=target)
    except DataError as error:
        read_labels(table[target], parse=parse, column=target)  # which raises where the target is no class
        raise DataError(
            error.message.replace(repr(target), repr(prediction)),
            hint=f"of probabilities one column proba_CLASS each; --task regression, if {target!r} is a number",
        ) from error
    size = len(table[target])
    if both.dtype.kind == "f" and np.abs(both[size:]).max() < _EXACT:
        alone = read_labels(table[target], parse=parse, column=target)
        if alone.dtype.kind == "i":
            return alone, both[size:].astype(np.int64)
    return both[:size], both[size:]


def _scores(
    table: TableColumns, labels: np.ndarray, predicted: np.ndarray, name: str, parquet: bytes | None
) -> tuple[np.ndarray | None, ScoreKind, np.ndarray]:
    """The scores, one column per class in the order of the classes, what they are, and the classes."""
    import numpy as np

    known = np.unique(np.concatenate([labels, predicted]))
    columns = {key.removeprefix(_PROBABILITY): values for key, values in table.items() if key.startswith(_PROBABILITY)}
    kind: ScoreKind = "probability"
    if not columns and _SCORES in table and parquet is not None:
        columns, kind, known = _listed(table[_SCORES], parquet, known, name)
    elif not columns and _DECISION in table:
        columns, kind = {_DECISION: table[_DECISION]}, "decision"
    if not columns:
        return None, "none", known
    if list(columns) == [_DECISION] and kind == "decision":
        if len(known) != 2:
            raise DataError(
                f"{name}: column {_DECISION!r} is of two classes, there are {len(known)}",
                hint="one column proba_CLASS for each class",
            )
        return _numbers(columns, name)[:, 0], kind, known
    of_class: dict[Any, str] = {}
    for column in columns:
        label = _as_label(column, known, name)
        before = of_class.setdefault(label, column)
        if before != column:
            raise DataError(
                f"{name}: {_PROBABILITY}{before} and {_PROBABILITY}{column} are columns of one class",
                hint="one column proba_CLASS for each class",
            )
    classes = np.array(list(of_class), dtype=known.dtype)
    order = np.argsort(classes)
    scores = _numbers(columns, name)[:, order]
    if kind == "probability":
        _check_probabilities(scores, name)
    return scores, kind, classes[order]


def _listed(
    values: list[Any], parquet: bytes, known: np.ndarray, name: str
) -> tuple[dict[str, list[Any]], ScoreKind, np.ndarray]:
    """The scores of a predictions.parquet as expctl writes it, by class, what they are, and the classes."""
    import numpy as np
    import pyarrow.parquet as pq

    described = pq.read_schema(io.BytesIO(parquet)).metadata or {}
    try:
        if described[b"expctl.scores"] == b"none":
            return {}, "none", known
        classes = [str(one) for one in json.loads(described[b"expctl.classes"])]
        if len(set(classes)) < len(classes):
            raise ValueError("classes of one name")
        kind: ScoreKind = "decision" if described[b"expctl.scores"] == b"decision" else "probability"
        if kind == "decision" and {len(one) for one in values} == {1}:
            two = np.array([_as_label(one, known, name) for one in classes], dtype=known.dtype)
            return {_DECISION: [one[0] for one in values]}, kind, two
        return dict(zip(classes, map(list, zip(*values, strict=True)), strict=True)), kind, known
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{name}: column 'scores' without its classes", hint="or one column proba_CLASS for each class"
        ) from error


def _as_label(text: str, known: np.ndarray, name: str) -> Any:
    """The class that a column is called after, as the labels are written."""
    names = {str(one): one for one in known.tolist()}
    if text in names:
        return names[text]
    if known.dtype.kind == "O":
        return text
    try:
        if known.dtype.kind == "b":
            return {"True": True, "False": False}[text]
        if not float(text).is_integer():
            raise ValueError(text)
        return known.dtype.type(float(text))
    except (ValueError, KeyError, OverflowError):
        raise DataError(
            f"{name}: proba_{text} is a column of no class; the labels are {', '.join(list(names)[:5])}",
            hint="proba_CLASS, with the class as it stands in the target",
        ) from None


def _numbers(columns: Mapping[str, Sequence[Any]], name: str) -> np.ndarray:
    import numpy as np

    found = np.empty((len(next(iter(columns.values()))), len(columns)))
    for place, (key, values) in enumerate(columns.items()):
        for row, value in enumerate(values):
            try:
                found[row, place] = float("nan" if value is None else value)
            except (TypeError, ValueError):
                found[row, place] = np.nan
        wrong = np.flatnonzero(~np.isfinite(found[:, place]))
        if len(wrong):
            raise DataError(
                f"{name}: row {wrong[0] + 1:,} has the score {values[wrong[0]]!r} for {key}", hint="scores are numbers"
            )
    return found


def _check_probabilities(scores: np.ndarray, name: str) -> None:
    import numpy as np

    wrong = np.flatnonzero((scores < 0).any(axis=1) | (np.abs(scores.sum(axis=1) - 1) > _SUM))
    if len(wrong):
        row = ", ".join(f"{one:g}" for one in scores[wrong[0]][:5])
        raise DataError(
            f"{name}: row {wrong[0] + 1:,} has probabilities that do not add up to 1 ({row})",
            hint="one column proba_CLASS for each class; of decisions between two classes one column decision",
        )


def _hashes(table: TableColumns, columns: PredictionColumns, answers: tuple[str, str], name: str) -> np.ndarray:
    """By what each row is known: its text, as in a run of `train`, or the columns that identify it."""
    asked = [*columns.ids, *([columns.text] if columns.text else [])]
    for column in asked:
        if column not in table:
            raise DataError(f"{name} has no column {column!r}{closest(column, table)}", hint="--id COLUMN")
    if not asked and TEXT_HASH in table:
        return _digests(table, TEXT_HASH, TEXT, name)
    text = columns.text or (TEXT if not columns.ids and TEXT in table else None)
    if text is not None:
        missing = next((row for row, value in enumerate(table[text], 1) if value is None), None)
        if missing is not None:
            raise DataError(f"{name}: row {missing:,} has no {text}", hint="or name columns that identify it by --id")
        return text_hashes([str(value) for value in table[text]])
    return _by_columns(table, columns.ids, answers, name)


def _groups(table: TableColumns, name: str) -> np.ndarray | None:
    """Which rows belong together: by the column `group`, or its hashes as expctl writes them; None without either."""
    column = GROUP if GROUP in table else GROUP_HASH
    if column not in table:
        return None
    missing = next((row for row, value in enumerate(table[column], 1) if value is None), None)
    if missing is not None:
        raise DataError(f"{name}: row {missing:,} has no {column}", hint="one for each row, or leave out the column")
    if column == GROUP:
        return text_hashes([str(value) for value in table[column]])
    return _digests(table, GROUP_HASH, GROUP, name)


def _digests(table: TableColumns, column: str, instead: str, name: str) -> np.ndarray:
    """A column of hashes as expctl writes them, shape (n,), dtype S32."""
    import numpy as np

    digests = [str(one) for one in table[column]]
    wrong = next((row for row, one in enumerate(digests, 1) if not _HASH.fullmatch(one)), None)
    if wrong is not None:
        raise DataError(f"{name}: row {wrong:,} has no {column}", hint=f"32 hexadecimal digits, or a column {instead}")
    return np.array(digests, dtype="S32")


def _by_columns(table: TableColumns, ids: Sequence[str], answers: tuple[str, str], name: str) -> np.ndarray:
    """Rows known by one column that is called so, or by all that are neither labels nor scores."""
    others = [key for key in table if key not in (*answers, *_OURS, _SCORES, _DECISION)]
    others = [key for key in others if not key.startswith((_PROBABILITY, "slice."))]
    chosen = list(ids) or [one for one in _IDS if one in table][:1] or others
    if not chosen:
        raise DataError(
            f"{name} has nothing that identifies a row, and rows are never compared by their position",
            hint="add a column id or text: expctl help predictions",
        )
    values = list(zip(*(table[key] for key in chosen), strict=True))
    known: dict[tuple[Any, ...], int] = {}
    for row, value in enumerate(values, 1):
        if any(one is None for one in value) and (ids or chosen[0] in _IDS):
            raise DataError(f"{name}: row {row:,} has no {', '.join(chosen)}", hint="every row needs one")
        before = known.setdefault(tuple(map(str, value)), row)
        if before != row and (ids or chosen[0] in _IDS):
            told = " ".join(map(str, value))[:60]
            raise DataError(f"{name}: rows {before:,} and {row:,} are both {told!r}", hint="each test row once")
    if len(chosen) == 1:
        return text_hashes([str(one) for (one,) in values])
    return text_hashes([json.dumps([str(one) for one in value], ensure_ascii=False) for value in values])
