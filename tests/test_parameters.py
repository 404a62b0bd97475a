"""Parameters take what their range says, from typed values and from text alike, and say the range to anything else."""

from __future__ import annotations

import math
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from expctl.cli.app import app_with, command_entries
from expctl.errors import UsageError
from expctl.parameters import (
    FLAG,
    FLAGS,
    NONE,
    Domain,
    Interval,
    Options,
    Parameter,
    Pattern,
    WordFile,
    choice,
    count,
    non_negative,
    parameter_words,
    positive,
)
from expctl.training.models.configure import NUMBERS
from expctl.training.models.families import families_of
from expctl.training.models.features import FEATURES

FAMILIES = families_of()  # of texts


def test_a_parameter_is_said_by_its_flag_where_it_has_one():
    assert parameter_words("c", 3.0) == ["--c", "3"]
    assert parameter_words("c", 0.1) == ["--c", "0.1"]
    assert parameter_words("max_features", None) == ["--max-features", "none"]
    assert parameter_words("max_df", 1.0) == ["-p", "max_df=1.0"]
    assert parameter_words("c", 3.0, by_flag=False) == ["-p", "c=3.0"]


def test_those_with_a_flag_are_those_of_the_command_line():
    options = {one.name: one for one in typer.main.get_command(app_with(command_entries())).commands["train"].params}
    assert [key for key in FLAGS if options[key].opts == [f"--{key.replace('_', '-')}"]] == list(FLAGS)
    assert {key for key in FEATURES if key in options} | {"c", "max_iter"} == set(FLAGS)
    assert all(not isinstance(EVERY_PARAMETER[f"logreg:{key}"].default, str) for key in ("c", "max_iter"))


EVERY_PARAMETER = {
    **{f"features:{key}": parameter for key, parameter in FEATURES.items()},
    **{f"recipe:{key}": parameter for key, parameter in NUMBERS.items()},
    **{f"{name}:{p.key}": p for name, family in FAMILIES.items() for p in family.parameters},
}


def values_of(domain: Domain) -> st.SearchStrategy[Any]:
    """Any value that belongs to a domain."""
    if isinstance(domain, Options):
        return st.sampled_from(domain.values)
    if isinstance(domain, Pattern):
        return st.sampled_from([r"\w+", r"(?u)\b(\w)\w*"])
    if isinstance(domain, WordFile):
        return st.sampled_from(["words.txt", "a folder/Stop.TXT"])
    if domain.type is int:
        low = None if domain.low is None else int(domain.low)
        return st.integers(low, None if domain.high is None else int(domain.high))
    return st.floats(
        domain.low,
        domain.high,
        exclude_min=domain.low is not None and domain.closed in ("right", "neither"),
        exclude_max=domain.high is not None and domain.closed in ("left", "neither"),
        allow_nan=False,
        allow_infinity=False,
    )


WRONG = ("nan", "inf", "-inf", "abc", "1,5")


def as_typed(value: object) -> str:
    """A value as a user writes it in a shell."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


@pytest.mark.parametrize("parameter", EVERY_PARAMETER.values(), ids=EVERY_PARAMETER)
def test_a_valid_value_written_as_text_is_read_back_equal_and_of_its_type(parameter: Parameter) -> None:
    @given(st.one_of([values_of(domain) for domain in parameter.domains]))
    def law(value: Any) -> None:
        for written in (value, as_typed(value), str(value)):
            read = parameter.read(written)
            assert (type(read), read) == (type(value), value)

    law()


@pytest.mark.parametrize("parameter", EVERY_PARAMETER.values(), ids=EVERY_PARAMETER)
def test_every_default_is_a_value_of_its_range(parameter: Parameter) -> None:
    read = parameter.read(parameter.default)
    assert (type(read), read) == (type(parameter.default), parameter.default)


@pytest.mark.parametrize("parameter", EVERY_PARAMETER.values(), ids=EVERY_PARAMETER)
def test_what_is_no_value_is_refused_with_the_range(parameter: Parameter) -> None:
    words = ("(", "(a)(b)") if any(isinstance(domain, Pattern) for domain in parameter.domains) else WRONG
    for wrong in (*words, "", math.nan, math.inf, [1], {"a": 1}, b"1"):
        with pytest.raises(UsageError) as refused:
            parameter.read(wrong)
        assert refused.value.message == f"{parameter.key} must be {parameter.range}; {wrong!r} is not"


@pytest.mark.parametrize(
    ("closed", "ends"),
    [("both", (True, True)), ("left", (True, False)), ("right", (False, True)), ("neither", (False, False))],
)
@pytest.mark.parametrize("kind", [int, float])
def test_an_interval_takes_the_ends_that_belong_to_it(kind: Any, closed: Any, ends: tuple[bool, bool]) -> None:
    parameter = Parameter("x", "x", (Interval(kind, 0, 10, closed),), 5)
    for end, belongs in zip((kind(0), kind(10)), ends, strict=True):
        if belongs:
            assert parameter.read(end) == parameter.read(str(end)) == end
        else:
            with pytest.raises(UsageError):
                parameter.read(end)
            with pytest.raises(UsageError):
                parameter.read(str(end))
    for outside in (-1, 11):
        with pytest.raises(UsageError):
            parameter.read(kind(outside))


def test_an_integer_is_neither_a_float_nor_a_boolean() -> None:
    parameter = count("n", "n", 1)
    for wrong in (1.0, "1.0", True, None, "none"):
        with pytest.raises(UsageError, match="n must be an integer from 1"):
            parameter.read(wrong)
    assert count("n", "n", 1, or_none=True).read("None") is None


def test_a_real_takes_an_integer_as_a_real() -> None:
    for written in (2, "2", "2.0", "2e0"):
        read = positive("x", "x", 1.0).read(written)
        assert (type(read), read) == (float, 2.0)


def test_an_integer_too_large_for_a_real_is_refused() -> None:
    with pytest.raises(UsageError, match="x must be a number above 0"):
        positive("x", "x", 1.0).read(10**400)


def test_count_and_share_are_told_apart_by_the_way_they_are_written() -> None:
    for written, meant in (("1", 1), ("1.0", 1.0), (1, 1), (1.0, 1.0), ("0.5", 0.5)):
        read = FEATURES["min_df"].read(written)
        assert (type(read), read) == (type(meant), meant)


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (positive("x", "x", 1.0), "a number above 0"),
        (non_negative("x", "x", 1.0), "a number from 0"),
        (count("x", "x", 1, or_none=True), "an integer from 1 or none"),
        (choice("x", "x", (None, "balanced"), None), "one of none, balanced"),
        (Parameter("x", "x", (FLAG,), True), "one of true, false"),
        (Parameter("x", "x", (Interval(float, 0, 1, "neither"),), 0.5), "a number above 0 below 1"),
        (Parameter("x", "x", (Interval(int, None, 3), NONE), None), "an integer to 3 or none"),
        (count("x", "x", 2**32, low=2**32), "an integer from 4294967296"),
        (NUMBERS["random_state"], "an integer from 0 to 4294967295"),
        (FEATURES["token_pattern"], "a regular expression with at most one group"),
        (FEATURES["stop_words"], "one of none, english or a .txt file of words"),
    ],
)
def test_ranges_are_told_in_words_and_exactly(parameter: Parameter, words: str) -> None:
    assert parameter.range == words
