"""A run as its readers see it: typed parameters that say exactly their text, durations, tags for people."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from expctl.records import TAG_LIMIT, RunRecord, Tag, tag_parts, typed, whole_tag

START = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def run(**changes: Any) -> RunRecord:
    return RunRecord(
        **{"run_id": "0123456789abcdef", "name": "n", "status": "finished", "experiment_id": "1", **changes}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", 1.0),
        ("5000", 5000),
        ("-3", -3),
        ("0", 0),
        ("True", True),
        ("False", False),
        ("1e-05", 1e-05),
        ("1e+16", 1e16),
        ("inf", math.inf),
        ("-0.0", -0.0),
        ("12345678901234567890", 12345678901234567890),
        ("007", "007"),
        ("1_000", "1_000"),
        ("+1", "+1"),
        (" 1", " 1"),
        ("1e-5", "1e-5"),
        ("1.50", "1.50"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("٣", "٣"),
        ("true", "true"),
        ("None", "None"),
        ("NaN", "NaN"),
        ("", ""),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_text_becomes_the_value_that_prints_exactly_so(text: str, value: object) -> None:
    """A zip code or a version is not a number: what was logged must come back in JSON."""
    found = typed(text)
    assert (type(found), found) == (type(value), value)


def test_nan_becomes_nan() -> None:
    assert math.isnan(typed("nan"))  # type: ignore[arg-type]


@given(st.text())
@example("0.1")
@example("1__0")
@example("infinity")
@example("\n1")
def test_typing_a_text_loses_nothing(text: str) -> None:
    assert str(typed(text)) == text


@given(st.one_of(st.integers(), st.floats(), st.booleans()))
def test_a_logged_number_comes_back_as_itself(value: float) -> None:
    found = typed(str(value))
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_parameters_are_typed_one_by_one() -> None:
    assert run(params={"c": "1.0", "stop_words": "english"}).typed_params == {"c": 1.0, "stop_words": "english"}


@given(st.none() | st.timedeltas(timedelta(-5), timedelta(5)), st.none() | st.timedeltas(timedelta(-5), timedelta(5)))
@example(timedelta(0), timedelta(hours=-1))
def test_a_duration_is_never_negative_whatever_the_clock_did(
    started: timedelta | None, ended: timedelta | None
) -> None:
    """F04: the clock may be set back an hour while a run is on."""
    one = run(
        started=None if started is None else START + started,
        ended=None if ended is None else START + ended,
    )
    if started is None or ended is None:
        assert one.duration is None
    else:
        assert one.duration == max(ended - started, timedelta(0))


def test_the_label_is_the_name_or_the_short_id() -> None:
    assert (run().label, run(name="").label) == ("n", "01234567")


def test_tags_for_people_are_neither_mlflow_s_nor_ours() -> None:
    tags = {"team": "nlp", "mlflow.user": "me", Tag.HOST: "h", Tag.NOTE: "x", "mlflowish": "a", "git_commit": "c"}
    assert run(tags=tags).user_tags == {"team": "nlp", "mlflowish": "a", "git_commit": "c"}


def test_the_test_set_and_the_warnings_are_read_from_tags() -> None:
    one = run(tags={Tag.TEST_SET: "abc", Tag.WARNINGS: '["slow", "é"]'})
    assert (one.test_set, one.warnings) == ("abc", ["slow", "é"])
    assert (run().test_set, run().warnings) == (None, [])


def test_the_task_of_a_program_is_that_of_its_predictions_and_not_a_word_of_its_own() -> None:
    assert run().task == "classification"
    assert run(params={"task": "regression"}).task == "regression"
    assert run(params={"task": "mnli"}, tags={Tag.PROGRAM: "{}"}).task == "classification"
    assert run(params={"task": "mnli"}, tags={Tag.PROGRAM: "{}", Tag.TASK: "regression"}).task == "regression"


def test_a_record_does_not_change() -> None:
    with pytest.raises(AttributeError):
        run().name = "other"  # type: ignore[misc]


def test_a_warnings_tag_that_somebody_else_wrote_is_shown_as_it_is() -> None:
    record = RunRecord("a" * 32, "n", "finished", "1", tags={Tag.WARNINGS: "not json"})
    assert record.warnings == ["not json"]


def test_a_described_run_can_be_named_again_though_its_name_is_not_unique() -> None:
    assert run(name="baseline").described == "baseline (01234567)"


@given(st.text(max_size=5), st.integers(0, 3), st.integers(-1, 1))
def test_a_text_that_no_tag_takes_is_read_from_several(end: str, times: int, beside: int) -> None:
    text = "x" * (times * TAG_LIMIT + beside) + end
    tags = tag_parts("expctl.recipe", text)
    assert all(len(part) <= TAG_LIMIT for part in tags.values())
    assert whole_tag({"a": "b", **tags}, "expctl.recipe") == text
    assert len(tags) == max(1, -(-len(text) // TAG_LIMIT))


def test_a_text_that_one_tag_takes_is_that_tag_as_ever() -> None:
    assert tag_parts(Tag.RECIPE, "{}") == {"expctl.recipe": "{}"}
    assert run(tags={Tag.RECIPE: "{}"}).recipe_json == "{}"
    assert run(tags=tag_parts(Tag.RECIPE, "x" * 20_000)).recipe_json == "x" * 20_000
    assert run().recipe_json is None


def test_a_text_of_more_than_a_hundred_tags_is_refused() -> None:
    with pytest.raises(ValueError, match="800,001 characters, the limit is 800,000"):
        tag_parts(Tag.RECIPE, "x" * 800_001)
