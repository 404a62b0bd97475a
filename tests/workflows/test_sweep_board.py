"""How far a sweep is: what is counted of trials that finish, fail and are pruned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from expctl.records import RunRecord, Tag
from expctl.training.search.samplers import PrunedAt, Trial
from expctl.workflows.sweep_board import Board, Progress
from expctl.workflows.sweep_plan import Plan


def test_the_best_is_that_of_the_metrics_direction_and_pruned_ones_are_neither_finished_nor_failed():
    plan = Plan({}, {}, "grid", None, "val_loss", 1, None, None, None)
    written: list[Any] = []
    seen: list[int] = []
    writer: Any = SimpleNamespace(write=written.extend)
    store: Any = None
    parent = RunRecord("p" * 32, "sweep", "running", "1")
    board = Board(store, parent, writer, plan, {"a": "b"}, {}, Progress(4), lambda one: seen.append(one.ended), None)
    trials = [Trial(number, {"lr": number}, None) for number in range(1, 5)]
    board.finished_now(trials[0], "x", 2.0)
    board.finished_now(trials[1], "y", 1.0)
    board.pruned_now(trials[2], PrunedAt(3, 0.5))
    board.failed_now(trials[3], "why")
    progress = board.progress
    assert (progress.ended, progress.failed, progress.pruned, progress.best) == (4, 1, 1, (trials[1], 1.0))
    assert seen == [1, 2, 3, 4]
    assert board.values == {"x": 2.0, "y": 1.0}
    assert [(one.key, one.value) for one in written[-2:]] == [("trials_finished", 2.0), ("best_val_loss", 1.0)]
    assert board.name_of(trials[0]) == "sweep-1"
    assert board.tags_of(trials[0]) == {"a": "b", Tag.PARENT: parent.run_id, Tag.TRIAL: "1"}
