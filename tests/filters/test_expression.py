"""What a filter says, as values: what is joined, what is equal, and which runs can rank."""

from __future__ import annotations

import math

import pytest

from expctl.filters.evaluate import matches
from expctl.filters.expression import EVERY_RUN, NO_SWEEP, NO_TRIAL, And, Condition, Field, Order, all_of, fit_for
from expctl.records import RunRecord, Tag


def test_fields_and_orders_are_equal_by_what_they_name():
    assert Order(Field("metrics", "x", 3)) == Order(Field("metrics", "x", 9))
    assert str(Field("metrics", "x")) == "metrics.x"
    assert str(Field("", "x")) == "x"


def test_a_condition_is_equal_wherever_it_stands_in_the_text():
    field = Field("params", "c")
    assert Condition(field, "=", 1.0, at=3) == Condition(field, "=", 1.0, at=9)


@pytest.mark.parametrize(
    ("field", "numeric", "text"),
    [
        (Field("metrics", "f1_score"), True, "metrics.f1_score"),
        (Field("attributes", "duration"), True, "attributes.duration"),
        (Field("attributes", "run_name"), False, "attributes.run_name"),
        (Field("params", "duration"), False, "params.duration"),
        (Field("", "c"), False, "c"),
    ],
)
def test_a_field_says_whether_the_store_holds_numbers_and_how_it_is_written(field, numeric, text):
    assert (field.numeric, str(field)) == (numeric, text)


def test_all_of_joins_flat_and_leaves_a_single_part_as_it_is():
    one, two, three = (Condition(Field("params", key), "has") for key in "abc")
    assert all_of(one) is one
    assert all_of(And((one, two)), three) == And((one, two, three))
    assert all_of(EVERY_RUN, one) == one
    assert all_of() == EVERY_RUN


def run(status="finished", f1=0.5, **tags):
    metrics = {} if f1 is None else {"f1_score": f1}
    return RunRecord("a" * 32, "run", status, "1", metrics=metrics, tags=tags)


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        (run(), True),
        (run(status="failed"), False),
        (run(f1=None), False),
        (run(f1=math.nan), False),
        (run(f1=math.inf), False),
        (run(f1=-math.inf), False),
        (run(f1=-1e300), True),
        (run(**{Tag.EXPLANATION: "{}"}), False),
        (run(**{Tag.REPRODUCES: "b" * 32}), False),
        (run(**{Tag.TRIAL: "0"}), True),
    ],
)
def test_what_can_rank_is_finished_finite_and_not_made_to_tell_of_other_runs(record, fits):
    assert matches(fit_for("f1_score"), record) is fits


def test_sweeps_and_trials_are_known_by_their_tags():
    trial, sweep = run(**{Tag.TRIAL: "0"}), run(**{Tag.SWEEP: "{}"})
    assert [matches(NO_TRIAL, one) for one in (trial, sweep, run())] == [False, True, True]
    assert [matches(NO_SWEEP, one) for one in (trial, sweep, run())] == [True, False, True]
