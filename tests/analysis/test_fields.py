"""What a run has under a name, and the order that gives: for `--columns`, `--sort` and the list's own columns."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.fields import ATTRIBUTES, known_names, sorted_runs, value_of, varying_parameters
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


def test_known_names_are_told_once_and_without_bookkeeping() -> None:
    """For "did you mean": mlflow.user is nobody's column."""
    names = known_names([ONE, ONE])
    assert names[: len(ATTRIBUTES)] == list(ATTRIBUTES)
    assert names[len(ATTRIBUTES) :] == ["c", "both", "dotted.key", "flag", "f1_score", "three", "team"]


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


def ordered(runs: list[RunRecord], name: str, descending: bool | None = None) -> list[int]:
    return [int(one.run_id, 16) for one in sorted_runs(runs, name, descending=descending)]


def test_missing_and_nan_come_last_in_both_directions() -> None:
    """A run without the metric is neither the best nor the worst."""
    runs = [
        run(1),
        run(2, metrics={"x": math.nan}),
        run(3, metrics={"x": 0.5}),
        run(4, metrics={"x": math.inf}),
        run(5, metrics={"x": -math.inf}),
        run(6, metrics={"x": 0.0}),
    ]
    assert ordered(runs, "x", descending=False) == [5, 6, 3, 4, 1, 2]
    assert ordered(runs, "x", descending=True) == [4, 3, 6, 5, 1, 2]


def test_without_a_direction_the_best_and_the_newest_come_first() -> None:
    """`--sort f1_score` means "show me the good ones"; `--sort log_loss` too."""
    runs = [
        run(
            i,
            metrics={"f1_score": i / 10, "log_loss": i / 10},
            params={"c": str(float(i))},
            started=START + timedelta(hours=i),
            ended=START + timedelta(hours=i, seconds=i),
        )
        for i in (2, 1, 3)
    ]
    assert ordered(runs, "f1_score") == [3, 2, 1]
    assert ordered(runs, "metrics.f1_score") == [3, 2, 1]
    assert ordered(runs, "log_loss") == [1, 2, 3]
    assert ordered(runs, "started") == [3, 2, 1]
    assert ordered(runs, "c") == [1, 2, 3]
    assert ordered(runs, "name") == [1, 2, 3]
    assert ordered(runs, "duration") == [1, 2, 3]


def test_a_parameter_with_a_metric_s_name_sorts_as_the_parameter_it_shows() -> None:
    runs = [run(i, params={"x": str(i)}, metrics={"x": -i}) for i in (2, 1, 3)]
    assert ordered(runs, "x") == [1, 2, 3]
    assert ordered(runs, "params.x") == [1, 2, 3]
    assert ordered(runs, "metrics.x") == [1, 2, 3]  # best first: -1, -2, -3


def test_numbers_sort_as_numbers_and_mixed_values_as_text() -> None:
    """max_features 1000 comes after 200; a column of 5000 and None must not raise."""
    numbers = [run(i, params={"n": value}) for i, value in enumerate(("1000", "200", "3.5"))]
    assert ordered(numbers, "n") == [2, 1, 0]
    mixed = [run(i, params={"n": value}) for i, value in enumerate(("None", "5000", "True", "0.5"))]
    assert ordered(mixed, "n", descending=False) == [3, 1, 0, 2]


def test_equal_values_keep_their_order_in_both_directions() -> None:
    """The list comes newest first; sorting by team must not turn that round."""
    runs = [run(i, tags={"team": "b" if i == 3 else "a"}) for i in (5, 4, 3, 2, 1)]
    assert ordered(runs, "team", descending=False) == [5, 4, 2, 1, 3]
    assert ordered(runs, "team", descending=True) == [3, 5, 4, 2, 1]


def test_nobody_having_it_changes_nothing() -> None:
    assert ordered([run(3), run(1)], "nothing") == [3, 1]
    assert sorted_runs([], "x") == []


texts = st.sampled_from(["1", "2.5", "nan", "inf", "True", "None", "text", "", "1e-05", "-3"]) | st.text(max_size=5)


@given(
    st.lists(st.tuples(st.none() | texts, st.none() | st.floats(), st.none() | texts), max_size=8),
    st.sampled_from(["x", "params.x", "metrics.x", "tags.x", "started", "duration", "status", "deleted", "id"]),
    st.sampled_from([None, True, False]),
)
def test_sorting_never_raises_nor_loses_a_run(values: list[Any], name: str, descending: bool | None) -> None:
    """Whatever a stranger logged under the name."""
    runs = [
        run(
            i,
            params={} if param is None else {"x": param},
            metrics={} if metric is None else {"x": metric},
            tags={} if tag is None else {"x": tag},
            started=None if i % 3 == 0 else START + timedelta(minutes=i),
            ended=None if i % 2 else START + timedelta(minutes=2 * i),
        )
        for i, (param, metric, tag) in enumerate(values)
    ]
    found = ordered(runs, name, descending)
    assert sorted(found) == list(range(len(runs)))
    present = [value_of(runs[i], name) for i in found]
    absent = [value is None or value != value for value in present]
    assert absent == sorted(absent)
