"""A run's recipe on more and more of its rows: the whole gives the run's own score, and the run gets a picture."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.workflows.learning_curve import PICTURE, draw_learning_curve
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def drawn(store, run, **given):
    return draw_learning_curve(store, run, **{"metric": "f1_score", "points": 3, "repeats": 2, "trust": False, **given})


def named(store, name: str):
    return store.find(f"name = '{name}'")[0]


def test_the_whole_is_the_run_itself_and_the_run_keeps_what_it_had(store):
    before = named(store, "strong")
    found = drawn(store, before)
    assert [(one.rows, one.models) for one in found.curve.points] == [(40, 2), (80, 2), (160, 1)]
    assert found.curve.points[-1].value == pytest.approx(before.metrics["f1_score"], abs=1e-12)
    after = named(store, "strong")
    assert (after.status, after.metrics, after.params, after.ended) == (
        before.status, before.metrics, before.params, before.ended,
    )  # fmt: skip
    assert store.read_artifact(after, PICTURE).startswith(b"\x89PNG")


@pytest.mark.slow
def test_code_of_ones_own_is_run_only_if_trusted_and_its_metrics_are_not(store, runs):
    own = train(runs, "own", model="own_models:counted")
    with pytest.raises(DataError, match="own_models:counted"):
        drawn(store, own)
    assert len(drawn(store, own, trust=True, points=2).curve.points) == 2
    measured = train(runs, "measured", extra_metric="sklearn.metrics:cohen_kappa_score")
    assert len(drawn(store, measured, points=2).curve.points) == 2


def test_parts_that_cannot_be_trained_on_are_left_out_and_told(store, runs):
    rare = train(runs, "rare", min_df=30)
    found = drawn(store, rare, points=4)
    assert [one.rows for one in found.curve.points] != [20, 40, 80, 160]
    assert found.notes
    assert all("rows: " in note for note in found.notes)


def test_a_run_that_cannot_be_trained_again_is_told(store):
    with Path("small.csv").open("a") as file:
        file.write("one more film,positive\n")
    with pytest.raises(DataError, match="is not what run strong was made from"):
        drawn(store, named(store, "strong"))


def test_a_metric_that_labels_do_not_decide_is_refused(store):
    with pytest.raises(UsageError, match="no learning curve of 'roc_auc'"):
        drawn(store, named(store, "strong"), metric="roc_auc")


def test_if_nothing_can_be_trained_it_fails(store, monkeypatch):
    def fail(*_given):
        raise TrainingFailed("the moon is full")

    monkeypatch.setattr("expctl.workflows.learning_curve._predictions", fail)
    with pytest.raises(TrainingFailed, match="the moon is full"):
        drawn(store, named(store, "strong"))


def test_the_picture_of_a_copied_store_is_beside_the_copy(runs, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(runs, copy)
    os.chdir(copy)
    store = store_of(copy)
    drawn(store, named(store, "strong"), points=2, repeats=1)
    assert [path.name for path in copy.rglob(PICTURE)] == [PICTURE]
    assert list(runs.rglob(PICTURE)) == []


def test_a_regression_has_a_curve_of_its_values(house_runs):
    store = store_of(house_runs)
    run = named(store, "close")
    found = drawn(store, run, metric=None, points=3)
    assert (found.curve.metric, [(one.rows, one.models) for one in found.curve.points]) == (
        "r2", [(45, 2), (90, 2), (180, 1)]
    )  # fmt: skip
    last = found.curve.points[-1]
    assert last.value == pytest.approx(run.metrics["r2"], abs=1e-12)
    assert last.low < last.value < last.high
    assert store.read_artifact(run, PICTURE).startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="no learning curve of 'f1_score'"):
        drawn(store, run)
