"""Bare names, times, status words, and what does not go together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from expctl.filters.expression import Condition, Field, Not
from expctl.filters.parse import FilterError, parse
from expctl.filters.resolve import known_field, moment, resolve_fields

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WHERE = {"c": {"params"}, "team": {"tags"}, "loss": {"metrics"}, "both": {"params", "metrics"}, "status": {"tags"}}


def spaces(key):
    return WHERE.get(key, set())


def read(text):
    return resolve_fields(parse(text), spaces, text=text, now=NOW)


def ms(when: datetime) -> float:
    return when.timestamp() * 1000


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("c = 1", Condition(Field("params", "c"), "=", 1.0)),
        ("team = 'nlp'", Condition(Field("tags", "team"), "=", "nlp")),
        ("loss < c", Condition(Field("metrics", "loss"), "<", Field("params", "c"))),
        ("roc_auc > 0.5", Condition(Field("metrics", "roc_auc"), ">", 0.5)),  # known, though no run has it yet
        ("params.both = 1", Condition(Field("params", "both"), "=", 1.0)),
        ("name = 'x'", Condition(Field("attributes", "run_name"), "=", "x")),
        ("`Run name` = 'x'", Condition(Field("attributes", "run_name"), "=", "x")),
        ("id like 'ab%'", Condition(Field("attributes", "run_id"), "like", "ab%")),
        ("status = finished", Condition(Field("attributes", "status"), "=", "FINISHED")),
        ("status != 'Failed'", Condition(Field("attributes", "status"), "!=", "FAILED")),
        ("status in (killed, 'failed')", Condition(Field("attributes", "status"), "in", ("KILLED", "FAILED"))),
        ("tags.status = 'x'", Condition(Field("tags", "status"), "=", "x")),
        ("started > '2 days ago'", Condition(Field("attributes", "start_time"), ">", ms(NOW - timedelta(days=2)))),
        ("created > 1700000000000", Condition(Field("attributes", "start_time"), ">", 1.7e12)),
        (
            "ended < '2026-03-01T00:00+00:00'",
            Condition(Field("attributes", "end_time"), "<", 1_772_323_200_000.0),
        ),
        (
            "started in ('2 days ago', 1700000000000)",
            Condition(Field("attributes", "start_time"), "in", (ms(NOW - timedelta(days=2)), 1.7e12)),
        ),
        ("status like 'Fin%'", Condition(Field("attributes", "status"), "like", "Fin%")),
        ("status ilike 'fin%'", Condition(Field("attributes", "status"), "ilike", "fin%")),
        ("has status", Condition(Field("attributes", "status"), "has")),
        ("status = attributes.run_id", Condition(Field("attributes", "status"), "=", Field("attributes", "run_id"))),
        (f"team like '{'x' * 8000}'", Condition(Field("tags", "team"), "like", "x" * 8000)),
        ("c = 'none'", Condition(Field("params", "c"), "in", ("none", "None"))),  # typed so, and shown so
        ("c != 'true'", Condition(Field("params", "c"), "not in", ("true", "True"))),
        ("team = 'none'", Condition(Field("tags", "team"), "=", "none")),
        ("duration >= 60", Condition(Field("attributes", "duration"), ">=", 60.0)),
        ("datasets.name = 'x'", Condition(Field("datasets", "name"), "=", "x")),
        ("has loss", Condition(Field("metrics", "loss"), "has")),
        ("c is null", Not(Condition(Field("params", "c"), "has"))),
    ],
)
def test_names_times_and_words_are_what_they_are_here(text, condition):
    assert read(text) == condition


@pytest.mark.parametrize(
    ("text", "message", "position", "hint"),
    [
        ("both = 1", "'both' is a parameter and a metric", 0, "write params.both or metrics.both"),
        ("c = 1 and nothing > 1", "no run has 'nothing'", 10, "params.NAME"),
        ("team = nlp", "no run has 'nlp'", 7, "quote a text: 'nlp'"),
        ("attributes.c = 1", "runs have no attribute 'c'", 0, "run_id"),
        ("datasets.size = 1", "datasets have no 'size'", 0, "digest"),
        ("loss = '0.5'", "metrics.loss is a number", 7, ""),
        ("loss like '0%'", "metrics.loss is a number", 0, ""),
        ("loss ilike '0%'", "metrics.loss is a number", 0, ""),
        (f"team like '{'x' * 8001}'", "filter: no value is as long as this pattern", 10, ""),
        ("c > '1'", "texts have no order", 4, ""),
        ("name = 5", "attributes.run_name is a text", 7, ""),
        ("status = odd", "no status 'odd'", 9, "running | scheduled | finished | failed | killed"),
        ("status = finishd", "no status 'finishd', did you mean 'finished'?", 9, ""),
        ("started > 'soon'", "'soon' is not a time", 10, "'2 days ago', 'yesterday', '2026-03-01 12:30'"),
        ("started in ('1d', 'soon')", "'soon' is not a time", 12, "2 days ago"),
        ("c in (1, 'x')", "filter: a list holds numbers, or texts in quotes", 6, "c in (0.1, 1)"),
        ("c in (loss)", "a list holds numbers, or texts", 6, ""),
        ("datasets.name = c", "a dataset is compared with a text", 16, ""),
    ],
)
def test_what_does_not_go_together_is_told_where_it_stands(text, message, position, hint):
    with pytest.raises(FilterError) as raised:
        read(text)
    assert message in raised.value.message
    assert raised.value.excerpt == (text, position)
    assert hint in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2d", timedelta(days=2)),
        ("2 days ago", timedelta(days=2)),
        ("30m", timedelta(minutes=30)),
        ("1 week ago", timedelta(weeks=1)),
        ("12 H", timedelta(hours=12)),
        ("90 sec ago", timedelta(seconds=90)),
    ],
)
def test_an_age_counts_from_now(text, ago):
    assert moment(text, NOW) == ms(NOW - ago)


@pytest.mark.parametrize(("text", "days"), [("yesterday", 1), ("Today", 0), (" YESTERDAY ", 1)])
def test_a_day_begins_at_its_first_moment_here(text, days):
    day = NOW.astimezone().date() - timedelta(days=days)
    assert moment(text, NOW) == ms(datetime(day.year, day.month, day.day).astimezone())


def test_a_date_without_an_offset_is_local_and_no_time_is_none():
    assert moment("2026-03-01 12:30", NOW) == ms(datetime(2026, 3, 1, 12, 30).astimezone())
    for text in ("", "soon", "2 moons ago", "-1d", "2026-13-01", "1e9 d", "9999999999d"):
        assert moment(text, NOW) is None


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("started", Field("attributes", "start_time")),
        ("id", Field("attributes", "run_id")),
        ("c", Field("params", "c")),
        ("both", Field("params", "both")),
        ("metrics.both", Field("metrics", "both")),
        ("metrics.c", None),
        ("params.f1_score", None),
        ("attributes.created", Field("attributes", "start_time")),
        ("datasets.name", Field("datasets", "name")),
        ("team", Field("tags", "team")),
        ("f1_score", Field("metrics", "f1_score")),
        ("nothing", None),
        ("attributes.nothing", None),
        ("attributes.c", None),
        ("duration", Field("attributes", "duration")),
        ("metrics.roc_auc", Field("metrics", "roc_auc")),
        ("datasets.x", None),
    ],
)
def test_a_column_is_an_attribute_a_parameter_a_metric_or_a_tag(name, field):
    assert known_field(name, spaces) == field
