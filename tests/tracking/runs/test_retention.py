"""Which runs a cleaning lets go: never the best, the young, those that are recorded, nor what others stand on."""

from __future__ import annotations

import time

import pytest
from mlflow.entities import Metric

from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.tracking.runs import deletion
from expctl.tracking.runs.lifecycle import process_tags
from expctl.tracking.runs.retention import Retention, to_clean
from tests.tracking.recorded import store_of

NOW = int(time.time() * 1000)
DAY = 86_400_000


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.fixture
def make(store):
    """A function that makes a run with these values, so many days ago, and gives its id."""

    def made(name: str, *, days: float = 0, status: str = "FINISHED", parent: str = "", **given: float | str) -> str:
        tags = {key: value for key, value in given.items() if isinstance(value, str)}
        tags |= {Tag.PARENT: parent, Tag.TRIAL: "1"} if parent else {}
        started = NOW - int(days * DAY)
        run_id = store.client.create_run(store.ensure_experiment(), started, tags, name).info.run_id
        values = [Metric(key, value, 0, 0) for key, value in given.items() if not isinstance(value, str)]
        store.client.log_batch(run_id, values)
        if status != "RUNNING":
            store.client.set_terminated(run_id, status)
        return run_id

    return made


def gone(store, *references: str, filter: str = "", purge: bool = False, **rule) -> list[str]:
    """The names of what a rule lets go, in the order of the alphabet."""
    return sorted(run.name for run in to_clean(store, references, filter, Retention(**rule), purge=purge).chosen.runs)


def kept(store, *references: str, filter: str = "", **rule) -> dict[str, int]:
    return dict(to_clean(store, references, filter, Retention(**rule), purge=False).kept)


@pytest.fixture
def five(make):
    """Runs a to e, each a day older than the one before and better; e is 5 days old and has an f1_score of 0.5."""
    return {name: make(name, days=i, f1_score=i / 10, log_loss=i / 10) for i, name in enumerate("abcde", 1)}


def test_the_best_stay_in_the_direction_of_the_metric(store, five):
    assert gone(store, best=2) == ["a", "b", "c"]
    assert gone(store, best=2, metric="log_loss") == ["c", "d", "e"]
    assert gone(store, best=9) == []
    assert kept(store, best=2) == {"with the best f1_score": 2}


def test_the_young_stay(store, five):
    assert gone(store, before=NOW - int(2.5 * DAY)) == ["c", "d", "e"]
    assert kept(store, before=NOW - int(2.5 * DAY)) == {"begun later": 2}
    assert gone(store, before=NOW) == ["a", "b", "c", "d", "e"]
    assert gone(store, before=NOW - 5 * DAY) == []  # begun at that very moment is not before it


def test_a_run_goes_only_where_both_rules_let_it_and_only_of_those_that_were_named(store, five):
    assert gone(store, best=1, before=NOW - int(2.5 * DAY)) == ["c", "d"]
    assert gone(store, filter="f1_score < 0.4", best=1) == ["a", "b"]
    assert gone(store, "a", "e", best=1) == ["a"]
    assert gone(store, "[ab]", filter="f1_score >= 0.5", best=1) == ["a", "b"]


def test_what_cannot_rank_goes_but_not_all_for_a_metric_that_nobody_has(store, make, five):
    make("failed", status="FAILED", f1_score=0.9)
    make("nan", f1_score=float("nan"))
    make("without")
    assert gone(store, best=4) == ["a", "failed", "nan", "without"]
    with pytest.raises(RunNotFound, match="no finished run has f1_scor, did you mean 'f1_score'"):
        to_clean(store, [], "", Retention(1, "f1_scor"), purge=False)


def test_what_the_registry_stands_on_stays_without_force(store, five):
    store.client.create_registered_model("reviews")
    for name in "ab":
        store.client.create_model_version("reviews", f"runs:/{five[name]}/model", five[name])
    assert gone(store, best=1) == ["c", "d"]
    assert kept(store, best=1) == {"with the best f1_score": 1, "of a registered model": 2}
    assert gone(store, best=1, force=True) == ["a", "b", "c", "d"]


@pytest.fixture
def swept(make, store):
    """A sweep `s` of three trials, of which `s-2` is recorded as the best; and a better run `alone`."""
    parent = make("s", days=9, **{Tag.SWEEP: "{}"})
    trials = [make(f"s-{i}", days=9, parent=parent, f1_score=score) for i, score in enumerate((0.1, 0.3, 0.2), 1)]
    store.client.set_tag(parent, Tag.BEST_RUN, trials[1])
    make("alone", days=9, f1_score=0.9)
    return parent


def test_the_best_of_a_sweep_stays_with_its_sweep_without_force(store, swept):
    assert gone(store, best=1) == ["s-1", "s-3"]
    assert gone(store, before=NOW) == ["alone", "s-1", "s-3"]
    assert kept(store, best=1) == {"with the best f1_score": 1, "best of a sweep": 1, "whose trials stay": 1}
    assert gone(store, best=1, force=True) == ["s", "s-1", "s-2", "s-3"]
    assert gone(store, filter="name like 's-%'", before=NOW) == ["s-1", "s-3"]  # the sweep itself is not looked at
    assert gone(store, "s", before=NOW) == ["s-1", "s-3"]


def test_a_sweep_stays_as_long_as_one_of_its_trials(store, swept, make):
    make("s-4", days=1, parent=swept, f1_score=0.0)
    assert gone(store, before=NOW - 2 * DAY, force=True) == ["alone", "s-1", "s-2", "s-3"]
    assert gone(store, best=2, force=True) == ["s-1", "s-3", "s-4"]


def test_what_is_recorded_stays_with_force_too_and_its_trials_and_orphans_go(store, make):
    alive = make("alive", days=3, status="RUNNING", **process_tags(), **{Tag.SWEEP: "{}"})
    make("trial", days=2, parent=alive, f1_score=0.5)
    make("orphan", days=2, status="RUNNING", **{**process_tags(), Tag.STARTED: "1.00"})
    make("elsewhere", days=2, status="RUNNING", **{**process_tags(), Tag.HOST: "another"})
    assert gone(store, before=NOW, force=True) == ["orphan"]
    assert kept(store, before=NOW, force=True) == {"being recorded": 3}


def test_deleted_runs_are_purged_and_do_not_rank(store, five):
    list(deletion.delete(store, [store.get(five["e"])]))
    assert gone(store, best=1) == ["a", "b", "c"]
    assert gone(store, best=1, purge=True) == ["a", "b", "c", "e"]
    assert gone(store, before=NOW - int(4.5 * DAY), purge=True) == ["e"]


def test_an_empty_experiment_has_nothing_to_clean(store):
    assert gone(store, best=1, before=NOW) == []


@pytest.mark.every_store
def test_every_store_is_cleaned_alike(store, five):
    store.client.create_registered_model("reviews")
    store.client.create_model_version("reviews", f"runs:/{five['a']}/model", five["a"])
    assert gone(store, best=1, before=NOW - int(1.5 * DAY)) == ["b", "c", "d"]
