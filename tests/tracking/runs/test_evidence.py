"""What is evidence: of a run of ours everything that a training records; of another program's nothing."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.records import RunRecord
from expctl.tracking.runs import evidence
from tests.tracking.recorded import store_of

THEIRS = RunRecord("0" * 32, "theirs", "finished", "1", params={"lr": "0.1"})


def test_everything_that_a_training_records_is_evidence(runs):
    """A parameter, metric or file that comes to the trainings is protected without being listed: by its being there."""
    store = store_of(runs)
    for run in store.find():
        for key, value in run.metrics.items():
            with pytest.raises(UsageError, match="recorded evidence"):
                evidence.check_metric(store.reader, run, key, value + 1)
        for key in run.params:
            with pytest.raises(UsageError, match="recorded evidence"):
                evidence.check_param(run, key, "another")
        present = {file.path.partition("/")[0]: file for file in store.artifacts(run)}
        for name in present:
            with pytest.raises(UsageError):
                evidence.check_file(run, name, present)
        everything = {*run.metrics, *run.params, *present}
        named = {one for one in everything if one in evidence._METRICS | evidence._PARAMS | evidence._FILES}
        assert everything == named, "a name that a run without it could be given"


def test_of_another_programs_run_its_parameters_alone_stay(runs):
    reader = store_of(runs).reader
    assert not evidence.is_ours(THEIRS)
    evidence.check_metric(reader, THEIRS, "f1_score", 1.0)
    evidence.check_param(THEIRS, "c", "1")
    evidence.check_param(THEIRS, "lr", "0.1")
    evidence.check_file(THEIRS, "model", {})
    with pytest.raises(UsageError, match="parameter lr"):
        evidence.check_param(THEIRS, "lr", "1")
    with pytest.raises(UsageError, match="must be finite"):
        evidence.check_metric(reader, THEIRS, "loss", float("nan"))


def test_what_a_sweep_sums_up_is_evidence_before_it_is_there(sweeps):
    store = store_of(sweeps)
    (sweep,) = store.find("name = 'grid'")
    for key in ("best_roc_auc", "trials_failed"):
        with pytest.raises(UsageError, match=key):
            evidence.check_metric(store.reader, sweep, key, 1.0)
