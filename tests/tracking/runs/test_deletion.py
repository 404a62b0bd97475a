"""Runs hidden, brought back and gone for good: which ones that means, and that it touches these and no others."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.tracking.runs import deletion
from expctl.tracking.runs.lifecycle import process_tags
from tests.tracking.recorded import model_folder, store_of


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("mlartifacts/**/*") if path.is_file()}


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def listed(store, *, deleted: bool = False) -> list[str]:
    return sorted(run.name for run in store.find(deleted=deleted))


def delete(store, *references: str, filter: str = "", purge: bool = False) -> list[str]:
    """The names of what was deleted, in the order of its going."""
    chosen = deletion.to_delete(store, references, filter, purge=purge).runs
    if purge:
        deletion.check_purge(store, chosen)
    return [run.name for run in (deletion.purge if purge else deletion.delete)(store, chosen)]


def restore(store, *references: str, filter: str = "") -> list[str]:
    return [run.name for run in deletion.restore(store, deletion.to_restore(store, references, filter).runs)]


def test_a_trial_goes_alone_and_once_beside_its_sweep_which_goes_last(sweeps):
    store = store_of(sweeps)
    assert delete(store, "mixed-1") == ["mixed-1"]
    assert delete(store, "mixed", "mixed-2") == ["mixed-2", "mixed"]
    assert sorted(restore(store, "mixed")) == ["mixed", "mixed-1", "mixed-2"]


def test_a_run_that_is_being_recorded_is_not_deleted_but_an_orphan_is(folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    store.client.create_run(experiment, run_name="alive", tags=process_tags())
    store.client.create_run(experiment, run_name="orphan", tags=process_tags() | {Tag.STARTED: "1.00"})
    with pytest.raises(RunNotFound, match=f"is being recorded by process {os.getpid()} on "):
        delete(store, "alive", "orphan")
    assert delete(store, "orphan") == ["orphan"]
    assert listed(store) == ["alive"]


def test_what_is_deleted_already_can_only_go_for_good(runs):
    store = store_of(runs)
    delete(store, "broken", "weak")
    with pytest.raises(RunNotFound, match="run broken is deleted already") as caught:
        delete(store, "broken")
    assert caught.value.hint == "--purge deletes it permanently"
    assert sorted(delete(store, "broken", filter="c < 1", purge=True)) == ["broken", "weak"]
    assert (listed(store), listed(store, deleted=True)) == (["bayes", "strong"], [])


def test_for_good_takes_the_files_and_models_of_these_runs_and_nothing_else(runs):
    """As `mlflow gc --run-ids` would not: it takes all deleted experiments and models of the store."""
    store = store_of(runs)
    other = store.client.create_experiment("other")
    bystander = store.client.create_run(other, run_name="bystander").info.run_id
    store.client.delete_experiment(other)
    gone = [store.find(f"name = '{name}'")[0] for name in ("weak", "bayes")]
    models = [model_folder(run) for run in gone]
    delete(store, "strong", "bayes")
    theirs = {path for path in files(runs) if any(run.run_id in str(path) for run in gone)}
    theirs |= {path for path in files(runs) if any(model in path.parents for model in models)}
    left = files(runs) - theirs
    assert delete(store, "weak", gone[1].run_id[:8], purge=True) == ["weak", "bayes"]
    assert len(theirs) > 10
    assert files(runs) == left
    assert (count(runs, "runs"), count(runs, "logged_models")) == (3, 1)
    assert (listed(store), listed(store, deleted=True)) == (["broken"], ["strong"])
    assert store_of(runs).get(bystander).name == "bystander"
    assert restore(store, "strong") == ["strong"]
    assert model_folder(store.find("name = 'strong'")[0]).is_dir()
    with pytest.raises(RunNotFound):
        restore(store, gone[0].run_id)


def test_a_sweep_goes_for_good_with_models_that_had_been_dropped(sweeps):
    store = store_of(sweeps)
    delete(store, "grid", purge=True)
    assert [name for name in listed(store) if name.startswith("grid")] == listed(store, deleted=True) == []
    delete(store, filter="has name", purge=True)
    assert files(sweeps) == set()
    assert count(sweeps, "runs") == count(sweeps, "logged_models") == count(sweeps, "metrics") == 0


def test_a_registered_model_keeps_its_run_from_going_for_good(runs):
    store = store_of(runs)
    run = store.find("name = 'weak'")[0]
    store.client.create_registered_model("classifier")
    store.client.create_model_version("classifier", str(model_folder(run)), run_id=run.run_id)
    with pytest.raises(RunNotFound, match="is version 1 of the registered model 'classifier'"):
        delete(store, "weak", purge=True)
    assert model_folder(run).is_dir()
    assert delete(store, "weak") == ["weak"]


def test_a_run_that_is_not_deleted_and_a_name_of_two_that_are_cannot_be_restored(folder):
    store = store_of(folder)
    ids = [store.client.create_run(store.ensure_experiment(), run_name="twin").info.run_id for _ in range(2)]
    with pytest.raises(RunNotFound, match="is not deleted"):
        restore(store, ids[0])
    for run_id in ids:
        delete(store, run_id)
    with pytest.raises(RunNotFound) as caught:
        restore(store, "twin")
    assert str(caught.value).count("(twin)") + (caught.value.hint or "").count("(twin)") == 2
    assert restore(store, ids[0][:8], ids[1]) == ["twin", "twin"]


def test_a_deleted_run_is_found_by_its_full_id_in_whatever_experiment(folder):
    store = store_of(folder)
    run_id = store.client.create_run(store.client.create_experiment("other"), run_name="far").info.run_id
    store.client.delete_run(run_id)
    assert deletion.deleted_run(store, run_id).name == "far"
    with pytest.raises(RunNotFound, match="no deleted run 'far' in experiment"):
        deletion.deleted_run(store, "far")
