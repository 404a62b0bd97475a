"""The test rows that a run recorded with their texts: a model that is not what it was does not know them any more."""

from __future__ import annotations

import csv
import io
from importlib.metadata import version
from typing import TYPE_CHECKING

from expctl.encoding import csv_text
from expctl.errors import DataError, ExpctlError
from expctl.tracking.models.storage import ISOLATED
from expctl.training.fit.predict_batches import PREDICTION, predicted_chunks

if TYPE_CHECKING:
    from expctl.records import RunRecord
    from expctl.tracking.models.storage import LoadedModel
    from expctl.tracking.store import Store

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def check_answers(store: Store, run: RunRecord, model: LoadedModel) -> None:
    """See that a model which another scikit-learn made still gives its recorded sample the recorded labels.

    A model of several columns is not asked: the sample holds its texts only. Raises DataError.
    """
    content = store.read_artifact(run, "sample_predictions.csv") if len(model.inputs) == 1 else None
    if content is None:
        return
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline="")))
    texts = {next(iter(model.inputs)): [_plain(row["text"]) for row in rows]}
    made = f"the model of run {run.described} was made with scikit-learn {model.trained_with}"
    try:
        (answered,) = predicted_chunks(model.estimator, model.inputs, [texts], name="sample_predictions.csv")
    except ExpctlError as error:
        raise DataError(f"{made}, under {version('scikit-learn')} {error.message}", hint=ISOLATED) from error
    now = csv_text([[label] for label in answered[PREDICTION]], formulas="escape").split("\n")
    then = csv_text([[row["prediction"]] for row in rows], formulas="keep").split("\n")
    changed = sum(one != other for one, other in zip(now, then, strict=True))
    if changed:
        raise DataError(
            f"{made}, and gives {changed} of {len(rows)} recorded texts another label under {version('scikit-learn')}",
            hint=ISOLATED,
        )


def _plain(cell: str) -> str:
    """A text as it was before a spreadsheet's formula was tamed in it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULAS else cell
