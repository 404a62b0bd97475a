"""The sheets of `edit` and `log`: a row a change, values as such, ids of the runs."""

from __future__ import annotations

from pathlib import Path

from expctl.records import RunRecord
from expctl.render.edits import edits_sheet, logged_sheet
from expctl.workflows.edit import Change, Edit
from expctl.workflows.log import LogRequest

RUN = RunRecord("a" * 32, "strong", "finished", "1", params={"who": "ada"})


def test_a_row_a_change_and_the_ids_of_runs_that_changed():
    sheet = edits_sheet([Edit(RUN, [Change("note", None, "x")]), Edit(RunRecord("b" * 32, "b", "finished", "1"), [])])
    assert sheet.rows == [["a" * 32, "strong", "note", None, "x"]]
    assert sheet.ids == ["a" * 32]


def test_what_was_added_with_its_kind(tmp_path: Path):
    (tmp_path / "f.txt").write_text("four")
    sheet = logged_sheet(RUN, LogRequest({"m": 0.25}, {"who": "ada"}, [tmp_path / "f.txt"], 2))
    assert sheet.rows == [["metric", "m", 0.25, 2], ["param", "who", "ada", None], ["artifact", "f.txt", 4, None]]
    assert sheet.facts == {"run": "strong", "run_id": "a" * 32}
