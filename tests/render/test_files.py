"""The sheets of a run's files, and what a terminal may show."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.records import RunRecord
from expctl.render import files
from expctl.tracking.runs.artifacts import Artifact
from expctl.workflows.get import Files

RUN = RunRecord("a" * 32, "strong", "finished", "1")


def test_a_row_a_file_with_its_size_and_its_copy(tmp_path):
    (tmp_path / "a").write_text("four")
    found = Files(RUN, [Artifact("a", None)], single=True)
    assert files.files_sheet(found).rows == [["a", None]]
    assert files.copied_sheet(found, [tmp_path / "a"]).rows == [["a", 4, str(tmp_path / "a")]]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b", b"x" * 100])
def test_what_no_terminal_shows_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.setattr(files, "_MOST", 99)
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(UsageError, match=r"f is (not text|too long)"):
        files.text_of(tmp_path / "f", "f")
