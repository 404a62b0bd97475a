"""What is added to a run: checked as a whole before any of it is written, and files without leftovers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from expctl.errors import DataError, UsageError
from expctl.workflows.log import LogRequest, log
from tests.tracking.recorded import names, store_of


def test_one_refusal_keeps_all_of_a_request_out(runs):
    with pytest.raises(UsageError, match="parameter c"):
        log(store_of(runs), "weak", LogRequest({"own": 1.0}, {"own": "1", "c": "2"}, ()))
    (weak,) = store_of(runs).find("name = 'weak'")
    assert "own" not in {*weak.metrics, *weak.params}


@pytest.mark.parametrize("name", ["a\nb.txt", "a\x1b[0m.txt"])
def test_a_file_that_no_archive_could_hold_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="control character"):
        LogRequest({}, {}, (tmp_path / name,))


@pytest.mark.parametrize("key", ["../x", "/x", "a//b", "a/../b", "."])
def test_a_key_that_is_a_path_is_refused(key):
    with pytest.raises(UsageError, match="a key is no path"):
        LogRequest({key: 1.0}, {}, ())
    with pytest.raises(UsageError, match="a key is no path"):
        LogRequest({}, {key: "1"}, ())


def test_files_go_through_a_folder_that_is_removed(runs, tmp_path_factory, monkeypatch):
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    Path("own.txt").write_text("x")
    Path("link.txt").symlink_to("own.txt")
    run = log(store_of(runs), "weak", LogRequest({}, {}, [Path("own.txt"), Path("link.txt")]))
    assert store_of(runs).read_artifact(run, "link.txt") == b"x"
    assert names(scratch) == []


def test_a_file_that_goes_meanwhile_is_told_and_nothing_is_written(runs):
    Path("own.txt").write_text("x")
    request = LogRequest({"own": 1.0}, {}, [Path("own.txt")])
    Path("own.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read own\.txt"):
        log(store_of(runs), "weak", request)
    assert "own" not in store_of(runs).find("name = 'weak'")[0].metrics
