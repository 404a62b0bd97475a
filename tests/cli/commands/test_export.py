"""`expctl export` and `import`: nothing is lost on the way, nothing comes twice, what is cut short is made whole."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from expctl.errors import ExitCode, Stopped
from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.archive.identity import find_origin
from expctl.tracking.runs.lifecycle import process_tags
from expctl.tracking.store import Store, open_store
from tests.tracking.kinds import local_folder
from tests.tracking.recorded import settings_of, store_of, train
from tests.tracking.serving import serving
from tests.tracking.swept import children, parent_of

OURS = (Tag.KEY, Tag.IMPORTED, Tag.IMPORTED_ID, Tag.IMPORTED_FROM)


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Path:
    """The folder of another store, with nothing in it."""
    folder = tmp_path_factory.mktemp("other")
    shutil.copy(migrated_store, folder)
    return folder


def into(folder: Path | str) -> tuple[str, str]:
    return "--tracking-uri", folder if isinstance(folder, str) else settings_of(folder).tracking_uri


def imported(cli: Any, folder: Path | str, archive: str = "runs.zip", *words: str) -> list[dict[str, Any]]:
    done = cli("import", archive, *into(folder), "--format", "json", *words)
    assert done.exit_code == 0, done.stderr
    return list(json.loads(done.stdout)["rows"])


def told(store: Store) -> dict[str, Any]:
    """All that is recorded of every run of a store, files too, under the ids that the runs had at first."""
    runs = store.find(everywhere=True)
    first = {run.run_id: run.tags.get(Tag.IMPORTED_ID, run.run_id) for run in runs}
    return {first[run.run_id]: _told(store, run, first) for run in runs}


def same(runs: dict[str, Any], all_runs: dict[str, Any]) -> bool:
    """Whether runs are as they are among all; says which and in what, where they are not."""
    for run_id, one in runs.items():
        for what, value in one.items():
            assert value == all_runs[run_id][what], (one["run"], what)
    return True


def _told(store: Store, run: Any, first: dict[str, str]) -> dict[str, Any]:
    from mlflow.artifacts import download_artifacts

    def renamed(text: str) -> str:
        return re.sub("[0-9a-f]{32}", lambda word: first.get(word[0], word[0]), text)

    def files(uri: str) -> dict[str, bytes]:
        import mlflow

        mlflow.set_tracking_uri(store.uri)
        try:
            root = Path(download_artifacts(uri, tracking_uri=store.uri))
        except Exception:
            return {}
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    client = store.client
    whole = client.get_run(run.run_id)
    kept = {one.model_id for one in client.search_logged_models([run.experiment_id])}  # a sweep drops some
    outputs = [one for one in whole.outputs.model_outputs if one.model_id in kept]
    models = [(one.step, client.get_logged_model(one.model_id)) for one in outputs]
    models.sort(key=lambda pair: (pair[0], pair[1].name))  # MLflow gives them in any order
    ids = {model.model_id: number for number, (_, model) in enumerate(models)}
    return {
        "run": (run.name, run.status, run.started, run.ended, run.user_id, run.experiment),
        "params": run.params,
        "tags": {key: renamed(value) for key, value in run.tags.items() if key not in OURS},
        "histories": {key: repr(store.reader.history(run.run_id, key)) for key in run.metrics},
        "latest": repr(sorted(run.metrics.items())),
        "inputs": sorted(
            [*vars(one.dataset).items(), *((tag.key, tag.value) for tag in one.tags)]
            for one in whole.inputs.dataset_inputs
        ),
        "files": files(whole.info.artifact_uri),
        "models": [
            (step, model.name, model.model_type, model.status, model.tags, model.params)
            for step, model in models
        ],
        "links": sorted(
            (one.key, one.step, one.timestamp, ids[one.model_id], one.dataset_name, one.dataset_digest)
            for _, model in models
            for one in model.metrics or ()
        ),
        "model files": [
            {path: data for path, data in files(model.artifact_location).items() if path != "MLmodel"}
            for _, model in models
        ],
    }  # fmt: skip


def plain_run(folder: Path) -> str:
    """A run by plain MLflow, with whatever it may hold, and another below it. Its id."""
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, LoggedModelStatus, Metric, Param

    client = store_of(folder).client
    experiment = client.create_experiment("plain ones", artifact_location=(folder / "plain").as_uri())
    run_id = client.create_run(experiment, run_name="plain [red]", start_time=1_000_000_000_123).info.run_id
    values = (0.1, math.nan, math.inf, -math.inf, 1e-300, 2**53 + 1.0)
    points = [Metric("loss/val é", value, 1_700_000_000_000 + i, i - 2) for i, value in enumerate(values)]
    points += [Metric("loss/val é", 0.5, 1_700_000_000_000, 0), Metric("many", 1.0, 5, 5)]
    client.log_batch(run_id, metrics=points, params=[Param(f"p {i}", "x" * i) for i in range(250)])
    client.log_batch(run_id, metrics=[Metric("steps", float(i), i, i) for i in range(1000)])
    data = Dataset("rows", "abc", "http", '{"url": "https://a/b"}', schema='{"a": 1}', profile="{}")
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "eval"), InputTag("k", "v")])])
    client.set_tag(run_id, "note", f"see {run_id}, =1+1 \n ünï\u202ecode")
    for path in ("a file.txt", "deep/er/ünï.bin", "empty"):
        client.log_text(run_id, "" if path == "empty" else path * 1000, path)
    for number, status in enumerate(("READY", "FAILED")):
        model = client.create_logged_model(
            experiment,
            name=f"net{number}",
            source_run_id=run_id,
            tags={"t": "1"},
            params={"p": "2"},
            model_type="agent",
        )
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 7 + number)])
        metric = Metric("of a model", 0.25, 9, number, model.model_id, "rows", "abc", run_id)
        client.log_batch(run_id, metrics=[metric])
        client.finalize_logged_model(model.model_id, LoggedModelStatus(status))
    below = client.create_run(experiment, run_name="below", tags={"mlflow.parentRunId": run_id}).info.run_id
    for run in (below, run_id):
        client.set_terminated(run, "FAILED", 1_000_000_009_999)
    mlflow.set_tracking_uri(None)
    return str(run_id)


def test_what_comes_out_is_what_went_in(cli, sweeps, other):
    plain = plain_run(sweeps)
    done = cli("export", "grid", "mix*", "alone", plain, "-o", "runs.zip", "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert (
        done.stderr.splitlines()[0] == f"expctl: warning: the model net0 of run plain [red] ({plain[:8]}) has no files"
    )
    assert done.stderr.splitlines()[1].startswith("expctl: 13 runs in runs.zip, ")
    exported = json.loads(done.stdout)["rows"]
    assert [row["name"] for row in exported][:4] == ["grid", "mixed", "alone", "plain [red]"]
    rows = imported(cli, other)
    assert [row["imported_id"] for row in rows] == [row["run_id"] for row in exported]
    assert [(row["files"], row["bytes"]) for row in rows] == [(row["files"], row["bytes"]) for row in exported]
    before, after = told(store_of(sweeps)), told(store_of(other))
    assert same(after, before)
    assert len(after) == 13
    assert len(after[plain]["models"]) == len(after[plain]["links"]) == 2
    assert [run.name for run in children(other, "grid")] == [run.name for run in children(sweeps, "grid")]
    assert parent_of(other, "grid").tags[Tag.BEST_RUN] in {run.run_id for run in children(other, "grid")}
    assert not {row["run_id"] for row in rows} & set(before)


@pytest.mark.slow
def test_there_and_back_again_the_archive_holds_the_same(cli, sweeps, other, tmp_path_factory, migrated_store):
    """Ids that the runs had at first are those of every archive, however many stores lie between."""
    cli("export", "grid", "-o", "runs.zip")
    cli("export", "grid", "-o", "again.zip")
    assert Path("runs.zip").read_bytes() == Path("again.zip").read_bytes()
    imported(cli, other)
    assert cli("export", "grid", "-o", "back.zip", *into(other)).exit_code == 0
    with zipfile.ZipFile("runs.zip") as one, zipfile.ZipFile("back.zip") as two:
        assert one.namelist() == two.namelist()
        changed = {name.rpartition("/")[2] for name in one.namelist() if one.read(name) != two.read(name)}
    assert changed == {"MLmodel", "manifest.json", "manifest.json.sha256"}
    assert {row["result"] for row in imported(cli, sweeps, "back.zip")} == {"already there"}
    third = tmp_path_factory.mktemp("third")
    shutil.copy(migrated_store, third)
    imported(cli, third, "back.zip")
    assert same(told(store_of(third)), told(store_of(other)))


def without_ids(text: str, *ids: str) -> str:
    return re.sub("|".join(ids) + r"|[0-9a-f]{32}", "ID", text)


def test_compare_and_reproduce_answer_the_same_and_models_load_as_runs_id_model(cli, runs, other):
    import mlflow
    import pandas as pd

    cli("export", "weak", "strong", "bayes", "-o", "runs.zip")
    rows = imported(cli, other)
    for words in (
        ("compare", "weak", "strong", "--per-class", "--flips", "3", "--format", "json"),
        ("reproduce", "strong", "--no-record", "--format", "json"),
        ("best", "--top", "3", "--format", "json"),
        ("predict", "a great film", "--run", "bayes", "--proba", "--format", "json"),
    ):
        here, there = cli(*words), cli(*words, *into(other))
        assert here.exit_code == there.exit_code == 0, there.stderr
        assert without_ids(here.stdout) == without_ids(there.stdout)
    store = store_of(other)
    mlflow.set_tracking_uri(store.uri)
    strong = next(row["run_id"] for row in rows if row["name"] == "strong")
    model = mlflow.sklearn.load_model(f"runs:/{strong}/model")
    assert list(model.predict(pd.DataFrame({"text": ["a great film"]}))) == ["positive"]
    assert mlflow.models.get_model_info(f"runs:/{strong}/model").run_id == strong


def test_the_same_archive_twice_is_once_and_a_run_is_found_by_its_first_id(cli, runs, other):
    first = cli("export", "strong", "-o", "runs.zip", "--format", "id").stdout.strip()
    (row,) = imported(cli, other)
    again = cli("import", "runs.zip", *into(other), "--format", "json")
    assert json.loads(again.stdout)["rows"] == [row | {"result": "already there"}]
    assert again.stderr == "expctl: 1 run: 1 already there\n"
    assert len(store_of(other).find()) == 1
    for reference in (first, first[:8]):
        assert (
            json.loads(cli("show", reference, *into(other), "--format", "json").stdout)["run"]["run_id"]
            == row["run_id"]
        )
    assert imported(cli, runs)[0] | {"run_id": first} == row | {"run_id": first, "result": "already there"}
    cli("delete", row["run_id"], "-y", *into(other))
    done = cli("import", "runs.zip", *into(other), "--format", "id")
    assert done.stdout.split() == [row["run_id"]]
    assert f"is here, deleted (undo: expctl restore {row['run_id']})" in done.stderr


def test_the_experiment_is_as_it_was_or_as_is_said(cli, runs, other):
    plain = plain_run(runs)
    cli("export", "weak", plain, "-o", "runs.zip")
    imported(cli, other, "runs.zip", "-e", "mine")
    store = store_of(other)
    assert {run.experiment for run in store.find(everywhere=True)} == {"mine"}


def test_a_trial_without_its_sweep_is_a_run_of_its_own_until_that_comes(cli, sweeps, other):
    cli("export", "grid-1", "-o", "trial.zip")
    cli("export", "grid", "-o", "runs.zip")
    imported(cli, other, "trial.zip")
    assert cli("list", "--columns", "name", "--format", "csv", *into(other)).stdout == "name\ngrid-1\n"
    assert [row["result"] for row in imported(cli, other)].count("already there") == 1
    before, after = told(store_of(sweeps)), told(store_of(other))
    assert same(after, before)
    assert len(children(other, "grid")) == 6


def test_runs_that_go_on_are_left_out_and_told(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    ended = store.client.create_run(experiment, run_name="ended").info.run_id
    store.client.set_terminated(ended, "KILLED")
    store.client.create_run(experiment, run_name="going", tags=process_tags())
    done = cli("export", "ended", "going", "-o", "runs.zip", "--format", "id")
    assert (done.exit_code, done.stdout) == (0, f"{ended}\n")
    assert re.match(r"expctl: going \([0-9a-f]{8}\) is running, and is left out\n", done.stderr)
    done = cli("export", "going", "-o", "none.zip")
    assert (done.exit_code, done.stdout, Path("none.zip").exists()) == (3, "", False)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), Stopped("SIGTERM", ExitCode.TERMINATED), OSError(28, "No space")]
)
def test_an_import_that_is_cut_short_leaves_no_whole_run_and_the_next_makes_it_whole(
    cli, runs, other, monkeypatch, error
):
    from expctl.tracking.archive.load import Importer

    cli("export", "weak", "strong", "-o", "runs.zip")
    metrics = Importer._metrics
    seen: list[str] = []

    def failing(self: Any, run: Any) -> Any:
        seen.append(run.run_id)
        if len(seen) == 2:
            from expctl.tracking.errors import store_errors

            with store_errors(self.store.settings):
                raise error
        return metrics(self, run)

    monkeypatch.setattr(Importer, "_metrics", failing)
    done = cli("import", "runs.zip", *into(other), "--format", "json")
    assert done.exit_code == {KeyboardInterrupt: 130, Stopped: 143, OSError: 4}[type(error)]
    assert [row["name"] for row in json.loads(done.stdout)["rows"]] == ["weak"]
    assert "1 of 2 runs done; the same command goes on: expctl import runs.zip" in done.stderr
    half = find_origin(store_of(other), seen[1])
    assert half is not None
    assert half.status == ("failed" if isinstance(error, OSError) else "killed")
    assert half.tags[Tag.REASON]
    assert not {Tag.COMPLETE, Tag.IMPORTED} & set(half.tags)
    assert cli("export", half.run_id, "-o", "half.zip", *into(other)).exit_code == 3
    monkeypatch.undo()
    monkeypatch.chdir(runs)
    assert [row["result"] for row in imported(cli, other)] == ["already there", "imported"]
    before, after = told(store_of(runs)), told(store_of(other))
    assert same(after, before)
    assert len(after) == 2
    assert len(list(other.rglob("model.skops"))) == 2


def test_an_import_that_goes_on_elsewhere_is_not_disturbed(cli, runs, other):
    first = cli("export", "weak", "-o", "runs.zip", "--format", "id").stdout.strip()
    store = store_of(other)
    tags = process_tags() | {Tag.IMPORTED_ID: first}
    run_id = store.client.create_run(store.ensure_experiment(), run_name="weak", tags=tags).info.run_id
    done = cli("import", "runs.zip", *into(other))
    assert done.exit_code == 2
    assert f"weak ({run_id[:8]}) is being imported by process {os.getpid()} on " in done.stderr
    assert len(store.find()) == 1
    store.client.set_tag(run_id, Tag.STARTED, "1.00")  # the process is gone
    assert [row["result"] for row in imported(cli, other)] == ["imported"]
    assert [run.status for run in store_of(other).find()] == ["finished"]


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["export", "-o", "x.zip"], 2, "export: no runs given (try: expctl export RUN -o FILE, or --filter EXPR)"),
        (["export", "weak"], 2, "Missing option '--output'"),
        (["export", "weak", "-o", "small.csv"], 2, "--output small.csv already exists"),
        (["export", "weak", "-o", "."], 2, "--output . is a folder"),
        (["export", "weak", "-o", "none/x.zip"], 2, "cannot write none/x.zip"),
        (["export", "nobody", "-o", "x.zip"], 3, "no run 'nobody'"),
        (["export", "nobody*", "-o", "x.zip"], 3, "no run matches"),
        (["export", "--filter", "c = 77", "-o", "x.zip"], 3, "there is no ended run to export"),
        (["import", "nothing.zip"], 5, "nothing.zip is not there"),
        (["import", "."], 5, ". is not a file"),
        (["import", "small.csv"], 5, "small.csv is refused: it is not a zip file, or damaged"),
        (["import"], 2, "Missing argument 'FILE'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_line_and_changes_nothing(cli, runs, words, code, word):
    before = {path.name: path.read_bytes() for path in runs.iterdir() if path.is_file()}
    done = cli(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert word in done.stderr
    assert {path.name: path.read_bytes() for path in runs.iterdir() if path.is_file()} == before


def test_an_archive_that_is_refused_makes_no_store(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    assert cli("import", "bad.zip").exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_a_value_that_the_store_does_not_take_is_told(cli, folder, other, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = store_of(folder).client
    client.set_terminated(client.create_run("0", run_name="odd").info.run_id)
    cli("export", "name = 'odd'", "-o", "runs.zip", "-e", "Default")

    def refusing(*given: Any, **named: Any) -> None:
        raise MlflowException.invalid_parameter_value("a key too long")

    monkeypatch.setattr(MlflowClient, "delete_tag", refusing)
    done = cli("import", "runs.zip", *into(other))
    assert done.exit_code == 5
    assert "the store does not take run odd" in done.stderr


@pytest.mark.every_store
def test_a_run_that_has_lost_files_is_not_exported_as_if_it_were_whole(cli, runs):
    weak = store_of(runs).find("name = 'weak'")[0]
    folder = local_folder(weak.artifact_uri)
    (folder / "predictions.parquet").unlink()
    done = cli("export", "weak", "-o", "runs.zip")
    assert (done.exit_code, done.stdout) == (ExitCode.STORE, "")
    assert done.stderr == f"expctl: run weak has lost predictions.parquet (try: expctl show {weak.run_id[:8]})\n"
    shutil.rmtree(folder)
    for words in (["export", "weak", "-o", "runs.zip"], ["compare", "weak", "strong"]):
        done = cli(*words)
        assert (done.exit_code, done.stdout) == (ExitCode.STORE, ""), done.stderr
        assert "of run weak" in done.stderr or "run weak has lost" in done.stderr
    assert not (runs / "runs.zip").exists()


@pytest.mark.slow
def test_from_sqlite_to_a_server_and_back(cli, sweeps, other, tmp_path_factory, migrated_store):
    train(sweeps, "rival", c=10.0, min_df=2)
    plain = plain_run(sweeps)
    assert cli("export", "grid", "alone", "rival", plain, "-o", "runs.zip").exit_code == 0
    there = tmp_path_factory.mktemp("server")
    shutil.copy(migrated_store, there)
    before = told(store_of(sweeps))
    with serving(there / "mlflow.db") as address:
        rows = imported(cli, address)
        assert {row["result"] for row in rows} == {"imported"}
        for words in (
            ("compare", "alone", "rival", "--format", "json"),
            ("reproduce", "alone", "--no-record", "--format", "json"),
            ("predict", "a great film", "--run", "rival", "--proba", "--format", "json"),
        ):
            at_home, at_server = cli(*words), cli(*words, *into(address))
            assert at_home.exit_code == at_server.exit_code == 0, at_server.stderr
            assert without_ids(at_home.stdout) == without_ids(at_server.stdout)
        found = told(open_store(Settings(tracking_uri=address)))
        assert same(found, before)
        assert len(found) == 11
        done = cli("export", "grid", "alone", "rival", rows[3]["run_id"], "-o", "back.zip", *into(address))
        assert done.exit_code == 0, done.stderr
        assert {row["result"] for row in imported(cli, address, "back.zip")} == {"already there"}
    imported(cli, other, "back.zip")
    assert same(told(store_of(other)), found)
    assert {run.tags[Tag.IMPORTED_FROM] for run in store_of(other).find()} == {"sqlite"}
