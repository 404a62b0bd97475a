"""A request that exists is right: what is wrong is told when it is made, before data and store are looked at."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from expctl.errors import UsageError
from expctl.recipe import Recipe
from expctl.settings import Settings
from expctl.tracking.runs.metadata import RunMetadata
from expctl.workflows.compare import CompareRequest
from expctl.workflows.requests import SweepRequest, TrainingRequest

SPACE = {"c": "0.1,1"}


def sweep(**more: Any) -> SweepRequest:
    return SweepRequest(**{"settings": Settings(), "space": SPACE, "given": {}, **more})


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainingRequest(Recipe("a.csv"), Settings()).strict = True  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        sweep().trials = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (RunMetadata(" "), "the run's name is empty"),
        (RunMetadata(tags={"mlflow.x": "1"}), "tag 'mlflow.x': mlflow. and expctl. are reserved"),
    ],
)
def test_names_and_tags_are_checked_in_either_request(metadata: RunMetadata, message: str) -> None:
    for make in (lambda: TrainingRequest(Recipe("a.csv"), Settings(), metadata), lambda: sweep(metadata=metadata)):
        with pytest.raises(UsageError) as caught:
            make()
        assert caught.value.message == message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"space": {"c": "0,1"}}, "c must be a number above 0; '0' is not"),
        ({"given": {"c": "1"}}, "c is both fixed and varied with -g"),
        ({"sampler": "tpes"}, "unknown sampler 'tpes', did you mean 'tpe'?"),
        ({"metric": "f1scor"}, "a sweep cannot rank by 'f1scor', did you mean 'f1_score'?"),
        ({"space": {"c": "0.1..1"}}, "-g c=0.1..1 is infinite, and a grid tries every value"),
    ],
)
def test_a_new_sweep_is_checked_whole(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sweep(**wrong)
    assert caught.value.message == message


def test_a_sweep_that_is_resumed_needs_no_space_of_its_own() -> None:
    assert sweep(space={}, resume="latest").chosen == {}


def test_what_was_chosen_tells_all_models_from_nothing_said() -> None:
    assert sweep().chosen == {}
    assert sweep(keep_models="all", sampler="random").chosen == {"sampler": "random", "keep_models": None}


@pytest.mark.parametrize(
    ("more", "trials"), [({}, None), ({"trials": 3}, 3), ({"sampler": "random"}, 20), ({"sampler": "grid"}, None)]
)
def test_a_sampler_has_a_number_of_trials_and_a_grid_all_of_them(more: dict[str, Any], trials: int | None) -> None:
    assert sweep(**more).most_trials == trials
    assert sweep(**more).plan(("", None), window=1).trials == trials


@pytest.mark.parametrize(
    ("runs", "flips", "message"),
    [(["a"], None, "compare needs at least two runs"), (["a", "b", "c"], 1, "--flips compares two runs")],
)
def test_a_comparison_needs_two_runs(runs: list[str], flips: int | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        CompareRequest(runs, flips=flips)
    assert caught.value.message == message
