"""Which files a path means, and a copy that fails: whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.errors import StoreError
from expctl.tracking.runs.artifact_copies import RunFiles
from expctl.workflows.get import copy, find
from tests.tracking.recorded import names, store_of


def test_a_path_is_a_file_or_what_is_below_it(runs):
    store = store_of(runs)
    single = find(store, "strong", "./model//MLmodel")
    assert ([file.path for file in single.found], single.single) == (["model/MLmodel"], True)
    assert all(file.path.startswith("model/") for file in find(store, "strong", "model").found)
    assert find(store, "strong", ".").found == find(store, "strong", None).found == store.artifacts(single.run)


def test_a_copy_that_fails_half_way_leaves_nothing(runs, monkeypatch):
    store, really = store_of(runs), RunFiles.copy

    def failing(self, path, target):
        if path == "predictions.parquet":
            raise StoreError("the server went away")
        really(self, path, target)

    monkeypatch.setattr(RunFiles, "copy", failing)
    with pytest.raises(StoreError):
        copy(store, find(store, "strong", None), Path("new/place"), lambda stage: None)
    Path("kept").mkdir()
    (Path("kept") / "mine").write_text("x")
    with pytest.raises(StoreError):
        copy(store, find(store, "strong", None), Path("kept"), lambda stage: None)
    assert names(Path("kept")) == ["mine"]
    assert "new" not in names(runs)
