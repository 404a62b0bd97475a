"""Columns: what a glob stands for, what an aggregate is, what varies."""

from __future__ import annotations

from typing import Any

import pytest

from expctl.analysis.columns import AGGREGATES, Aggregate, aggregate_of, expanded, is_glob, varying
from expctl.records import RunRecord


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
    assert varying(None, RUNS) == ["run_id", "name", "params.c", "metrics.loss"]
    assert varying(["max_df", "c", "team", "metrics.*"], RUNS) == [
        "run_id",
        "name",
        "c",
        "metrics.f1_low",
        "metrics.loss",
    ]
    assert varying(None, RUNS[:1]) == varying(None, []) == ["run_id", "name"]
