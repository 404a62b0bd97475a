"""The path between two recorded runs: what it records, what it refuses, how it ends when it is stopped."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from expctl.errors import DataError, ExitCode, RunNotFound, TrainingFailed
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.workflows import explain_question as question_module
from expctl.workflows.explain import Explanation, explain
from expctl.workflows.explain_question import Question, ask, check
from tests.conftest import write_reviews
from tests.tracking.recorded import statuses, store_of, train
from tests.tracking.swept import files_of, parent_of

if TYPE_CHECKING:
    from expctl.records import RunRecord

pytestmark = pytest.mark.usefixtures("no_pictures")


def asked(folder: Path, one: str, other: str, metric: str = "f1_score", budget: int | None = None) -> Question:
    return ask(store_of(folder), (parent_of(folder, one), parent_of(folder, other)), metric, budget=budget)


def explained(folder: Path, one: str, other: str, **more: Any) -> Explanation:
    question = asked(folder, one, other, **more)
    check(question, trust=False)
    return explain(store_of(folder), question, confidence=0.95)


def children(folder: Path, parent: RunRecord) -> list[RunRecord]:
    found = store_of(folder).find(f"tags.`{Tag.PARENT}` = '{parent.run_id}'")
    return sorted(found, key=lambda run: int(run.tags[Tag.TRIAL]))


def names(found: Explanation) -> list[str]:
    return ["+".join(factor.name for factor in link.factors) for link in found.links]


def test_the_steps_lead_from_one_recorded_run_to_the_other_and_each_has_its_paired_interval(runs):
    train(runs, "poor", c=0.01, max_features=5)
    found = explained(runs, "poor", "strong")
    poor, strong = (parent_of(runs, name).metrics["f1_score"] for name in ("poor", "strong"))
    assert sorted(names(found)) == ["c", "max_features"]
    first, last = found.links
    assert (first.before, first.after, last.after) == (poor, last.before, strong)
    assert last.run == parent_of(runs, "strong")  # not trained again
    assert sum(link.share for link in found.links) == pytest.approx(1)
    for link in found.links:
        assert link.difference.low <= link.difference.change <= link.difference.high
        assert link.difference.change == pytest.approx(link.after - link.before)
    assert found.whole.change == pytest.approx(strong - poor)


def test_what_is_trained_on_the_way_is_what_train_makes_of_it_and_lies_below_one_run(runs):
    found = explained(runs, "weak", "strong")
    parent = store_of(runs).get(found.parent.run_id)
    one, other = children(runs, parent)
    assert (parent.name, one.name, other.name) == (
        "explain-weak-strong", "explain-weak-strong-1", "explain-weak-strong-2"
    )  # fmt: skip
    alone = train(runs, "alone", c=10.0, max_features=50)
    same = one if one.params["c"] == "10.0" else other
    assert files_of(runs, same)["predictions.parquet"] == files_of(runs, alone)["predictions.parquet"]
    assert Recipe.from_json(same.tags[Tag.RECIPE]) == Recipe.from_json(alone.tags[Tag.RECIPE])
    assert {Tag.COMPLETE, Tag.EXPLANATION} <= set(same.tags) & set(parent.tags)
    assert Tag.MODEL_DIGEST not in same.tags
    assert set(statuses(runs)) == {"FINISHED", "FAILED"}  # the fixture's own


def test_the_parent_holds_the_path_as_tables_and_as_points_of_a_chart(runs):
    found = explained(runs, "weak", "strong")
    parent = store_of(runs).get(found.parent.run_id)
    files = {name: list(csv.DictReader(io.StringIO(text.decode()))) for name, text in files_of(runs, parent).items()}
    assert [row["factor"] for row in files["path.csv"]] == names(found)
    assert [float(row["after"]) for row in files["path.csv"]] == [link.after for link in found.links]
    assert [row["run_id"] for row in files["tried.csv"]] == [run.run_id for run in children(runs, parent)]
    points = store_of(runs).reader.history(parent.run_id, "path_f1_score")
    assert [point.value for point in points] == [found.links[0].before, *(link.after for link in found.links)]
    assert "f1_score" not in parent.metrics
    assert json.loads(parent.tags[Tag.EXPLANATION])["metric"] == "f1_score"


def test_other_test_rows_have_no_interval_but_a_reason(runs):
    train(runs, "seeded", c=10.0, max_features=50, random_state=1)
    found = explained(runs, "weak", "seeded")
    notes = {name: (link.difference is None, link.note) for name, link in zip(names(found), found.links, strict=True)}
    assert notes == {"c": (False, None), "random_state": (True, "other test rows")}
    assert found.whole is None


def test_a_difference_that_may_be_none_has_no_shares(runs):
    train(runs, "near", c=9.0, max_features=4000)
    found = explained(runs, "near", "strong")
    assert [link.share for link in found.links] == [None, None]


def test_without_a_budget_for_trainings_there_is_one_step_and_no_data_is_needed(runs):
    Path("small.csv").unlink()
    found = explained(runs, "weak", "strong", budget=0)
    assert names(found) == ["c+max_features"]
    assert found.used_up
    assert children(runs, found.parent) == []


def test_data_that_changed_is_a_factor_of_its_own_trained_on_each_file(runs):
    write_reviews(Path("more.csv"), 260)
    train(runs, "more", data="more.csv", c=10.0)
    found = explained(runs, "weak", "more", budget=2)
    assert names(found) == ["data", "c", "max_features"]
    one, _ = children(runs, found.parent)
    assert (one.params["data_path"], one.params["c"]) == ("more.csv", "0.01")


@pytest.mark.parametrize("gone", [True, False])
def test_data_that_is_gone_or_changed_is_told_with_run_and_file_before_any_training(runs, gone):
    before = statuses(runs)
    if gone:
        Path("small.csv").unlink()
    else:
        write_reviews(Path("small.csv"), 201)
    question = asked(runs, "weak", "strong")
    with pytest.raises(DataError) as refused:
        check(question, trust=False)
    assert refused.value.exit_code == ExitCode.DATA
    assert f"data of run weak ({question.runs[0].run_id[:8]}) {'is gone' if gone else 'has changed'}" in str(
        refused.value
    )
    assert "small.csv" in str(refused.value)
    assert statuses(runs) == before


def test_data_that_changes_meanwhile_ends_the_explanation(runs):
    question = asked(runs, "weak", "strong")
    check(question, trust=False)
    write_reviews(Path("small.csv"), 201)
    with pytest.raises(DataError, match=r"small\.csv changed meanwhile"):
        explain(store_of(runs), question, confidence=0.95)
    assert statuses(runs)[-1] == "FAILED"
    assert "RUNNING" not in statuses(runs)


def test_runs_of_another_environment_are_trained_again_and_what_that_changes_is_unexplained(runs, monkeypatch):
    """As if numpy had been another one: the runs come out the same, so nothing is unexplained."""
    monkeypatch.setattr(question_module, "_DECIDING", ("scikit-learn", "numpy", "no-such-package"))
    monkeypatch.setattr(question_module, "__version__", "0")
    question = asked(runs, "weak", "strong")
    assert (question.again, question.trainings) == ((True, True), 4)
    # And as if weak had been better at its time.
    weak = replace(question.runs[0], metrics={**question.runs[0].metrics, "f1_score": 0.25})
    found = explain(store_of(runs), replace(question, runs=(weak, question.runs[1])), confidence=0.95)
    assert (names(found)[0], len(names(found))) == ("", 3)
    assert (found.links[0].before, found.links[0].after) == (0.25, parent_of(runs, "weak").metrics["f1_score"])


def test_a_budget_too_small_for_both_ends_leaves_them_as_recorded(runs, monkeypatch):
    monkeypatch.setattr(question_module, "__version__", "0")
    assert asked(runs, "weak", "strong", budget=1).again == (False, False)
    assert asked(runs, "weak", "strong", budget=2).trainings == 2


def test_one_factor_between_runs_of_one_environment_takes_no_training(runs, monkeypatch):
    train(runs, "wide", c=0.01)
    assert asked(runs, "weak", "wide").trainings == 0
    monkeypatch.setattr(question_module, "__version__", "0")  # that of both
    assert asked(runs, "weak", "wide").trainings == 0


def test_a_combination_that_is_invalid_or_fails_is_no_step_and_tells_why(runs):
    train(runs, "grams", ngram_min=2, ngram_max=3, c=10.0)
    train(runs, "dual", solver="liblinear", dual=True, c=10.0)  # dual without liblinear fails
    found = explained(runs, "strong", "grams")
    assert names(found) == ["ngram_max", "ngram_min"]
    assert found.left_out == {"ngram_min 2 is above ngram_max 1": 1}
    found = explained(runs, "strong", "dual")
    assert names(found) == ["solver", "dual"]
    ((reason, count),) = found.left_out.items()
    assert ("dual" in reason, count) == (True, 1)
    failed, finished = children(runs, found.parent)
    assert (failed.status, failed.params["dual"], finished.status) == ("failed", "True", "finished")


def test_a_run_that_cannot_be_trained_again_is_named(runs, monkeypatch):
    monkeypatch.setattr(question_module, "__version__", "0")
    question = asked(runs, "weak", "strong")
    Path("small.csv").unlink()
    with pytest.raises(TrainingFailed, match=r"run weak \(\w{8}\) cannot be trained again here: no file small\.csv"):
        explain(store_of(runs), question, confidence=0.95)


def test_a_users_factory_is_run_only_if_trusted_and_always_trained_again(runs):
    train(runs, "own", model="own_models:counted", c=2.0)
    question = asked(runs, "strong", "own")
    assert question.again == (False, True)
    with pytest.raises(DataError) as refused:
        check(question, trust=False)
    assert (refused.value.exit_code, refused.value.hint) == (ExitCode.DATA, "--trust runs it")
    check(question, trust=True)


def test_interrupting_leaves_nothing_running(runs, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("expctl.training.fit.trainer.train", stop)
    before = len(statuses(runs))
    with pytest.raises(KeyboardInterrupt):
        explained(runs, "weak", "strong")
    assert statuses(runs)[before:] == ["KILLED", "KILLED"]


def test_runs_without_a_recipe_or_the_metric_are_refused(runs):
    store = store_of(runs)
    strong = parent_of(runs, "strong")
    foreign = replace(strong, tags={})
    with pytest.raises(RunNotFound, match="has no recipe: expctl did not train it"):
        ask(store, (strong, foreign), "f1_score", budget=None)
    with pytest.raises(RunNotFound, match="is a sweep: explain takes two of its trials"):
        ask(store, (replace(strong, tags={Tag.SWEEP: "{}"}), strong), "f1_score", budget=None)
    with pytest.raises(RunNotFound, match=r"has no f1_score: it is failed"):
        ask(store, (strong, parent_of(runs, "broken")), "f1_score", budget=None)
