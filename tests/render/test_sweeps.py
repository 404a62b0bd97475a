"""The sheets and lines of a sweep over hard values: none, booleans, tiny numbers, names with codes in them."""

from __future__ import annotations

import pytest

from expctl.analysis.ranking import Ranking
from expctl.errors import TrainingFailed
from expctl.recipe import Recipe
from expctl.records import RunRecord
from expctl.render.formats import as_json
from expctl.render.sheet import Setting
from expctl.render.sweeps import best_so_far, remarks, settings_of, swept_sheet, trial_line, trials_sheet
from expctl.training.search.samplers import Trial
from expctl.training.search.scheduler import Outcome
from expctl.training.search.space import read_space
from expctl.workflows.sweep_board import Progress
from expctl.workflows.sweep_record import Swept

HARD = "[red]\x1b[31m|\n=1+1 👩\u200d🚀 \u202eשלום"


def trial(number: int, **point: object) -> Trial:
    return Trial(number, point, Recipe(data="x.csv"))


def run_of(number: int, value: float = 0.5, **params: str) -> RunRecord:
    return RunRecord(
        f"{number:032x}",
        f"s-{number}",
        "finished",
        "1",
        params={"model": "logreg", **params},
        metrics={"f1_score": value},
    )


SPACE = read_space({"model": "logreg,naive_bayes", "logreg.c": "1,2", "max_features": "none,5"}, {"data": "x.csv"})


def test_trials_have_a_column_for_each_axis_in_its_order():
    sheet = trials_sheet(SPACE, [trial(1, model="logreg", max_features=5)], total=6)
    assert [(column.key, column.title) for column in sheet.columns] == [
        ("trial", "#"), ("model", "model"), ("logreg.c", "logreg.c"), ("max_features", "max_features"),
    ]  # fmt: skip
    assert (sheet.kind, sheet.total, list(sheet.ids)) == ("trials", 6, [])


def test_trials_have_empty_cells_where_their_model_has_no_such_parameter():
    sheet = trials_sheet(SPACE, [trial(1, model="naive_bayes", max_features=None)], total=None)
    assert sheet.rows == [[1, "naive_bayes", None, "none"]]  # as one types it
    assert '"max_features": null' in as_json(sheet)


def test_numbers_of_trials_are_shown_as_they_were_written():
    (row,) = trials_sheet(SPACE, [trial(1, model="logreg", **{"logreg.c": 1e-12})], total=1).rows
    assert isinstance(row[2], Setting)
    assert row[2] == 1e-12


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1.0, 2.0], "number"), ([1, 2], "number"), ([True, False], "text"), ([None, 5], "text"), (["a"], "text")],
    ids=str,
)
def test_a_column_is_one_of_numbers_if_all_its_values_are(values, kind):
    space = read_space({"x": "1,2"}, {"data": "x.csv", "model": "own:make"})
    sheet = trials_sheet(space, [trial(i, x=value) for i, value in enumerate(values)], total=None)
    assert sheet.columns[1].kind == kind


def test_no_trials_are_a_sheet_without_rows():
    assert list(trials_sheet(SPACE, [], total=0).rows) == []


def test_a_ranking_says_which_sweep_it_is_and_has_the_best_id_alone():
    runs = [run_of(2, 0.9, c="1.0"), run_of(1, 0.8, c="2.0")]
    sheet = swept_sheet(RunRecord("f" * 32, "first", "finished", "1"), Ranking("f1_score", runs))
    assert sheet.kind == "sweep"
    assert dict(sheet.facts) == {"sweep": "first", "sweep_id": "f" * 32, "trials": 2}
    assert list(sheet.ids) == [runs[0].run_id]
    assert [row[0] for row in sheet.rows] == [1, 2]


def test_the_name_of_a_sweep_is_data_in_json():
    import json

    sheet = swept_sheet(RunRecord("f" * 32, HARD, "finished", "1"), Ranking("f1_score", [run_of(1)]))
    assert json.loads(as_json(sheet))["sweep"] == HARD


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({}, ""),
        ({"c": 0.1, "max_features": 1000}, "c=0.1 max_features=1000"),
        ({"c": 0.30000000000000004}, "c=0.3"),
        ({"c": 1e-12, "tol": 123456789.0}, "c=1e-12 tol=1.23457e+08"),
        ({"lowercase": True, "dual": False}, "lowercase=true dual=false"),
        ({"stop_words": None}, "stop_words=none"),
        ({"n": 0, "x": 0.0, "s": ""}, "n=0 x=0 s="),
        ({"c": 10.0}, "c=10"),
    ],
    ids=str,
)
def test_a_point_in_words(point, words):
    assert settings_of(point) == words


def test_the_best_so_far_is_told_and_before_there_is_one_nothing():
    assert best_so_far(Progress(3)) == ""
    assert best_so_far(Progress(3, best=(trial(2, name=HARD), 0.87312))) == "best 0.8731"


BEST = (trial(1, c=1.0), 0.9)
LINES = {
    "with a value": (
        Progress(4, ended=2, best=BEST, last=(trial(2, c=0.1), 0.5)),
        "2/4 trial 2: c=0.1: f1_score 0.5000 (best 0.9000, trial 1)",
    ),
    "without an end": (
        Progress(None, ended=2, best=BEST, last=(trial(2, c=0.1), 0.5)),
        "2 trial 2: c=0.1: f1_score 0.5000 (best 0.9000, trial 1)",
    ),
    "without the metric": (
        Progress(4, ended=2, best=BEST, last=(trial(2, c=0.1), None)),
        "2/4 trial 2: c=0.1: no f1_score (best 0.9000, trial 1)",
    ),
    "failed": (
        Progress(4, ended=2, failed=1, best=BEST, last=(trial(2, c=0.1), None), error="ValueError: no"),
        "2/4 trial 2: c=0.1: failed: ValueError: no (best 0.9000, trial 1)",
    ),
    "failed first": (
        Progress(4, ended=1, failed=1, last=(trial(1, c=0.1), None), error="no"),
        "1/4 trial 1: c=0.1: failed: no",
    ),
    "worth nothing": (
        Progress(4, ended=1, best=(trial(1), 0.0), last=(trial(1), 0.0)),
        "1/4 trial 1: : f1_score 0.0000 (best 0.0000, trial 1)",
    ),
}


@pytest.mark.parametrize(("progress", "line"), LINES.values(), ids=LINES)
def test_a_trial_that_ended_is_a_line_of_a_log(progress, line):
    assert trial_line(progress, "f1_score") == line


def swept(outcome: Outcome, **more: object) -> Swept:
    parts = {"left_out": {}, "edges": {}, "importance": {}, **more}
    return Swept(RunRecord("f" * 32, "s", "finished", "1"), [run_of(1)], outcome, **parts)


NEXT = "next: expctl show 00000000, or report: expctl report ffffffff"
FAILED = (trial(3, c=0.1), TrainingFailed("ValueError: no"))
REMARKS = {
    "nothing": (swept(Outcome(done=3)), []),
    "one left out": (swept(Outcome(done=3), left_out={"a is above b": 1}), ["left out 1 combination: a is above b"]),
    "many left out": (
        swept(Outcome(done=3), left_out={"a": 1200, "b": 2}),
        ["left out 1,200 combinations: a", "left out 2 combinations: b"],
    ),
    "all known": (swept(Outcome(known=1500)), ["nothing was left to do: 1,500 trials had been finished"]),
    "some known": (swept(Outcome(known=5, done=2)), ["5 trials had been finished before"]),
    "one known": (swept(Outcome(known=1, done=2)), ["1 trial had been finished before"]),
    "the only one known": (swept(Outcome(known=1)), ["nothing was left to do: 1 trial had been finished"]),
    "repeats": (
        swept(Outcome(done=1, failed=1, first_failure=FAILED), repeats=True),
        [
            "1 of 2 trials failed; the first, c=0.1: ValueError: no",
            "the sampler proposed nothing new after 2 trials",
        ],
    ),
    "one failed": (
        swept(Outcome(known=1, failed=1, first_failure=FAILED)),
        ["1 trial had been finished before", "1 of 1 trial failed; the first, c=0.1: ValueError: no"],
    ),
    "repeats, with one of before and two without the metric": (
        swept(Outcome(done=3, known=1), repeats=True),
        ["1 trial had been finished before", "the sampler proposed nothing new after 4 trials"],
    ),
    "one trial repeats": (swept(Outcome(done=1), repeats=True), ["the sampler proposed nothing new after 1 trial"]),
    "failed": (
        swept(Outcome(done=1999, failed=1, first_failure=FAILED)),
        ["1 of 2,000 trials failed; the first, c=0.1: ValueError: no"],
    ),
    "timed out": (
        swept(Outcome(done=7, timed_out=True)),
        ["time was up after 7 trials; resume: expctl sweep --resume ffffffff"],
    ),
    "edges": (
        swept(Outcome(done=3), edges={"c": (10.0, "highest"), "alpha": (1e-9, "lowest")}),
        [
            "the best c, 10, is the highest that was tried: a better one may lie beyond",
            "the best alpha, 1e-09, is the lowest that was tried: a better one may lie beyond",
        ],
    ),
    "importance": (
        swept(Outcome(done=30), importance={"c": 0.876, "tol": 0.124}),
        ["parameter importance for f1_score: c 88%, tol 12%"],
    ),
}


@pytest.mark.parametrize(("ended", "lines"), REMARKS.values(), ids=REMARKS)
def test_what_a_person_should_know_is_a_line_each_and_the_next_step_comes_last(ended, lines):
    assert list(remarks(ended, "f1_score")) == [*lines, NEXT]
