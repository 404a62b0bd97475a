"""How often a test set was used: counted over all experiments, told where it is often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from expctl.records import Tag
from expctl.tracking.runs.items import TagValue
from expctl.tracking.runs.writer import RunWriter
from expctl.workflows import wear
from expctl.workflows.wear import Wear, wear_of
from tests.tracking.recorded import store_of


@pytest.mark.every_store
def test_finished_runs_of_a_test_set_are_counted_and_those_that_were_judged(runs, monkeypatch):
    store = store_of(runs)
    strong, weak = (store.find(f"name = '{name}'")[0] for name in ("strong", "weak"))
    assert wear_of(store, strong) == Wear(3, 0)  # the fourth failed
    RunWriter(store, weak).write([TagValue(Tag.JUDGED, "reviews@champion")])
    assert wear_of(store, strong) == Wear(3, 1)
    assert wear_of(store_of(runs, experiment="another"), strong) == Wear(3, 1)
    assert wear_of(store, replace(strong, tags={})) is None
    assert wear_of(store, replace(strong, tags={Tag.TEST_SET: "unused"})) == Wear(0, 0)
    monkeypatch.setattr(wear, "_COUNTED", 2)
    assert wear_of(store, strong) in (Wear(3, 1), Wear(2, 1, more=True))  # the latter where it takes reading them


def test_best_gate_and_promote_tell_it_and_not_of_little_use(cli, runs, monkeypatch):
    asked = [
        ("best",),
        ("gate", "bayes", "--baseline", "strong"),
        ("promote", "strong", "reviews"),
        ("promote", "bayes", "reviews", "--if-better-than", "champion"),
    ]
    assert not any("has judged" in cli(*words).stderr for words in asked)
    monkeypatch.setattr(wear, "_FEW", 1)
    told = [cli(*words).stderr for words in asked]
    judged = "its test set has judged 3 runs and 1 candidate for a promotion: the best of many looks better than it is"
    assert [judged in one for one in told] == [True, True, False, True]  # where nothing is decided nothing is told


def test_it_is_told_where_it_is_often():
    assert str(Wear(9, 0)) == ""
    assert str(Wear(10, 0)) == "its test set has judged 10 runs: the best of many looks better than it is"
    assert str(Wear(200, 1, more=True)).startswith(
        "its test set has judged 200 runs or more and 1 candidate for a promotion:"
    )
