"""The table of a sweep's trials, of programs as of models (the rest: test_sweep.py, test_program_trials.py)."""

from __future__ import annotations

from expctl.records import RunRecord, Tag
from expctl.workflows.program_request import ProgramRequest
from expctl.workflows.program_space import program_space
from expctl.workflows.sweep_record import _table


def test_the_table_has_what_was_varied_and_every_metric_of_any_trial():
    space = program_space({"lr": "1,2"}, ProgramRequest(("p", "{lr}")), {})
    runs = [
        RunRecord("a", "s-1", "finished", "1", params={"lr": "1"}, metrics={"loss": 0.5}, tags={Tag.TRIAL: "1"}),
        RunRecord("b", "s-2", "failed", "1", params={"lr": "2"}, tags={Tag.TRIAL: "2"}),
    ]
    assert _table(space, runs) == [
        ["trial", "run_id", "name", "status", "lr", "loss"],
        ["1", "a", "s-1", "finished", "1", 0.5],
        ["2", "b", "s-2", "failed", "2", None],
    ]
