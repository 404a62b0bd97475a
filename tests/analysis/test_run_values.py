"""What a run has under a name: for `--columns` and the list's own columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from expctl.analysis.run_values import ATTRIBUTES, value_of, varying_parameters
from expctl.records import RunRecord

START = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def run(number: int = 1, **changes: Any) -> RunRecord:
    return RunRecord(
        **{"run_id": f"{number:032x}", "name": f"r{number}", "status": "finished", "experiment_id": "1", **changes}
    )


ONE = run(
    params={"c": "1.0", "both": "5", "name": "hidden", "dotted.key": "x", "flag": "True"},
    metrics={"f1_score": 0.9, "both": 0.5, "three": 0.1},
    tags={"team": "nlp", "three": "t", "both": "tag", "mlflow.user": "me", "expctl.host": "h"},
    started=START,
    ended=START + timedelta(seconds=5),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("run_id", ONE.run_id),
        ("id", ONE.run_id),
        ("name", "r1"),
        ("status", "finished"),
        ("started", START),
        ("duration", timedelta(seconds=5)),
        ("deleted", False),
        ("c", 1.0),
        ("flag", True),
        ("both", 5),
        ("three", 0.1),
        ("f1_score", 0.9),
        ("team", "nlp"),
        ("dotted.key", "x"),
        ("mlflow.user", "me"),
        ("params.c", 1.0),
        ("parameters.c", 1.0),
        ("params.name", "hidden"),
        ("params.both", 5),
        ("metrics.both", 0.5),
        ("tags.both", "tag"),
        ("tags.three", "t"),
        ("tags.mlflow.user", "me"),
        ("params.dotted.key", "x"),
        ("metrics.c", None),
        ("params.f1_score", None),
        ("nothing", None),
        ("params.", None),
        ("", None),
        ("odd.c", None),
        ("__class__", None),
        ("typed_params", None),
    ],
)
def test_a_bare_name_is_an_attribute_a_parameter_a_metric_or_a_tag_and_a_prefix_says_which(
    name: str, expected: object
) -> None:
    """`--columns c,f1_score,team` is what people type; the prefixes are for when two have one name."""
    found = value_of(ONE, name)
    assert (type(found), found) == (type(expected), expected)


def test_every_attribute_has_a_value_or_none() -> None:
    for name in ATTRIBUTES:
        value_of(run(), name)
        assert value_of(ONE, name) is not None or name == "deleted"


def test_parameters_vary_if_the_runs_that_have_them_differ() -> None:
    """In the order they were logged; what only another model has would add a column a parameter."""
    runs = [
        run(1, params={"model": "logreg", "c": "1.0", "min_df": "1", "same": "x"}),
        run(2, params={"model": "ridge", "alpha": "1", "min_df": "1.0", "same": "x"}),
        run(3, params={"model": "logreg", "c": "0.1", "min_df": "1", "same": "x"}),
    ]
    assert varying_parameters(runs) == ["model", "c", "min_df"]
    assert varying_parameters(runs[:1]) == []
    assert varying_parameters([]) == []
