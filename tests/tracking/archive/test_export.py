"""What goes into an archive: whole runs, their own files and no others, no password; and what is told instead."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from expctl.errors import DataError, RunNotFound, StoreError
from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.archive.container import writing
from expctl.tracking.archive.export import Exporter, kind_of_store, to_export
from expctl.tracking.runs.lifecycle import process_tags
from expctl.tracking.store import Store
from tests.tracking.recorded import model_folder, store_of


def names(runs) -> list[str]:
    return [run.name for run in runs]


def export(store, *references: str, path: str = "runs.zip"):
    """Write the runs that references mean; gives the exporter and what it did."""
    said: list[str] = []
    with Path(path).open("wb") as stream, writing(stream) as writer:
        exporter = Exporter(store, writer)
        done = exporter.write(to_export(store, references, "").runs, said.append)
    assert len(said) == len(done)
    return exporter, done


def members(path: str = "runs.zip") -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def weak(runs):
    """A store, a complete run of it, and the run's folder."""
    store = store_of(runs)
    run = store.find("name = 'weak'")[0]
    return store, run, Path(run.artifact_uri.removeprefix("file://"))


def test_runs_that_go_on_or_are_half_imported_are_left_out(folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    ended = store.client.create_run(experiment, run_name="ended").info.run_id
    store.client.create_run(experiment, run_name="going", tags=process_tags())
    half = store.client.create_run(experiment, run_name="half", tags={Tag.IMPORTED_ID: "f" * 32}).info.run_id
    for run_id in (ended, half):
        store.client.set_terminated(run_id, "KILLED")
    choice = to_export(store, ["*"], "")
    assert (names(choice.runs), sorted(names(choice.left_out))) == (["ended"], ["going", "half"])


def test_references_and_a_filter_mean_runs_of_every_status_once_and_no_deleted_one(runs):
    store = store_of(runs)
    choice = to_export(store, ["weak", "b*"], "name = 'weak'")
    assert sorted(names(choice.runs)) == ["bayes", "broken", "weak"]
    with pytest.raises(RunNotFound):
        to_export(store, ["nobody"], "")
    run = store.find("name = 'weak'")[0]
    store.client.delete_run(run.run_id)
    with pytest.raises(RunNotFound, match="run weak is deleted") as caught:
        to_export(store, [run.run_id], "")
    assert caught.value.hint == f"expctl restore {run.run_id}"


def test_an_archive_holds_every_file_of_its_runs_and_counts_them(weak):
    store, run, folder = weak
    exporter, (done,) = export(store, "weak")
    own = {f"runs/{run.run_id}/artifacts/{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
    model = {path.relative_to(model_folder(run)) for path in model_folder(run).rglob("*") if path.is_file()}
    found = members()
    assert own <= set(found)
    assert {f"runs/{run.run_id}/models/0/{path}" for path in model} <= set(found)
    assert done.files == len(own) + len(model)
    assert done.bytes == sum(
        len(content) for name, content in found.items() if "/artifacts/" in name or "/models/" in name
    )
    assert (exporter.masked, exporter.bare) == (0, [])


def test_the_same_run_twice_is_the_same_bytes(weak):
    store, *_ = weak
    export(store, "weak", path="one.zip")
    export(store, "weak", path="two.zip")
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()


def test_passwords_of_addresses_are_in_no_archive(folder):
    from mlflow.entities import Dataset, DatasetInput

    store = store_of(folder)
    client = store.client
    run_id = client.create_run(store.ensure_experiment(), run_name="http://u:SECRET@h/n").info.run_id
    client.set_tag(run_id, "link", "http://u:SECRET@h and https://h/page?id=3")
    client.log_param(run_id, "url", "postgresql://u:SECRET@h/db")
    source = '{"url": "https://h/a?sig=SECRET"}'
    client.log_inputs(run_id, [DatasetInput(Dataset("https://u:SECRET@h/a", "d", "http", source))])
    client.set_terminated(run_id)
    exporter, _ = export(store, run_id)
    everything = b"".join(members().values())
    assert b"SECRET" not in everything
    assert b"http://***@h and https://h/page?id=3" in everything
    assert exporter.masked >= 4


def test_a_trial_calls_its_sweep_by_the_id_under_which_that_was_first_recorded(folder):
    store = store_of(folder)
    experiment, first = store.ensure_experiment(), "f" * 32
    sweep = store.client.create_run(experiment, tags={Tag.IMPORTED_ID: first, Tag.IMPORTED: "now"}).info.run_id
    trial = store.client.create_run(experiment, run_name="trial", tags={Tag.PARENT: sweep}).info.run_id
    store.client.set_terminated(trial)
    export(store, "trial")
    described = members()[f"runs/{trial}/run.json"]
    assert first.encode() in described
    assert sweep.encode() not in described


@pytest.mark.parametrize("kind", ["link", "linked folder", "pipe"])
def test_what_is_no_file_of_the_run_is_refused(weak, kind):
    store, _, folder = weak
    if kind == "pipe":
        os.mkfifo(folder / "odd")
    else:
        (folder / "odd").symlink_to("/etc" if kind == "linked folder" else "/etc/hostname")
    with pytest.raises(DataError, match="odd is a link, or no file"):
        export(store, "weak")


def test_a_name_that_an_archive_cannot_hold_is_refused(weak):
    store, _, folder = weak
    (folder / "a\\b").touch()
    with pytest.raises(DataError, match="cannot hold a file of the name"):
        export(store, "weak")


def test_files_that_are_gone_are_told(weak):
    store, run, folder = weak
    (folder / "predictions.parquet").unlink()
    with pytest.raises(StoreError, match=r"run weak has lost predictions\.parquet"):
        export(store, "weak")
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="the files of run weak are not at") as caught:
        export(store, "weak")
    assert caught.value.hint.startswith("if they were moved, mlartifacts belongs beside the database")
    shutil.rmtree(model_folder(store.find("name = 'strong'")[0]))
    with pytest.raises(StoreError, match="the files of run strong are not at"):
        export(store, "strong")
    assert run.name == "weak"


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("sqlite:///a/b.db", "sqlite"),
        ("https://me:SECRET@host", "server"),
        ("postgresql+psycopg2://me:SECRET@host/db", "postgresql"),
        ("", "file"),
    ],
)
def test_a_store_is_called_by_its_kind_and_nothing_of_where(uri, kind):
    assert kind_of_store(Store(Settings(tracking_uri=uri), None)) == kind
