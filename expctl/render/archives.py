"""What `export` and `import` did, as sheets. Values only: nothing is rounded or coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Column, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.render.sheet import Cell
    from expctl.tracking.archive.export import Exported
    from expctl.tracking.archive.load import Imported


def exported_sheet(done: Sequence[Exported]) -> Sheet:
    """`export`: the runs with how many files each has. Its ids are those in this store."""
    columns = [_ID, _NAME, *_FILES]
    rows: list[list[Cell]] = [[one.run.run_id, one.run.name, one.files, Size(one.bytes)] for one in done]
    return Sheet("exported", columns, rows, ids=[one.run.run_id for one in done])


def imported_sheet(done: Sequence[Imported]) -> Sheet:
    """`import`: the runs by their ids here, and those they had; its ids are those here."""
    columns = [_ID, _NAME, Column("imported_id", "was", kind="id", width=8), *_FILES, Column("result")]
    rows: list[list[Cell]] = [
        [one.run.run_id, one.run.name, one.was, one.files, Size(one.bytes), one.result] for one in done
    ]
    return Sheet("imported", columns, rows, ids=[one.run.run_id for one in done])


_ID = Column("run_id", "run", kind="id", width=8)
_NAME = Column("name")
_FILES = (Column("files", kind="number"), Column("bytes", kind="number"))
