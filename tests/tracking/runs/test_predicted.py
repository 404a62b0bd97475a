"""What a run holds of predictions: the file, its digest, the fingerprint of the rows, and our metrics of them."""

from __future__ import annotations

import hashlib

import pytest

from expctl.records import Tag
from expctl.tracking.runs.items import File, MetricValue, TagValue
from expctl.tracking.runs.predicted import predicted, predictions_file
from expctl.training.data.predictions_table import predictions_of

pytestmark = pytest.mark.usefixtures("no_pictures")
TABLE = {"text": ["x", "y", "z"], "label": ["a", "b", "b"], "prediction": ["a", "b", "a"]}


def test_the_items_of_predictions():
    table = predictions_of(TABLE, "t")
    items = list(predicted(table))
    files = {one.path: one.content for one in items if isinstance(one, File)}
    tags = {one.key: one.value for one in items if isinstance(one, TagValue)}
    metrics = {one.key: one.value for one in items if isinstance(one, MetricValue)}
    assert files["predictions.parquet"] == predictions_file(table)
    assert {"per_class.json", "classification_report.txt", "confusion_matrix.png"} < set(files)
    assert tags[Tag.PREDICTIONS_DIGEST] == hashlib.sha256(files["predictions.parquet"]).hexdigest()
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["accuracy_low"] <= metrics["accuracy"] <= metrics["accuracy_high"]
    assert "predict_seconds" not in metrics  # of which nobody knows
    reordered = predictions_of({key: values[::-1] for key, values in TABLE.items()}, "t")
    others = {one.key: one.value for one in predicted(reordered) if isinstance(one, TagValue)}
    assert others[Tag.TEST_SET] == tags[Tag.TEST_SET]


def test_a_file_that_the_run_has_is_not_written_again():
    items = list(predicted(predictions_of(TABLE, "t"), b"there"))
    assert "predictions.parquet" not in {one.path for one in items if isinstance(one, File)}
    assert TagValue(Tag.PREDICTIONS_DIGEST, hashlib.sha256(b"there").hexdigest()) in items
