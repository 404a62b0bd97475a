"""The files of a run: listed and read where they lie, and told where they are gone."""

from __future__ import annotations

from tests.tracking.recorded import store_of


def test_a_file_of_a_run_is_read_whole_or_none(runs):
    store = store_of(runs)
    run = store.find("attributes.run_name = 'strong'")[0]
    assert b"scikit-learn==" in store.read_artifact(run, "requirements.txt")
    assert store.read_artifact(run, "nothing.txt") is None
    paths = [artifact.path for artifact in store.artifacts(run)]
    assert paths == sorted(set(paths))
    assert {"model/MLmodel", "model/model.skops", "predictions.parquet"} <= set(paths)
    assert all(artifact.size for artifact in store.artifacts(run))
