"""The scores of classes in a table of predictions (`expctl help predictions`): probabilities, or decisions between two.

Whatever is wrong is told with the row where it stands.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from expctl.analysis.predictions import ScoreKind
    from expctl.training.data.table_formats import TableColumns

PROBABILITY: Final = "proba_"
DECISION: Final = "decision"
SCORES: Final = "scores"  # of a predictions.parquet as expctl writes it
_SUM: Final = 1e-3  # by which the probabilities of a row may differ from 1: as much as four digits of each


def scores_of(
    table: TableColumns, labels: np.ndarray, predicted: np.ndarray, name: str, parquet: bytes | None
) -> tuple[np.ndarray | None, ScoreKind, np.ndarray]:
    """The scores, one column per class in the order of the classes, what they are, and the classes."""
    import numpy as np

    known = np.unique(np.concatenate([labels, predicted]))
    columns = {key.removeprefix(PROBABILITY): values for key, values in table.items() if key.startswith(PROBABILITY)}
    kind: ScoreKind = "probability"
    if not columns and SCORES in table and parquet is not None:
        columns, kind, known = _listed(table[SCORES], parquet, known, name)
    elif not columns and DECISION in table:
        columns, kind = {DECISION: table[DECISION]}, "decision"
    if not columns:
        return None, "none", known
    if list(columns) == [DECISION] and kind == "decision":
        if len(known) != 2:
            raise DataError(
                f"{name}: column {DECISION!r} is of two classes, there are {len(known)}",
                hint="one column proba_CLASS for each class",
            )
        return _numbers(columns, name)[:, 0], kind, known
    of_class: dict[Any, str] = {}
    for column in columns:
        label = _as_label(column, known, name)
        before = of_class.setdefault(label, column)
        if before != column:
            raise DataError(
                f"{name}: {PROBABILITY}{before} and {PROBABILITY}{column} are columns of one class",
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
            return {DECISION: [one[0] for one in values]}, kind, two
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
