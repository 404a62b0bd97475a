"""Runs through MLflow's own client: its entities become records, and nothing of what it tells is lost.

That other readers tell the same is tried in ../test_readers.py.
"""

from __future__ import annotations

import math

import pytest
from mlflow.entities import Dataset as MlflowDataset
from mlflow.entities import DatasetInput, InputTag, Metric

from expctl.records import Dataset
from expctl.tracking.readers.mlflow_client import ClientReader
from expctl.tracking.readers.protocol import Query
from tests.tracking.recorded import settings_of, store_of


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.fixture
def reader(store, folder):
    return ClientReader(store.client, settings_of(folder))


@pytest.fixture
def make(store):
    experiment = store.ensure_experiment()
    return lambda name, **given: store.client.create_run(experiment, run_name=name, **given).info.run_id


def test_a_run_has_all_that_mlflow_tells_of_it(store, reader, make):
    client = store.client
    run_id = make("first", start_time=1000, tags={"team": "nlp"})
    client.log_param(run_id, "c", 1.0)
    client.log_metric(run_id, "f1_score", 0.5)
    training = [InputTag("mlflow.data.context", "training")]
    given = [("b", "2", []), ("a", "1", training)]
    client.log_inputs(run_id, [DatasetInput(MlflowDataset(n, d, "local", "{}"), t) for n, d, t in given])
    client.set_terminated(run_id, "FAILED", end_time=3000)
    run = reader.get(run_id)
    assert (run.run_id, run.name, run.status, run.deleted) == (run_id, "first", "failed", False)
    assert (run.params, run.metrics, run.tags["team"]) == ({"c": "1.0"}, {"f1_score": 0.5}, "nlp")
    assert (run.started.timestamp(), run.ended.timestamp()) == (1, 3)
    assert run.datasets == (Dataset("a", "1", "training"), Dataset("b", "2", None))
    assert run.artifact_uri.endswith(f"{run_id}/artifacts")


def test_a_run_that_is_not_there_is_none_and_a_deleted_one_says_so(store, reader, make):
    run_id = make("gone")
    store.client.delete_run(run_id)
    assert reader.get("0" * 32) is None
    assert reader.get(run_id).deleted
    query = Query((store.experiment_id(),), deleted=True)
    assert [run.run_id for run in reader.find(query)] == [run_id]


def test_of_no_experiments_there_are_no_runs(reader, make):
    make("one")
    assert reader.find(Query(())) == []


def test_experiments_come_in_the_order_of_their_numbers_deleted_ones_too(store, reader):
    for number in range(11):
        last = store.client.create_experiment(f"number {number}")
    store.client.delete_experiment(last)
    found = reader.experiments()
    numbers = [int(one.experiment_id) for one in found]
    assert numbers == sorted(numbers)
    assert [one.name for one in found if one.deleted] == ["number 10"]


def test_a_history_comes_in_the_order_of_its_steps_with_infinity_as_such(store, reader, make):
    run_id = make("curve")
    points = [(math.inf, 2), (0.5, 0), (math.nan, 1)]
    store.client.log_batch(run_id, metrics=[Metric("loss", value, 1000, step) for value, step in points])
    found = reader.history(run_id, "loss")
    assert [one.step for one in found] == [0, 1, 2]
    assert (found[0].value, found[2].value) == (0.5, math.inf)
    assert math.isnan(found[1].value)


def test_the_files_of_a_run_are_in_its_folder_and_in_those_of_its_models(runs):
    store = store_of(runs)
    reader = ClientReader(store.client, settings_of(runs))
    run = store.find("name = 'strong'")[0]
    (own, model) = reader.folders(run)
    assert own == ("", run.artifact_uri)
    assert model[0] == "model"
