"""A trial is a run like any other: what `train` makes of the same recipe, under its sweep; and the models that stay."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from expctl.errors import StoreError, TrainingFailed
from expctl.metrics import METRICS
from expctl.records import Tag
from expctl.tracking.runs.items import ModelItem
from expctl.tracking.runs.writer import RunWriter
from expctl.training.search.workers import InProcess
from expctl.workflows.sweep_resume import trials_of
from tests.tracking.recorded import model_folder, store_of, train
from tests.tracking.swept import children, files_of, parent_of, resume, sweep

pytestmark = pytest.mark.usefixtures("no_pictures")
CLOCKS = [key for key, metric in METRICS.items() if metric.needs == "clock"]
OWN = {
    "mlflow.runName", "mlflow.source.name", "mlflow.note.content", "mlflow.artifact.location", Tag.PARENT, Tag.TRIAL,
    Tag.MODEL_DIGEST, Tag.DATA_VERSION,
}  # fmt: skip


@pytest.fixture
def pair(sweeps):
    """A trial of the sweep `grid`, and the run `alone` of the same recipe."""
    alone = parent_of(sweeps, "alone")
    (trial,) = [run for run in children(sweeps, "grid") if run.tags[Tag.RECIPE] == alone.tags[Tag.RECIPE]]
    return trial, alone


def test_a_trial_has_the_parameters_of_the_same_training_alone(pair):
    trial, alone = pair
    assert {**trial.params, "data_version": None} == {**alone.params, "data_version": None}


def test_a_trial_has_the_metrics_of_the_same_training_alone(pair):
    trial, alone = pair
    assert set(trial.metrics) == set(alone.metrics)
    assert {key: value for key, value in trial.metrics.items() if key not in CLOCKS} == {
        key: value for key, value in alone.metrics.items() if key not in CLOCKS
    }


def test_a_trial_has_the_tags_of_the_same_training_alone(pair):
    ours, theirs = (
        {key: value for key, value in run.tags.items() if key not in OWN and "git" not in key} for run in pair
    )
    assert ours == theirs


def test_a_trial_has_the_files_of_the_same_training_alone(pair, sweeps):
    ours, theirs = (files_of(sweeps, run) for run in pair)
    missing = {"confusion_matrix.png"} if Tag.MODEL_DIGEST not in pair[0].tags else set()
    assert set(theirs) - set(ours) - {"source.patch"} == missing | {"data_rows.parquet"}  # their parent has it
    assert {name for name in ours if ours[name] != theirs[name]} == set()


def test_a_trial_has_the_dataset_of_the_same_training_alone(pair, sweeps):
    ours, theirs = (store_of(sweeps).client.get_run(run.run_id).inputs.dataset_inputs for run in pair)
    assert [one.dataset.to_dictionary() for one in ours] == [one.dataset.to_dictionary() for one in theirs]


def test_folds_of_a_trial_are_those_of_the_same_training_alone(small):
    swept = sweep(small.parent, {"c": "0.5"}, cv=3)
    alone = train(small.parent, c=0.5, cv=3)
    client = store_of(small.parent).client
    for key in ("cv_f1_score", "cv_log_loss"):
        ours, theirs = (
            [(point.step, point.value) for point in client.get_metric_history(run.run_id, key)]
            for run in (swept.ranked[0], alone)
        )
        assert ours == theirs
        assert len(ours) == 3


def test_trials_are_children_with_number_name_and_labels(sweeps):
    parent = parent_of(sweeps, "grid")
    runs = children(sweeps, "grid")
    assert [run.tags[Tag.TRIAL] for run in runs] == ["1", "2", "3", "4", "5", "6"]
    assert [run.name for run in runs] == [f"grid-{number}" for number in range(1, 7)]
    assert {run.tags[Tag.PARENT] for run in runs} == {parent.run_id}
    assert {(run.status, run.tags[Tag.COMPLETE], run.tags["team"]) for run in runs} == {("finished", "true", "nlp")}
    assert {run.params["data_version"] for run in runs} == {"v3"}


def test_the_note_of_a_sweep_is_on_its_parent_alone(sweeps):
    assert parent_of(sweeps, "grid").tags[Tag.NOTE] == "a note"
    assert [run.tags.get(Tag.NOTE) for run in children(sweeps, "grid")] == [None] * 6


def best_first(runs):
    return sorted(runs, key=lambda run: (-run.metrics["f1_score"], int(run.tags[Tag.TRIAL])))


def test_the_models_of_the_best_trials_are_kept_and_no_others(sweeps):
    ranked = best_first(children(sweeps, "grid"))
    assert [Tag.MODEL_DIGEST in run.tags for run in ranked] == [True, True, False, False, False, False]


def test_the_files_of_models_that_are_not_kept_are_gone(sweeps):
    assert len(list(Path("mlartifacts").rglob("model.skops"))) == 2 + 1 + 1  # grid; mixed; alone
    for run in best_first(children(sweeps, "grid"))[:2]:
        assert (model_folder(run) / "model.skops").is_file()


def test_a_kept_model_predicts(cli, sweeps):
    done = cli("predict", "a great film", "--run", best_first(children(sweeps, "grid"))[0].run_id, "--format", "csv")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("place", [2, 5], ids=["once kept", "never kept"])
def test_predicting_without_a_model_says_so(cli, sweeps, place):
    run = best_first(children(sweeps, "grid"))[place]
    done = cli("predict", "a great film", "--run", run.run_id)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == (
        f"expctl: run {run.name} ({run.run_id[:8]}) has no model (try: expctl show {run.run_id[:8]})\n"
    )


def test_of_equal_trials_the_earlier_keeps_its_model(small):
    swept = sweep(small.parent, {"strategy": "prior,most_frequent"}, model="dummy", keep_models=1)
    assert swept.ranked[0].metrics["f1_score"] == swept.ranked[1].metrics["f1_score"]
    assert [Tag.MODEL_DIGEST in run.tags for run in swept.ranked] == [True, False]
    assert swept.ranked[0].tags[Tag.TRIAL] == "1"


def test_where_less_is_better_the_models_of_the_lowest_are_kept(small):
    texts = {"model": "logreg,dummy,naive_bayes"}
    swept = sweep(small.parent, texts, metric="log_loss", keep_models=1)
    losses = [run.metrics["log_loss"] for run in swept.ranked]
    assert losses == sorted(losses)
    assert [Tag.MODEL_DIGEST in run.tags for run in swept.ranked] == [True, False, False]


def test_a_trial_without_the_metric_is_none_of_the_best(small):
    sweep(small.parent, {"model": "logreg,linear_svm"}, "both", metric="log_loss", keep_models=1)
    kept = [run.params["model"] for run in children(small.parent, "both") if Tag.MODEL_DIGEST in run.tags]
    assert kept == ["logreg"]


def test_a_trial_without_the_metric_is_not_ranked(small):
    swept = sweep(small.parent, {"model": "logreg,linear_svm"}, metric="log_loss")
    assert [run.params["model"] for run in swept.ranked] == ["logreg"]
    assert swept.outcome.done == 2
    runs = trials_of(store_of(small.parent), swept.parent)
    assert [Tag.MODEL_DIGEST in run.tags for run in runs] == [True, True]  # all are kept


def test_a_failing_trial_is_recorded_with_its_reason_and_its_recipe(sweeps):
    failed, done = children(sweeps, "mixed")
    assert (failed.status, done.status) == ("failed", "finished")
    assert failed.tags[Tag.REASON] == "ValueError: Solver lbfgs supports only dual=False, got dual=True"
    assert '"solver": "lbfgs"' in failed.tags[Tag.RECIPE]
    assert failed.params["solver"] == "lbfgs"
    found_out = {"data_hash", "data_fingerprint", "dataset_size", "train_rows", "test_rows"}  # by a training that ended
    assert {key for key in done.params if key not in failed.params} == found_out
    assert Tag.COMPLETE not in failed.tags


def test_progress_is_reported_after_each_trial(small):
    seen = []
    sweep(
        small.parent,
        {"solver": "lbfgs,liblinear,saga"},
        dual=True,
        report=lambda one: seen.append((one.total, one.ended, one.failed, one.last[0].number, one.error, one.best)),
    )
    assert [line[:4] for line in seen] == [(3, 1, 1, 1), (3, 2, 1, 2), (3, 3, 2, 3)]
    assert seen[0][4].startswith("ValueError: Solver lbfgs")
    assert [line[5] and line[5][0].number for line in seen] == [None, 2, 2]


def test_the_sweep_shows_how_far_it_is_after_each_trial(sweeps):
    parent = parent_of(sweeps, "grid")
    client = store_of(sweeps).client
    steps = client.get_metric_history(parent.run_id, "trials_finished")
    assert {(point.step, point.value) for point in steps} == {(n, float(n)) for n in range(1, 7)}
    values = [run.metrics["f1_score"] for run in children(sweeps, "grid")]
    best = client.get_metric_history(parent.run_id, "best_f1_score")
    assert {point.step: point.value for point in best} == {n: max(values[:n]) for n in range(1, 7)}


def test_trials_that_were_running_when_the_sweep_is_stopped_are_killed(small, monkeypatch):
    def stop(shared, task):
        raise KeyboardInterrupt

    monkeypatch.setattr("expctl.workflows.sweep_trials.work", stop)
    with pytest.raises(KeyboardInterrupt):
        sweep(small.parent, {"c": "1,2"}, "stopped")
    (trial,) = children(small.parent, "stopped")
    assert (trial.status, trial.tags[Tag.REASON]) == ("killed", "interrupted (Ctrl-C)")
    parent = parent_of(small.parent, "stopped")
    assert (parent.status, parent.tags[Tag.REASON]) == ("killed", "interrupted (Ctrl-C)")


@pytest.fixture
def pair_at_once():
    """Two trials begin before the first is done."""
    pool = InProcess()
    pool.jobs = 2
    return pool


def test_a_trial_that_was_running_when_another_failed_fast_is_killed_with_a_reason(small, pair_at_once):
    with pytest.raises(TrainingFailed, match="Solver lbfgs"):
        sweep(small.parent, {"solver": "lbfgs,liblinear,saga"}, "fast", dual=True, fail_fast=True, pool=pair_at_once)
    assert [(run.status, run.tags[Tag.REASON].split(":")[0]) for run in children(small.parent, "fast")] == [
        ("failed", "ValueError"), ("killed", "the sweep ended before it"),
    ]  # fmt: skip


def test_trials_that_were_running_when_the_store_broke_are_killed_with_a_reason(small, pair_at_once, monkeypatch):
    write = RunWriter.write

    def full(self, items, **named):
        items = list(items)
        if any(isinstance(item, ModelItem) for item in items):
            raise StoreError("the store is full")
        write(self, items, **named)

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write", full)
        with pytest.raises(StoreError, match="the store is full"):
            sweep(small.parent, {"strategy": "prior,uniform,stratified"}, "full", model="dummy", pool=pair_at_once)
    assert {(run.status, run.tags[Tag.REASON]) for run in children(small.parent, "full")} == {
        ("killed", "the sweep ended before it")
    }
    parent = parent_of(small.parent, "full")
    assert (parent.status, parent.tags[Tag.REASON]) == ("failed", "the store is full")


def test_files_of_trials_are_written_where_the_workers_have_theirs(small, monkeypatch, tmp_path):
    """A folder that is removed even after SIGKILL."""
    pool = InProcess()
    pool.scratch = tmp_path / "scratch"
    pool.scratch.mkdir()
    made = []
    original = tempfile.TemporaryDirectory

    def noted(*given, **named):
        made.append(named.get("dir"))
        return original(*given, **named)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", noted)
    sweep(small.parent, {"strategy": "prior"}, model="dummy", pool=pool)
    assert pool.scratch in made
    assert list(pool.scratch.iterdir()) == []


def cut_short(folder, monkeypatch, values: str) -> None:
    """Stop the sweep `cut` when its second trial is written, and before the model too many is let go of."""
    from expctl.workflows.sweep_trials import Recorder

    def interrupted(self) -> None:
        if len(self.with_model) > 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "_drop_models", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sweep(folder, {"c": values}, "cut", keep_models=1)
    assert models(folder) == 2


def models(folder) -> int:
    return sum(Tag.MODEL_DIGEST in run.tags for run in children(folder, "cut"))


def test_a_model_too_many_of_an_interrupted_sweep_goes_when_it_is_resumed(small, monkeypatch):
    cut_short(small.parent, monkeypatch, "0.01,1,100")
    resume(small.parent, parent_of(small.parent, "cut"))
    assert models(small.parent) == 1


def test_a_model_too_many_goes_even_if_no_trial_is_left_to_run(small, monkeypatch):
    cut_short(small.parent, monkeypatch, "0.01,100")
    resume(small.parent, parent_of(small.parent, "cut"))
    assert models(small.parent) == 1
