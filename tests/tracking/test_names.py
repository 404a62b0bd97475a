"""Which names may be given, so that every run and experiment can be named."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.tracking.names import check_experiment_name, check_run_name, is_run_name

NOT_TYPED = ["", " ", "two\nlines", "a\tb", "\x1b[31mred", "a\u2028b", "a\x7f", "a\x85b"]
OTHER_MEANINGS = [
    "latest", "latest~2", "best", "best:mcc", "reviews@champion", "models:/reviews/3", "models:/reviews@x",
    "models:/", "188a8d25eab7456f8f63d5c3f5197f5a",
]  # fmt: skip
FINE = [
    "baseline", "latest model", "bestof", "latest-2", "Best", "c=0.1", "a > b", "has x", "new*", "run [v2]",
    "bert/base", "2026", "beef", "@home", "x@", "日本 👨\u200d👩", "می\u200cخواهم", "models", "x" * 250,
]  # fmt: skip


@pytest.mark.parametrize("name", [*NOT_TYPED, *OTHER_MEANINGS, "x" * 251])
def test_the_name_of_a_run_that_no_reference_could_mean_is_refused_in_a_line(name):
    with pytest.raises(UsageError) as refusal:
        check_run_name(name)
    assert refusal.value.message.isprintable()
    assert refusal.value.hint or len(name) > 250
    assert not is_run_name(name)


@pytest.mark.parametrize("name", FINE)
def test_any_other_name_of_a_run_is_taken(name):
    check_run_name(name)
    assert is_run_name(name)


@pytest.mark.parametrize("name", [*NOT_TYPED, "models:", "models:/x", "x" * 257])
def test_the_name_of_an_experiment_that_no_reference_could_begin_with_is_refused(name):
    with pytest.raises(UsageError, match="--rename"):
        check_experiment_name(name, "--rename")


@pytest.mark.parametrize("name", ["latest", "best", "a/b", "a@b", "c = 1", "modelsx", "x" * 256])
def test_any_other_name_of_an_experiment_is_taken(name):
    check_experiment_name(name, "--experiment")
