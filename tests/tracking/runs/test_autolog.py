"""MLflow's autologging beside our own recording: its parameters too, one model, and switched off whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.records import Tag
from expctl.tracking.runs.autolog import autologging
from expctl.tracking.runs.writer import recording
from tests.tracking.recorded import OWN_MODELS, statuses, store_of


@pytest.mark.slow
def test_autologging_adds_mlflows_own_parameters_to_ours(cli, small):
    done = cli("train", "--data", "small.csv", "--autolog", "--format", "id")
    assert done.exit_code == 0, done.stderr
    store = store_of(small.parent)
    run = store.get(done.stdout.strip())
    assert (run.status, run.tags[Tag.COMPLETE]) == ("finished", "true")
    assert run.params["classifier__C"] == "1.0"  # MLflow's
    assert run.params["c"] == "1.0"  # ours
    assert "f1_score_low" in run.metrics
    assert len(store.client.get_run(run.run_id).outputs.model_outputs) == 1


def test_a_training_that_fails_under_autologging_is_failed(cli, small):
    Path("own_models.py").write_text(OWN_MODELS)
    assert cli("train", "--data", "small.csv", "--autolog", "--model", "own_models:broken").exit_code == 1
    assert statuses(small.parent) == ["FAILED"]


def fit(c: float) -> None:
    from sklearn.linear_model import LogisticRegression

    LogisticRegression(C=c).fit([[0.0], [1.0]], [0, 1])


def test_the_run_goes_on_after_the_block_and_what_is_fitted_then_is_not_logged(folder):
    import mlflow

    store = store_of(folder)
    mlflow.set_tracking_uri(store.uri)
    with recording(store, None, {}) as writer:
        with autologging(writer):
            fit(2.0)
        assert store.get(writer.run_id).status == "running"
        assert mlflow.active_run() is None
        fit(3.0)
    run = store.get(writer.run_id)
    assert (run.params["C"], run.tags[Tag.COMPLETE]) == ("2.0", "true")
    assert len(store.find()) == 1


def test_it_is_switched_off_where_the_training_fails_too(folder):
    import mlflow

    store = store_of(folder)
    mlflow.set_tracking_uri(store.uri)
    with pytest.raises(ValueError, match="at least"), recording(store, None, {}) as writer, autologging(writer):
        fit("at least")  # type: ignore[arg-type]
    fit(1.0)
    assert mlflow.active_run() is None
    assert [run.status for run in store.find()] == ["failed"]
