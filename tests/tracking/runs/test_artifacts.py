"""The files of a run: listed and read where they lie, and told where they are gone."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from expctl.errors import StoreError
from expctl.settings import Settings
from expctl.tracking.places import Places
from expctl.tracking.runs import artifacts
from expctl.tracking.runs.artifacts import fetch_folder, read_file, send_folder
from expctl.tracking.uris import local_folder
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


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("file:///a/b%20c", "/a/b c"),
        ("file://localhost/a", "/a"),
        ("/a/b%20c", "/a/b%20c"),
        ("relative/folder", "relative/folder"),
        ("file://elsewhere/a", None),
        ("mlflow-artifacts:/1/a", None),
        ("s3://bucket/a", None),
        ("", None),
    ],
)
def test_a_folder_of_this_machine_is_told_from_any_other_place(uri, folder):
    assert local_folder(uri) == (None if folder is None else Path(folder))


@pytest.fixture
def strong(runs):
    """A store, a complete run of it, and the run's folder."""
    store = store_of(runs)
    run = store.find("attributes.run_name = 'strong'")[0]
    return store, run, local_folder(run.artifact_uri)


def test_a_folder_and_what_lies_below_a_file_are_no_files(strong):
    store, run, folder = strong
    (folder / "sub").mkdir()
    assert read_file(store, run, "sub") is None
    assert read_file(store, run, "requirements.txt/below") is None


def test_the_folder_of_a_complete_run_that_is_gone_is_told_and_that_of_another_is_empty(strong):
    store, run, folder = strong
    folder.rename(folder.with_name("moved"))
    with pytest.raises(StoreError, match="the files of run strong are not at") as caught:
        read_file(store, run, "requirements.txt")
    assert caught.value.hint.startswith("if they were moved, mlartifacts belongs beside the database")
    assert read_file(store, replace(run, tags={}), "requirements.txt") is None


def test_a_link_to_nothing_is_listed_without_a_size(strong):
    store, run, folder = strong
    (folder / "gone").symlink_to("/nowhere/gone")
    assert [one.size for one in store.artifacts(run) if one.path == "gone"] == [None]


def test_a_file_that_cannot_be_read_is_told(strong):
    store, run, folder = strong
    (folder / "loop").symlink_to("loop")
    with pytest.raises(StoreError, match=r"cannot read .*loop"):
        read_file(store, run, "loop")


def remote() -> SimpleNamespace:
    """A store of a server, as far as its files are concerned."""
    address = "http://127.0.0.1:9"
    return SimpleNamespace(uri=address, settings=Settings(tracking_uri=address), places=Places(None))


class Both:
    """A server that hands out and takes a file only while another is on its way."""

    def __init__(self) -> None:
        self.pair = threading.Barrier(2, timeout=60)
        self.sent: dict[str, str] = {}

    def files(self, uri: str):
        yield from (("a.txt", 1), ("below/b.txt", 1))

    def download(self, uri: str, path: str, target: Path) -> bool:
        self.pair.wait()
        target.write_text(path)
        return True

    def log_artifact(self, file: str, place: str | None) -> None:
        self.pair.wait()
        self.sent[f"{place}/{Path(file).name}"] = Path(file).read_text()


@pytest.fixture
def both(monkeypatch):
    made = Both()
    monkeypatch.setattr(artifacts, "server_of", lambda store, uri: made)
    monkeypatch.setattr(artifacts.compat, "artifact_repository", lambda *given: made)
    return made


def test_files_come_from_a_server_and_go_to_it_several_at_once(both, tmp_path):
    store = remote()
    fetch_folder(store, "mlflow-artifacts:/1", tmp_path)
    assert (tmp_path / "a.txt").read_text() + (tmp_path / "below" / "b.txt").read_text() == "a.txtbelow/b.txt"
    send_folder(store, tmp_path, "mlflow-artifacts:/1", "model")
    assert both.sent == {"model/a.txt": "a.txt", "model/below/b.txt": "below/b.txt"}


def test_a_file_that_would_leave_the_folder_is_not_fetched(both, tmp_path, monkeypatch):
    monkeypatch.setattr(both, "files", lambda uri: [("../out.txt", 1)])
    (tmp_path / "in").mkdir()
    with pytest.raises(StoreError, match=r"no file '\.\./out.txt'"):
        fetch_folder(remote(), "mlflow-artifacts:/1", tmp_path / "in")
    assert not (tmp_path / "out.txt").exists()
