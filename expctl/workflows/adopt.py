"""`adopt`: evidence for a run that another program logged: its predictions are read or made, checked and added."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import DataError, UsageError
from expctl.records import Tag
from expctl.tracking.runs.items import File, TagValue
from expctl.tracking.runs.references import resolve
from expctl.tracking.runs.writer import RunWriter
from expctl.training.data.predictions_table import PredictionColumns, predictions_of, read_predictions_table
from expctl.training.data.tables import kind_of, read_bytes, read_table
from expctl.workflows.program_outcome import evidence_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.predictions_table import PredictionsTable

_OURS: Final = "predictions.parquet"


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """Where the predictions are: a file of the run or of this machine, or `data` that its logged model predicts."""

    predictions: str | None = None
    data: str | None = None
    columns: PredictionColumns = field(default_factory=PredictionColumns)
    trust: bool = False

    def __post_init__(self) -> None:
        if (self.predictions is None) == (self.data is None):
            raise UsageError("adopt needs --predictions or --data, one of them", hint="expctl help predictions")
        if self.data is not None and self.columns.prediction is not None:
            raise UsageError("--prediction names a column of --predictions FILE", hint="of --data the model predicts")
        kind_of(self.predictions or self.data or "")


def adopt(store: Store, reference: str, request: AdoptRequest, note: Callable[[str], None]) -> RunRecord:
    """Give a run of another program its predictions and the metrics that it has not; returns it as it then is.

    Raises RunNotFound, UsageError for a run that has predictions, or is not over, DataError for what is malformed,
    before anything is written.
    """
    run = resolve(store, reference)
    if run.status in ("running", "scheduled"):
        raise UsageError(f"run {run.described} is not over", hint="adopt it when it has ended")
    if Tag.PREDICTIONS_DIGEST in run.tags or Tag.TEST_SET in run.tags:
        raise UsageError(f"run {run.described} has its predictions already", hint=f"expctl show {run.run_id[:8]}")
    present = {file.path for file in store.artifacts(run)}
    content: bytes | None = None
    if request.predictions is not None:
        content = store.read_artifact(run, request.predictions) if request.predictions in present else None
        name = Path(request.predictions).name
        table = read_predictions_table(content or read_bytes(request.predictions), name, request.columns)
    else:
        table = _predicted(store, run, request, note)
    if _OURS in present and (request.predictions != _OURS or not _is_ours(content)):
        raise UsageError(
            f"run {run.described} has a file {_OURS} of another form", hint="files are never replaced: rename it"
        )
    kept = content if _OURS in present else None
    items = [one for one in evidence_of(table, run, note, kept) if not (isinstance(one, File) and one.path in present)]
    store.prepare_writing(run.artifact_uri)
    store.check_own(run.artifact_uri)
    adopted = TagValue(Tag.ADOPTED, datetime.now(UTC).isoformat(timespec="seconds"))
    RunWriter(store, store.get(run.run_id)).write([*items, adopted])
    return store.get(run.run_id)


def _is_ours(content: bytes | None) -> bool:
    """Whether a predictions.parquet has the form in which expctl reads it."""
    from expctl.tracking.runs.predictions import predictions_in

    try:
        predictions_in(content or b"")
    except Exception:  # as many as pyarrow has
        return False
    return True


def _predicted(store: Store, run: RunRecord, request: AdoptRequest, note: Callable[[str], None]) -> PredictionsTable:
    """What the logged model of a run says of the rows of a data file, under the rules of trust."""
    from expctl.tracking.models.storage import load_model
    from expctl.training.fit.predict_batches import predicted_chunks

    data = request.data or ""
    model = load_model(store, run, trust=request.trust, warn=note)
    if not model.inputs:
        raise DataError(
            f"the model of run {run.label} does not record which columns it reads", hint="--predictions FILE"
        )
    kind = kind_of(data)
    whole = read_table(read_bytes(data), kind, encoding="utf-8", name=data)
    columns, proba = request.columns, hasattr(model.estimator, "predict_proba")
    (table,) = predicted_chunks(
        model.estimator, model.inputs, [whole], name=data, text_column=columns.text, proba=proba,
        texts_alone=model.reads_texts_alone,
    )  # fmt: skip
    if not columns.ids and columns.text is None and len(model.inputs) == 1:
        columns = replace(columns, text=next(iter(model.inputs)))
    return predictions_of(table, data, columns, parse=kind in ("csv", "tsv"))
