"""A sweep's parent run, and how it is taken up again: nothing finished is run twice, nothing stays RUNNING."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections import Counter

import filelock
import pandas as pd
import psutil
import pytest

from expctl.errors import ExitCode, RunNotFound, TrainingFailed, UsageError
from expctl.records import Tag
from expctl.tracking.runs import lifecycle
from expctl.tracking.runs.metadata import labels_of
from expctl.training.search.samplers import Proposals
from expctl.training.search.space import read_space
from expctl.workflows.sweep_resume import claim, reopen, trials_of
from tests.conftest import write_reviews
from tests.tracking.recorded import statuses, store_of
from tests.tracking.swept import GRID, children, files_of, parent_of, resume, sweep

pytestmark = pytest.mark.usefixtures("no_pictures")


def recipes_of(runs):
    return Counter(run.tags[Tag.RECIPE] for run in runs)


def set_running(folder, run, **tags: str) -> None:
    """Leave a run as a process leaves it that is killed."""
    client = store_of(folder).client
    for key in (Tag.COMPLETE, Tag.REASON):
        if key in run.tags:
            client.delete_tag(run.run_id, key)
    for key, value in tags.items():
        client.set_tag(run.run_id, getattr(Tag, key), value)
    client.update_run(run.run_id, status="RUNNING")


def test_the_parent_holds_what_was_asked(sweeps):
    parent = parent_of(sweeps, "grid")
    assert parent.params == {
        "data_path": "small.csv", "min_df": "2", "space.c": GRID["c"], "space.max_features": GRID["max_features"],
        "sampler": "grid", "metric": "f1_score", "data_hash": parent.params["data_hash"], "data_version": "v3",
    }  # fmt: skip
    assert parent.params["data_hash"] == children(sweeps, "grid")[0].params["data_hash"]
    assert (parent.status, parent.tags[Tag.COMPLETE], parent.tags["team"]) == ("finished", "true", "nlp")
    assert Tag.RECIPE not in parent.tags


def test_the_parent_names_its_best_run(sweeps):
    runs = children(sweeps, "grid")
    best = max(runs, key=lambda run: (run.metrics["f1_score"], -int(run.tags[Tag.TRIAL])))
    parent = parent_of(sweeps, "grid")
    assert parent.tags[Tag.BEST_RUN] == best.run_id
    assert parent.metrics == {
        "trials_finished": 6.0, "trials_failed": 0.0, "best_f1_score": best.metrics["f1_score"],
    }  # fmt: skip


def test_the_parent_holds_the_rows_of_the_data_a_table_and_two_pictures(sweeps):
    files = files_of(sweeps, parent_of(sweeps, "grid"))
    assert sorted(files) == ["data_rows.parquet", "parallel_coordinates.png", "scatter.png", "trials.csv"]
    assert all(files[name].startswith(b"\x89PNG\r\n") for name in files if name.endswith(".png"))
    assert len(pd.read_parquet(io.BytesIO(files["data_rows.parquet"]))) == 200


def table_of(folder, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files_of(folder, parent_of(folder, name))["trials.csv"].decode())))


def test_the_table_has_every_trial_with_its_values_and_metrics(sweeps):
    rows = table_of(sweeps, "grid")
    runs = children(sweeps, "grid")
    assert list(rows[0])[:7] == ["trial", "run_id", "name", "status", "c", "max_features", "accuracy"]
    assert [(row["trial"], row["run_id"], row["name"], row["status"]) for row in rows] == [
        (str(number), run.run_id, f"grid-{number}", "finished") for number, run in enumerate(runs, 1)
    ]
    assert [(row["c"], row["max_features"]) for row in rows] == [
        ("0.01", "20"), ("0.01", "None"), ("1.0", "20"), ("1.0", "None"), ("100.0", "20"), ("100.0", "None"),
    ]  # fmt: skip
    assert [float(row["f1_score"]) for row in rows] == [run.metrics["f1_score"] for run in runs]


def test_the_table_has_the_trials_that_failed(sweeps):
    assert [(row["trial"], row["status"], row["f1_score"] == "") for row in table_of(sweeps, "mixed")] == [
        ("1", "failed", True), ("2", "finished", False),
    ]  # fmt: skip


def test_the_table_says_what_was_varied_in_a_trial_that_failed(sweeps):
    assert [row["solver"] for row in table_of(sweeps, "mixed")] == ["lbfgs", "liblinear"]


def test_where_folds_decide_their_means_are_in_the_table(small):
    sweep(small.parent, {"c": "1,2"}, "folds", cv=2)
    run = children(small.parent, "folds")[0]
    assert float(table_of(small.parent, "folds")[0]["cv_f1_score_mean"]) == run.metrics["cv_f1_score_mean"]


def test_a_table_cannot_run_formulas(small):
    sweep(small.parent, {"c": "1,2"}, "=cmd()")
    assert table_of(small.parent, "=cmd()")[0]["name"] == "'=cmd()-1"


def test_ranking_goes_by_value_then_by_number(small):
    swept = sweep(small.parent, {"strategy": "uniform,prior,most_frequent"}, model="dummy")
    values = [run.metrics["f1_score"] for run in swept.ranked]
    numbers = [int(run.tags[Tag.TRIAL]) for run in swept.ranked]
    assert values == sorted(values, reverse=True)
    assert numbers.index(2) < numbers.index(3)


def test_the_best_value_on_the_edge_is_told(small):
    swept = sweep(small.parent, {"c": "0.001,0.01,100"})
    assert swept.edges == {"c": (100.0, "highest")}


def test_contradictory_combinations_are_counted_and_make_no_run(small):
    swept = sweep(small.parent, {"ngram_min": "1,2", "ngram_max": "1,2"}, "partly")
    assert swept.left_out == {"ngram_min 2 is above ngram_max 1": 1}
    assert len(children(small.parent, "partly")) == 3


def test_where_every_trial_fails_the_sweep_has_failed(sweeps):
    parent = parent_of(sweeps, "fruitless")
    assert parent.status == "failed"
    assert parent.tags[Tag.REASON] == "all 2 trials failed; the first: ValueError: this"
    assert [run.status for run in children(sweeps, "fruitless")] == ["failed", "failed"]


def test_where_no_trial_has_the_metric_the_sweep_has_failed(small):
    with pytest.raises(TrainingFailed) as caught:
        sweep(small.parent, {"c": "1,2"}, model="linear_svm", metric="log_loss")
    assert (caught.value.message, caught.value.hint) == ("no trial has log_loss", "--metric f1_score")


def test_fail_fast_ends_the_sweep_failed_with_the_first_reason(small):
    with pytest.raises(TrainingFailed, match="Solver lbfgs"):
        sweep(small.parent, {"solver": "lbfgs,liblinear"}, "fast", dual=True, fail_fast=True)
    assert parent_of(small.parent, "fast").status == "failed"
    assert children(small.parent, "fast")[0].status == "failed"
    assert "RUNNING" not in statuses(small.parent)


def test_a_sweep_too_long_to_be_written_down_is_refused_before_any_run(small):
    texts = {"c": ",".join(str(number) for number in range(1, 2500))}
    with pytest.raises(UsageError) as caught:
        sweep(small.parent, texts, trials=1)
    assert caught.value.message == "c has 11,387 characters, the limit is 6,000"
    assert caught.value.hint == "shorter lists of values"
    assert statuses(small.parent) == []


def test_a_finished_sweep_resumed_does_nothing(sweeps):
    before = [run.run_id for run in children(sweeps, "grid")]
    swept = resume(sweeps, parent_of(sweeps, "grid"))
    assert [run.run_id for run in children(sweeps, "grid")] == before
    assert (swept.outcome.known, swept.outcome.done) == (6, 0)
    assert swept.parent.run_id == parent_of(sweeps, "grid").run_id
    assert parent_of(sweeps, "grid").status == "finished"


def test_resuming_keeps_the_models_that_were_kept(sweeps):
    before = {run.run_id for run in children(sweeps, "grid") if Tag.MODEL_DIGEST in run.tags}
    resume(sweeps, parent_of(sweeps, "grid"))
    assert {run.run_id for run in children(sweeps, "grid") if Tag.MODEL_DIGEST in run.tags} == before


def test_resuming_runs_again_what_failed_or_was_killed_and_nothing_else(sweeps):
    runs = children(sweeps, "grid")
    client = store_of(sweeps).client
    for run, status in ((runs[1], "KILLED"), (runs[3], "FAILED")):
        client.delete_tag(run.run_id, Tag.COMPLETE)
        client.set_terminated(run.run_id, status)
    set_running(sweeps, parent_of(sweeps, "grid"), STARTED="1.00")
    swept = resume(sweeps, parent_of(sweeps, "grid"))
    assert (swept.outcome.known, swept.outcome.done) == (4, 2)
    again = {run.tags[Tag.TRIAL] for run in children(sweeps, "grid") if run.run_id not in {one.run_id for one in runs}}
    assert again == {"2", "4"}
    assert "RUNNING" not in statuses(sweeps)


def test_resuming_closes_what_a_killed_process_left_running(sweeps):
    run = children(sweeps, "grid")[5]
    set_running(sweeps, run)
    set_running(sweeps, parent_of(sweeps, "grid"), STARTED="1.00")
    resume(sweeps, parent_of(sweeps, "grid"))
    orphan = store_of(sweeps).get(run.run_id)
    assert (orphan.status, orphan.tags[Tag.REASON]) == ("killed", "its process exited without recording a status")
    finished = recipes_of(one for one in children(sweeps, "grid") if Tag.COMPLETE in one.tags)
    assert len(finished) == 6
    assert set(finished.values()) == {1}


def test_a_trial_that_is_complete_but_running_is_finished_and_not_run_again(sweeps):
    run = children(sweeps, "grid")[5]
    store_of(sweeps).client.update_run(run.run_id, status="RUNNING")
    set_running(sweeps, parent_of(sweeps, "grid"), STARTED="1.00")
    swept = resume(sweeps, parent_of(sweeps, "grid"))
    assert (swept.outcome.known, swept.outcome.done) == (6, 0)
    assert store_of(sweeps).get(run.run_id).status == "finished"
    assert len(children(sweeps, "grid")) == 6


def test_a_claim_writes_this_process_and_nothing_else(sweeps, gone):
    set_running(sweeps, parent_of(sweeps, "grid"), PID=gone, STARTED="1.00")
    before = parent_of(sweeps, "grid")
    claim(store_of(sweeps), before)
    after = parent_of(sweeps, "grid")
    assert after.tags == before.tags | lifecycle.process_tags()
    assert after.status == "running"


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    process = psutil.Popen(["true"])
    process.wait()
    return str(process.pid)


@pytest.fixture
def other():
    """The process tags of another process that lives."""
    process = psutil.Popen(["sleep", "60"])
    tags = {"PID": str(process.pid), "STARTED": f"{process.create_time():.2f}"}
    yield tags
    process.kill()
    process.wait()


def set_tags(folder, run, **tags: str) -> None:
    for key, value in tags.items():
        store_of(folder).client.set_tag(run.run_id, getattr(Tag, key), value)


def test_a_finished_sweep_of_another_machine_may_be_claimed(sweeps):
    set_tags(sweeps, parent_of(sweeps, "grid"), HOST="elsewhere", PID="7")
    claim(store_of(sweeps), parent_of(sweeps, "grid"))
    assert parent_of(sweeps, "grid").tags[Tag.PID] == str(os.getpid())


def test_a_sweep_that_another_process_has_just_claimed_cannot_be_claimed(sweeps, other):
    """Its status is still that of the process before."""
    set_tags(sweeps, parent_of(sweeps, "grid"), **other)
    before = parent_of(sweeps, "grid")
    with pytest.raises(RunNotFound, match=f"is being run by process {other['PID']}"):
        claim(store_of(sweeps), before)
    assert parent_of(sweeps, "grid").tags == before.tags


def test_of_two_that_claim_a_sweep_at_once_the_second_waits_and_is_refused(sweeps, other):
    parent = parent_of(sweeps, "grid")
    lock = filelock.FileLock(sweeps / ".mlflow.db.lock", thread_local=False)
    lock.acquire()

    def be_first() -> None:
        set_tags(sweeps, parent, **other)
        lock.release()

    threading.Timer(0.5, be_first).start()
    with pytest.raises(RunNotFound, match=f"is being run by process {other['PID']}"):
        claim(store_of(sweeps), parent)
    assert parent_of(sweeps, "grid").tags[Tag.PID] == other["PID"]


def everything(folder) -> list[tuple[str, str, dict[str, str]]]:
    return sorted((run.run_id, run.status, dict(run.tags)) for run in store_of(folder).find())


def test_of_two_that_claim_a_sweep_the_later_goes_on_and_the_earlier_changes_nothing(sweeps, other):
    parent = parent_of(sweeps, "grid")
    set_running(sweeps, children(sweeps, "grid")[0])
    claim(store_of(sweeps), parent)
    set_tags(sweeps, parent, **other)
    before = everything(sweeps)
    with pytest.raises(RunNotFound) as caught:
        sweep(sweeps, GRID, keep_models=2, labels=labels_of(parent), min_df=2, resumed=parent)
    assert caught.value.exit_code == ExitCode.NOT_FOUND
    assert caught.value.message.startswith(f"sweep grid is being run by process {other['PID']} on ")
    assert everything(sweeps) == before


def test_a_command_that_lost_its_sweep_ends_with_the_code_of_not_found(cli, sweeps, other, monkeypatch):
    """While it reads the data another process claims the sweep."""
    from expctl.training.search import shared_data

    original = shared_data.prepare
    parent = parent_of(sweeps, "grid")
    before = []

    def slowly(*given, **named):
        set_tags(sweeps, parent, **other)
        before.append(everything(sweeps))
        return original(*given, **named)

    monkeypatch.setattr(shared_data, "prepare", slowly)
    done = cli("sweep", "--resume", "grid", "--jobs", "1")
    assert (done.exit_code, done.stdout) == (ExitCode.NOT_FOUND, "")
    assert f"expctl: sweep grid is being run by process {other['PID']} on " in done.stderr
    assert "--resume" not in done.stderr
    assert before == [everything(sweeps)]


def test_taking_up_gives_the_finished_runs_by_their_recipe(sweeps):
    runs = children(sweeps, "grid")
    set_running(sweeps, runs[0])
    claim(store_of(sweeps), parent_of(sweeps, "grid"))
    finished = reopen(store_of(sweeps), parent_of(sweeps, "grid"))
    assert {recipe: run.run_id for recipe, run in finished.items()} == {
        run.tags[Tag.RECIPE]: run.run_id for run in runs[1:]
    }


def test_a_sweep_whose_process_lives_is_not_claimed(sweeps):
    set_running(sweeps, parent_of(sweeps, "grid"), **_ours())
    with pytest.raises(RunNotFound) as caught:
        claim(store_of(sweeps), parent_of(sweeps, "grid"))
    host = lifecycle.process_tags()[Tag.HOST]
    assert caught.value.message == f"sweep grid is being run by process {os.getpid()} on {host}"
    assert caught.value.hint == "wait for it, or end it first"


def _ours() -> dict[str, str]:
    ours = lifecycle.process_tags()
    return {"HOST": ours[Tag.HOST], "PID": ours[Tag.PID], "STARTED": ours[Tag.STARTED]}


def test_a_running_sweep_of_another_machine_is_not_claimed(sweeps):
    set_running(sweeps, parent_of(sweeps, "grid"), HOST="elsewhere", PID="7")
    with pytest.raises(RunNotFound) as caught:
        claim(store_of(sweeps), parent_of(sweeps, "grid"))
    assert caught.value.message == "sweep grid may still be run by process 7 on elsewhere"
    assert caught.value.hint == "resume it there"


def test_nothing_is_changed_where_a_sweep_is_not_taken_up(sweeps):
    set_running(sweeps, children(sweeps, "grid")[0])
    set_running(sweeps, parent_of(sweeps, "grid"), **_ours())
    before = everything(sweeps)
    with pytest.raises(RunNotFound):
        resume(sweeps, parent_of(sweeps, "grid"))
    assert everything(sweeps) == before


def test_the_number_of_a_taken_up_trial_is_its_own(sweeps):
    """Text would put 10 before 2."""
    client = store_of(sweeps).client
    runs = children(sweeps, "grid")
    client.set_tag(runs[0].run_id, Tag.TRIAL, "10")
    numbers = [run.tags[Tag.TRIAL] for run in trials_of(store_of(sweeps), parent_of(sweeps, "grid"))]
    assert numbers == ["2", "3", "4", "5", "6", "10"]


RANDOM = {"c": "log:1e-2..1e2", "max_features": "20..60"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_a_sampler_resumed_proposes_what_it_did_and_goes_on(small, sampler):
    sweep(small.parent, RANDOM, "drawn", sampler=sampler, trials=2)
    swept = resume(small.parent, parent_of(small.parent, "drawn"), trials=3)
    space = read_space(RANDOM, {"data": "small.csv"})
    proposals = Proposals(space, sampler, trials=3, seed=space.seed, higher_is_better=True)
    whole = [trial.made.to_json() for trial in iter(proposals.ask, None)]  # nothing is learned from so few
    assert (swept.outcome.known, swept.outcome.done) == (2, 1)
    assert [run.tags[Tag.RECIPE] for run in children(small.parent, "drawn")] == whole


def test_a_sampler_resumed_proposes_what_it_did_for_axes_in_any_order(small):
    texts = dict(reversed(RANDOM.items()))
    sweep(small.parent, texts, "drawn", sampler="random", trials=2)
    assert resume(small.parent, parent_of(small.parent, "drawn")).outcome.done == 0


def test_a_grid_resumed_numbers_its_trials_as_before(small):
    sweep(small.parent, {"max_features": "20,30", "c": "1,2"}, "grid")
    run = children(small.parent, "grid")[1]
    client = store_of(small.parent).client
    client.delete_tag(run.run_id, Tag.COMPLETE)
    client.set_terminated(run.run_id, "KILLED")
    resume(small.parent, parent_of(small.parent, "grid"))
    assert [one.tags[Tag.TRIAL] for one in children(small.parent, "grid")] == ["1", "2", "2", "3", "4"]


def test_data_that_changed_changes_nothing_of_a_sweep_that_is_done(cli, sweeps):
    write_reviews(sweeps / "small.csv", 210)
    done = cli("sweep", "--resume", "grid", "--jobs", "1")
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr.startswith("expctl: small.csv has changed: its sha256 was ")
    assert done.stderr.endswith("(restore the file, or start a new sweep)\n")
    assert parent_of(sweeps, "grid").status == "finished"
