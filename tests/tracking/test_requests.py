"""How many requests a command takes at a tracking server: each is 0.15 s where it asks for a password."""

from __future__ import annotations

import json
import zipfile

import pytest

from tests.faults.proxy import before
from tests.tracking.recorded import store_of

FILE = "/mlflow-artifacts/artifacts/"
MODEL = 7  # files of a model
RUN = 7  # and the other files of a run


@pytest.fixture
def asked(cli, small, server, monkeypatch, request):
    """What runs a command in an experiment of this test; it gives the calls that were no file's, and how many were."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    with before(server) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)

        def run(*words: str) -> tuple[list[str], int]:
            proxy.calls.clear()
            done = cli(*words)
            assert done.exit_code == 0, done.stderr
            files = sum(FILE in call for call in proxy.calls)
            return [call.split("?")[0] for call in proxy.calls if FILE not in call], files

        run("train", "--data", str(small), "--run-name", "first")
        yield run


def test_a_training_asks_for_nothing_that_it_knows(asked, small):
    calls, files = asked("train", "--data", str(small), "--run-name", "second")
    assert files == MODEL + RUN
    assert [call.partition("/mlflow/")[2].partition("/m-")[0] for call in calls] == [
        "experiments/search",
        "runs/create",
        "runs/log-inputs",
        "runs/log-batch",  # parameters, before the fitting
        "logged-models",
        "runs/outputs",
        "logged-models",
        "runs/log-batch",
        "runs/update",
        "runs/get",  # what is printed is what was recorded
    ]


@pytest.mark.slow
def test_a_trial_of_a_sweep_takes_no_more_than_a_training(asked, small):
    def took(trials: str) -> int:
        calls, files = asked("sweep", "--data", str(small), "-g", f"c={trials}", "--run-name", f"of {trials}")
        return len(calls) + files

    assert took("0.1,1,10") - took("0.1,1") <= 10 + MODEL + RUN


def test_a_prediction_fetches_the_two_files_of_the_model_that_it_reads(asked):
    calls, files = asked("predict", "a great film", "--run", "first")
    assert (len(calls), files) == (3, 2)


@pytest.mark.slow
def test_a_promotion_takes_a_dozen_with_the_model_that_it_checks(asked, small, request):
    name = f"name of {request.node.name}"
    calls, files = asked("promote", "first", name)
    assert (len(calls), files) == (10, 2)
    asked("train", "--data", str(small), "--run-name", "second", "--c", "2")
    calls, files = asked("promote", "second", name)
    assert (len(calls), files) == (11, 2)  # one more for the run that it takes the place of


@pytest.mark.slow
def test_an_export_asks_for_the_history_only_of_metrics_that_may_have_one(asked, tmp_path):
    calls, files = asked("export", "first", "-o", str(tmp_path / "one.zip"))
    assert (len(calls), files) == (8, MODEL + RUN)
    assert not any("get-history" in call for call in calls)


@pytest.mark.slow
def test_experiments_take_five_requests_each_and_sizes_only_of_those_that_are_named(asked, small, request):
    def took(*words: str) -> tuple[int, int]:
        calls, files = asked("experiments", *words)
        assert files == 0
        return sum("runs/search" in call for call in calls), sum("artifacts" in call for call in calls)

    searches, listings = took()
    assert (searches % 5, listings) == (0, 0)
    assert took(request.node.name) == (6, 2)
    asked("train", "--data", str(small), "--run-name", "second")
    assert took(request.node.name) == (6, 4)


def test_a_value_that_was_added_to_a_metric_since_is_exported_with_the_first(cli, runs, tmp_path):
    from mlflow import MlflowClient

    store = store_of(runs)
    strong = store.find("name = 'strong'")[0]
    first = strong.metrics["f1_score"]
    for step, value in ((0, 0.25), (4, 0.5)):
        MlflowClient(store.uri).log_metric(strong.run_id, "f1_score", value, step=step)
    assert cli("export", "strong", "-o", str(tmp_path / "one.zip")).exit_code == 0
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("metrics.jsonl"))
        points = [json.loads(line) for line in archive.read(name).splitlines()]
    assert sorted((step, value) for key, value, step, *_ in points if key == "f1_score") == sorted(
        [(0, first), (0, 0.25), (4, 0.5)]
    )
