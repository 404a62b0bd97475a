"""`expctl sweep`: whole streams and exit codes. Wrong use is told before any store is made."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from expctl.errors import ExitCode, UsageError
from expctl.records import Tag
from expctl.tracking.runs.lifecycle import process_tags
from tests.conftest import Done, real_data, write_reviews
from tests.tracking.recorded import names, statuses, store_of
from tests.tracking.swept import children, files_of, parent_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("no_pictures")
GRID = ("sweep", "--data", "small.csv", "--jobs", "1", "-g", "c=0.01,1,100")


def refused(done: Done, code: int, *words: str) -> None:
    """Exactly one line on stderr, nothing on stdout, the documented exit code, and what helps in the line."""
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("expctl: ")
    for word in words:
        assert word in done.stderr


@pytest.fixture
def bare(tmp_path: Path, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with `small.csv` and no store, unless that is a server."""
    write_reviews(tmp_path / "small.csv", 200)
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRIALS = {
    "table": "#  ngram_max     c\n1          1   0.1\n2          1  10.0\n3          2   0.1\n4          2  10.0\n",
    "csv": "trial,ngram_max,c\n1,1,0.1\n2,1,10.0\n3,2,0.1\n4,2,10.0\n",
    "jsonl": "".join(
        f'{{"trial": {i}, "ngram_max": {n}, "c": {c}}}\n'
        for i, n, c in ((1, 1, 0.1), (2, 1, 10.0), (3, 2, 0.1), (4, 2, 10.0))
    ),
    "md": (
        "| \\# | ngram\\_max | c |\n| ---: | ---: | ---: |\n| 1 | 1 | 0.1 |\n| 2 | 1 | 10.0 |\n| 3 | 2 | 0.1 |\n"
        "| 4 | 2 | 10.0 |\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("format", TRIALS)
def test_a_dry_run_prints_the_trials_and_touches_nothing(cli, bare, format):
    done = cli("sweep", "--dry-run", "--data", "small.csv", "-g", "ngram_max=1,2", "-g", "c=10,0.1", "--format", format)
    assert (done.exit_code, done.stdout, done.stderr) == (0, TRIALS[format], "expctl: 4 trials\n")
    assert names(bare) == ["small.csv"]


def test_a_dry_run_in_json_tells_the_number_of_trials(cli, bare):
    done = cli("sweep", "--dry-run", "-g", "c=1..3..0.5", "--trials", "2", "--format", "json")
    told = json.loads(done.stdout)
    assert (told["kind"], told["total"], told["rows"]) == (
        "trials",
        2,
        [{"trial": 1, "c": 1.0}, {"trial": 2, "c": 1.5}],
    )


def test_a_dry_run_needs_neither_data_nor_a_store_that_answers(cli, bare):
    done = cli("sweep", "--dry-run", "--data", "nowhere.csv", "-g", "c=1,2", "--tracking-uri", "http://127.0.0.1:1")
    assert (done.exit_code, done.stderr) == (0, "expctl: 2 trials\n")


def test_a_dry_run_leaves_empty_what_a_model_does_not_have(cli, bare):
    done = cli("sweep", "--dry-run", "-g", "model=logreg,naive_bayes", "-g", "logreg.c=1,2", "--format", "csv")
    assert done.stdout == "trial,model,logreg.c\n1,logreg,1.0\n2,logreg,2.0\n3,naive_bayes,\n"


def test_a_dry_run_of_a_sampler_that_learns_shows_its_beginning(cli, bare):
    done = cli("sweep", "--dry-run", "-g", "c=log:1e-3..1e3", "--sampler", "tpe", "--trials", "50", "--format", "csv")
    assert len(done.stdout.splitlines()) == 11
    assert done.stderr == "expctl: the first 10; tpe adapts to the results\n"


def test_a_dry_run_of_a_random_sampler_shows_what_the_sweep_will_run(cli, small):
    words = ["-g", "c=log:1e-3..1e3", "--sampler", "random", "--trials", "2", "--model", "logreg", "--quiet"]
    told = cli("sweep", "--dry-run", *words, "--data", "small.csv", "--format", "csv").stdout
    done = cli("sweep", "--data", "small.csv", "--jobs", "1", *words, "--run-name", "s")
    assert done.exit_code == 0
    assert [float(row["c"]) for row in csv.DictReader(io.StringIO(told))] == [
        float(run.params["c"]) for run in children(small.parent, "s")
    ]


def test_a_dry_run_has_no_ids(cli, bare):
    refused(cli("sweep", "--dry-run", "-g", "c=1,2", "--format", "id"), ExitCode.USAGE, "unknown format 'id'")


def test_a_dry_run_says_why_combinations_are_left_out(cli, bare):
    done = cli("sweep", "--dry-run", "-g", "ngram_min=1,2,3", "-g", "ngram_max=1,2", "--format", "csv")
    assert (done.exit_code, done.stdout) == (0, "trial,ngram_min,ngram_max\n1,1,1\n2,1,2\n3,2,2\n")
    assert done.stderr.splitlines() == [
        "expctl: left out 1 of the combinations: ngram_min 2 is above ngram_max 1",
        "expctl: left out 1 of the combinations: ngram_min 3 is above ngram_max 1",
        "expctl: left out 1 of the combinations: ngram_min 3 is above ngram_max 2",
        "expctl: 3 trials",
    ]


@pytest.mark.parametrize("words", [["--dry-run"], ["--jobs", "1"], ["--dry-run", "--sampler", "random"]], ids=" ".join)
def test_a_space_of_contradictions_alone_is_an_error_and_leaves_no_store(cli, bare, words):
    space = ["-g", "ngram_min=3,4", "-g", "ngram_max=2"]
    done = cli("sweep", "--data", "small.csv", *space, *words)
    refused(done, ExitCode.USAGE, "is above ngram_max 2")
    assert names(bare) == ["small.csv"]


def test_one_trial_is_told_as_one(cli, bare):
    assert cli("sweep", "--dry-run", "-g", "c=1").stderr == "expctl: 1 trial\n"


def test_dashes_in_a_key_are_underscores(cli, bare):
    done = cli("sweep", "--dry-run", "-g", "max-features=10,20", "--format", "csv")
    assert done.stdout == "trial,max_features\n1,10\n2,20\n"


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["-g", "c=1,2,3"], 3),
        (["-g", "c=1,2,3", "--trials", "2"], 2),
        (["-g", "c=1..2", "--sampler", "tpe"], 20),
        (["-g", "c=1..2", "--sampler", "random", "--trials", "5"], 5),
    ],
)
def test_no_more_workers_are_asked_for_than_there_are_trials(cli, bare, monkeypatch, words, most):
    def noted(jobs, scheduler, *, most):
        seen.append((jobs, scheduler, most))
        raise UsageError("seen enough")

    seen = []
    monkeypatch.setattr("expctl.training.search.workers.workers", noted)
    refused(cli("sweep", "--data", "small.csv", "--jobs", "64", *words), ExitCode.USAGE, "seen enough")
    assert seen == [(64, None, most)]


@pytest.mark.parametrize("wrong", [("--c", "-1"), ("-p", "max_df=2.5"), ("-p", "alpa=1")], ids=" ".join)
def test_a_wrong_fixed_value_is_an_error_of_a_dry_run_too(cli, bare, wrong):
    refused(cli("sweep", "--dry-run", "-g", "max_features=10,20", *wrong), ExitCode.USAGE)


@pytest.mark.every_store
def test_a_sweep_tells_each_trial_on_stderr_and_ends_with_its_ranking_on_stdout(cli, small):
    done = cli(*GRID, "--run-name", "first")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    parent = parent_of(small.parent, "first")
    assert lines[:4] == ["sweep: first", f"sweep_id: {parent.run_id}", "trials: 3", ""]
    head = lines[4].split()
    assert (head[0], head[-3:]) == ("#", ["c", "model", "started"])
    assert {"run", "name", "f1_score", "low", "high", "accuracy", "model"} <= set(head)
    best = max(children(small.parent, "first"), key=lambda run: run.metrics["f1_score"])
    assert best.run_id[:8] in lines[5]
    assert [line.split()[0] for line in lines[5:]] == ["1", "2", "3"]

    values = [run.metrics["f1_score"] for run in children(small.parent, "first")]
    told = done.stderr.splitlines()
    leader = 0
    for number, (c, value) in enumerate(zip(("0.01", "1", "100"), values, strict=True)):
        leader = leader if values[leader] >= value else number
        assert told[number] == (
            f"expctl: {number + 1}/3 trial {number + 1}: c={c}: f1_score {value:.4f}"
            f" (best {values[leader]:.4f}, trial {leader + 1})"
        )
    assert told[3:] == [
        "expctl: the best c, 100, is the highest that was tried: a better one may lie beyond",
        f"expctl: next: expctl show {best.run_id[:8]}, or report: expctl report {parent.run_id[:8]}",
    ]


DUMMY = ("sweep", "--data", "small.csv", "--jobs", "1", "--model", "dummy", "-g", "strategy=prior,uniform")


@pytest.mark.every_store
def test_the_id_format_prints_the_best_run_alone_and_feeds_the_next_command(cli, small):
    done = cli(*DUMMY, "--run-name", "first", "--keep-models", "1", "--format", "id")
    best = parent_of(small.parent, "first").tags[Tag.BEST_RUN]
    assert done.stdout == f"{best}\n"
    assert [run.run_id for run in children(small.parent, "first") if Tag.MODEL_DIGEST in run.tags] == [best]
    assert cli("predict", "a great film", "--run", best, "--format", "csv").exit_code == 0


@pytest.mark.every_store
def test_the_trials_of_a_sweep_with_the_longest_name_have_one_that_databases_take(cli, small):
    """PostgreSQL refuses a name of 251 characters."""
    assert cli(*DUMMY, "--run-name", "x" * 250, "--quiet").exit_code == 0
    assert [run.name for run in children(small.parent, "x" * 250)] == ["x" * 248 + "-1", "x" * 248 + "-2"]


def test_every_format_has_the_trials_and_is_quiet_when_asked(cli, small):
    again = ("sweep", "--resume", "first", "--jobs", "1")
    for words in (
        (*DUMMY, "--run-name", "first"),
        *((*again, "--format", one) for one in ("json", "jsonl", "csv", "md")),
    ):
        done = cli(*words, "--quiet")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "prior" in done.stdout
        assert "uniform" in done.stdout


def resumed(cli: Callable[..., Done], *words: str) -> Done:
    return cli("sweep", "--resume", "grid", "--jobs", "1", *words)


def test_json_holds_the_sweep_and_typed_rows(cli, sweeps):
    told = json.loads(resumed(cli, "--format", "json", "--quiet").stdout)
    assert (told["kind"], told["sweep"], told["trials"]) == ("sweep", "grid", 6)
    assert told["sweep_id"] == parent_of(sweeps, "grid").run_id
    assert [row["rank"] for row in told["rows"]] == [1, 2, 3, 4, 5, 6]
    assert {row["c"] for row in told["rows"]} == {0.01, 1.0, 100.0}


FAILING = ("sweep", "--data", "small.csv", "--jobs", "1", "-g", "solver=lbfgs,liblinear", "-p", "dual=true")


@pytest.mark.every_store
def test_a_trial_that_fails_is_recorded_the_rest_is_done_and_the_exit_code_says_so(cli, small):
    done = cli(*FAILING, "--run-name", "half")
    reason = "ValueError: Solver lbfgs supports only dual=False, got dual=True"
    assert done.exit_code == ExitCode.WORK_FAILED
    assert "trials: 1\n" in done.stdout
    assert done.stderr.splitlines()[0] == f"expctl: 1/2 trial 1: solver=lbfgs: failed: {reason}"
    assert f"expctl: 1 of 2 trials failed; the first, solver=lbfgs: {reason}" in done.stderr.splitlines()
    assert sorted(statuses(small.parent)) == ["FAILED", "FINISHED", "FINISHED"]


def test_where_all_trials_fail_there_is_one_line_beside_the_log(cli, small):
    done = cli("sweep", "--data", "small.csv", "--jobs", "1", "-g", "solver=lbfgs,saga", "-p", "dual=true", "--quiet")
    assert (done.exit_code, done.stdout) == (ExitCode.WORK_FAILED, "")
    assert "expctl: all 2 trials failed; the first: ValueError: Solver lbfgs" in done.stderr
    assert "--resume" not in done.stderr  # they would fail again
    assert set(statuses(small.parent)) == {"FAILED"}


def test_fail_fast_ends_at_the_first_failure_and_says_how_to_go_on(cli, small):
    done = cli(*FAILING, "--fail-fast", "--run-name", "fast")
    parent = parent_of(small.parent, "fast")
    assert (done.exit_code, done.stdout, parent.status) == (ExitCode.WORK_FAILED, "", "failed")
    assert f"resume: expctl sweep --resume {parent.run_id[:8]}\n" in done.stderr
    assert "finished" not in {run.status for run in children(small.parent, "fast")}


def test_a_resumed_sweep_runs_what_failed_and_exits_by_how_that_ends(cli, small):
    assert cli(*FAILING, "--run-name", "half").exit_code == 1
    done = cli("sweep", "--resume", "half", "--jobs", "1")
    assert done.exit_code == 1
    assert "expctl: 1 trial had been finished before\n" in done.stderr
    assert "expctl: 1 of 1 trial failed; the first, solver=lbfgs: ValueError" in done.stderr
    assert [run.status for run in children(small.parent, "half")].count("failed") == 2


def test_a_finished_sweep_resumed_does_nothing_and_is_done(cli, sweeps):
    parent, before = parent_of(sweeps, "grid"), [run.run_id for run in children(sweeps, "grid")]
    done = resumed(cli, "--format", "id")
    assert (done.exit_code, done.stdout) == (0, f"{parent.tags[Tag.BEST_RUN]}\n")
    assert "expctl: nothing was left to do: 6 trials had been finished\n" in done.stderr
    assert [run.run_id for run in children(sweeps, "grid")] == before


LATE = {
    "name": (["--run-name", "other"], "--run-name is for a new sweep", "--resume RUN goes on with an old one"),
    "tag": (["-t", "team=web"], "--tag is for a new sweep", "--resume RUN goes on with an old one"),
    "note": (["--note", "why"], "--note is for a new sweep", "--resume RUN goes on with an old one"),
    "data version": (["--data-version", "v9"], "--data-version is for a new sweep", "--resume RUN goes on"),
    "fewer trials": (["--trials", "3"], "the sweep has its whole grid as trials", "--trials can only add to them"),
    "more than a grid": (["--trials", "90"], "the sweep has its whole grid as trials", "--resume RUN alone"),
    "another space": (["-g", "c=1,2"], "the sweep has c 0.01,1,100, not 1,2", "--resume RUN alone goes on with it"),
    "another sampler": (["--sampler", "tpe"], "the sweep has sampler grid, not tpe", "without --resume a new sweep"),
    "other folds": (["--cv", "3"], "the sweep has cv as it is by default, not 3", "without --resume a new sweep"),
}


@pytest.mark.parametrize(("words", "message", "hint"), LATE.values(), ids=LATE)
def test_what_is_for_a_new_sweep_is_refused_when_one_is_resumed(cli, sweeps, words, message, hint):
    before = parent_of(sweeps, "grid")
    refused(resumed(cli, *words), ExitCode.USAGE, message, hint)
    assert parent_of(sweeps, "grid") == before


def unfinish(folder: Path, number: int) -> str:
    """Leave a trial of `grid` as one that was killed."""
    run = children(folder, "grid")[number - 1]
    client = store_of(folder).client
    client.delete_tag(run.run_id, Tag.COMPLETE)
    client.set_terminated(run.run_id, "KILLED")
    return run.tags[Tag.RECIPE]


@pytest.mark.every_store
def test_a_sweep_may_be_resumed_with_data_that_lie_elsewhere_by_now(cli, sweeps):
    recipe = unfinish(sweeps, 3)
    before = {run.run_id: run.metrics for run in children(sweeps, "grid")}
    (sweeps / "elsewhere").mkdir()
    Path("small.csv").rename("elsewhere/moved.csv")
    refused(resumed(cli, "--quiet"), ExitCode.DATA, "no file small.csv")
    done = resumed(cli, "--data", "elsewhere/moved.csv", "--format", "id")
    assert done.exit_code == 0, done.stderr
    assert "expctl: 5 trials had been finished before\n" in done.stderr
    old, new = [run for run in children(sweeps, "grid") if run.tags[Tag.TRIAL] == "3"]
    assert (old.status, new.status, new.tags[Tag.RECIPE]) == ("killed", "finished", recipe)
    assert new.metrics["f1_score"] == before[old.run_id]["f1_score"]


def test_a_sweep_is_not_resumed_with_other_data(cli, sweeps):
    unfinish(sweeps, 3)
    before = children(sweeps, "grid")
    write_reviews(sweeps / "other.csv", 210)
    done = resumed(cli, "--data", "other.csv", "--quiet")
    refused(done, ExitCode.DATA, "has changed: its sha256 was ", "restore the file, or start a new sweep")
    assert children(sweeps, "grid") == before


def test_a_sweep_may_be_given_more_trials_and_not_fewer(cli, small):
    words = ["--data", "small.csv", "--jobs", "1", "--model", "naive_bayes", "-g", "alpha=0.1..2.0"]
    assert cli("sweep", *words, "--sampler", "random", "--trials", "2", "--run-name", "grid").exit_code == 0
    refused(resumed(cli, "--trials", "1"), ExitCode.USAGE, "the sweep has 2 trials: --trials can only add to them")
    done = resumed(cli, "--trials", "3")
    assert done.exit_code == 0, done.stderr
    assert "expctl: 2 trials had been finished before\n" in done.stderr
    assert [run.tags[Tag.TRIAL] for run in children(small.parent, "grid")] == ["1", "2", "3"]
    refused(resumed(cli, "--trials", "2"), ExitCode.USAGE, "the sweep has 3 trials: --trials can only add to them")


def test_a_sweep_of_the_usual_number_may_be_given_more_trials(cli, small):
    words = ["--data", "small.csv", "--jobs", "1", "--model", "dummy", "-g", "strategy=prior,uniform"]
    assert cli("sweep", *words, "--sampler", "random", "--run-name", "grid").exit_code == 0
    assert "its whole grid" not in resumed(cli, "--trials", "30").stderr


@pytest.mark.every_store
def test_a_resumed_sweep_that_lives_is_left_alone(cli, sweeps):
    run_id, client = parent_of(sweeps, "grid").run_id, store_of(sweeps).client
    client.update_run(run_id, status="RUNNING")
    for key, value in process_tags().items():
        client.set_tag(run_id, key, value)
    done = resumed(cli)
    refused(
        done, ExitCode.NOT_FOUND, f"sweep grid is being run by process {os.getpid()}", "wait for it, or end it first"
    )


def test_a_run_that_is_no_sweep_cannot_be_resumed(cli, sweeps):
    refused(cli("sweep", "--resume", "alone"), ExitCode.NOT_FOUND, "run alone (", "is not a sweep")
    refused(cli("sweep", "--resume", "nobody"), ExitCode.NOT_FOUND, "nobody")


def test_with_folds_their_mean_decides(cli, small):
    done = cli(*GRID, "--cv", "3", "--run-name", "folds", "--format", "json", "--quiet")
    values = [row["cv_f1_score_mean"] for row in json.loads(done.stdout)["rows"]]
    assert values == sorted(values, reverse=True)
    assert set(values) == {run.metrics["cv_f1_score_mean"] for run in children(small.parent, "folds")}


def test_the_metric_that_was_asked_for_decides(cli, small):
    rows = json.loads(cli(*GRID, "--metric", "log_loss", "--format", "json", "--quiet").stdout)["rows"]
    assert [row["log_loss"] for row in rows] == sorted(row["log_loss"] for row in rows)


def test_labels_are_on_the_parent_and_tags_on_the_trials(cli, small):
    words = ["-t", "team=nlp", "--note", "why\nnot", "--data-version", "v2", "--run-name", "[red]n[/red]"]
    assert cli("sweep", "--data", "small.csv", "--jobs", "1", "-g", "c=1,2", *words).exit_code == 0
    parent = parent_of(small.parent, "[red]n[/red]")
    assert (parent.tags["team"], parent.tags[Tag.NOTE], parent.tags[Tag.DATA_VERSION]) == ("nlp", "why\nnot", "v2")
    for run in children(small.parent, "[red]n[/red]"):
        assert (run.tags["team"], run.tags.get(Tag.NOTE), run.params["data_version"]) == ("nlp", None, "v2")


def test_a_config_file_fixes_what_all_trials_have(cli, small):
    Path("c.toml").write_text('data = "small.csv"\nmax_features = 30\n[param]\nmin_df = 2\n[tag]\nteam = "nlp"\n')
    done = cli(
        "sweep", "--config", "c.toml", "--jobs", "1", "-g", "c=1,2", "--run-name", "filed", "--max-features", "20"
    )
    assert done.exit_code == 0, done.stderr
    for run in children(small.parent, "filed"):
        assert (run.params["max_features"], run.params["min_df"], run.tags["team"]) == ("20", "2", "nlp")


def test_what_a_config_file_fixes_cannot_be_varied(cli, bare):
    Path("c.toml").write_text("c = 1.0\n")
    refused(cli("sweep", "--config", "c.toml", "-g", "c=1,2"), ExitCode.USAGE, "c is both fixed and varied with -g")


def test_predicting_with_a_sweep_names_its_best_run(cli, sweeps):
    best = parent_of(sweeps, "grid").tags[Tag.BEST_RUN][:8]
    refused(cli("predict", "x", "--run", "grid"), ExitCode.NOT_FOUND, "is a sweep", best)


def test_what_mattered_is_told(cli, sweeps, monkeypatch):
    """With twenty real trials: see the last test of this file."""

    def found(space, results, *, higher_is_better):
        assert (len(results), higher_is_better) == (6, True)
        return {"c": 0.876, "max_features": 0.124}

    monkeypatch.setattr("expctl.workflows.sweep_record.importance", found)
    assert "expctl: parameter importance for f1_score: c 88%, max_features 12%\n" in resumed(cli).stderr


USAGE = {
    "nothing to vary": ([], "a sweep needs something to vary", "for example -g c=0.1,1,10"),
    "no pair": (["-g", "c"], "c", "="),
    "twice": (["-g", "c=1", "-g", "c=2"], "-g gives 'c' twice", "give it once"),
    "fixed and varied": (["-g", "c=1,2", "--c", "3"], "c is both fixed and varied with -g", "give it once"),
    "bad value among good": (["-g", "c=1,-1"], "c must be a number above 0; '-1' is not", ""),
    "reversed": (["-g", "c=2..1"], "-g c=2..1: its bounds are reversed", "LOW..HIGH"),
    "data": (["-g", "data=a.csv,b.csv"], "-g data: all trials of a sweep have the same data", "--data"),
    "folds": (["-g", "cv=3,5"], "-g cv: all trials of a sweep have the same cv", "--cv"),
    "fixed, of one model": (["-g", "model=logreg,ridge", "--c", "3"], "-p c: ridge has no parameter 'c'", "logreg.c"),
    "unknown key": (["-g", "max_featurs=1,2"], "did you mean 'max_features'?", "it has"),
    "another family's": (["-g", "model=logreg,ridge", "-g", "alpha=1"], "logreg has no parameter 'alpha'", "ridge."),
    "grid without end": (["-g", "c=1..2"], "is infinite", "--sampler tpe"),
    "10^7 combinations": (["-g", "max_iter=1..1000", "-g", "max_features=1..10000"], "10,000,000 comb", "random"),
    "unknown sampler": (["-g", "c=1,2", "--sampler", "gird"], "did you mean 'grid'?", "--sampler grid | random"),
    "unknown metric": (["-g", "c=1,2", "--metric", "f1"], "a sweep cannot rank by 'f1'", "--metric accuracy"),
    "clock as metric": (["-g", "c=1,2", "--metric", "fit_seconds"], "cannot rank by 'fit_seconds'", "--metric"),
    "no time": (["-g", "c=1,2", "--timeout", "soon"], "invalid --timeout: 'soon'", "90s, 30m or 2h"),
    "time 0": (["-g", "c=1,2", "--timeout", "0s"], "invalid --timeout: '0s'", "90s"),
    "no models": (["-g", "c=1,2", "--keep-models", "0"], "--keep-models '0' must be all or an integer from 1", "3"),
    "no backend": (["-g", "c=1,2", "--backend", "ray"], "no backend 'ray'", "loky | dask"),
    "dask without scheduler": (["-g", "c=1,2", "--backend", "dask"], "--backend dask needs its scheduler", "tcp://"),
    "scheduler without dask": (["-g", "c=1,2", "--scheduler", "tcp://x:1"], "--scheduler is for Dask", "--backend"),
    "reserved tag": (["-g", "c=1,2", "-t", "mlflow.x=1"], "tag 'mlflow.x': mlflow. and expctl. are reserved", ""),
    "empty name": (["-g", "c=1,2", "--run-name", " "], "the run's name is empty", ""),
    "dry run and resume": (["-g", "c=1,2", "--dry-run", "--resume", "x"], "--dry-run shows a new sweep", ""),
    "format": (["-g", "c=1,2", "--format", "xml"], "unknown format 'xml'", "--format table"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "message", "hint"), USAGE.values(), ids=USAGE)
def test_wrong_use_is_told_before_any_store_is_made(cli, bare, words, message, hint):
    refused(cli("sweep", "--data", "small.csv", "--jobs", "1", *words), ExitCode.USAGE, message, hint)
    assert names(bare) == ["small.csv"]


@pytest.mark.parametrize(("flag", "value"), [("--jobs", "0"), ("--trials", "0"), ("--jobs", "x")])
def test_numbers_out_of_range_are_told_before_any_store_is_made(cli, bare, flag, value):
    done = cli("sweep", "-g", "c=1,2", flag, value)
    assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
    assert names(bare) == ["small.csv"]


def test_bad_data_is_told_before_any_store_is_made(cli, bare):
    refused(cli("sweep", "--data", "nothing.csv", "--jobs", "1", "-g", "c=1,2"), ExitCode.DATA, "no file nothing.csv")
    refused(cli("sweep", "--data", "small.csv", "--jobs", "1", "-g", "c=1,2", "--text-column", "txt"), ExitCode.DATA)
    assert names(bare) == ["small.csv"]


def trained(cli: Callable[..., Done], folder: Path, *words: str) -> dict[str, bytes]:
    done = cli("train", *words, "--format", "id", "--quiet")
    assert done.exit_code == 0, done.stderr
    return files_of(folder, store_of(folder).get(done.stdout.strip()))


def test_two_jobs_give_the_same_trials_as_train_and_a_failing_one_costs_nothing(run_command, small):
    """As processes of their own: workers, memory maps and one writer."""
    words = ["-g", "solver=lbfgs,liblinear", "-g", "max_features=20,none", "-p", "dual=true", "--cv", "2"]
    done = run_command("sweep", "--data", "small.csv", "--jobs", "2", *words, "--run-name", "two", "--format", "id")
    assert (done.exit_code, "Traceback" in done.stderr) == (ExitCode.WORK_FAILED, False)
    assert done.stdout.strip() == parent_of(small.parent, "two").tags[Tag.BEST_RUN]
    runs = children(small.parent, "two")
    assert [(run.status, run.params["solver"], run.params["max_features"]) for run in runs] == [
        ("failed", "lbfgs", "20"), ("failed", "lbfgs", "None"), ("finished", "liblinear", "20"),
        ("finished", "liblinear", "None"),
    ]  # fmt: skip
    for run in runs[2:]:
        alone = trained(run_command, small.parent, "--data", "small.csv", "-p", "solver=liblinear", "-p", "dual=true",
                        "-p", f"max_features={run.params['max_features']}", "--cv", "2")  # fmt: skip
        of_the_sweep = {"source.patch": b"", "data_rows.parquet": b""}
        assert {**files_of(small.parent, run), **of_the_sweep} == {**alone, **of_the_sweep}
    pictures = files_of(small.parent, parent_of(small.parent, "two"))
    assert min(len(pictures[name]) for name in ("parallel_coordinates.png", "scatter.png")) > 1000


@pytest.mark.slow
def test_trials_of_real_data_equal_trainings(cli, folder):
    """24 trials; six of them, with every value among them, are trained again."""
    data = str(real_data("sentiment3k.csv"))
    words = ["-g", "c=0.1,1,10,100", "-g", "max_features=500,2000,none", "-g", "ngram_max=1,2"]
    done = cli("sweep", "--data", data, "--jobs", "1", *words, "--keep-models", "1", "--run-name", "real")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"expctl: parameter importance for f1_score: (c|max_features|ngram_max) \d+%, ", done.stderr)
    runs = children(folder, "real")
    assert len(runs) == 24
    some = [runs[place] for place in (0, 3, 9, 13, 16, 23)]
    varied = ("c", "max_features", "ngram_max")
    for key in varied:
        assert {run.params[key] for run in some} == {run.params[key] for run in runs}
    for run in some:
        pairs = [part for key in varied for part in ("-p", f"{key}={run.params[key]}")]
        alone = trained(cli, folder, "--data", data, *pairs)
        assert files_of(folder, run)["predictions.parquet"] == alone["predictions.parquet"], pairs


def repeated(path: str) -> None:
    """`small.csv` with every third row a second time."""
    header, *rows = Path("small.csv").read_text().splitlines()
    Path(path).write_text("\n".join([header, *rows, *rows[::3]]) + "\n")


def test_what_the_guard_finds_is_told_once_and_recorded_on_every_trial(cli, small):
    repeated("data.csv")
    words = ("sweep", "--data", "data.csv", "--jobs", "1", "-g", "c=0.1,1", "--run-name")
    done = cli(*words, "leaky")
    trials = children(small.parent, "leaky")
    leaked = {run.params["leaked_rows"] for run in trials}
    assert len(trials) == 2
    assert len(leaked) == 1
    assert done.stderr.count(f"warning: {leaked.pop()} of 54 test rows have a text that is trained on too") == 1
    done = cli(*words, "clean", "--dedupe", "--strict")
    assert (done.exit_code, "warning" in done.stderr) == (0, False)
    assert [run.params.get("leaked_rows") for run in children(small.parent, "clean")] == [None, None]
    parent = parent_of(small.parent, "clean")
    assert "--dedupe" in json.loads(cli("show", "clean", "--format", "json").stdout)["run"]["command"]
    resumed = cli("sweep", "--resume", parent.run_id, "--jobs", "1", "--quiet")
    assert (resumed.exit_code, len(children(small.parent, "clean"))) == (0, 2)


def test_strict_refuses_a_sweep_before_any_store_is_made(cli, bare):
    repeated("data.csv")
    words = ("--data", "data.csv", "--jobs", "1", "-g", "c=0.1,1", "--strict")
    refused(cli("sweep", *words), ExitCode.DATA, "--dedupe keeps copies on one side (leave out --strict")
    assert names(bare) == ["data.csv", "small.csv"]


def test_strict_fails_the_trials_that_know_no_term_of_a_test_row(cli, small):
    Path("test.csv").write_text("text,label\nsuperb film,positive\ndull film,negative\n")
    words = ("--data", "small.csv", "--test-data", "test.csv", "--jobs", "1", "-g", "max_features=1,none")
    done = cli("sweep", *words, "--strict", "--run-name", "some")
    assert done.exit_code == ExitCode.WORK_FAILED
    failed, finished = children(small.parent, "some")
    assert (failed.status, finished.status) == ("failed", "finished")
    assert failed.tags[Tag.REASON].startswith("2 of 2 test rows have no term that the model knows")


def test_a_sweep_begins_at_the_recipe_of_a_run(cli, runs):
    done = cli("sweep", "--from", "weak", "-g", "c=1,2", "--cv", "2", "--jobs", "1", "--format", "id")
    weak = store_of(runs).find("name = 'weak'")[0]
    told = f"expctl: from weak ({weak.run_id[:8]}): cv=2 (was none), varies c"
    assert (done.exit_code, done.stderr.splitlines()[0]) == (0, told)
    best = store_of(runs).get(done.stdout.strip())
    assert {**best.params, "c": "0.01"} == {**weak.params, "cv": "2"}
