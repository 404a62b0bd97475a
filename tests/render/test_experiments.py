"""The sheet of experiments: what is not known is missing, not nothing."""

from __future__ import annotations

from expctl.records import RunRecord
from expctl.render.experiments import experiments_sheet
from expctl.tracking.readers.protocol import Experiment
from expctl.workflows.experiments import Summary


def test_what_is_not_known_is_missing():
    best = RunRecord("a" * 32, "best", "finished", "1", metrics={"mcc": 0.5})
    sheet = experiments_sheet(
        [
            Summary(Experiment("1", "one"), 3, 0, None, best, 0),
            Summary(Experiment("2", "two"), None, None, None, None, None),
        ],
        "mcc",
    )
    assert [column.key for column in sheet.columns][4] == "best_mcc"
    assert sheet.rows == [
        ["one", "1", 3, 0, 0.5, "a" * 32, None, 0],
        ["two", "2", None, None, None, None, None, None],
    ]
