"""Columns: what a glob stands for, what an aggregate is, what varies."""

from __future__ import annotations

from typing import Any

import pytest

from expctl.analysis.columns import AGGREGATES, Aggregate, aggregate_of, expanded, is_glob, usual_metrics, varying
from expctl.records import RunRecord, Tag


def run(number: int, **changes: Any) -> RunRecord:
    return RunRecord(
        **{"run_id": f"{number:032x}", "name": f"r{number}", "status": "finished", "experiment_id": "1", **changes}
    )


RUNS = [
    run(
        1,
        params={"c": "1", "max_df": "1.0"},
        metrics={"f1": 0.5, "f1_low": 0.4},
        tags={"team": "a", "mlflow.user": "x", "expctl.key": "k"},
    ),
    run(2, params={"c": "2", "max_df": "1.0"}, metrics={"f1": 0.5, "f1_low": 0.3, "loss": 1.0}, tags={"team": "a"}),
]


@pytest.mark.parametrize(
    ("name", "aggregate"),
    [
        ("max(f1)", Aggregate("max", "f1")),
        ("last(metrics.val loss)", Aggregate("last", "val loss")),
        ("maximum(f1)", None),
        ("max()", None),
        ("f1", None),
        ("max(f1) ", None),
        ("min((a))", Aggregate("min", "(a)")),
    ],
)
def test_an_aggregate_is_a_function_around_a_metric(name, aggregate):
    assert aggregate_of(name) == aggregate


def test_every_aggregate_is_of_the_values_in_their_order():
    values = [0.5, 0.1, 0.9, 0.3]
    found = {name: function(values) for name, function in AGGREGATES.items()}
    assert found == {"max": 0.9, "min": 0.1, "first": 0.5, "last": 0.3, "mean": pytest.approx(0.45)}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["c", "id"], ["c", "id"]),
        (["metrics.*"], ["metrics.f1", "metrics.f1_low", "metrics.loss"]),
        (["f1*", "c"], ["metrics.f1", "metrics.f1_low", "c"]),
        (["*a*"], ["params.max_df", "tags.team"]),
        (["tags.*"], ["tags.team"]),
        (["*e*"], ["tags.team"]),
        (["tags.expctl.*"], ["tags.expctl.key"]),
        (["tags.mlflow.*"], ["tags.mlflow.user"]),
        (["?"], ["params.c"]),
        (["nothing*"], []),
        (["c", "c", "metrics.l*", "metrics.loss"], ["c", "metrics.loss"]),
    ],
)
def test_a_glob_stands_for_what_some_of_the_runs_have(names, expected):
    assert expanded(names, RUNS) == expected
    assert is_glob(names[0]) == ("*" in names[0] or "?" in names[0])


def test_what_varies_is_shown_behind_id_and_name():
    assert varying(None, RUNS) == ["run_id", "name", "params.c"]
    assert varying(["max_df", "c", "team", "metrics.*"], RUNS) == ["run_id", "name", "c", "metrics.f1_low"]
    assert varying(None, RUNS[:1]) == varying(None, []) == ["run_id", "name"]


def test_what_a_failed_run_or_a_sweep_lacks_does_not_vary():
    """Or every metric and parameter that the others have alike would be a column."""
    failed = run(3, status="failed", params={"c": "1"}, tags={})
    sweep = run(4, params={"space.c": "1,2"}, metrics={"best_f1": 0.5}, tags={Tag.SWEEP: "{}"})
    assert varying(None, [*RUNS, failed, sweep]) == ["run_id", "name", "status", "params.c", "tags.team"]
    other = run(5, params={"space.c": "1,3"}, metrics={"best_f1": 0.6}, tags={Tag.SWEEP: "{}"})
    assert "params.space.c" not in varying(None, [*RUNS, sweep, other])
    assert "params.space.c" in varying(None, [sweep, other])
    foreign = [run(5, tags={"python": "3.13", "stage": "a"}), run(6)]
    assert varying(None, foreign) == ["run_id", "name", "tags.stage"]


def test_runs_of_another_program_have_their_own_metrics_as_columns():
    ours = run(1, metrics={"f1_score": 0.9, "mcc": 0.8, "f1_score_low": 0.85})
    first = run(2, metrics={"loss": 1.0, "loss_low": 0.9, "bleu": 3.0, "system/cpu": 1.0})
    second = run(3, metrics={"loss": 1.0, "wer": 0.1, "a": 1.0, "z": 1.0})
    sweep = run(4, metrics={"best_f1_score": 0.9}, tags={Tag.SWEEP: "{}"})
    assert usual_metrics([ours, sweep]) == ["f1_score"]
    own = ["metrics.loss", "metrics.a", "metrics.bleu", "metrics.wer"]  # what most have, and not everything
    assert usual_metrics([first, second]) == own
    assert usual_metrics([ours, first, second]) == ["f1_score", *own]
    assert usual_metrics([run(5), sweep]) == usual_metrics([]) == ["f1_score", "accuracy"]
