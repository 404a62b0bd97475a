"""MLflow's autologging beside our own recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.records import Tag
from tests.tracking.recorded import OWN_MODELS, statuses


@pytest.fixture
def client(folder):
    """MLflow's own client on the store of the current folder."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    return mlflow.MlflowClient()


def test_autologging_adds_mlflows_own_parameters_to_ours(cli, small, client):
    done = cli("train", "--data", "small.csv", "--autolog", "--format", "id")
    assert done.exit_code == 0, done.stderr
    run = client.get_run(done.stdout.strip())
    assert run.info.status == "FINISHED"
    assert run.data.tags[Tag.COMPLETE] == "true"
    assert run.data.params["classifier__C"] == "1.0"  # MLflow's
    assert run.data.params["c"] == "1.0"  # ours
    assert "f1_score_low" in run.data.metrics
    assert len(run.outputs.model_outputs) == 1


def test_a_training_that_fails_under_autologging_is_failed(cli, small, client):
    Path("own_models.py").write_text(OWN_MODELS)
    assert cli("train", "--data", "small.csv", "--autolog", "--model", "own_models:broken").exit_code == 1
    assert statuses(small.parent) == ["FAILED"]
