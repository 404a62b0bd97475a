"""Metrics of the user's own by name: which way is better stands in the name that a run has them under."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.extra_metrics import ExtraMetric, read_extra_metrics, recorded_name
from expctl.metrics import higher_is_better


def test_each_is_a_path_with_a_direction_if_one_is_told():
    assert read_extra_metrics("own.metrics:cost:lower, own:gain:higher,own:x_score") == [
        ExtraMetric("own.metrics:cost", "cost", "lower"),
        ExtraMetric("own:gain", "gain", "higher"),
        ExtraMetric("own:x_score", "x_score", None),
    ]


@pytest.mark.parametrize(
    "text", ["", "cost", "own:", ":cost", "own:cost:up", "own:cost,", "own:1x", "../own:cost", "own:a:b:lower"]
)
def test_what_names_no_function_is_refused(text):
    with pytest.raises(UsageError, match="names no function"):
        read_extra_metrics(text)


def test_two_of_a_name_are_refused():
    with pytest.raises(UsageError, match="gives 'cost' twice"):
        read_extra_metrics("own:cost:lower,other:cost:lower")


@pytest.mark.parametrize(
    ("name", "told", "by_function", "recorded"),
    [
        ("cost", "lower", None, "cost_loss"), ("cost", None, False, "cost_loss"), ("cost", "lower", True, "cost_loss"),
        ("gain", "higher", None, "gain"), ("gain", None, True, "gain"), ("my_score", None, None, "my_score"),
        ("hinge_loss", None, None, "hinge_loss"), ("hinge_loss", "lower", None, "hinge_loss"),
        ("my_score", "lower", None, "my_score_loss"),
    ],
)  # fmt: skip
def test_the_recorded_name_says_which_way_is_better(name, told, by_function, recorded):
    assert recorded_name(ExtraMetric(f"own:{name}", name, told), by_function) == recorded
    assert higher_is_better(recorded) is not recorded.endswith("_loss")


def test_a_direction_that_nobody_tells_is_asked_for():
    with pytest.raises(UsageError, match="is a higher or a lower value better") as error:
        recorded_name(ExtraMetric("own:cost", "cost"))
    assert error.value.hint == "--extra-metric own:cost:higher or own:cost:lower"


@pytest.mark.parametrize("name", ["f1_score", "accuracy", "x_low", "x_high", "cv_x", "x_std"])
def test_a_name_that_means_something_else_on_a_run_is_refused(name):
    with pytest.raises(UsageError, match=r"means something else on a run|lower is better"):
        recorded_name(ExtraMetric(f"own:{name}", name, "higher"))


def test_a_name_that_says_the_opposite_is_refused():
    with pytest.raises(UsageError, match="its name says that lower is better"):
        recorded_name(ExtraMetric("own:error", "error", "higher"))
