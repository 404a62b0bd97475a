"""The gate between two recorded runs: a comparison that cannot be made never reads as a pass."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from expctl.errors import DataError
from expctl.workflows.gate import Judgement, judge
from tests.conftest import write_reviews
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def judged(store, baseline: str, candidate: str, metric: str = "f1_score", **given) -> Judgement:
    before, after = (store.find(f"name = '{name}'")[0] for name in (baseline, candidate))
    return judge(store, before, after, metric, **{"max_drop": 0.01, **given})


def outcome(store, baseline: str, candidate: str, metric: str = "f1_score", **given) -> str:
    return judged(store, baseline, candidate, metric, **given).decision.outcome


def predictions_of(store, name: str) -> Path:
    run = store.find(f"name = '{name}'")[0]
    return Path(run.artifact_uri.removeprefix("file://"), "predictions.parquet")


def test_a_better_candidate_passes_and_a_worse_one_is_a_regression(store, runs):
    train(runs, "coin", model="dummy")  # so bad that every test of 40 rows tells it from the others
    found = judged(store, "weak", "strong", max_drop=0.1)
    assert found.decision.outcome == "pass"
    assert found.decision.reason.startswith("f1_score changes by +")
    assert len(found.predictions) == 40
    assert outcome(store, "strong", "coin") == "regression"


def test_a_loss_that_falls_is_better(store):
    found = judged(store, "weak", "strong", "log_loss")
    assert found.decision.outcome == "pass"
    assert found.test.differences["log_loss"].change < 0


def test_a_candidate_against_itself_passes_with_the_usual_tolerance_and_is_undecided_with_none(store):
    assert outcome(store, "strong", "strong") == "pass"
    assert outcome(store, "strong", "strong", max_drop=0) == "undecided"


def test_another_test_set_is_never_a_pass(store, runs):
    write_reviews(runs / "other.csv", 120)
    train(runs, "elsewhere", data="other.csv")
    assert outcome(store, "weak", "elsewhere", max_drop=0.99) == "undecided"


def test_a_part_of_the_test_set_is_never_a_pass(store, runs):
    lines = (runs / "small.csv").read_text().splitlines(keepends=True)
    (runs / "half.csv").write_text("".join(lines[:101]))
    for name, test in (("whole", "small.csv"), ("half", "half.csv")):
        train(runs, name, test_data=test)
    found = judged(store, "whole", "half", max_drop=0.99)
    assert found.decision.outcome == "undecided"
    assert "the gate needs the same" in found.decision.reason


def test_without_predictions_there_is_no_pass(store):
    predictions_of(store, "weak").unlink()
    found = judged(store, "weak", "strong", max_drop=0.99)
    assert found.decision.outcome == "undecided"
    assert "has no predictions.parquet" in found.decision.reason


def test_damaged_predictions_are_bad_data(store):
    predictions_of(store, "weak").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError):
        judged(store, "weak", "strong", max_drop=0.99)


def test_a_metric_that_is_not_a_number_or_cannot_be_tested_is_no_pass(store):
    run = store.find("name = 'strong'")[0]
    store.client.log_metric(run.run_id, "f1_score", math.nan)
    assert outcome(store, "weak", "strong", max_drop=0.99) == "undecided"
    assert "cannot be tested" in judged(store, "weak", "strong", "fit_seconds", max_drop=0.99).decision.reason
    assert outcome(store, "weak", "broken", max_drop=0.99) == "undecided"


def test_a_least_value_is_asked_of_the_candidate_alone(store):
    found = judged(store, "weak", "strong", least=0.9999)
    assert found.decision.outcome == "regression"
    assert "is below 0.9999" in found.decision.reason


def test_a_metric_that_is_called_like_one_that_can_be_tested_is_that(store):
    told: list[str] = []
    store.note = told.append
    found = judged(store, "weak", "strong", "acc")
    assert (found.metric, told) == ("accuracy", ["no run has acc: accuracy is taken"])
    assert found.decision == judged(store, "weak", "strong", "accuracy").decision
