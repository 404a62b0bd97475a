"""What `export` and `import` show: which runs, by the ids of the store that one is in."""

from __future__ import annotations

from expctl.render.archives import exported_sheet, imported_sheet
from expctl.render.sheet import Size
from expctl.tracking.archive.export import Exported
from expctl.tracking.archive.load import Imported
from tests.render.run_records import keys, run


def test_exported_runs_have_their_files_and_their_ids_here():
    one, two = run(1), run(2)
    sheet = exported_sheet([Exported(one, 3, 2048), Exported(two)])
    assert keys(sheet) == ["run_id", "name", "files", "bytes"]
    assert sheet.rows == [[one.run_id, "run-1", 3, 2048], [two.run_id, "run-2", 0, 0]]
    assert type(sheet.rows[0][3]) is Size
    assert sheet.ids == [one.run_id, two.run_id]


def test_imported_runs_have_the_id_that_they_had_and_those_that_were_there_are_told():
    one, two = run(1), run(2)
    sheet = imported_sheet(
        [Imported(one, "f" * 32, "imported", 3, 2048), Imported(two, two.run_id, "already there", 0, 0)]
    )
    assert keys(sheet) == ["run_id", "name", "imported_id", "files", "bytes", "result"]
    assert [row[2] for row in sheet.rows] == ["f" * 32, two.run_id]
    assert [row[-1] for row in sheet.rows] == ["imported", "already there"]
    assert sheet.ids == [one.run_id, two.run_id]


def test_of_no_run_there_are_the_columns():
    assert (exported_sheet([]).rows, imported_sheet([]).rows) == ([], [])
    assert exported_sheet([]).columns
    assert imported_sheet([]).columns
