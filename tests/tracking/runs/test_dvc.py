"""Which version DVC's own files give a data file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from expctl.tracking.runs.dvc import dvc_version

if TYPE_CHECKING:
    from pathlib import Path

MD5 = hashlib.md5(b"text,label\n").hexdigest()
NAMES_IT = f"outs:\n- md5: {MD5}\n  size: 11\n  hash: md5\n  path: a.csv\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".dvc").mkdir(parents=True)
    folder = tmp_path / "repo" / "data"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"text,label\n")
    return folder / "a.csv"


def test_a_file_that_nobody_tracks_has_no_version(data):
    assert dvc_version(str(data)) is None
    assert dvc_version("https://host/a.csv") is None


def test_a_dvc_file_gives_the_version_until_the_data_change(data):
    data.with_name("a.csv.dvc").write_text(NAMES_IT)
    assert dvc_version(str(data)) == f"dvc:{MD5}"
    data.write_bytes(b"text,label\nx,1\n")
    assert dvc_version(str(data)) == f"dvc:{MD5}, changed since"


def test_a_lock_file_gives_the_version_of_what_a_stage_makes(data):
    lock = f"schema: '2.0'\nstages:\n  clean:\n    cmd: x\n    outs:\n    - path: data/a.csv\n      md5: {MD5}\n"
    (data.parent.parent / "dvc.lock").write_text(lock)
    assert dvc_version(str(data)) == f"dvc:{MD5}"


def test_a_folder_that_is_tracked_whole_gives_its_version(data):
    (data.parent.parent / "data.dvc").write_text("outs:\n- md5: 0123.dir\n  path: data\n")
    assert dvc_version(str(data)) == "dvc:0123.dir"


def test_files_above_the_repository_do_not_count(data):
    outside = NAMES_IT.replace("path: a.csv", "path: repo/data/a.csv")
    (data.parent.parent.parent / "a.csv.dvc").write_text(outside)
    assert dvc_version(str(data)) is None


def test_a_file_in_another_working_folder_is_found(data):
    (data.parent.parent / "a.dvc").write_text("wdir: data\n" + NAMES_IT)
    assert dvc_version(str(data)) == f"dvc:{MD5}"


def test_lines_that_end_in_two_characters_are_those_that_dvc_2_counted_as_one(data):
    data.with_name("a.csv.dvc").write_text(NAMES_IT)
    data.write_bytes(b"text,label\r\n")
    assert dvc_version(str(data)) == f"dvc:{MD5}"


@pytest.mark.parametrize(
    "content", ["", "- a", "outs: 3", "outs: [3]", "stages: {a: 3}", "a: [", "outs: [{path: 1}]", "\x00"]
)
def test_a_file_that_is_none_of_dvcs_is_passed_over(data, content):
    data.with_name("a.csv.dvc").write_text(content)
    assert dvc_version(str(data)) is None
