"""Finding runs through MLflow's search: what is sent, what is judged here, and when the next page is asked for."""

from __future__ import annotations

from expctl.tracking.readers import mlflow_search
from expctl.tracking.readers.mlflow_client import ClientReader
from expctl.tracking.store import open_store
from tests.tracking.recorded import settings_of


def test_every_run_is_found_page_by_page(folder, monkeypatch):
    monkeypatch.setattr(mlflow_search, "PAGE", 3)
    store = open_store(settings_of(folder), create=True)
    assert isinstance(store.reader, ClientReader)
    experiment = store.ensure_experiment()
    made = [store.client.create_run(experiment, start_time=1000 + i).info.run_id for i in range(8)]
    assert [run.run_id for run in store.find()] == made[::-1]
    assert [run.run_id for run in store.find(limit=4)] == made[:3:-1]
    assert [run.run_id for run in store.find(everywhere=True)] == made[::-1]
