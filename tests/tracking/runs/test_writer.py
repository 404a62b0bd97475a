"""What a training leaves in the store, read back through MLflow's own client, and how a run ends whatever happens."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import signal
import statistics
import subprocess
import threading
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from expctl import __version__
from expctl.errors import ExitCode, Stopped, TrainingFailed
from expctl.metrics import metrics_of
from expctl.recipe import Recipe
from expctl.records import MACHINE, Tag
from expctl.tracking.runs.items import TagValue
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.writer import recording
from tests.conftest import write_reviews
from tests.tracking.recorded import OWN_MODELS, model_folder, statuses, store_of, train

RECIPE = Recipe(data="small.csv")
LIMITED = ("accuracy", "f1_score", "precision", "recall", "f1_macro", "balanced_accuracy", "mcc")


@pytest.fixture
def client(folder):
    """MLflow's own client on the store of the current folder."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    return mlflow.MlflowClient()


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(small):
    """The current folder as a git repository, on branch `topic`, with a tracked file changed since the commit."""
    git("init", "--quiet", "--initial-branch", "topic")
    git("config", "user.name", "Ada Lovelace")
    git("config", "user.email", "ada@example.org")
    git("remote", "add", "origin", "https://ada:s3cr3t@example.org/notes.git")
    Path("notes.txt").write_text("one\n")
    git("add", "notes.txt")
    git("commit", "--quiet", "-m", "notes")
    Path("notes.txt").write_text("one\ntwo\n")
    return small.parent


def by_hand(content: bytes) -> str:
    """The fingerprint of a CSV file of text and label, as the README words it."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    lines = sorted(
        f"{hashlib.blake2b(row['text'].encode(), digest_size=16).hexdigest()}\t{row['label']}\n" for row in rows
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_run_holds_everything_that_it_was_made_from(cli, repository, client):
    words = ["--c", "2.5", "-p", "min_df=2", "-t", "team=nlp", "-t", "stage=trial", "--note", "a *first* try"]
    done = cli("train", "--data", "small.csv", *words, "--data-version", "v3", "--run-name", "whole", "--format", "id")
    assert done.exit_code == 0, done.stderr
    run = client.get_run(done.stdout.strip())
    content = Path("small.csv").read_bytes()

    assert run.info.run_name == "whole"
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "expctl"
    params = dict(run.data.params)
    assert params.pop("data_fingerprint") == by_hand(content)
    assert params == {
        "model": "logreg", "c": "2.5", "max_iter": "1000", "class_weight": "None", "solver": "lbfgs", "l1_ratio": "0.0",
        "dual": "False", "tol": "0.0001", "fit_intercept": "True", "intercept_scaling": "1.0",
        "max_features": "5000", "ngram_min": "1", "ngram_max": "1", "min_df": "2", "max_df": "1.0", "analyzer": "word",
        "sublinear_tf": "False", "lowercase": "True", "stop_words": "None",
        "text_column": "text", "target": "label", "encoding": "utf-8", "test_size": "0.2", "stratify": "True",
        "dedupe": "False", "random_state": "42",
        "data_path": "small.csv", "data_hash": hashlib.sha256(content).hexdigest(), "data_version": "v3",
        "dataset_size": "200", "train_rows": "160", "test_rows": "40",
    }  # fmt: skip

    limits = {f"{key}_{end}" for key in LIMITED for end in ("low", "high")}
    assert set(run.data.metrics) == {*metrics_of("classification"), *limits}
    for key in LIMITED:
        low, value, high = (run.data.metrics[name] for name in (f"{key}_low", key, f"{key}_high"))
        assert low < value < high, key
    assert all(math.isfinite(value) for value in run.data.metrics.values())

    tags = run.data.tags
    assert {key: tags[key] for key in ("team", "stage", "mlflow.note.content", "data_version")} == {
        "team": "nlp", "stage": "trial", "mlflow.note.content": "a *first* try", "data_version": "v3",
    }  # fmt: skip
    commit = git("rev-parse", "HEAD").strip()
    assert (tags["git_commit"], tags["git_branch"], tags["git_dirty"]) == (commit, "topic", "true")
    assert tags["mlflow.source.git.commit"] == commit
    assert tags["git_remote"] == "https://***@example.org/notes.git"
    assert tags["developer"] == "Ada Lovelace"
    assert tags[Tag.VERSION] == __version__
    assert tags[Tag.COMPLETE] == "true"
    assert Recipe.from_json(tags[Tag.RECIPE]).parameters["min_df"] == 2
    assert {*MACHINE, Tag.HOST, Tag.PID} <= set(tags)
    assert Tag.REASON not in tags

    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("small.csv", hashlib.sha256(content).hexdigest()[:36])
    assert json.loads(dataset.dataset.source) == {"uri": "small.csv"}
    assert json.loads(dataset.dataset.profile)["num_rows"] == 200
    assert [(tag.key, tag.value) for tag in dataset.tags] == [("mlflow.data.context", "training")]

    assert {entry.path for entry in client.list_artifacts(run.info.run_id) if not entry.is_dir} == {
        "predictions.parquet", "confusion_matrix.png", "classification_report.txt", "per_class.json",
        "sample_predictions.csv", "requirements.txt", "source.patch", "data_rows.parquet",
    }  # fmt: skip


def test_every_artifact_of_a_run_says_what_its_name_promises(cli, repository, client):
    done = cli("train", "--data", "small.csv", "--format", "id")
    run = client.get_run(done.stdout.strip())
    folder = Path(client.download_artifacts(run.info.run_id, "", dst_path=str(repository)))

    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert list(predictions) == ["row", "text_hash", "label", "prediction", "scores"]
    table = pd.read_csv("small.csv")
    assert predictions["label"].tolist() == table["label"].iloc[predictions["row"]].tolist()
    right = (predictions["label"] == predictions["prediction"]).mean()
    assert right == run.data.metrics["accuracy"]

    rows = pd.read_parquet(folder / "data_rows.parquet")
    assert rows["row"].tolist() == list(range(len(table)))
    assert rows["label"].tolist() == table["label"].tolist()
    tested = rows.set_index("row").loc[predictions["row"]]
    assert [digest.hex() for digest in tested["text_hash"]] == predictions["text_hash"].tolist()

    sample = pd.read_csv(folder / "sample_predictions.csv")
    assert len(sample) == 10
    assert sample["text"].tolist() == table["text"].iloc[sample["row"]].tolist()
    assert set(sample["row"]) <= set(predictions["row"])

    assert (folder / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "weighted avg" in (folder / "classification_report.txt").read_text()
    per_class = json.loads((folder / "per_class.json").read_text())
    assert {name: figures["support"] for name, figures in per_class.items()} == {"negative": 20, "positive": 20}
    assert f"scikit-learn=={metadata.version('scikit-learn')}\n" in (folder / "requirements.txt").read_text()
    assert (folder / "source.patch").read_text() == git("diff", "--binary", "HEAD")
    git("apply", "--check", "--reverse", str(folder / "source.patch"))


def test_the_logged_model_answers_under_the_run_and_says_what_it_reads(cli, small, client):
    import mlflow

    done = cli("train", "--data", "small.csv", "--format", "id")
    run = client.get_run(done.stdout.strip())
    described = mlflow.models.get_model_info(f"runs:/{run.info.run_id}/model")
    assert described.signature.inputs.to_dict() == [{"type": "string", "name": "text", "required": True}]
    assert [column["type"] for column in described.signature.outputs.to_dict()] == ["string"]
    assert described.saved_input_example_info is not None
    assert described.flavors["sklearn"]["serialization_format"] == "skops"
    record = store_of(small.parent).get(run.info.run_id)
    written = (model_folder(record) / "model.skops").read_bytes()
    assert run.data.tags[Tag.MODEL_DIGEST] == hashlib.sha256(written).hexdigest()
    requirements = (model_folder(record) / "requirements.txt").read_text()
    assert f"scikit-learn=={metadata.version('scikit-learn')}" in requirements


def test_a_clean_repository_leaves_no_patch_and_no_repository_no_git_tags(cli, repository, client, tmp_path):
    git("checkout", "--quiet", "notes.txt")
    clean = client.get_run(cli("train", "--data", "small.csv", "--format", "id").stdout.strip())
    assert clean.data.tags["git_dirty"] == "false"
    assert "source.patch" not in {entry.path for entry in client.list_artifacts(clean.info.run_id)}
    Path(".git").rename("moved")
    outside = client.get_run(cli("train", "--data", "small.csv", "--format", "id").stdout.strip())
    assert not [key for key in outside.data.tags if "git" in key]


def test_cross_validation_is_recorded_fold_by_fold_with_mean_and_deviation(cli, small, client):
    done = cli("train", "--data", "small.csv", "--cv", "4", "--format", "id")
    run = client.get_run(done.stdout.strip())
    history = client.get_metric_history(run.info.run_id, "cv_f1_score")
    assert [point.step for point in history] == [0, 1, 2, 3]
    folds = [point.value for point in history]
    assert run.data.metrics["cv_f1_score_mean"] == pytest.approx(statistics.mean(folds), rel=1e-12)
    assert run.data.metrics["cv_f1_score_std"] == pytest.approx(statistics.stdev(folds), rel=1e-9)
    assert run.data.params["cv"] == "4"
    assert {f"cv_{key}_mean" for key in metrics_of("classification") if key != "oov"} <= set(run.data.metrics)


def test_a_test_file_of_its_own_is_a_second_dataset_input(cli, small, client):
    write_reviews(Path("other.csv"), 60)
    run = client.get_run(cli("train", "--data", "small.csv", "--test-data", "other.csv", "-f", "id").stdout.strip())
    inputs = {one.dataset.name: one.tags[0].value for one in run.inputs.dataset_inputs}
    assert inputs == {"small.csv": "training", "other.csv": "testing"}
    assert run.data.params["test_data_hash"] == hashlib.sha256(Path("other.csv").read_bytes()).hexdigest()


def test_missing_rows_that_were_left_out_are_told_on_the_run(cli, small, client):
    with small.open("a") as file:
        file.write(",positive\nno label,\n")
    done = cli("train", "--data", "small.csv", "--format", "id")
    warned = json.loads(client.get_run(done.stdout.strip()).data.tags[Tag.WARNINGS])
    assert warned == [
        "left out 1 of 202 rows of small.csv that have no text",
        "left out 1 of 202 rows of small.csv that have no label",
    ]


SECRETS = "https://ada:s3cr3t-word@data.invalid/small.csv?sig=s3cr3t-sign&se=2026"


def test_no_secret_of_a_data_address_reaches_store_or_screen(cli, small, monkeypatch):
    content = small.read_bytes()
    small.unlink()
    monkeypatch.setattr("expctl.training.data.stored.read_bytes", lambda *_: content)
    trained = cli("train", "--data", SECRETS, "--test-data", SECRETS, "--cv", "2", "--autolog")
    assert trained.exit_code == 0, trained.stderr
    shown = cli("show", "latest", "--format", "json")
    assert json.loads(shown.stdout)["data"]["data_path"] == "https://***@data.invalid/small.csv?***"
    files = [path for path in Path.cwd().rglob("*") if path.is_file()]
    assert "mlflow.db" in [path.name for path in files]
    assert [path for path in files if b"s3cr3t" in path.read_bytes()] == []
    assert "s3cr3t" not in trained.stdout + trained.stderr + shown.stdout + shown.stderr


def test_no_secret_of_an_address_in_what_a_person_says_reaches_the_store(cli, small):
    link = "see https://ada:s3cr3t-word@data.invalid/x?page=2&access_token=s3cr3t-sign"
    words = ["-t", f"link={link}", "--note", link, "--run-name", link, "--data-version", link]
    done = cli("train", "--data", "small.csv", *words)
    assert done.exit_code == 0, done.stderr
    masked = "see https://***@data.invalid/x?page=2&access_token=***"
    shown = json.loads(cli("show", "latest", "--format", "json").stdout)
    assert (shown["run"]["name"], shown["tags"]["link"], shown["run"]["note"]) == (masked, masked, masked)
    swept = cli("sweep", "--data", "small.csv", "-g", "c=0.1,1", *words, "--jobs", "1")
    assert swept.exit_code == 0, swept.stderr
    assert cli("promote", "latest", "reviews", "--note", link).exit_code == 0
    assert b"s3cr3t" not in Path("mlflow.db").read_bytes()
    refused = cli("train", "--data", "small.csv", "-e", link)
    assert (refused.exit_code, "s3cr3t" in refused.stderr) == (2, False)


def test_no_secret_in_the_words_of_a_failing_estimator_reaches_store_or_screen(cli, small):
    Path("own_models.py").write_text(OWN_MODELS)
    done = cli(
        "train", "--data", "small.csv", "--model", "own_models:broken", "-p", "reason=cannot reach " + SECRETS, "-v"
    )
    assert done.exit_code == 1
    assert "cannot reach https://***@data.invalid/small.csv?***" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    assert statuses(small.parent) == ["FAILED"]
    assert b"s3cr3t" not in Path("mlflow.db").read_bytes()


@pytest.fixture
def store(folder):
    return store_of(folder)


def ended(store):
    (run,) = store.find()
    return run.status, run.tags.get(Tag.REASON), run.tags.get(Tag.COMPLETE)


def test_a_block_that_ends_leaves_a_finished_run_with_its_completion_mark(store):
    with recording(store, None, {}) as writer:
        run_id = writer.run_id
        assert store.get(run_id).status == "running"
    assert ended(store) == ("finished", None, "true")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("out of luck"), ("failed", "ValueError: out of luck", None)),
        (TrainingFailed("no\nconvergence"), ("failed", "no\nconvergence", None)),
        (KeyboardInterrupt(), ("killed", "interrupted (Ctrl-C)", None)),
        (Stopped("SIGTERM", ExitCode.TERMINATED), ("killed", "stopped by SIGTERM", None)),
        (SystemExit(0), ("failed", "SystemExit: 0", None)),
        (ValueError("x" * 20_000), ("failed", ("ValueError: " + "x" * 20_000)[:8000], None)),
    ],
    ids=["error", "training", "interrupt", "signal", "exit", "long"],
)
def test_a_block_that_raises_closes_its_run_with_the_reason(store, error, outcome):
    with pytest.raises(type(error)), recording(store, None, {}):
        raise error
    assert ended(store) == outcome


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError], ids=["stopped", "failed"])
def test_a_run_that_is_complete_ends_finished_whatever_comes_after(store, error):
    def written_and_stopped() -> None:
        with recording(store, "whole", {}) as writer:
            writer.write([TagValue("team", "nlp")], last=True)
            raise error

    with pytest.raises(error):
        written_and_stopped()
    (run,) = store.find("name = 'whole'")
    assert (run.status, run.tags[Tag.COMPLETE], Tag.REASON in run.tags) == ("finished", "true", False)


def test_a_store_that_fails_at_the_end_of_a_run_does_not_hide_what_ended_it(store, monkeypatch):
    def gone(*args: object) -> None:
        raise OSError("gone")

    def work() -> None:
        monkeypatch.setattr(store.client, "set_tag", gone)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), recording(store, None, {}):
        work()


def test_a_data_set_that_another_process_logs_at_the_same_time_costs_no_run(small, monkeypatch):
    """MLflow looks whether a data set is there, then adds it: of two at once one fails."""
    import mlflow

    log, failed = mlflow.MlflowClient.log_inputs, []

    def overtaken(*args, **kwargs):
        if not failed:
            failed.append(1)
            raise mlflow.exceptions.MlflowException("UNIQUE constraint failed", error_code=BAD_REQUEST)
        return log(*args, **kwargs)

    monkeypatch.setattr(mlflow.MlflowClient, "log_inputs", overtaken)
    assert len(train(small.parent, model="dummy").datasets) == 1
    assert failed


@pytest.fixture
def stoppable():
    """SIGTERM raises Stopped, as in the command."""

    def stop(number, frame):
        raise Stopped("SIGTERM", ExitCode.TERMINATED)

    signal.signal(signal.SIGTERM, stop)


def test_a_signal_while_the_run_is_being_made_does_not_leave_it_running(store, stoppable, monkeypatch):
    make = store.client.create_run

    def interrupted(*args, **kwargs):
        made = make(*args, **kwargs)
        signal.raise_signal(signal.SIGTERM)
        return made

    monkeypatch.setattr(store.client, "create_run", interrupted)
    with pytest.raises(Stopped), recording(store, None, {}):
        pytest.fail("the block must not begin")
    assert ended(store) == ("killed", "stopped by SIGTERM", None)


def test_a_signal_while_the_run_is_being_closed_takes_nothing_finished_back(store, stoppable, monkeypatch):
    close = store.client.set_terminated

    def interrupted(*args, **kwargs):
        signal.raise_signal(signal.SIGTERM)
        close(*args, **kwargs)

    monkeypatch.setattr(store.client, "set_terminated", interrupted)
    with pytest.raises(Stopped), recording(store, None, {}):
        pass
    assert ended(store) == ("finished", None, "true")


def test_a_shielded_block_holds_a_signal_back_until_it_is_done():
    seen: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append("signal"))
    with defer_signals():
        signal.raise_signal(signal.SIGTERM)
        seen.append("work")
    assert seen == ["work", "signal"]


def test_a_second_signal_gets_through_a_shielded_block_at_once(stoppable):
    def block() -> None:
        with defer_signals():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            pytest.fail("the second signal was held back")

    with pytest.raises(Stopped):
        block()


def test_a_shielded_block_gives_the_signals_back_and_stays_out_of_threads():
    before = signal.getsignal(signal.SIGTERM)
    with defer_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    done: list[bool] = []

    def work() -> None:
        with defer_signals():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_more_items_than_mlflow_takes_at_once_are_all_written(store):
    from expctl.tracking.runs.items import MetricValue, Param, TagValue

    many = [*(Param(f"p{i}", i) for i in range(250)), *(MetricValue(f"m{i}", i) for i in range(1700))]
    with recording(store, None, {}) as writer:
        run_id = writer.run_id
        writer.write([*many, *(TagValue(f"t{i}", str(i)) for i in range(230))])
    run = store.get(run_id)
    assert run.params == {f"p{i}": str(i) for i in range(250)}
    assert run.metrics == {f"m{i}": float(i) for i in range(1700)}
    assert {f"t{i}" for i in range(230)} <= set(run.tags)


def test_predictions_are_kept_with_their_classes_and_kind_of_score(cli, small, client):
    import pyarrow.parquet as pq

    done = cli("train", "--data", "small.csv", "--model", "linear_svm", "--format", "id")
    content = Path(client.download_artifacts(done.stdout.strip(), "predictions.parquet")).read_bytes()
    described = pq.read_schema(io.BytesIO(content)).metadata
    assert json.loads(described[b"expctl.classes"]) == ["negative", "positive"]
    assert described[b"expctl.scores"] == b"decision"


def test_a_factory_leaves_its_source_and_the_hash_of_it(cli, small, client):
    Path("own_models.py").write_text(OWN_MODELS)
    done = cli("train", "--data", "small.csv", "--model", "own_models:counted", "--format", "id")
    run = client.get_run(done.stdout.strip())
    assert run.data.params["model_hash"] == hashlib.sha256(OWN_MODELS.encode()).hexdigest()
    assert Path(client.download_artifacts(run.info.run_id, "factory.py")).read_text() == OWN_MODELS


def test_dvc_says_the_version_of_the_data_unless_somebody_else_does(cli, small, client):
    md5 = hashlib.md5(small.read_bytes()).hexdigest()
    small.with_name("small.csv.dvc").write_text(f"outs:\n- md5: {md5}\n  path: small.csv\n")
    for said, version in (((), f"dvc:{md5}"), (("--data-version", "v3"), "v3")):
        done = cli("train", "--data", "small.csv", "--format", "id", *said)
        run = client.get_run(done.stdout.strip())
        assert (run.data.params["data_version"], run.data.tags["data_version"]) == (version, version)


def test_what_needs_no_file_makes_no_folder(store, monkeypatch):
    """A process that is killed while it writes a tag leaves nothing behind."""
    from expctl.tracking.runs.items import MetricValue, Param, TagValue

    with recording(store, None, {}) as writer:
        monkeypatch.setattr("tempfile.TemporaryDirectory", lambda *given, **named: pytest.fail("made"))
        writer.write([TagValue("team", "nlp"), Param("c", 1.0), MetricValue("f1_score", 0.5)])
    assert store.get(writer.run_id).tags["team"] == "nlp"
