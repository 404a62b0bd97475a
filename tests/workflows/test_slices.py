"""Recorded runs in slices: by what was recorded, else by the unchanged data, else not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.errors import DataError, UsageError
from expctl.tracking.runs.predictions import read_predictions
from expctl.workflows.compare import ComparedSlices, CompareRequest, compare
from expctl.workflows.gate import judge
from expctl.workflows.slices import cells_of, compared_slices, sliced_run
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    return store_of(runs)


def named(store, name: str):
    return store.find(f"name = '{name}'")[0]


def test_a_column_of_the_unchanged_data_makes_slices(store):
    found = sliced_run(store, named(store, "strong"), "label")
    assert [(one.name, one.rows) for one in found.slices] == [("negative", 20), ("positive", 20)]
    assert set(found.slices[0].values) >= {"accuracy", "f1_score", "mcc"}
    run, said = named(store, "strong"), read_predictions(store, named(store, "strong"))
    right = [said.classes[code] == "negative" for code in said.labels]
    hits = [label == one for label, one, here in zip(said.labels, said.predicted, right, strict=True) if here]
    assert found.slices[0].values["accuracy"] == sum(hits) / 20
    assert len(cells_of(run, said, "length")) == 40


def test_what_was_recorded_is_there_when_the_data_is_gone(store, runs):
    train(runs, "sliced", slice="length")
    Path("small.csv").rename("moved.csv")
    run = named(store, "sliced")
    assert sum(one.rows for one in sliced_run(store, run, "length").slices) == 40
    with pytest.raises(DataError, match="has not recorded 'label', and its data file is gone or has changed") as error:
        sliced_run(store, run, "label")
    assert error.value.hint == "it has recorded length; train with --slice label"
    # Of two runs one that has recorded it is enough, whichever it is.
    runs_of = [(one, read_predictions(store, one)) for one in (named(store, "strong"), run)]
    forth, back = compared_slices(*runs_of, "length", "accuracy"), compared_slices(*runs_of[::-1], "length", "accuracy")
    assert [(one.name, one.rows) for one in forth] == [(one.name, one.rows) for one in back]


def test_a_column_that_nobody_knows_and_a_metric_that_has_no_slices_are_refused(store):
    with pytest.raises(DataError, match="has no column 'source'"):
        sliced_run(store, named(store, "strong"), "source")
    with pytest.raises(UsageError, match="no slices by 'roc_auc'"):
        sliced_run(store, named(store, "strong"), "label", metric="roc_auc")


def test_compare_tests_each_slice(store):
    found = compare(store, CompareRequest(["weak", "strong"], by="label"))
    assert isinstance(found, ComparedSlices)
    assert [(one.name, one.rows) for one in found.slices] == [("negative", 20), ("positive", 20)]
    assert all(one.difference is not None for one in found.slices)


@pytest.mark.parametrize(
    "given", [{"runs": ["a", "b", "c"]}, {"flips": 3}, {"code": True}, {"per_class": True}, {"metric": "f1"}]
)
def test_slices_go_with_two_runs_alone(given):
    with pytest.raises(UsageError):
        CompareRequest(**{"runs": ["a", "b"], "by": "label", **given})


def test_a_gate_falls_where_one_slice_surely_loses_too_much(store, runs):
    train(runs, "coin", model="dummy")  # says one class always: right on one slice, wrong on the other
    strong, coin = named(store, "strong"), named(store, "coin")
    whole = judge(store, strong, coin, "accuracy", max_drop=0.99)
    assert whole.decision.outcome == "pass"
    sliced = judge(store, strong, coin, "accuracy", max_drop=0.99, by="label", max_drop_slice=0.1)
    assert sliced.decision.outcome == "regression"
    assert sliced.decision.reason.startswith("where label is ")
    assert len(sliced.slices) == 2
    kept = judge(store, strong, coin, "accuracy", max_drop=0.99, by="label", max_drop_slice=1.0)
    assert kept.decision.outcome == "pass"
    assert kept.decision.reason.endswith("; no slice by label surely loses more than 1")
