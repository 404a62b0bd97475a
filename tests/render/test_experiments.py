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
            Summary(Experiment("1", "one"), 3, 0, None, 0, {"mcc": best}),
            Summary(Experiment("2", "two"), None, None, None, None),
        ],
        "mcc",
    )
    assert [column.key for column in sheet.columns][4] == "best_mcc"
    assert sheet.rows == [
        ["one", "1", 3, 0, 0.5, "a" * 32, None, 0],
        ["two", "2", None, None, None, None, None, None],
    ]


def test_without_a_metric_there_is_that_of_each_task_and_of_both_none_is_the_best():
    classes = RunRecord("a" * 32, "classes", "finished", "1", metrics={"f1_score": 0.5})
    numbers = RunRecord("b" * 32, "numbers", "finished", "1", metrics={"r2": 0.25})
    rows = [
        Summary(Experiment("1", "texts"), 1, 0, None, 0, {"f1_score": classes}),
        Summary(Experiment("2", "prices"), 1, 0, None, 0, {"r2": numbers}),
        Summary(Experiment("3", "both"), 2, 0, None, 0, {"f1_score": classes, "r2": numbers}),
    ]
    sheet = experiments_sheet(rows, None)
    assert [column.key for column in sheet.columns][4:7] == ["best_f1_score", "best_r2", "best_run"]
    assert [list(row)[4:7] for row in sheet.rows] == [
        [0.5, None, "a" * 32],
        [None, 0.25, "b" * 32],
        [0.5, 0.25, None],
    ]
    assert [column.key for column in experiments_sheet(rows[1:2], None).columns][4:6] == ["best_r2", "best_run"]
    assert [column.key for column in experiments_sheet([], None).columns][4:6] == ["best_f1_score", "best_run"]
