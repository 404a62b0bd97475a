"""What the rows of recorded runs can show: measured by two, assumed of one, refused where nothing is known."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound, UsageError
from expctl.metrics import METRICS
from expctl.workflows.power import PowerRequest, powers
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def test_two_runs_tell_of_every_metric_that_is_tested(store):
    found = powers(store, PowerRequest(["weak", "bayes"]))
    assert found.measured
    assert {one.metric for one in found.found} <= {key for key, one in METRICS.items() if one.is_quality_metric}
    assert {one.rows for one in found.found} == {40}
    again = powers(store, PowerRequest(["bayes", "weak"]))
    assert [one.error for one in again.found] == pytest.approx([one.error for one in found.found])


def test_one_run_tells_of_those_that_have_limits(store):
    found = powers(store, PowerRequest(["strong"]))
    strong = found.runs[0]
    assert not found.measured
    assert {one.metric for one in found.found} <= {key for key in METRICS if f"{key}_low" in strong.metrics}
    assert "f1_score" in {one.metric for one in found.found}


def test_other_rows_are_taken_to_be_drawn_like_these(store):
    one, other = (powers(store, PowerRequest(["weak"], "f1_score", rows=rows)).found[0] for rows in (40, 160))
    assert other.detects == pytest.approx(one.detects / 2)


@pytest.mark.parametrize(
    ("references", "metric", "words"),
    [
        (["strong", "strong"], None, "the two models say the same of every test row"),
        (["broken"], None, "has no metric with limits"),
        (["strong"], "nothing", "nothing is known of the variance of nothing"),
        (["strong", "broken"], None, "the challenger has no predictions"),
    ],
)
def test_runs_that_tell_nothing_are_refused(store, references, metric, words):
    with pytest.raises(RunNotFound, match=words):
        powers(store, PowerRequest(references, metric))


def test_runs_on_other_rows_have_nothing_in_common(store, runs):
    from tests.conftest import write_reviews

    lines = write_reviews(runs / "more.csv", 400).read_text().splitlines(keepends=True)
    (runs / "other.csv").write_text("".join([lines[0], *lines[200:]]))
    train(runs, "elsewhere", data="other.csv")
    with pytest.raises(RunNotFound, match="on different rows"):
        powers(store, PowerRequest(["strong", "elsewhere"]))


@pytest.mark.parametrize("difference", [0.0, -0.1, float("nan"), float("inf")])
def test_a_difference_that_is_none_is_refused(difference):
    with pytest.raises(UsageError, match="--difference"):
        PowerRequest(["a"], difference=difference)


@pytest.mark.parametrize("runs", [[], ["a", "b", "c"]])
def test_power_is_of_one_run_or_two(runs):
    with pytest.raises(UsageError, match="power is of one run or two"):
        PowerRequest(runs)
