"""Models that somebody has tampered with (section H of what expctl survives); most cases are in tests/tracking."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.bench import Bench


@pytest.mark.parametrize("module", [pytest.param("own_models", id="H07-a-recorded-factory-is-not-run-by-predict")])
def test_predicting_never_imports_the_factory_of_a_run(empty: Bench, module):
    empty.run("train", "--data", "small.csv", "--model", f"{module}:counted")
    (empty.folder / f"{module}.py").write_text("open('ran', 'w')\n")
    empty.run("predict", "a film", "--run", "latest")
    assert not (empty.folder / "ran").exists()
    empty.check()


@pytest.mark.slow
@pytest.mark.parametrize("size", [pytest.param(1200, id="H02-zip-bomb")])
def test_a_model_that_unpacks_to_gigabytes_is_refused(recorded: Bench, size):
    ((run_id,),) = recorded.rows("SELECT run_uuid FROM runs WHERE name = 'strong'")
    ((place,),) = recorded.rows(
        "SELECT m.artifact_location FROM logged_models m JOIN inputs i ON i.destination_id = m.model_id"
        f" WHERE i.source_id = '{run_id}'"
    )
    with (
        zipfile.ZipFile(place.removeprefix("file://") + "/model.skops", "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("schema.json", "w", force_zip64=True) as entry,
    ):
        for _ in range(size):
            entry.write(b" " * (1 << 20))
    recorded.run("predict", "a film", "--run", "strong", code=5, says="has changed since it was recorded")
    forgotten = f"DELETE FROM tags WHERE key = 'expctl.model_sha256' AND run_uuid = '{run_id}'"
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(recorded.folder / "mlflow.db")) as database, database:
        database.execute(forgotten)
    recorded.run("predict", "a film", "--run", "strong", code=5, says="would unpack to")
    recorded.check()
