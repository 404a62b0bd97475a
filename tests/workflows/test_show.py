"""What is shown of a run: its experiment, its files, and the command that makes it again, where there is one."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound, StoreError
from expctl.records import Tag
from expctl.workflows.show import show
from tests.tracking.recorded import store_of


def test_a_run_has_its_experiment_its_files_and_its_command(runs):
    found = show(store_of(runs), "strong")
    assert (found.run.name, found.run.experiment) == ("strong", "expctl")
    assert {"predictions.parquet", "model/MLmodel"} <= {one.path for one in found.artifacts}
    assert found.command.startswith("expctl train --data small.csv")
    assert " --c 10" in found.command


def test_a_name_that_no_new_run_may_have_is_not_in_the_command(runs):
    store = store_of(runs)
    store.client.update_run(run := show(store, "strong").run.run_id, name="latest~3")
    assert "--run-name" not in show(store, run).command
    assert show(store, run).run.name == "latest~3"


def test_a_sweep_has_the_command_of_its_sweep(sweeps):
    assert show(store_of(sweeps), "grid").command.startswith("expctl sweep ")


@pytest.mark.parametrize("recipe", [None, "{", '{"model": "nosuch"}', "[" * 5000, "3", "[1]"])
def test_a_run_of_another_program_or_with_a_recipe_that_is_none_has_no_command(runs, recipe):
    store = store_of(runs)
    tags = {} if recipe is None else {Tag.RECIPE: recipe}
    run_id = store.client.create_run(store.ensure_experiment(), tags=tags).info.run_id
    assert show(store, run_id).command is None


@pytest.mark.parametrize(
    "plan",
    [
        "x", "[" * 5000, "{}", '{"a": 1}',
        '{"space": [1], "given": 3, "sampler": null, "trials": "x", "metric": 4, "keep_models": null, "window": "a",'
        ' "data_hash": "", "test_data_hash": null}',
        '{"space": {"c": 1}, "given": {}, "sampler": "grid", "trials": null, "metric": "f1_score", "keep_models": null,'
        ' "window": 1, "data_hash": "", "test_data_hash": null}',
    ],
)  # fmt: skip
def test_a_run_with_a_plan_of_a_sweep_that_is_none_is_shown_all_the_same(runs, plan):
    store = store_of(runs)
    run_id = store.client.create_run(store.ensure_experiment(), tags={Tag.SWEEP: plan}).info.run_id
    assert show(store, run_id).command is None


def test_files_that_cannot_be_reached_hide_nothing_else(runs, monkeypatch):
    store = store_of(runs)

    def gone(run):
        raise StoreError("the bucket is gone")

    monkeypatch.setattr(store, "artifacts", gone)
    shown = show(store, "strong")
    assert (shown.run.name, shown.artifacts, shown.unlisted) == ("strong", (), "the bucket is gone")
    assert shown.command.startswith("expctl train")


def test_a_run_that_is_not_there_is_not_found(runs):
    with pytest.raises(RunNotFound):
        show(store_of(runs), "nobody")
