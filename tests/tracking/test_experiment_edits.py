"""What keeps an experiment from being deleted, and which folder is its own."""

from __future__ import annotations

import dataclasses
import os
import socket

import psutil
import pytest

from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.tracking import experiment_edits
from tests.tracking.recorded import store_of


def test_a_deleted_one_is_named_too_and_another_name_is_not_guessed(runs):
    store = store_of(runs)
    store.client.delete_experiment(store.experiment_id())
    assert experiment_edits.named(store_of(runs), "expctl").deleted
    with pytest.raises(RunNotFound, match="no experiment 'expct'"):
        experiment_edits.named(store, "expct")


def test_one_with_a_run_that_is_being_recorded_is_left(runs):
    store = store_of(runs)
    experiment = experiment_edits.named(store, "expctl")
    experiment_edits.check_idle(store, experiment)
    begun = f"{psutil.Process().create_time():.2f}"
    tags = {Tag.HOST: socket.gethostname(), Tag.PID: str(os.getpid()), Tag.STARTED: begun}
    store.client.create_run(experiment.experiment_id, tags=tags, run_name="busy")
    with pytest.raises(RunNotFound, match=r"run busy .* is being recorded by process"):
        experiment_edits.check_idle(store, experiment)


@pytest.mark.parametrize("uri", ["/", "/etc", "file:///etc/passwd", "s3://bucket/x/artifacts", "/data/run/artifacts"])
def test_an_address_of_another_form_has_no_folder_to_look_at_or_to_empty(runs, uri):
    store = store_of(runs)
    run = dataclasses.replace(store.find()[0], artifact_uri=uri)
    assert experiment_edits.home_of(store, run) is None
