"""What every reader promises of a value: times that calendars have, infinity where stores have none, wanted columns."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from expctl.records import STORED_INFINITY, Dataset, RunRecord, Tag
from expctl.tracking.readers.protocol import BARE, WHOLE, Projection, datasets_in, moment, projected, stored_number


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1_748_779_200_123, datetime(2025, 6, 1, 12, 0, 0, 123000, UTC)),
        (-1000, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (0, None),
        (None, None),
        (10**18, None),
        (-(10**18), None),
    ],
)
def test_a_time_is_one_that_a_calendar_has_or_none(milliseconds, expected):
    assert moment(milliseconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (STORED_INFINITY, math.inf),
        (-STORED_INFINITY, -math.inf),
        (1.7976931348623157e308, math.inf),
        (1.79e308, 1.79e308),
        (0.0, 0.0),
    ],
)
def test_the_largest_float_stands_for_infinity(value, expected):
    assert stored_number(value) == expected


def test_nan_stays_nan():
    assert math.isnan(stored_number(math.nan))


RUN = RunRecord(
    *("a" * 32, "run", "finished", "1"),
    params={"c": "1", "n": "2"},
    metrics={"f1": 0.5, "auc": 0.6},
    tags={"team": "nlp", "stage": "test"},
    datasets=(Dataset("small", "0"),),
)


def test_a_projection_keeps_the_wanted_keys_and_no_others():
    found = projected(RUN, Projection(frozenset({"c", "absent"}), None, frozenset(), datasets=False))
    assert (found.params, found.metrics, found.tags, found.datasets) == ({"c": "1"}, RUN.metrics, {}, ())
    assert (found.run_id, found.name, found.status) == (RUN.run_id, RUN.name, RUN.status)


def test_the_whole_of_a_run_is_the_run_and_the_bare_one_has_nothing_but_itself():
    assert projected(RUN, WHOLE) is RUN
    bare = projected(RUN, BARE)
    assert (bare.params, bare.metrics, bare.tags, bare.datasets) == ({}, {}, {}, ())


def test_a_projection_takes_away_again_nothing():
    columns = Projection(frozenset({"c"}), frozenset({"f1"}))
    assert projected(projected(RUN, columns), columns) == projected(RUN, columns)


@pytest.mark.parametrize(
    "text", ["", "[", "3", "[3]", '[{"name": 1, "digest": "a"}]', '[{"name": "a"}]', "[" * 100_000]
)
def test_a_tag_of_data_sets_that_makes_no_sense_tells_of_none(text):
    assert datasets_in({Tag.DATASETS: text}) == []


def test_a_tag_tells_of_the_data_sets_of_a_run():
    told = [{"name": "a.csv", "digest": "1", "context": "training"}, {"name": "b.csv", "digest": "2", "context": None}]
    assert datasets_in({Tag.DATASETS: json.dumps(told)}) == [Dataset("a.csv", "1", "training"), Dataset("b.csv", "2")]
    assert datasets_in({}) == []
