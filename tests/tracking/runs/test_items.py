"""What is recorded of a training, without a store; and that it is the same, byte for byte, wherever it is made."""

from __future__ import annotations

import csv
import json
import locale
import os
import subprocess
import sys
from pathlib import Path

import pytest

from expctl.metrics import metrics_of
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.tracking.runs.items import DatasetInput, File, MetricValue, ModelItem, Param, TagValue, items, parquet
from expctl.training.data.dataset import load_split
from expctl.training.fit.trainer import train
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline
from tests.tracking.recorded import store_of


def trained(**given):
    recipe = configure({"data": "small.csv", **given})
    return train(recipe, load_split(recipe), build_pipeline(recipe))


def of_kind(kind, found):
    return [item for item in found if isinstance(item, kind)]


def test_items_say_everything_without_a_store(small):
    (small.parent / "mlflow.db").unlink()
    found = list(items(trained(cv=3), requirements="a==1\n", patch=b"diff"))
    assert [item.path for item in of_kind(File, found)] == [
        "requirements.txt", "source.patch", "confusion_matrix.png", "predictions.parquet", "classification_report.txt",
        "per_class.json", "sample_predictions.csv",
    ]  # fmt: skip
    parameters = {item.key: item.value for item in of_kind(Param, found)}
    assert parameters["stop_words"] is None
    assert (parameters["dataset_size"], parameters["train_rows"], parameters["test_rows"]) == (200, 160, 40)
    assert len(parameters) == len(of_kind(Param, found))
    assert [item.step for item in of_kind(MetricValue, found) if item.key == "cv_accuracy"] == [0, 1, 2]
    assert {item.key for item in of_kind(MetricValue, found)} >= set(metrics_of("classification"))
    told = {Tag.VERSION, Tag.TEST_SET, Tag.PREDICTIONS_DIGEST, Tag.STAGE}
    assert {item.key for item in of_kind(TagValue, found)} == told
    assert [item.context for item in of_kind(DatasetInput, found)] == ["training"]
    assert not Path("mlflow.db").exists()


def test_the_model_comes_before_what_was_measured_of_it_and_the_metrics_last(small):
    found = [type(item) for item in items(trained(), requirements="", patch=None)]
    assert found.count(ModelItem) == 1
    assert found[found.index(MetricValue) :] == [MetricValue] * found.count(MetricValue)


def test_no_patch_is_no_file(small):
    found = items(trained(), requirements="", patch=None)
    assert "source.patch" not in [item.path for item in of_kind(File, found)]


def test_making_items_takes_no_mlflow():
    code = "import sys, expctl.tracking.runs.items; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_data_set_is_called_by_its_file_and_never_by_a_query():
    from expctl.tracking.runs.items import datasets

    class Split:
        data_hash, data_bytes, dataset_size, test_data_hash = "0", 1, 1, None

        class train:
            labels = ("a", "b")

    (item,) = datasets(Recipe(data="https://ada:s3cr3t@host/data/reviews.csv?sig=s3cr3t"), Split)
    assert item.name == "reviews.csv?***"


def test_the_same_training_twice_gives_the_same_bytes(small):
    assert parquet(trained(cv=2)) == parquet(trained(cv=2))


def test_another_random_state_gives_other_bytes(small):
    assert parquet(trained()) != parquet(trained(random_state=7))


def _turkish() -> str | None:
    for name in ("tr_TR.UTF-8", "tr_TR"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_ALL, "")
        return name
    return None


@pytest.mark.slow
def test_folder_locale_and_hash_seed_of_the_process_change_no_prediction(tmp_path):
    texts = ["Iİıi IRIS BIG FILM", "naïve Straße ÇOK güzel", "日本 の film 👍", "dull, dull DULL"]
    with (tmp_path / "words.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([f"{texts[i % 4]} {i % 13} {i}", "ab"[i % 2]] for i in range(120))
    places = {"one": {"PYTHONHASHSEED": "0"}, "two": {"PYTHONHASHSEED": "4711", "LC_ALL": "C"}}
    if (turkish := _turkish()) is not None:
        places["three"] = {"PYTHONHASHSEED": "random", "LC_ALL": turkish}
    running = []
    for name, env in places.items():
        (tmp_path / name).mkdir()
        command = [sys.executable, "-m", "expctl", "train", "--data", str(tmp_path / "words.csv"), "-f", "id"]
        command += ["--model", "random_forest", "-p", "n_estimators=20", "--cv", "2"]
        running.append(subprocess.Popen(command, cwd=tmp_path / name, env={**os.environ, **env}))
    assert [process.wait(120) for process in running] == [0] * len(running)
    predictions, metrics = set(), set()
    for name in places:
        store = store_of(tmp_path / name)
        (run,) = store.find()
        predictions.add(store.read_artifact(run, "predictions.parquet"))
        measured = {key: value for key, value in run.metrics.items() if "seconds" not in key}
        metrics.add(json.dumps(measured, sort_keys=True))
    assert len(metrics) == 1
    assert len(predictions) == 1
    assert None not in predictions
