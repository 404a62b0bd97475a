"""Runs that somebody chose, each once, with the runs below those that are sweeps."""

from __future__ import annotations

import pytest

from expctl.records import Tag
from expctl.tracking.runs.descendants import with_trials
from tests.tracking.recorded import store_of


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.fixture
def make(store):
    """Makes a run: of a sweep, below a parent, with tags."""
    experiment = store.ensure_experiment()

    def made(name: str, parent: str | None = None, **tags: str) -> str:
        given = {getattr(Tag, key): value for key, value in tags.items()}
        given |= {} if parent is None else {Tag.PARENT: parent}
        return store.client.create_run(experiment, run_name=name, tags=given).info.run_id

    return made


def chosen(store, *ids: str, **how):
    found = with_trials(store, [store.get(run_id) for run_id in ids], **how)
    return [run.name for run in found.named], [run.name for run in found.trials]


def test_a_sweep_comes_with_its_trials_by_number_and_another_run_alone(store, make):
    sweep, alone = make("sweep", SWEEP="{}"), make("alone")
    for number in (10, 2, 1):
        make(f"trial-{number}", sweep, TRIAL=str(number))
    make("below", alone)
    assert chosen(store, sweep, alone) == (["sweep", "alone"], ["trial-1", "trial-2", "trial-10"])


def test_a_trial_that_was_named_too_is_there_once_and_no_run_twice(store, make):
    sweep = make("sweep", SWEEP="{}")
    trial = make("trial", sweep, TRIAL="1")
    assert chosen(store, trial, sweep, sweep) == (["sweep"], ["trial"])
    assert chosen(store, trial) == (["trial"], [])


def test_a_sweep_comes_after_its_trials_where_all_are_gone_through(store, make):
    sweep = make("sweep", SWEEP="{}")
    make("trial", sweep, TRIAL="1")
    assert [run.name for run in with_trials(store, [store.get(sweep)]).runs] == ["trial", "sweep"]


def test_an_explanation_has_trainings_below_it_and_is_told_from_one_of_those(store, make):
    parent = make("explanation", EXPLANATION="{}")
    training = make("training", parent, EXPLANATION="{}", RECIPE="{}")
    make("below", training)
    assert chosen(store, parent) == (["explanation"], ["training"])


def test_nested_all_runs_below_any_are_meant_and_a_circle_ends(store, make):
    top = make("top")
    middle = make("middle", top)
    make("bottom", middle)
    assert chosen(store, top, nested=True) == (["top"], ["middle", "bottom"])
    store.client.set_tag(top, Tag.PARENT, middle)
    assert (
        chosen(store, top, nested=True)[1] == ["middle", "bottom", "top"]
        or "middle" in chosen(store, top, nested=True)[1]
    )


@pytest.mark.parametrize(
    ("deleted", "trials"), [((False,), ["kept"]), ((True,), ["gone"]), ((False, True), ["gone", "kept"])]
)
def test_trials_are_those_that_are_deleted_or_not_or_both(store, make, deleted, trials):
    sweep = make("sweep", SWEEP="{}")
    gone = make("gone", sweep, TRIAL="1")
    make("kept", sweep, TRIAL="2")
    store.client.delete_run(gone)
    assert chosen(store, sweep, deleted=deleted)[1] == trials
