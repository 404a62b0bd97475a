"""The test rows that a run recorded with what they say: a model that is not what it was does not know them any more."""

from __future__ import annotations

import csv
import io
import math
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from expctl.encoding import csv_text
from expctl.errors import DataError, ExpctlError
from expctl.tracking.models.storage import ISOLATED
from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import SAMPLE_COLUMNS, sample_column
from expctl.training.fit.predict_batches import PREDICTION, answers

if TYPE_CHECKING:
    from expctl.records import RunRecord
    from expctl.tracking.models.storage import LoadedModel
    from expctl.tracking.store import Store
    from expctl.training.data.table_formats import TableColumns

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def check_answers(store: Store, run: RunRecord, model: LoadedModel) -> None:
    """See that a model which another scikit-learn made still gives its recorded sample the recorded labels.

    A model that reads columns which the sample does not show is not asked. Raises DataError.
    """
    content = store.read_artifact(run, "sample_predictions.csv")
    rows = [] if content is None else _rows(content)
    cells = _cells(rows, model)
    if cells is None:
        return
    made = f"the model of run {run.described} was made with scikit-learn {model.trained_with}"
    try:
        answered = answers(model.estimator, feature_frame(cells, range(len(rows))), [PREDICTION])[PREDICTION]
    except ExpctlError as error:
        raise DataError(f"{made}, under {version('scikit-learn')} {error.message}", hint=ISOLATED) from error
    changed = sum(not _same(now, row["prediction"]) for now, row in zip(answered, rows, strict=True))
    if changed:
        raise DataError(
            f"{made}, and gives {changed} of {len(rows)} recorded rows another answer under {version('scikit-learn')}",
            hint=ISOLATED,
        )


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline="")))


def _cells(rows: list[dict[str, str]], model: LoadedModel) -> TableColumns | None:
    """What the model reads of the rows; None if they do not have it all. A model's one text stands as `text` there."""
    shown = [name for name in rows[0] if name not in SAMPLE_COLUMNS] if rows else []
    if model.recipe is None:
        only = next(iter(model.inputs)) if len(model.inputs) == 1 and shown == ["text"] else None
        return None if only is None else {only: [_plain(row["text"]) for row in rows]}
    if sorted(map(sample_column, model.inputs)) != sorted(shown):
        return None
    kinds = model.recipe.columns or {}
    readers = {"text": _plain, "categorical": _category}
    return {
        name: [readers.get(kinds.get(name, ""), _number)(row[sample_column(name)]) for row in rows]
        for name in model.inputs
    }


def _category(cell: str) -> str | None:
    return _plain(cell) if cell else None


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")


def _same(now: Any, then: str) -> bool:
    """Whether two answers are one; numbers of a regression may differ as sums in another order do."""
    if isinstance(now, float):
        return math.isclose(now, float(then), rel_tol=1e-6)
    return csv_text([[now]], formulas="escape") == csv_text([[then]], formulas="keep")


def _plain(cell: str) -> str:
    """A text as it was before a spreadsheet's formula was tamed in it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULAS else cell
