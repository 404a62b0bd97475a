"""A command line with braces as a search space."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.workflows.program_request import ProgramRequest
from expctl.workflows.program_space import program_space


def space_of(texts, *command, **given):
    return program_space(texts, ProgramRequest(command), given)


def test_each_point_is_a_command_with_values_as_they_were_typed():
    space = space_of({"lr": "1e-4,0.10", "flag": "true,none", "n": "1..2"}, "p", "--lr", "{lr}", "{flag}", "--n={n}")
    made = [space.at(point) for point in space.grid()]
    assert [one.command for one in made[:2]] == [
        ("p", "--lr", "1e-4", "true", "--n=1"), ("p", "--lr", "1e-4", "true", "--n=2")
    ]  # fmt: skip
    assert made[0].params == {"flag": "true"}
    assert (space.size, len(made)) == (8, 8)


def test_an_axis_may_be_called_model_and_have_paths_for_values():
    space = space_of({"model": "../a,../b"}, "p", "{model}")
    assert [space.at(point).command[1] for point in space.grid()] == ["../a", "../b"]


@pytest.mark.parametrize(
    ("texts", "command", "told"),
    [
        ({}, ["p"], "a sweep needs something to vary"),
        ({"x": "1"}, ["p"], "-g x: the command does not mention {x}"),
        ({"lr": "1"}, ["p", "{lr}", "{lrr}"], "nothing is said of {lrr} in the command, did you mean 'lr'?"),
        ({"run_id": "1"}, ["p", "{run_id}"], "-g run_id: {run_id} is filled in by expctl"),
    ],
)
def test_what_is_wrong_is_told(texts, command, told):
    with pytest.raises(UsageError) as caught:
        space_of(texts, *command)
    assert caught.value.message == told
