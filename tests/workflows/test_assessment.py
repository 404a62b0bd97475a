"""Two recorded runs on a metric of the user's own: measured once, tested by everybody who compares them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracking.recorded import store_of

COST = """
import numpy as np

def cost(y_true, y_pred):
    return float(np.mean(np.where(y_true == y_pred, 0, np.where(y_true == "negative", 5, 1))))
"""


@pytest.fixture
def trained(cli, runs):
    """Runs `bad` and `good` with a cost of their own, beside those of `runs`."""
    Path("own_costs.py").write_text(COST)
    for name, c in (("bad", "0.01"), ("good", "10")):
        words = ("--c", c, "--max-features", "50", "--run-name", name, "--extra-metric", "own_costs:cost:lower")
        done = cli("train", "--data", "small.csv", *words, "--quiet")
        assert done.exit_code == 0, done.stderr
    return runs


def test_it_is_recorded_with_limits_compared_gated_and_ranked(cli, trained):
    good = store_of(trained).find("name = 'good'")[0]
    assert good.metrics["cost_loss_low"] <= good.metrics["cost_loss"] <= good.metrics["cost_loss_high"]
    told = json.loads(cli("compare", "bad", "good", "--metric", "cost_loss", "--format", "json").stdout)
    line = told["metrics"]["cost_loss"]
    assert line["low"] < line["change"] < line["high"] < 0
    assert line["verdict"] == "better"
    assert cli("gate", "good", "--baseline", "bad", "--metric", "cost_loss").exit_code == 0
    assert cli("gate", "bad", "--baseline", "good", "--metric", "cost_loss").exit_code == 1
    assert cli("best", "--metric", "cost_loss", "--format", "id").stdout.strip() == good.run_id


def test_what_is_practically_equal_is_by_the_margin_given_or_set(cli, runs, monkeypatch):
    def verdict(*words: str) -> str:
        found = json.loads(cli("compare", "strong", "bayes", "--metric", "f1_score", *words, "-f", "json").stdout)
        return found["metrics"]["f1_score"]["verdict"]

    assert verdict() == "no clear difference"
    assert verdict("--margin", "0.9") == "equal"
    monkeypatch.setenv("EXPCTL_MARGIN", "0.9")
    assert verdict() == "equal"
    assert verdict("--margin", "0.0001") == "no clear difference"
    assert cli("compare", "strong", "bayes", "-f", "md").stdout.startswith("**bayes and strong are equal within 0.9: ")
    ranked = json.loads(cli("best", "--top", "3", "-f", "json").stdout)["rows"]
    assert [row["tied"] for row in ranked] == [True, True, True]
    gate = ("gate", "bayes", "--baseline", "strong", "--max-drop", "0.0001")
    assert cli(*gate).exit_code == 6  # which is one-sided, and has a limit of its own
    monkeypatch.setenv("EXPCTL_MARGIN", "1")
    whole = "a margin of 1 is 100 points; 0.01 is one (--margin 0.01 or EXPCTL_MARGIN=0.01)"
    for words in (("compare", "strong", "bayes"), ("best",), ("report", "strong", "bayes")):
        wrong = cli(*words)
        assert (wrong.exit_code, wrong.stdout, wrong.stderr) == (2, "", f"expctl: {whole}\n")
    assert cli("best", "--metric", "log_loss").exit_code == 0
    wrong = cli("compare", "strong", "bayes", "--margin", "-1")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "--margin '-1' must be 0 or a positive number (for example 0.005, half a point)" in wrong.stderr


def test_a_run_without_it_is_undecided_and_a_name_that_no_run_has_is_refused(cli, trained):
    undecided = cli("gate", "good", "--baseline", "strong", "--metric", "cost_loss")
    assert undecided.exit_code == 6
    assert "cost_loss cannot be tested on these predictions" in undecided.stdout
    refused = cli("gate", "good", "--baseline", "bad", "--metric", "cost")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "the gate cannot test 'cost', did you mean 'cost_loss'?" in refused.stderr


@pytest.mark.slow
def test_a_sweep_ranks_by_it_on_the_test_rows_and_over_the_folds(cli, trained):
    words = ("sweep", "--data", "small.csv", "--jobs", "1", "-g", "c=0.01,10", "--extra-metric", "own_costs:cost:lower")
    done = cli(*words, "--metric", "cost_loss", "--run-name", "costs", "--cv", "2")
    assert done.exit_code == 0, done.stderr
    best, worst = (json.loads(cli("show", f"costs-{n}", "--format", "json").stdout) for n in (2, 1))
    low, high = (one["metrics"]["cost_loss"]["cv_mean"] for one in (best, worst))
    assert low < high
    assert done.stdout.splitlines()[-2].split()[2] == "costs-2"
    listed = cli("list", "--format", "json", "--limit", "1")
    assert json.loads(listed.stdout)["rows"][0]["best_cv_cost_loss_mean"] == low
    assert (
        "cost_loss"
        in store_of(trained).read_artifact(store_of(trained).find("name = 'costs'")[0], "trials.csv").decode()
    )
    refused = cli(*words, "--metric", "cost")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "a sweep cannot rank by 'cost', did you mean 'cost_loss'?" in refused.stderr


@pytest.mark.slow
def test_what_a_change_does_to_it_is_explained_if_its_code_may_run(cli, trained):
    done = cli("explain", "bad", "good", "--metric", "cost_loss", "--format", "json")  # which takes no training
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["factor"], row["low"] < row["effect"] < row["high"]) == ("c", True)
    measured = ("--extra-metric", "own_costs:cost:lower", "--quiet")
    third = cli("train", "--data", "small.csv", "--run-name", "third", "--c", "10", "--random-state", "3", *measured)
    assert third.exit_code == 0, third.stderr
    refused = cli("explain", "bad", "third", "--metric", "cost_loss")
    assert (refused.exit_code, refused.stdout) == (5, "")
    assert "cost_loss is measured by own_costs:cost: to train again runs that code (--trust runs it)" in refused.stderr
    done = cli("explain", "bad", "third", "--metric", "cost_loss", "--trust", "--format", "json")
    assert done.exit_code == 0, done.stderr
    after = [row["after"] for row in json.loads(done.stdout)["rows"]]
    assert after[-1] == store_of(trained).find("name = 'third'")[0].metrics["cost_loss"]
    unmeasured = cli("explain", "bad", "strong", "--metric", "cost_loss", "--trust")
    assert (unmeasured.exit_code, "run strong" in unmeasured.stderr) == (3, True)
    recipe = json.loads(store_of(trained).find("name = 'third'")[0].tags["expctl.recipe"])
    store_of(trained).client.set_tag(  # as if its file had been another one then
        store_of(trained).find("name = 'third'")[0].run_id, "expctl.recipe",
        json.dumps({**recipe, "extra_metric_hash": "0" * 64}),
    )  # fmt: skip
    changed = cli("explain", "bad", "third", "--metric", "cost_loss", "--trust")
    assert (changed.exit_code, "is measured otherwise now" in changed.stderr) == (5, True)


def test_one_without_a_value_keeps_the_run_and_fails_the_command(cli, runs):
    Path("own_failing.py").write_text("def own_score(y_true, y_pred):\n    raise ValueError('no moon')\n")
    words = ("train", "--data", "small.csv", "--extra-metric", "own_failing:own_score", "--quiet", "--format", "id")
    done = cli(*words)
    run_id = done.stdout.strip()
    told = f"extra metric own_score has no value: ValueError: no moon (run {run_id[:8]} is kept without it)"
    assert (done.exit_code, done.stderr) == (1, f"expctl: {told}\n")
    assert cli("predict", "a film", "--run", run_id).exit_code == 0
    again = cli(*words, "--skip-existing")
    assert (again.exit_code, again.stdout != done.stdout) == (1, True)
    swept = cli("sweep", "--data", "small.csv", "--jobs", "1", "-g", "c=1,2", "--extra-metric", "own_failing:own_score")
    assert swept.exit_code == 1
    assert (
        "2 of 2 trials lack a metric; the first, trial 1: extra metric own_score has no value: ValueError"
        in swept.stderr
    )
    assert len(swept.stdout.splitlines()) > 3


def test_its_source_is_recorded_and_run_again_only_if_trusted(cli, trained):
    store = store_of(trained)
    good = store.find("name = 'good'")[0]
    assert store.read_artifact(good, "extra_metric.own_costs.py") == COST.encode()
    refused = cli("reproduce", "good", "--no-record")
    assert refused.exit_code == 5
    assert "is made by code that its recipe names, own_costs:cost" in refused.stderr
    again = cli("reproduce", "good", "--no-record", "--trust", "--format", "json")
    assert (again.exit_code, json.loads(again.stdout)["verdict"]) == (0, "identical")
    told = cli("train", "--from", "good", "--dry-run")
    assert "extra_metric=none (was own_costs:cost:lower)" in told.stderr
