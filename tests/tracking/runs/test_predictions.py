"""predictions.parquet written by a training and read back: names, rows and scores as they were; damage is said."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.significance import assess
from expctl.errors import DataError, ExitCode
from expctl.tracking.runs.items import File, parquet
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.writer import RunWriter
from expctl.training.data.dataset import load_split
from expctl.training.data.rows import text_hashes
from expctl.training.fit.trainer import TrainResult
from expctl.training.fit.trainer import train as train_core
from expctl.training.models.configure import configure
from expctl.training.models.families import is_factory
from expctl.training.models.pipeline import build_pipeline
from tests.tracking.recorded import store_of, train

SILENT = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Silent(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[[len(str(text)) % 2 for text in X.iloc[:, 0]]]

def silent():
    return Silent()
"""


def write_data(name: str, labels: tuple[str, ...], *, rows: int = 120) -> str:
    with Path(name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(
            [f"{'good' if (i % 2 == 0) != (i % 11 == 0) else 'bad'} film {i % 7} {i}", labels[i % len(labels)]]
            for i in range(rows)
        )
    return name


def trained(**given: Any) -> TrainResult:
    recipe = configure(given)
    split = load_split(recipe, all_columns=is_factory(recipe.model))
    return train_core(recipe, split, build_pipeline(recipe))


def recorded(folder: Path, content: bytes | None) -> tuple[Any, Any]:
    """A store and a run in it that has these bytes as its predictions."""
    store = store_of(folder)
    run_id = store.client.create_run(store.ensure_experiment(), run_name="made").info.run_id
    if content is not None:
        RunWriter(store, store.get(run_id)).write([File("predictions.parquet", content)])
    return store, store.get(run_id)


def read(folder: Path, content: bytes | None) -> RunPredictions | None:
    return read_predictions(*recorded(folder, content))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("1", "0"), ["0", "1"]),
        (("True", "False"), ["False", "True"]),
        (("yes", "no, [never] 日本"), ["no, [never] 日本", "yes"]),
        (("3", "1", "2"), ["1", "2", "3"]),
    ],
    ids=["integers", "booleans", "texts", "three integers"],
)
def test_what_was_recorded_is_read_back(folder: Path, labels: tuple[str, ...], names: list[str]) -> None:
    result = trained(data=write_data("data.csv", labels))
    found = read(folder, parquet(result))
    assert found is not None
    frame = result.predictions
    assert [found.classes[i] for i in found.labels] == [str(label) for label in frame["label"].tolist()]
    assert [found.classes[i] for i in found.predicted] == [str(label) for label in frame["prediction"].tolist()]
    assert found.rows.tolist() == frame["row"].tolist()
    assert [key.decode() for key in found.keys] == frame["text_hash"].tolist()
    assert found.keys.dtype == "S32"
    assert found.score_kind == "probability"
    assert found.score_classes == [str(label) for label in result.evaluation.predictions.classes]
    assert found.score_classes == names
    assert found.scores is not None
    assert (found.scores == result.evaluation.predictions.scores).all()


@pytest.mark.parametrize("labels", [("1", "0"), ("3", "1", "2")])
def test_recorded_metrics_are_those_of_the_predictions_read_back(folder: Path, labels: tuple[str, ...]) -> None:
    """What compare tests is what train measured, to the last digits."""
    result = trained(data=write_data("data.csv", labels, rows=300))
    found = read(folder, parquet(result))
    for key, one in assess(found, found).differences.items():
        assert one.challenger == pytest.approx(result.metrics[key], abs=1e-12), key
    assert {"roc_auc", "log_loss", "f1_score"} <= set(assess(found, found).differences)


def test_the_score_of_a_decision_between_two_is_one_column(folder: Path) -> None:
    result = trained(data=write_data("data.csv", ("1", "0")), model="linear_svm")
    found = read(folder, parquet(result))
    assert found is not None
    assert found.scores is not None
    assert (found.score_kind, found.scores.shape) == ("decision", (24, 1))
    assert (found.scores[:, 0] == result.evaluation.predictions.scores).all()
    assert [found.score_classes[int(score > 0)] for score in found.scores[:, 0]] == [
        found.classes[i] for i in found.predicted
    ]


def test_a_model_without_scores_has_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("silent_model.py").write_text(SILENT)
    monkeypatch.syspath_prepend(str(folder))
    found = read(folder, parquet(trained(data=write_data("data.csv", ("a", "b")), model="silent_model:silent")))
    assert found is not None
    assert (found.scores, found.score_kind, len(found)) == (None, "none", 24)


def test_rows_keep_the_order_of_the_test_split_and_the_numbers_of_the_file(folder: Path) -> None:
    result = trained(data=write_data("data.csv", ("a", "b")))
    found = read(folder, parquet(result))
    assert found is not None
    with Path("data.csv").open(newline="") as file:
        texts = [line["text"] for line in csv.DictReader(file)]
    assert found.keys.tolist() == text_hashes([texts[row] for row in found.rows]).tolist()
    assert found.rows.tolist() != sorted(found.rows.tolist())


def test_a_file_whose_lines_were_shuffled_is_the_same_run(folder: Path) -> None:
    """Row order in the file tells nothing: paired with the original, nothing differs."""
    content = parquet(trained(data=write_data("data.csv", ("a", "b"))))
    table = pq.read_table(io.BytesIO(content))
    moved = table.take(np.random.default_rng(0).permutation(len(table)))
    buffer = io.BytesIO()
    pq.write_table(moved, buffer)
    one, two = read(folder, content), read(folder, buffer.getvalue())
    assert one is not None
    assert two is not None
    assert one.keys.tolist() != two.keys.tolist()
    assert pair(one, two).complete
    assert all((d.change, d.low, d.high) == (0, 0, 0) for d in assess(one, two).differences.values())


def table_of(**columns: Any) -> bytes:
    given = {
        "row": [0, 1],
        "text_hash": ["0" * 32, "1" * 32],
        "label": pa.array([1, 0], pa.int64()),
        "prediction": pa.array([1, 1], pa.int64()),
        **columns,
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table({key: value for key, value in given.items() if value is not None}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [pa.int32(), pa.int8(), pa.float64()])
def test_predictions_of_another_number_type_than_the_labels_are_the_same_classes(folder: Path, kind: Any) -> None:
    """An estimator of one's own may say 1 as int32, or 1.0, where the label is the integer 1."""
    found = read(folder, table_of(prediction=pa.array([1, 1], kind)))
    assert found is not None
    assert [found.classes[i] for i in found.labels] == ["1", "0"]
    assert [found.classes[i] for i in found.predicted] == ["1", "1"]


def test_a_run_without_the_file_has_no_predictions(folder: Path) -> None:
    assert read(folder, None) is None


WHOLE = table_of()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not parquet at all",
        WHOLE[:-20],
        WHOLE[: len(WHOLE) // 2],
        b"PAR1" + WHOLE[40:],
        table_of(label=None),
        table_of(prediction=None),
        table_of(text_hash=None),
        table_of(row=None),
        table_of(text_hash=["é" * 32, "1" * 32]),
        table_of(scores=[[0.1, 0.9], [1.0]]),
        table_of(prediction=pa.array([1, None], pa.int64())),
        table_of(label=pa.array([None, 0], pa.int64())),
        table_of(prediction=pa.array(["a", "b"])),
    ],
    ids=[
        *("empty", "text", "cut short", "half", "overwritten", "no labels", "no predictions", "no texts", "no rows"),
        *("odd hash", "scores of two lengths", "a missing prediction", "a missing label", "another kind of label"),
    ],
)
def test_a_damaged_file_is_bad_data_and_says_whose(folder: Path, content: bytes) -> None:
    store, run = recorded(folder, content)
    with pytest.raises(DataError) as raised:
        read_predictions(store, run)
    assert raised.value.message == f"predictions.parquet of run made ({run.run_id[:8]}) is damaged"
    assert raised.value.exit_code is ExitCode.DATA


def test_another_runs_predictions_in_its_place_are_noticed(small: Path, cli: Any) -> None:
    """A whole and valid file: only its digest tells. Every verdict stands on these rows."""
    good, weak = (train(small.parent, c=c) for c in (1.0, 0.0001))
    theirs, ours = (Path(run.artifact_uri.removeprefix("file://"), "predictions.parquet") for run in (good, weak))
    assert theirs.read_bytes() != ours.read_bytes()
    ours.write_bytes(theirs.read_bytes())
    for command in (["compare", good.run_id], ["gate", "--baseline", good.run_id]):
        done = cli(*command, weak.run_id)
        assert done.exit_code == ExitCode.DATA
        assert f"predictions.parquet of run {weak.label} ({weak.run_id[:8]}) is damaged: it has changed" in done.stderr
