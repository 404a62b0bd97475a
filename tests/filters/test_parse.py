"""The grammar: what is read as what, what is refused and where, and that nothing makes it slow or deep."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.filters.expression import EVERY_RUN, And, Condition, Field, Not, Or
from expctl.filters.parse import MOST_CHARACTERS, FilterError, parse

C = Field("", "c")
F1 = Field("metrics", "f1_score")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", EVERY_RUN),
        ("  \n ", EVERY_RUN),
        ("c = 1", Condition(C, "=", 1.0)),
        ("c == 1", Condition(C, "=", 1.0)),
        ("c=-.5e3", Condition(C, "=", -500.0)),
        ("metric.f1_score>=0.8", Condition(F1, ">=", 0.8)),
        ("params.c = '1.0'", Condition(Field("params", "c"), "=", "1.0")),
        ('parameter."val loss" != "x"', Condition(Field("params", "val loss"), "!=", "x")),
        ("tag.`a.b c` LIKE 'x%'", Condition(Field("tags", "a.b c"), "like", "x%")),
        ("tags.mlflow.user ilike 'ADA'", Condition(Field("tags", "mlflow.user"), "ilike", "ADA")),
        ("mlflow.user = 'ada'", Condition(Field("", "mlflow.user"), "=", "ada")),
        ("`val loss` < 1", Condition(Field("", "val loss"), "<", 1.0)),
        ('"val loss" < 1', Condition(Field("", "val loss"), "<", 1.0)),
        ("metrics.val/loss-1 < 1", Condition(Field("metrics", "val/loss-1"), "<", 1.0)),
        ("attr.status in ('FAILED', \"KILLED\")", Condition(Field("attributes", "status"), "in", ("FAILED", "KILLED"))),
        ("c not in (1, 2)", Condition(C, "not in", (1.0, 2.0))),
        ("c is null", Not(Condition(C, "has"))),
        ("c IS NOT NULL", Condition(C, "has")),
        ("has metrics.f1_score", Condition(F1, "has")),
        ("metrics.f1_score > c", Condition(F1, ">", C)),
        ("datasets.digest = 'd'", Condition(Field("datasets", "digest"), "=", "d")),
        ("`has` = 1", Condition(Field("", "has"), "=", 1.0)),
        (
            "notes = 1 and order = 2",
            And((Condition(Field("", "notes"), "=", 1.0), Condition(Field("", "order"), "=", 2.0))),
        ),
        (
            "c = 1 or c = 2 and c = 3",
            Or((Condition(C, "=", 1.0), And((Condition(C, "=", 2.0), Condition(C, "=", 3.0))))),
        ),
        (
            "(c = 1 or c = 2) AND c = 3",
            And((Or((Condition(C, "=", 1.0), Condition(C, "=", 2.0))), Condition(C, "=", 3.0))),
        ),
        ("not c = 1 and c = 2", And((Not(Condition(C, "=", 1.0)), Condition(C, "=", 2.0)))),
        ("not not c = 1", Condition(C, "=", 1.0)),
    ],
)
def test_what_is_written_is_what_is_meant(text, expression):
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it''s"),  # as MLflow reads it: nothing is an escape
        (r"'a\'b'", r"a\'b"),
        (r"'a\'", "a\\"),
        ('"it\'s"', "it's"),
        ("'both ' \"'\" ' and \"'", "both ' and \""),
        ("''", ""),
        ("'日本 👍 [red] ; drop'", "日本 👍 [red] ; drop"),
        ("'and or not ('", "and or not ("),
    ],
)
def test_a_text_is_what_stands_between_its_quotes(text, value):
    assert parse(f"tags.t = {text}") == Condition(Field("tags", "t"), "=", value)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("c", 1),
        ("c =", 3),
        ("c = ", 3),
        ("= 1", 0),
        ("1 = c", 0),
        ("c 1", 2),
        ("c = 1 d = 2", 6),
        ("c = 1 and", 9),
        ("and c = 1", 4),
        ("or", 2),
        ("not", 3),
        ("(c = 1", 6),
        ("c = 1)", 5),
        ("()", 1),
        ("c in 1", 5),
        ("c in ()", 6),
        ("c in (1", 7),
        ("c like 1", 7),
        ("c is 1", 5),
        ("c <> 1", 3),
        ("c = 'x", 4),
        ('c = "x', 4),
        ("`c = 1", 0),
        ("c = 1; select 1", 5),
        ("c = 1 -- x", 6),
        ("c => 1", 3),
        ("c = 1..2", 4),
        ("c = 0x1F", 4),
        ("c = 1 && d = 2", 6),
        ("has", 3),
        ("has 'x' y", 4),
        ("c = {}", 4),
        ("c = $(id)", 4),
        ("c = __import__('os')", 14),
        ("\x00", 0),
        ("tags.t = 'a\udcff'", 11),
    ],
)
def test_what_cannot_be_read_is_told_at_its_character(text, position):
    with pytest.raises(FilterError) as raised:
        parse(text)
    assert raised.value.exit_code == 2
    assert raised.value.excerpt == (text, position)
    assert raised.value.message.startswith("filter: ")
    assert raised.value.hint is not None


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "c = 1" + ")" * 10_000,
        "not " * 10_000 + "c = 1",
        "(" * 10_000,
        "c = 1 or (" * 10_000 + "c = 1" + ")" * 10_000,
        " and ".join(["c = 1"] * 10_000),
        "c in (" + ", ".join(["1"] * 10_000) + ")",
        "c = '" + "\\'" * 30_000,
        "c" * 90_000 + " = 1",
        "x" * 1_000_000,
        "'" * 1_000_000,
    ],
    ids=range(10),
)
def test_no_filter_is_slow_or_deep(text):
    """10,000 parentheses, 1 MB: read or refused, within a second or two, without the stack."""
    started = time.process_time()
    with contextlib.suppress(FilterError):
        parse(text)
    assert time.process_time() - started < 5


def test_what_is_too_long_too_deep_or_too_much_is_refused():
    deep = "c = 1 or (c = 2 and (" * 60 + "c = 3" + "))" * 60
    for text, word in (
        ("c = '" + "x" * MOST_CHARACTERS + "'", "too many"),
        (deep, "nested"),
        ("c=1 or " * 600 + "c=1", "conditions"),
    ):
        with pytest.raises(FilterError, match=word):
            parse(text)


@given(st.text(max_size=30) | st.text("c1.'\"` ()=<>andortxi,", max_size=30))
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    try:
        parse(text)
    except FilterError as error:
        shown, position = error.excerpt or ("", -1)
        assert shown == text
        assert 0 <= position <= len(text)
