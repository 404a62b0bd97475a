"""What `explain` shows: the factors, the steps with their effects, and what a person should know besides."""

from __future__ import annotations

import json

import pytest

from expctl.analysis.difference import Difference
from expctl.recipe import Recipe
from expctl.render.explanations import explanation_sheet, factors_sheet, nothing_sheet, remarks, training_line
from expctl.render.formats import as_json
from expctl.render.sheet import Change, Share
from expctl.training.search.recipe_diff import Factor
from expctl.workflows.explain import Explanation, Link, Trained
from expctl.workflows.explain_question import Question
from tests.render.run_records import keys, run

C = Factor("c", frozenset({"c"}), 1.0, 10.0)
WORDS = Factor("stop_words", frozenset({"stop_words"}), None, "english")
ONE, OTHER = run(1, metrics={"f1_score": 0.5}), run(2, metrics={"f1_score": 0.8})


def question(*factors: Factor, metric: str = "f1_score", budget: int | None = None) -> Question:
    recipe = Recipe(data="x.csv")
    runs = (ONE, OTHER) if metric == "f1_score" else tuple(run(i, metrics={metric: 0.5 + i / 10}) for i in (1, 2))
    return Question(runs, (recipe, recipe), ({}, {}), metric, factors, (False, False), budget)


def link(*factors: Factor, difference: Difference | None = None, note=None, share=None) -> Link:
    return Link(factors, 0.5, 0.8, OTHER, difference, note, share)


def explanation(asked: Question, *links: Link, whole=None, trained=(), left_out=None) -> Explanation:
    return Explanation(asked, run(9, name="why"), links, whole, trained, left_out or {})


def cells(sheet, row=0):
    return dict(zip(keys(sheet), sheet.rows[row], strict=True))


SURE = Difference("f1_score", 0.5, 0.8, 0.2, 0.4, 0.001)


def test_factors_are_shown_with_their_values_before_anything_is_trained():
    sheet = factors_sheet(question(C, WORDS))
    assert sheet.rows == [["c", 1.0, 10.0], ["stop_words", "none", "english"]]
    assert sheet.facts["baseline"] == f"run-1 ({ONE.run_id})"
    assert sheet.facts["difference"] == Change(OTHER.metrics["f1_score"] - ONE.metrics["f1_score"])


def test_a_step_has_its_effect_with_limits_and_its_share():
    sheet = explanation_sheet(explanation(question(C), link(C, difference=SURE, share=1.0), whole=SURE))
    step = cells(sheet)
    assert (step["step"], step["factor"], step["before"], step["after"]) == (1, "c", 0.5, 0.8)
    assert (step["effect"].better, step["low"], step["high"]) == (True, Change(0.2), Change(0.4))
    assert type(step["share"]) is Share
    assert (sheet.facts["low"], sheet.facts["high"]) == (Change(0.2), Change(0.4))
    assert "note" not in step


@pytest.mark.parametrize(("metric", "better"), [("f1_score", True), ("log_loss", False)])
def test_more_is_better_only_where_the_metric_says_so(metric, better):
    sheet = explanation_sheet(explanation(question(C, metric=metric), link(C, difference=SURE)))
    assert cells(sheet)["effect"].better is better


def test_a_step_without_a_test_has_no_colour_no_limits_and_a_note():
    sheet = explanation_sheet(explanation(question(C), link(C, note="other test rows")))
    step = cells(sheet)
    assert (step["effect"].better, step["low"], step["share"], step["note"]) == (None, None, None, "other test rows")


def test_what_no_factor_explains_is_called_so_and_factors_that_changed_together_are_one_step():
    sheet = explanation_sheet(explanation(question(C, WORDS), link(), link(C, WORDS)))
    assert cells(sheet)["factor"].startswith("unexplained")
    step = cells(sheet, 1)
    assert step["factor"] == "c + stop_words"
    assert (step["from"], step["to"]) == ("c=1 stop_words=none", "c=10 stop_words=english")


def test_runs_that_differ_in_nothing_have_no_step():
    assert json.loads(as_json(nothing_sheet(question())))["rows"] == []


@pytest.mark.parametrize(
    ("trained", "line"),
    [
        (Trained([], OTHER, 0.5), "A again: f1_score 0.5000"),
        (Trained(["c", "stop_words"], OTHER, 0.8), "B again: f1_score 0.8000"),
        (Trained(["c"], OTHER, 0.8), "changing c: f1_score 0.8000"),
        (Trained(["c"], None, None, "it does not fit"), "changing c: left out: it does not fit"),
    ],
)
def test_a_training_that_ended_is_a_line_of_a_log(trained, line):
    asked = question(C, WORDS)
    assert training_line(trained, 1, asked) == f"1/{asked.trainings} {line}"


def test_a_person_is_told_what_was_left_out_what_changed_together_and_what_comes_next():
    asked = question(C, WORDS, budget=1)
    found = explanation(
        asked, link(C, WORDS), trained=[Trained(["c"], None, None, "no")], left_out={"no": 1, "never": 2}
    )
    assert list(remarks(found)) == [
        "left out 1 combination: no",
        "left out 2 combinations: never",
        "c, stop_words changed together: the budget is used up",
        "no shares: the whole difference of f1_score may be none",
        f"next: expctl show {found.parent.run_id[:8]}",
    ]


def test_where_there_are_shares_and_single_factors_only_the_next_step_is_told():
    assert len(list(remarks(explanation(question(C), link(C, share=1.0))))) == 1
