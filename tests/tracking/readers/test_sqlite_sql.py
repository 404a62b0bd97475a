"""Expressions and orders as SQL: never anything but 0 or 1, and values always bound."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing

import pytest

from expctl.filters.evaluate import number
from expctl.filters.expression import And, Condition, Field, Not, Or, Order
from expctl.tracking.readers.sqlite_sql import condition, ordering
from tests.tracking.recorded import store_of


def test_values_are_bound_and_never_read_as_sql(runs):
    store = store_of(runs)
    for hostile in ("x' OR '1'='1", "x'; DROP TABLE runs; --", 'x" OR 1=1', "?", ":a", "%", "\\"):
        literal = f'"{hostile}"' if "'" in hostile else f"'{hostile}'"
        for text in (f"name = {literal}", f"name in ({literal})", f"tags.`{hostile.replace('`', '')}` = 'x'"):
            assert store.find(text) == []
    assert len(store.find()) == 4


@pytest.fixture(scope="module")
def database():
    """Three runs in the tables that the statements read: `a` has c=2 and f1=0.5, `b` c=text and NaN, `c` nothing."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("number", 1, lambda text: None if text is None else number(text))
        connection.executescript(
            "CREATE TABLE runs (run_uuid, name, status, start_time, end_time, user_id, artifact_uri);"
            "CREATE TABLE params (key, value, run_uuid); CREATE TABLE tags (key, value, run_uuid);"
            "CREATE TABLE latest_metrics (key, value, is_nan, run_uuid);"
            "INSERT INTO runs VALUES ('a', 'one', 'FINISHED', 1000, 3000, '', ''), ('b', 'two', 'FAILED', 2000, NULL,"
            " '', ''), ('c', '', 'FINISHED', 500, 400, '', '');"
            "INSERT INTO params VALUES ('c', '2', 'a'), ('c', 'text', 'b');"
            "INSERT INTO tags VALUES ('mlflow.runName', 'one', 'a'), ('mlflow.runName', 'two', 'b');"
            "INSERT INTO latest_metrics VALUES ('f1', 0.5, 0, 'a'), ('f1', 0, 1, 'b');"
        )
        yield connection


def found(database, expression):
    sql, values = condition(expression, {})
    rows = database.execute(f"SELECT run_uuid, {sql} FROM runs r", values).fetchall()
    assert {answer for _, answer in rows} <= {0, 1}  # NULL would turn round in no NOT
    return "".join(run for run, answer in rows if answer)


C, F1 = Field("params", "c"), Field("metrics", "f1")


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        (And(), "abc"),
        (Or(()), ""),
        (Not(And()), ""),
        (Condition(C, "has"), "ab"),
        (Condition(C, "=", "2"), "a"),
        (Condition(C, "!=", "2"), "b"),  # what a run does not have is not another value
        (Not(Condition(C, "=", "2")), "bc"),
        (Condition(C, ">", 1.0), "a"),
        (Condition(C, "in", ("2", "text")), "ab"),
        (Condition(C, "not in", ("2",)), "b"),
        (Condition(C, "in", (2.0, math.inf)), "a"),
        (Condition(C, "ilike", "T%"), "b"),
        (Condition(F1, "<", 1.0), "a"),
        (Condition(F1, "!=", 1.0), "ab"),  # NaN is no 1
        (Not(Condition(F1, "<", 1.0)), "bc"),
        (Condition(Field("attributes", "duration"), "=", 2.0), "a"),
        (Condition(Field("attributes", "duration"), "=", 0.0), "c"),  # of a clock that went back
        (Condition(Field("attributes", "run_name"), "=", "two"), "b"),
        (And((Condition(C, "has"), Condition(Field("attributes", "status"), "=", "FAILED"))), "b"),
        (Or((Condition(C, "=", "2"), Condition(Field("attributes", "status"), "=", "FAILED"))), "ab"),
    ],
    ids=repr,
)
def test_a_condition_is_0_or_1_of_every_run(database, expression, runs):
    assert found(database, expression) == runs


def ordered(database, *order):
    (joins, values), terms, _ = ordering(order)
    rows = database.execute(f"SELECT r.run_uuid FROM runs r {joins} ORDER BY {terms}", values)
    return "".join(run for (run,) in rows)


@pytest.mark.parametrize(
    ("order", "runs"),
    [
        ((), "bac"),  # the newest first
        ((Order(F1),), "abc"),  # NaN after numbers, missing last
        ((Order(F1, descending=True),), "abc"),
        ((Order(C),), "abc"),  # numbers before texts
        ((Order(C, descending=True),), "bac"),
        ((Order(Field("attributes", "run_name"), descending=True),), "bac"),  # an empty name is none
        ((Order(Field("attributes", "status")), Order(Field("attributes", "start_time"))), "bca"),
    ],
    ids=repr,
)
def test_missing_values_come_last_in_both_directions(database, order, runs):
    assert ordered(database, *order) == runs


def test_a_metric_that_the_order_has_joined_is_not_looked_up_again():
    joins, _, at_hand = ordering([Order(F1)])
    assert joins[1] == ["f1"]
    sql, values = condition(Condition(F1, ">", 0.5), at_hand)
    assert ("latest_metrics" in sql, values) == (False, [0.5])


@pytest.mark.parametrize("hostile", ["x' OR '1'='1", "?", '"; DROP TABLE runs; --'])
@pytest.mark.parametrize("space", ["params", "metrics", "tags"])
def test_no_key_or_value_is_part_of_the_statement(hostile, space):
    operand = 1.0 if space == "metrics" else hostile
    sql, values = condition(Condition(Field(space, hostile), "=", operand), {})
    (joins, joined), terms, _ = ordering([Order(Field(space, hostile))])
    assert hostile in values
    assert joined == [hostile]
    for text in (sql.replace("= ?", ""), joins.replace("= ?", ""), terms):
        assert hostile not in text
