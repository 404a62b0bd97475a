"""A machine without network, home and a folder to write to (section G); streams and terminals are in tests/cli."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import COMMAND, only_long, remount, small_disk

if TYPE_CHECKING:
    from tests.faults.bench import Bench


@pytest.mark.slow
@pytest.mark.parametrize("home", [pytest.param("/nonexistent", id="G05-no-network-no-home-read-only-folder")])
def test_without_network_home_and_a_writable_folder_all_works(empty: Bench, home):
    alone = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process may be cut off from the network here")
    store = f"sqlite:///{empty.folder / 'mlflow.db'}"
    with small_disk(400) as disk:
        shutil.copy(empty.folder / "small.csv", disk)
        remount(disk, "ro")
        there = type(empty)(disk, empty.temporary)
        env = {"HOME": home, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": ""}
        for words in (("train", "--data", "small.csv", "--model", "dummy"), ("list",)):
            there.start(*words, python=(*alone, *COMMAND), **env).ended(0, within=60)
    empty.check()
    assert empty.statuses() == {"FINISHED": 1}


@only_long
@pytest.mark.parametrize("folder", [pytest.param("/nonexistent", id="G05-bad-tmpdir")])
def test_a_tmpdir_that_is_not_there_is_no_matter(empty: Bench, folder):
    empty.run("train", "--data", "small.csv", "--model", "dummy", TMPDIR=folder)
    empty.check()
