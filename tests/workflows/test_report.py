"""What a report is about and what it tells: chosen runs, a ranking that is cut, comparisons with the first."""

from __future__ import annotations

import re

import pytest

from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.render.report import report_page
from expctl.workflows import report as module
from expctl.workflows.report import assemble, choice_of, choose
from tests.tracking.recorded import store_of, train
from tests.tracking.swept import parent_of


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def names(runs) -> list[str]:
    return [run.name for run in runs]


def test_runs_that_were_named_are_compared_in_their_order_each_once(store):
    choice = choose(store, ["weak", "strong", "weak"], None)
    assert (names(choice.runs), choice.named, choice.metric) == (["weak", "strong"], True, "f1_score")
    assert choice.subject == "weak, strong, weak"
    assert choice_of([*choice.runs, choice.runs[0]]).runs == choice.runs


def test_of_no_references_all_that_finished_are_meant_the_best_first(store):
    choice = choose(store, [], None)
    assert (choice.subject, choice.named, choice.total) == ("all finished runs", False, None)
    assert sorted(names(choice.runs)) == ["bayes", "strong", "weak"]
    values = [run.metrics["f1_score"] for run in choice.runs]
    assert values == sorted(values, reverse=True)


def test_a_sweep_stands_for_its_trials_and_its_metric_decides(sweeps):
    store = store_of(sweeps)
    choice = choose(store, ["grid"], None)
    assert (len(choice.runs), choice.named, choice.subject) == (6, False, "sweep grid")
    assert parent_of(sweeps, "grid").run_id not in {run.run_id for run in choice.runs}
    assert choose(store, ["grid"], "accuracy").metric == "accuracy"
    assert set(names(choose(store, ["grid-*"], None).runs)) == set(names(choice.runs))


def test_a_reference_without_a_run_is_not_found(store):
    with pytest.raises(RunNotFound, match="no run 'nobody'"):
        choose(store, ["weak", "nobody"], None)


def test_of_many_references_the_first_are_named(store):
    assert choose(store, ["weak"] * 9, None).subject == ", ".join([*["weak"] * 6, "..."])


def test_a_report_compares_with_the_first_and_tells_what_flipped_with_texts(store):
    report = assemble(store, choose(store, ["weak", "strong", "bayes"], None))
    assert names(report.comparison.runs) == names(report.confused) == ["weak", "strong", "bayes"]
    assert [bool(one.assessment.differences) for one in report.tested] == [True, True]
    assert len(report.curves) == 3
    flip, text = report.tested[0].texts[0]
    assert text.startswith("the ")
    assert flip in report.tested[0].flips.rows
    assert names(report.history) == ["weak", "strong", "bayes"]
    assert report.notes == []


def test_limits_of_more_challengers_are_corrected_for_being_many(store):
    alone = assemble(store, choose(store, ["weak", "strong"], None)).tested[0]
    among = assemble(store, choose(store, ["weak", "strong", "bayes"], None)).tested[0]
    first, second = (one.assessment.differences["log_loss"].p_value for one in (alone, among))
    assert second >= first


def test_what_is_not_ranked_is_told_and_what_has_no_predictions_not_tested(store):
    report = assemble(store, choose(store, ["weak", "broken"], None))
    assert report.notes == ["1 left out of the ranking: failed"]
    assert "has no predictions.parquet" in report.tested[0].assessment.note
    assert report.tested[0].flips is None
    assert report.curves[1] == "the run has no predictions"
    assert names(report.confused) == ["weak"]


def test_runs_that_all_failed_are_reported_without_a_ranking(store):
    report = assemble(store, choose(store, ["broken"], None))
    assert (report.ranking.ranked, report.confusion, report.tested) == ([], None, [])


def test_a_ranking_is_cut_and_says_so(sweeps, monkeypatch):
    monkeypatch.setattr(module, "_RUNS", 3)
    store = store_of(sweeps)
    report = assemble(store, choose(store, ["grid"], None))
    assert len(report.ranking.ranked) == 3
    assert "the ranking has the best 3 of 6 runs" in report.notes
    choice = choose(store, [], None)
    ranked = [run for run in store.find() if run.metrics.get("f1_score") and Tag.SWEEP not in run.tags]
    assert (len(choice.runs), choice.total) == (4, len(ranked))
    assert f"the ranking has the best 3 of {len(ranked)} runs" in assemble(store, choice).notes


def test_of_many_named_runs_the_first_are_compared(sweeps, monkeypatch):
    monkeypatch.setattr(module, "_NAMED", 2)
    store = store_of(sweeps)
    report = assemble(store, choose(store, ["grid-1", "grid-2", "grid-3"], None))
    assert names(report.comparison.runs) == ["grid-1", "grid-2"]
    assert "the first 2 of 3 runs are compared in detail" in report.notes


def test_the_slices_that_the_first_run_has_recorded_are_told_for_all(store, runs):
    train(runs, "sliced", slice="length", c=3.0)
    report = assemble(store, choose(store, ["sliced", "strong"], "accuracy"))
    (found,) = report.slices
    assert (found.column, sum(one.rows for one in found.measured)) == ("length", 40)
    ((other, changes),) = found.changes
    assert other.name == "strong"
    assert all(one.difference.metric == "accuracy" for one in changes if one.difference is not None)
    assert assemble(store, choose(store, ["strong", "sliced"], None)).slices == []


def test_regressions_are_told_by_their_errors_and_lack_nothing_of_classes(house_runs):
    store = store_of(house_runs)
    report = assemble(store, choose(store, ["close", "flat"], None))
    close, flat = report.errors
    assert (len(close.points), [one.rows for one in close.ranges]) == (120, [one.rows for one in flat.ranges])
    assert close.ranges[-1].error < flat.ranges[-1].low
    assert (report.ranking.metric, report.confusion, report.confused) == ("r2", None, [])
    text = report_page(report).decode().split('<script type="application/json"')[0]
    assert re.findall('<section id="(.*)">', text) == ["ranking", "history", "comparison", "errors", "slices", "flips"]
    assert re.findall('data-chart="(predicted_actual|residuals|ranges)"', text) == [
        "predicted_actual", "residuals", "ranges"
    ]  # fmt: skip
    for missing in ("ROC", "no curves", "log loss", "broken"):
        assert missing not in text


def test_of_runs_of_both_tasks_each_is_told_by_its_own(house_runs):
    store = store_of(house_runs)
    report = assemble(store, choose(store, ["close", "quick"], None))
    assert [one is None for one in report.errors] == [False, True]
    assert (report.curves[0], names(report.confused)) == ("it is a regression", ["quick"])
    text = report_page(report).decode()
    assert '<section id="errors">' in text
    assert '<section id="curves">' in text
