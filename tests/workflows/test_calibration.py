"""`--calibrate`, from the shell to the model that comes back; and what recorded probabilities are worth."""

from __future__ import annotations

import json

import pytest

from expctl.errors import DataError, RunNotFound
from expctl.tracking.models.storage import load_model
from expctl.training.fit.skops_file import untrusted_types
from expctl.workflows.calibration import PICTURE, calibration_of
from expctl.workflows.importance import importance
from tests.tracking.recorded import model_folder, store_of, train


def named(store, name: str):
    return store.find(f"name = '{name}'")[0]


@pytest.mark.parametrize(("model", "method"), [("linear_svm", "sigmoid"), ("naive_bayes", "isotonic")])
def test_a_calibrated_model_gives_probabilities_and_comes_back_as_it_was(cli, runs, model, method):
    made = train(runs, "calibrated", model=model, calibrate=method)
    plain = train(runs, "plain", model=model)
    store = store_of(runs)
    assert (made.params["calibrate"], "calibrate" in plain.params) == (method, False)
    assert untrusted_types((model_folder(made) / "model.skops").read_bytes())[0].startswith("sklearn.calibration._")
    assert load_model(store, made).estimator.predict_proba is not None  # without --trust
    again = cli("reproduce", "calibrated", "--no-record", "-f", "json")
    assert json.loads(again.stdout)["verdict"] == "identical"
    assert importance(store, made, top=5).terms == importance(store, plain, top=5).terms
    assert calibration_of(store, made, record=False).rows == 40


def test_a_recipe_takes_it_back_and_a_model_of_ones_own_has_its_own_way(cli, runs):
    train(runs, "calibrated", calibrate="sigmoid")
    assert "--calibrate sigmoid" in cli("show", "calibrated", "-f", "json").stdout
    back = cli("train", "--from", "calibrated", "--calibrate", "none", "--dry-run", "-f", "json")
    assert (back.exit_code, "calibrate=none (was sigmoid)" in back.stderr) == (0, True)
    own = cli("train", "--data", "small.csv", "--model", "own_models:tree", "--calibrate", "sigmoid")
    assert (own.exit_code, own.stdout) == (2, "")
    assert "--calibrate is for the models that expctl builds, not own_models:tree" in own.stderr
    wrong = cli("train", "--data", "small.csv", "--calibrate", "platt")
    assert (wrong.exit_code, "sigmoid" in wrong.stderr) == (2, True)


def test_a_class_with_too_few_rows_is_refused_before_any_run(cli, runs):
    lines = (runs / "small.csv").read_text().splitlines(keepends=True)
    (runs / "rare.csv").write_text("".join([*lines, *(f"a rare film {i},rare\n" for i in range(5))]))
    done = cli("train", "--data", "rare.csv", "--calibrate", "sigmoid")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert "class 'rare': fewer than 5 rows to calibrate by" in done.stderr
    assert len(store_of(runs).find()) == 4


def test_a_run_gets_its_picture_and_keeps_what_it_had(runs):
    store = store_of(runs)
    before = named(store, "strong")
    calibration_of(store, before, record=False)
    assert store.read_artifact(before, PICTURE) is None
    calibration_of(store, before)
    after = named(store, "strong")
    assert (after.metrics, after.params, after.status, after.ended) == (
        before.metrics, before.params, before.status, before.ended,
    )  # fmt: skip
    assert store.read_artifact(after, PICTURE).startswith(b"\x89PNG")


def test_a_run_without_probabilities_says_so(runs):
    train(runs, "svm", model="linear_svm")
    store = store_of(runs)
    with pytest.raises(RunNotFound, match=r"svm \(.*has no calibration: the model gives no probabilities") as svm:
        calibration_of(store, named(store, "svm"))
    assert svm.value.hint == "expctl train --calibrate sigmoid gives them"
    with pytest.raises(RunNotFound, match="it has no predictions") as broken:
        calibration_of(store, named(store, "broken"))
    assert broken.value.hint is None  # no other recipe mends that


def test_damaged_predictions_are_no_calibration(runs):
    from tests.tracking.kinds import local_folder

    store = store_of(runs)
    strong = named(store, "strong")
    (local_folder(strong.artifact_uri) / "predictions.parquet").write_bytes(b"no")
    with pytest.raises(DataError):
        calibration_of(store, strong)
