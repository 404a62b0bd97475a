"""Paths that a store may name, and links in a run's folder: none leads out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from expctl.errors import DataError, StoreError
from expctl.tracking.runs.artifact_copies import RunFiles
from tests.tracking.recorded import names, store_of


@pytest.fixture
def strong(runs):
    store = store_of(runs)
    (run,) = store.find("name = 'strong'")
    return RunFiles(store, run), Path(run.artifact_uri.removeprefix("file://"))


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../../x", "..", "C:/x", "a\\..\\x", "a\0b", "//host/x", "C:x"]
)
def test_a_path_that_leads_out_is_refused_on_whatever_system(strong, runs, path):
    with pytest.raises(DataError, match="outside of the run's folder"):
        strong[0].copy(path, runs / "copy")
    assert "copy" not in names(runs)


def test_links_and_what_is_no_file_are_refused(strong, runs):
    files, folder = strong
    (runs / "secret").write_text("s3cr3t")
    (folder / "link.txt").symlink_to(runs / "secret")
    (folder / "sub").symlink_to(runs)
    (folder / "inner").mkdir()
    for path in ("link.txt", "sub/secret", "inner"):
        with pytest.raises(DataError, match="is a link or no file"):
            files.copy(path, runs / "copy")
    with pytest.raises(StoreError, match=r"cannot copy .*gone\.txt"):
        files.copy("gone.txt", runs / "copy")
    assert "copy" not in names(runs)


def test_a_models_folder_hides_what_lies_at_its_place_in_the_run(strong, runs):
    files, folder = strong
    (folder / "model").mkdir()
    (folder / "model" / "MLmodel").write_text("forged")
    files.copy("model/MLmodel", runs / "copy")
    assert "forged" not in (runs / "copy").read_text()


@pytest.mark.parametrize("address", ["file:///etc", "/etc", "file:///"])
def test_an_address_where_mlflow_keeps_no_files_is_not_followed(runs, address):
    """A server, asked for the place of a run's files once more, may say another one."""
    store = store_of(runs)
    run = replace(store.find("name = 'strong'")[0], artifact_uri=address)
    with pytest.raises(StoreError, match="where MLflow keeps none"):
        RunFiles(store, run).copy("passwd", runs / "copy")
    assert "copy" not in names(runs)
