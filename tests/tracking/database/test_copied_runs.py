"""Runs of an older store copied where the installed MLflow's client reads them: those that were asked for, whole."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing

import mlflow

from expctl.settings import Settings
from expctl.tracking.database.copied_runs import copied_runs
from tests.tracking.older_databases import STORES


def test_chosen_runs_are_copied_with_all_that_mlflow_has_of_them(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress((STORES / "mlflow-2.9.2.sql.gz").read_bytes()).decode())
        ids = [one for (one,) in database.execute("SELECT run_uuid FROM runs WHERE name IN ('old-1', 'old-2')")]
    before = path.read_bytes()
    with copied_runs(Settings(tracking_uri=f"sqlite:///{path}"), ids) as settings:
        client = mlflow.MlflowClient(settings.tracking_uri)
        (experiment,) = [one for one in client.search_experiments() if one.name == "expctl"]
        found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert found.keys() == {"old-1", "old-2"}
        assert found["old-1"].data.params == {"c": "1.0", "model": "logreg"}
        assert found["old-1"].data.tags["note"] == "[it's] 1 日本"
        assert str(sorted(found["old-2"].data.metrics.items())) == "[('accuracy', 0.72), ('f1_score', nan)]"
        history = client.get_metric_history(found["old-1"].info.run_id, "f1_score")
        assert [(one.step, one.value) for one in history] == [(0, 0.88), (1, 0.89), (2, 0.9)]
    assert path.read_bytes() == before
