"""What a run holds of predictions that a program made by itself: the same items as of a training."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from expctl import __version__
from expctl.records import Tag
from expctl.tracking.runs.items import File, MetricValue, TagValue, figures, limits, predictions_parquet
from expctl.tracking.runs.predictions import ROWS_OF
from expctl.training.tasks import load_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from expctl.tracking.runs.items import Item
    from expctl.training.data.predictions_table import PredictionsTable


def predictions_file(table: PredictionsTable) -> bytes:
    """The predictions.parquet of predictions."""
    import pandas as pd

    from expctl.training.data.rows import Rows
    from expctl.training.fit.trainer import predictions_frame

    predictions = table.predictions
    rows = Rows(pd.DataFrame(index=table.rows), predictions.labels, table.hashes, predictions.groups)
    frame = predictions_frame(predictions, rows)
    described = load_task(table.task).prediction_metadata(predictions)
    if table.source is not None:
        described |= {ROWS_OF: table.source}
    return predictions_parquet(frame, described)


def predicted(table: PredictionsTable, content: bytes | None = None) -> Iterator[Item]:
    """Predictions with their digest and fingerprint, figures per class, and the metrics that expctl measures.

    `content` is their predictions.parquet where the run has it already.
    """
    from expctl.training.data.dataset import fingerprint

    predictions = table.predictions
    evaluation = load_task(table.task).evaluate(predictions)
    if content is None:
        content = predictions_file(table)
        yield File("predictions.parquet", content)
    yield TagValue(Tag.PREDICTIONS_DIGEST, hashlib.sha256(content).hexdigest())
    yield TagValue(Tag.TEST_SET, fingerprint(table.hashes, predictions.labels))
    yield TagValue(Tag.VERSION, __version__)
    if table.task != "classification":
        yield TagValue(Tag.TASK, table.task)
    yield from figures(evaluation)
    yield from (File(path, text.encode()) for path, text in evaluation.files.items())
    yield from (MetricValue(key, value) for key, value in evaluation.metrics.items() if key != "predict_seconds")
    yield from limits(evaluation)
