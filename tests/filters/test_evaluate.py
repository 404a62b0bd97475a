"""Expressions over records, and orders of them. That stores see it the same way is for the tests of the readers."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.filters.evaluate import in_order, like, matches, number
from expctl.filters.expression import Field, Order
from expctl.filters.parse import parse
from expctl.filters.resolve import resolve_fields
from expctl.records import Dataset, RunRecord

START = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def run(number: int = 1, **changes: Any) -> RunRecord:
    return RunRecord(
        **{"run_id": f"{number:032x}", "name": f"r{number}", "status": "finished", "experiment_id": "1", **changes}
    )


ONE = run(
    params={"c": "1.0", "n": "None", "deep": "007"},
    metrics={"f1": 0.9, "nan": math.nan, "inf": math.inf},
    tags={"team": "nlp", "mlflow.runName": "one"},
    started=START,
    ended=START + timedelta(seconds=5),
    datasets=(Dataset("train", "d1", "training"), Dataset("test", "d2")),
    user_id="ada",
    artifact_uri="file:///runs/1",
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("params.c = 1", True),
        ("params.c = '1'", False),
        ("params.c = '1.0'", True),
        ("params.c in (0.5, 1)", True),
        ("params.n != 5", True),
        ("params.n = 5", False),
        ("params.n > 5", False),
        ("params.deep = 7", True),
        ("params.no = 1", False),
        ("params.no != 1", False),
        ("not params.no = 1", True),
        ("params.no not in (1)", False),
        ("metrics.f1 > 0.8", True),
        ("metrics.nan > 0", False),
        ("metrics.nan <= 0", False),
        ("metrics.nan != 0", True),
        ("has metrics.nan", True),
        ("metrics.inf > 1e300", True),
        ("metrics.inf < 1e999", True),
        ("has metrics.no", False),
        ("metrics.f1 < params.c", True),
        ("metrics.f1 != metrics.nan", True),
        ("metrics.f1 = metrics.no", False),
        ("params.c != params.n", True),
        ("params.c = params.c", True),
        ("params.c != params.c", False),
        ("params.c = tags.no", False),
        ("params.c != tags.no", False),
        ("tags.no = params.c", False),
        ("params.c = metrics.f1", False),
        ("params.c != metrics.f1", True),
        ("metrics.f1 != metrics.f1", False),
        ("metrics.nan != metrics.f1", True),
        ("metrics.nan = metrics.nan", False),
        ("params.n != metrics.f1", True),
        ("params.deep >= metrics.f1", True),
        ("params.c = attributes.duration", False),
        ("attributes.run_name = tags.`mlflow.runName`", True),
        ("attributes.run_id like '0%1'", True),
        ("attributes.user_id = 'ada'", True),
        ("attributes.artifact_uri like 'file:%'", True),
        ("tags.team like 'nl_'", True),
        ("tags.team in ('web', 'nlp')", True),
        ("params.c in (1)", True),
        ("has datasets.context", True),
        ("params.c < params.n", False),
        ("tags.team ilike 'NL_'", True),
        ("tags.team like 'NL_'", False),
        ("tags.team is null", False),
        ("attributes.run_name = 'one'", True),
        ("attributes.status = 'finished'", True),
        ("duration = 5", True),
        ("start_time >= 1748779200000", True),
        ("start_time > 1748779200000", False),
        ("end_time = 1748779205000", True),
        ("datasets.digest = 'd2'", True),
        ("datasets.digest != 'd2'", True),
        ("not datasets.digest = 'd2'", False),
        ("datasets.context = 'training'", True),
        ("datasets.context != 'training'", False),
        ("datasets.name not in ('train', 'test')", False),
        ("params.c = 1 and (metrics.f1 < 0 or tags.team = 'nlp')", True),
    ],
)
def test_a_run_fits_or_does_not(text, answer):
    expression = resolve_fields(parse(text), lambda key: (), text=text, now=START)
    assert matches(expression, ONE) is answer


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("1.", 1.0), (".5", 0.5), ("-1e-3", -0.001), ("inf", math.inf), ("007", 7.0)]
    + [(text, None) for text in ("", "nan", "1_000", " 1", "1 ", "0x1", "None", "1e", "٣", "1,5")],
)
def test_a_text_reads_as_a_number_or_as_none(text, value):
    assert number(text) == value


@given(st.text("ab%_", max_size=12), st.text("ab\n", max_size=12))
def test_like_is_the_pattern_with_its_two_signs(pattern, text):
    expression = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    assert like(text, pattern) == (re.fullmatch(expression, text, re.DOTALL) is not None)


def test_no_pattern_takes_long():
    started = time.process_time()
    assert not like("a" * 8_000, "%a" * 50 + "b")
    assert time.process_time() - started < 5


def ordered(runs: list[RunRecord], name: str, descending: bool = False) -> list[int]:
    space, _, key = name.partition(".")
    return [int(one.run_id, 16) for one in in_order(runs, [Order(Field(space, key), descending)])]


def test_missing_comes_last_in_both_directions_after_nan():
    """A run without the metric is neither the best nor the worst."""
    runs = [
        run(1),
        run(2, metrics={"x": math.nan}),
        run(3, metrics={"x": 0.5}),
        run(4, metrics={"x": math.inf}),
        run(5, metrics={"x": -math.inf}),
        run(6, metrics={"x": 0.0}),
    ]
    assert ordered(runs, "metrics.x") == [5, 6, 3, 4, 2, 1]
    assert ordered(runs, "metrics.x", True) == [4, 3, 6, 5, 2, 1]


def test_parameters_come_as_numbers_then_as_texts():
    """max_features 1000 comes after 200, and None after both."""
    runs = [run(i, params={"n": value}) for i, value in enumerate(("1000", "200", "None", "3.5", "True"))]
    assert ordered(runs, "params.n") == [3, 1, 0, 2, 4]
    assert ordered(runs, "params.n", True) == [4, 2, 0, 1, 3]
    assert ordered([run(i, tags={"n": value}) for i, value in enumerate(("1000", "200"))], "tags.n") == [0, 1]


def test_names_are_those_that_are_shown_and_an_empty_one_is_none():
    tagged = {"mlflow.runName": "zzz"}
    runs = [run(1, name="b"), run(2, name=""), run(3, name="a", tags=tagged), run(4, name="c")]
    assert ordered(runs, "attributes.run_name") == [3, 1, 4, 2]
    assert ordered(runs, "attributes.run_name", True) == [4, 1, 3, 2]


def test_equal_ones_come_newest_first_then_by_id():
    runs = [run(i, started=START + timedelta(minutes=i // 2), tags={"team": "a"}) for i in (1, 2, 3, 4)]
    assert ordered(runs, "tags.team") == ordered(runs, "tags.team", True) == [4, 2, 3, 1]
    assert [one.run_id for one in in_order(runs, [])] == [one.run_id for one in in_order(runs[::-1], [])]


@given(st.lists(st.none() | st.floats() | st.sampled_from([0.5, 0.5]), max_size=8), st.booleans())
def test_ordering_loses_no_run_and_puts_values_in_order(values, descending):
    runs = [run(i, metrics={} if value is None else {"x": value}) for i, value in enumerate(values)]
    found = [one.metrics.get("x") for one in in_order(runs, [Order(Field("metrics", "x"), descending)])]
    assert len(found) == len(runs)
    real = [value for value in found if value is not None and not math.isnan(value)]
    assert real == found[: len(real)]
    assert [max(-1.7976931348623157e308, min(1.7976931348623157e308, value)) for value in real] == sorted(
        [max(-1.7976931348623157e308, min(1.7976931348623157e308, value)) for value in real], reverse=descending
    )
