"""Sets over random states, from the shell to their comparison: complete runs, one parent, its name stands for them."""

from __future__ import annotations

import json

import pytest

from expctl.analysis.difference import holm
from expctl.analysis.groups import compare_groups
from expctl.records import Tag
from expctl.workflows.repeats import is_repeated, members, noise_of
from tests.tracking.recorded import store_of

TRAIN = ("train", "--data", "small.csv", "--max-features", "50", "--quiet")


def named(store, name: str):
    return store.find(f"name = '{name}'")[0]


def test_a_set_is_complete_runs_below_a_parent_that_stands_for_them_and_names_the_noise(cli, runs, no_pictures):
    done = cli(*TRAIN, "--c", "0.01", "--repeats", "2", "--run-name", "old", "-f", "id")
    assert done.exit_code == 0, done.stderr
    store = store_of(runs)
    old = named(store, "old")
    assert done.stdout == f"{old.run_id}\n"
    trials = members(store, old)
    assert [(run.name, run.params["random_state"]) for run in trials] == [("old-1", "42"), ("old-2", "43")]
    assert {run.tags[Tag.PARENT] for run in trials} == {old.run_id}
    assert (is_repeated(old), is_repeated(trials[0])) == (True, False)
    alone = json.loads(cli(*TRAIN, "--c", "0.01", "--random-state", "43", "-f", "json").stdout)
    assert alone["metrics"]["f1_score"]["value"] == trials[1].metrics["f1_score"]

    other = "name = 'strong' or name = 'bayes'"
    by_glob = json.loads(cli("compare", other, "old-*", "-f", "json").stdout)["rows"]
    assert json.loads(cli("compare", other, old.run_id[:8], "-f", "json").stdout)["rows"] == by_glob
    assert by_glob[0]["challenger_runs"] == 2
    plain = {one.metric: one.difference for one in compare_groups(store.find(other), trials) if one.difference}
    told = {row["metric"]: row["p_value"] for row in by_glob if row["p_value"] is not None}
    assert told.pop("f1_score") == plain.pop("f1_score").p_value
    assert list(told.values()) == holm([plain[metric].p_value for metric in told])  # all others are corrected
    assert cli("compare", "old", other, "--metric", "f1_score").exit_code == 2  # which is for single runs

    for words, hint in (
        (("gate", "old", "--baseline", "strong"), "name one of its runs: old-1"),
        (("gate", "old", "--baseline", "old"), "try: expctl compare old old"),
        (("power", "old", "old"), "try: expctl compare old old"),
        (("power", "old"), "name one of its runs: old-1"),
        (("calibration", "old"), "name one of its runs: old-1"),
        (("show", "old", "--by", "length"), "name one of its runs: old-1"),
    ):
        refused = cli(*words)
        assert (refused.exit_code, refused.stdout) == (3, "")
        assert refused.stderr == f"expctl: old is a set of 2 runs ({hint})\n"

    lucky = "expctl: the best of old is the luckiest random state: expctl show old has the mean\n"
    assert lucky in cli("list").stderr
    assert lucky not in cli("list", "-f", "json").stderr
    shown = json.loads(cli("show", "old", "-f", "json").stdout)
    values = [run.metrics["f1_score"] for run in trials]
    assert shown["set"]["f1_score_mean"] == pytest.approx(sum(values) / 2)
    assert shown["set"]["f1_score_sd"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert shown["run"]["command"].startswith("expctl train --repeats 2 --random-state 42 ")

    noise = noise_of(store, trials[1], "f1_score")
    assert (noise.set, noise.spread.runs) == ("old", 2)
    said = cli("compare", "strong", "old-1").stderr
    assert f"f1_score varies by {noise.spread.deviation:.2g} between random states" in said
    assert "between random states" not in cli("compare", "strong", "weak").stderr
    assert noise_of(store, trials[1], "nothing") is None
    assert noise_of(store, named(store, "strong"), "f1_score") is None


def test_states_go_on_from_that_of_the_recipe_and_a_dry_run_shows_them(cli, runs):
    def states(*words: str) -> list[int]:
        done = cli(*TRAIN, "--repeats", "2", "--dry-run", *words, "-f", "json")
        assert done.exit_code == 0, done.stderr
        return [row["random_state"] for row in json.loads(done.stdout)["rows"]]

    assert states() == [42, 43]
    assert states("--random-state", "7") == [7, 8]
    (runs / "train.toml").write_text("random_state = 5\n")
    assert states("--config", "train.toml") == [5, 6]
    assert states("--from", "strong", "--c", "3") == [42, 43]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--repeats", "1"), "--repeats"),
        (("--repeats", "2", "--skip-existing"), "--skip-existing is of one run, --repeats makes several"),
        (("--repeats", "2", "--artifact", "small.csv"), "--artifact is of one run"),
        (("--repeats", "2", "--autolog"), "--autolog is of one run"),
        (("--repeats", "2", "--random-state", str(2**32 - 1)), "random_state"),
    ],
)
def test_what_a_set_cannot_be_is_refused_before_any_run(cli, runs, words, told):
    done = cli("train", "--data", "small.csv", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert told in done.stderr
    assert len(store_of(runs).find()) == 4
