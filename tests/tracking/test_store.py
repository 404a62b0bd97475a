"""Stores found, opened, damaged, deleted, made by eight at once, or filled by plain MLflow: read as they are."""

from __future__ import annotations

import gzip
import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag

from expctl.errors import StoreError, UsageError
from expctl.settings import Settings
from expctl.tracking.errors import store_errors
from expctl.tracking.store import open_store
from tests.conftest import write_reviews
from tests.tracking.recorded import names, settings_of, store_of
from tests.warm import Process

READING = {
    "list": (["list"], 0),
    "list everywhere": (["list", "--all-experiments", "--deleted", "--status", "failed"], 0),
    "show": (["show", "latest"], 3),
    "compare": (["compare", "latest~1", "latest"], 3),
    "best": (["best"], 3),
    "predict": (["predict", "a fine film"], 3),
    "predict with a run": (["predict", "a fine film", "--run", "0" * 32], 3),
}


@pytest.mark.parametrize(("words", "code"), READING.values(), ids=READING)
def test_reading_makes_nothing_where_no_store_is(cli, tmp_path, monkeypatch, words, code):
    monkeypatch.chdir(tmp_path)
    done = cli(*words)
    assert done.exit_code == code
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("expctl: no")
    assert names(tmp_path) == []


def test_listing_no_store_is_an_empty_table(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("list").stdout.split() == ["run", "name", "status", "started", "f1_score", "accuracy"]
    document = json.loads(cli("list", "--format", "json").stdout)
    assert document == {"version": 1, "kind": "runs", "total": 0, "rows": []}
    assert cli("list", "--format", "id").stdout == ""


def damaged(kind: str, whole: bytes) -> bytes:
    if kind == "another program's":
        path = Path("other.db")
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE bookmarks (a)")
        database.close()
        return path.read_bytes()
    texts = {"empty": b"", "text": b"id,name\n1,x\n", "cut to a page": whole[:4096], "cut in half": whole[:70_000]}
    return texts[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "cut to a page", "cut in half", "another program's"])
def test_a_file_that_is_no_whole_store_is_refused_and_left_as_it_is(cli, small, kind):
    content = damaged(kind, Path("mlflow.db").read_bytes())
    Path("broken.db").write_bytes(content)
    for words in (["list"], ["best"], ["train", "--data", "small.csv"]):
        done = cli(*words, "--tracking-uri", "sqlite:///broken.db")
        assert (done.exit_code, done.stdout) == (4, ""), words
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("expctl: ")
        assert "broken.db" in done.stderr
    assert Path("broken.db").read_bytes() == content


HERE = ("--tracking-uri", "sqlite:///mlflow.db")
STORES = Path(__file__).parent / "stores"
OLDER = "the store sqlite:///mlflow.db has an older schema than the installed MLflow"
UPGRADE = "(upgrade it, with a backup: expctl doctor --fix)"
NEWER = "has a newer schema than the installed MLflow (pip install --upgrade mlflow)"


def written_by(version: str) -> bytes:
    """Make `mlflow.db` of what an MLflow of that version wrote, and give its bytes."""
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.executescript(gzip.decompress((STORES / f"mlflow-{version}.sql.gz").read_bytes()).decode())
    return Path("mlflow.db").read_bytes()


@pytest.mark.parametrize("version", ["1.30.1", "2.9.2", "3.5.1"])
def test_a_store_of_an_older_mlflow_is_read_as_it_is_and_not_written(cli, tmp_path, monkeypatch, version):
    monkeypatch.chdir(tmp_path)
    before = written_by(version)
    write_reviews(Path("small.csv"), 20)
    found = {}
    for words in (
        "list", "list --deleted", "list --filter c=1", "best --top 3", "compare old-0 old-1", "show old-1",
        "list --filter datasets.name='x'",
    ):  # fmt: skip
        done = cli(*words.split(), *HERE, "--format", "json")
        assert done.exit_code == 0, done.stderr
        assert done.stderr.splitlines()[0] == f"expctl: {OLDER}, and is read as it is {UPGRADE}"
        found[words] = json.loads(done.stdout)
    named = [[run["name"] for run in one["rows"]] for words, one in found.items() if words.startswith(("list", "best"))]
    assert named == [["old-3", "old-2", "old-1", "old-0"], ["gone"], ["old-1"], ["old-1", "old-0"], []]
    for words in ("report --output page.html", "export old-1 old-2 -o runs.zip"):
        done = cli(*words.split(), *HERE)
        assert done.exit_code == 0, done.stderr
        assert done.stderr.startswith(f"expctl: {OLDER}, and is read as it is")
    for words in (
        ["train", "--data", "small.csv"],
        ["delete", "old-1", "--yes"],
        ["sweep", "-g", "c=1", "--data", "small.csv"],
    ):
        done = cli(*words, *HERE)
        assert (done.exit_code, done.stderr.splitlines()[-1]) == (4, f"expctl: {OLDER} {UPGRADE}"), words
    assert Path("mlflow.db").read_bytes() == before
    assert {path.name for path in Path().iterdir()} <= {
        "mlflow.db", "small.csv", ".mlflow.db.lock", "page.html", "runs.zip",
    }  # fmt: skip


@pytest.mark.slow
def test_what_was_exported_of_an_older_store_comes_whole_into_a_new_one(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written_by("2.9.2")
    assert cli("export", "old-*", "-o", "runs.zip", *HERE).exit_code == 0
    there = ("--tracking-uri", "sqlite:///new.db")
    assert cli("import", "runs.zip", *there).exit_code == 0
    columns = ("--columns", "name,status,f1_score,max(f1_score),c,team", "--format", "csv", "--sort", "name")
    assert cli("list", *there, *columns).stdout == cli("list", *HERE, *columns).stdout


def test_a_store_of_a_newer_mlflow_is_neither_read_nor_written(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written_by("3.18.0")
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    before = Path("mlflow.db").read_bytes()
    write_reviews(Path("small.csv"), 20)
    for command in (
        ["list"], ["show", "old-1"], ["best"], ["compare", "old-0", "old-1"], ["train", "--data", "small.csv"],
    ):  # fmt: skip
        done = cli(*command, *HERE)
        assert (done.exit_code, done.stdout, done.stderr) == (4, "", f"expctl: the store sqlite:///mlflow.db {NEWER}\n")
    assert Path("mlflow.db").read_bytes() == before


def test_a_store_of_the_next_mlflow_is_read_if_its_schema_was_tested_and_not_written(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = written_by("3.18.0")
    write_reviews(Path("small.csv"), 20)
    listed = json.loads(cli("list", *HERE, "--format", "json").stdout)["rows"]
    assert [(run["name"], run["f1_score"]) for run in listed] == [
        ("old-3", None), ("old-2", "NaN"), ("old-1", 0.9), ("old-0", 0.81),
    ]  # fmt: skip
    best = cli("best", *HERE, "--format", "csv")
    assert "old-1" in best.stdout
    assert store_of(tmp_path).aside is None
    if metadata.version("mlflow").startswith("3.17"):
        done = cli("train", "--data", "small.csv", *HERE)
        assert (done.exit_code, done.stdout, done.stderr) == (4, "", f"expctl: the store sqlite:///mlflow.db {NEWER}\n")
        assert Path("mlflow.db").read_bytes() == before


def test_a_store_that_lacks_a_table_of_runs_is_not_read(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written_by("2.9.2")
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("DROP TABLE latest_metrics")
    done = cli("list", *HERE)
    assert (done.exit_code, done.stdout, done.stderr) == (4, "", f"expctl: {OLDER} {UPGRADE}\n")


@pytest.mark.slow
def test_a_store_that_mlflow_has_upgraded_is_read_directly_as_through_its_client(cli, tmp_path, monkeypatch):
    import mlflow.db

    monkeypatch.chdir(tmp_path)
    written_by("2.9.2")
    mlflow.db.upgrade.callback("sqlite:///mlflow.db")
    commands = [
        [*words.split(), *HERE, "--format", "json"]
        for words in ("list", "best --top 3", "list --filter c=1", "list --deleted", "show old-1")
    ]
    direct = [cli(*command) for command in commands]
    assert store_of(tmp_path).aside is None
    found = [[run["name"] for run in json.loads(done.stdout)["rows"]] for done in direct[:4]]
    assert found == [["old-3", "old-2", "old-1", "old-0"], ["old-1", "old-0"], ["old-1"], ["gone"]]
    assert direct[1].stderr == "expctl: left out 1 run failed\nexpctl: left out 1 run with f1_score NaN\n"
    monkeypatch.setattr("expctl.tracking.readers.sqlite.REVISIONS", {})
    assert [cli(*command).stdout for command in commands] == [done.stdout for done in direct]


@pytest.mark.slow
def test_a_store_whose_making_was_cut_short_is_made_whole_by_writing(cli, small, migrated_store):
    """What is left of a process killed in its first opening: tables, and none of MLflow's first rows."""
    from mlflow.store.db.utils import _get_package_dir  # noqa: F401 (MLflow's own tables)
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    engine = create_engine("sqlite:///half.db")
    Base.metadata.create_all(engine)
    engine.dispose()
    before = Path("half.db").read_bytes()
    assert cli("list", "--tracking-uri", "sqlite:///half.db").exit_code == 0
    assert Path("half.db").read_bytes() == before
    done = cli("train", "--data", "small.csv", "--tracking-uri", "sqlite:///half.db", "--format", "id")
    assert done.exit_code == 0, done.stderr
    assert cli("list", "--tracking-uri", "sqlite:///half.db", "--format", "id").stdout == done.stdout


def test_a_server_that_is_not_there_fails_before_anything_is_read(cli, small):
    for words in (["list"], ["train", "--data", "small.csv"], ["predict", "a film"]):
        done = cli(*words, "--tracking-uri", "http://ada:s3cr3t@127.0.0.1:9")
        assert (done.exit_code, done.stdout) == (4, "")
        assert done.stderr.startswith("expctl: cannot connect to http://***@127.0.0.1:9 (")


@pytest.mark.parametrize("uri", ["ftp://host/x", "sqlite:", "http://localhost:99999"])
def test_an_address_that_is_none_is_a_usage_error(cli, folder, uri):
    done = cli("list", "--tracking-uri", uri)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_a_database_without_its_python_driver_says_which(cli, folder):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        done = cli("list", "--tracking-uri", f"mysql+nodriver9://u:s3cr3t@127.0.0.1:{server.getsockname()[1]}/db")
        assert (done.exit_code, len(done.stderr.splitlines())) == (4, 1), done.stderr
        assert "s3cr3t" not in done.stderr
    with (
        pytest.raises(StoreError, match="needs the Python package psycopg"),
        store_errors(Settings(tracking_uri="postgresql://u:s3cr3t@h/db")),
    ):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")


def test_the_old_file_store_is_named_with_the_way_to_migrate(cli, folder):
    done = cli("list", "--tracking-uri", "./mlruns")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "mlflow migrate-filestore" in done.stderr
    assert not Path("mlruns").exists()


def test_a_deleted_experiment_is_told_with_the_command_that_brings_it_back(cli, runs):
    store = store_of(runs)
    experiment = store.experiment_id()
    store.client.delete_experiment(experiment)
    for words in (["list"], ["best"], ["show", "latest"], ["predict", "x"], ["train", "--data", "small.csv"]):
        done = cli(*words)
        assert (done.exit_code, done.stdout) == (3, ""), words
        assert done.stderr == (
            "expctl: experiment 'expctl' has been deleted (try: expctl experiments expctl --restore)\n"
        )
    store.client.restore_experiment(experiment)
    assert cli("list", "--format", "id").exit_code == 0


def test_four_trainings_at_once_in_a_fresh_folder_are_all_there(tmp_path):
    write_reviews(tmp_path / "small.csv", 60)
    command = [sys.executable, "-m", "expctl", "train", "--data", "small.csv", "--model", "dummy", "-e", "crowd"]
    running = [
        Process([*command, "--run-name", f"n{i}"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for i in range(4)
    ]
    said = [process.communicate(timeout=600)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    found = store_of(tmp_path, experiment="crowd").find()
    assert sorted(run.name for run in found) == [f"n{i}" for i in range(4)]
    assert {run.status for run in found} == {"finished"}
    assert store_of(tmp_path).find(everywhere=True, limit=100) == found
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT name FROM sqlite_master WHERE name LIKE '_alembic_tmp%'").fetchall() == []
    database.close()


def test_an_experiment_that_another_process_just_made_is_used(folder, monkeypatch):
    one, other = store_of(folder, experiment="new"), store_of(folder, experiment="new")
    looked = other.experiment_id
    made: list[str] = []

    def overtaken():
        found = looked()
        if not made:
            made.append(one.ensure_experiment())
        return found

    monkeypatch.setattr(other, "experiment_id", overtaken)
    assert other.ensure_experiment() == made[0]


def test_one_relative_address_is_another_store_in_another_folder(folder, tmp_path_factory, migrated_store, monkeypatch):
    here = open_store(Settings())
    made = here.client.create_run(here.ensure_experiment()).info.run_id
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "mlflow.db").write_bytes(migrated_store.read_bytes())
    monkeypatch.chdir(elsewhere)
    assert open_store(Settings()).find() == []
    assert [run.run_id for run in here.find()] == [made]


def test_a_filter_that_cannot_be_read_is_a_usage_error_that_repeats_it(runs):
    with pytest.raises(UsageError) as raised:
        store_of(runs).find("metrics.f1_score >")
    assert raised.value.message.startswith("filter: expected ")
    assert raised.value.excerpt == ("metrics.f1_score >", 18)
    assert [run.name for run in store_of(runs).find("params.model = 'naive_bayes'")] == ["bayes"]


LONG = "long " * 1200
ODD = {
    "a key with blanks": "1", "dots.and/slashes": "2", "dash-colon:x": "x", "quotes": "it's \"so\"",
    "ünï": "日本 👩\u200d🚀",
    "escape": "\x1b[31mred\x1b[0m", "markup": "[red]x[/red] :skull:", "lines": "one\ntwo\r\nthree", "long": LONG,
    "formula": "=1+1", "empty": "",
}  # fmt: skip


@pytest.fixture
def plain(folder):
    """Runs as plain MLflow makes them, in the experiment of expctl: nothing of ours in them. Their client."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("expctl", artifact_location=(folder / "files").as_uri())

    def make(name, metrics, tags=None, status="FINISHED", **params):
        run = client.create_run(experiment, run_name=name, tags=tags)
        client.log_batch(
            run.info.run_id,
            params=[Param(key, value) for key, value in params.items()],
            metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()],
        )
        if status is not None:
            client.set_terminated(run.info.run_id, status)
        return run.info.run_id

    parent = make("parent", {})
    make("good", {"f1_score": 0.7, "val loss/x.y": 0.2, "rmse": 3.0}, **ODD)
    make("nested", {"f1_score": 0.6}, tags={"mlflow.parentRunId": parent})
    make("nan", {"f1_score": math.nan, "rmse": 1.0})
    make("infinite", {"f1_score": math.inf})
    make("sunk", {"f1_score": -math.inf})
    make("half", {"f1_score": 0.9}, status=None)
    make("lost", {"f1_score": 0.8}, status="FAILED")
    make("many", {}, **{f"p{i}": str(i) for i in range(300)})
    return client


def test_infinite_and_nan_metrics_come_back_as_such(plain, folder):
    measured = {run.name: run.metrics.get("f1_score") for run in store_of(folder).find()}
    assert (measured["infinite"], measured["sunk"]) == (math.inf, -math.inf)
    assert math.isnan(measured["nan"])


def test_runs_of_plain_mlflow_are_listed_a_row_each(plain, folder, cli):
    done = cli("list", "--limit", "0", "--columns", "name,status,f1_score,params.lines,params.escape,params.long")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert "\x1b" not in done.stdout
    (good,) = (line for line in lines if line.startswith("good"))
    assert "one\\ntwo\\r\\nthree" in good
    assert "…" in good
    document = json.loads(cli("list", "--format", "json", "--columns", "name,f1_score").stdout)
    assert {row["name"]: row["f1_score"] for row in document["rows"]} == {
        "parent": None, "good": 0.7, "nested": 0.6, "nan": "NaN", "infinite": "Infinity", "sunk": "-Infinity",
        "half": 0.9, "lost": 0.8, "many": None,
    }  # fmt: skip
    for format in ("table", "csv", "md", "jsonl", "id"):
        assert cli("list", "--format", format).exit_code == 0


def test_a_run_of_plain_mlflow_is_shown_with_every_key(plain, folder, cli):
    document = json.loads(cli("show", "good", "--format", "json").stdout)
    wanted = {**ODD, "a key with blanks": 1, "dots.and/slashes": 2}
    assert document["parameters"] == wanted
    measured = {key: figures["value"] for key, figures in document["metrics"].items()}
    assert measured == {"f1_score": 0.7, "rmse": 3.0, "val loss/x.y": 0.2}
    assert "command" not in document["run"]
    table = cli("show", "good")
    assert table.exit_code == 0
    assert "\x1b" not in table.stdout
    assert "[red]x[/red] :skull:" in table.stdout
    assert cli("show", "many").exit_code == 0
    assert cli("show", "parent").exit_code == 0


def test_runs_of_plain_mlflow_are_compared_and_ranked(plain, folder, cli):
    compared = json.loads(cli("compare", "good", "nested", "--format", "json").stdout)
    assert compared["same_test_set"] is None
    assert compared["metrics"]["f1_score"]["change"] == pytest.approx(-0.1)
    compared = json.loads(cli("compare", "good", "many", "--format", "json").stdout)
    assert compared["parameters"]["quotes"] == {"baseline": ODD["quotes"], "challenger": None}
    assert compared["parameters"]["p299"] == {"baseline": None, "challenger": 299}
    assert cli("compare", "nan", "infinite").exit_code == 0
    ranked = cli("best", "--top", "10", "--format", "json")
    assert [row["name"] for row in json.loads(ranked.stdout)["rows"]] == ["good", "nested"]
    assert ranked.stderr.splitlines() == [
        "expctl: left out 1 run failed",
        "expctl: left out 1 run with f1_score NaN",
        "expctl: left out 2 runs with infinite f1_score",
        "expctl: left out 2 runs without f1_score",
        "expctl: left out 1 run running",
    ]
    losses = json.loads(cli("best", "--metric", "rmse", "--top", "2", "--format", "json").stdout)
    assert [row["name"] for row in losses["rows"]] == ["nan", "good"]  # a loss: less is better


def test_a_comparison_has_the_same_shape_where_one_run_has_no_parameter_at_all(plain, folder, cli):
    compared = json.loads(cli("compare", "good", "nested", "--format", "json").stdout)
    assert compared["parameters"]["quotes"] == {"baseline": ODD["quotes"], "challenger": None}


def test_a_run_of_plain_mlflow_without_a_model_predicts_nothing(plain, folder, cli):
    done = cli("predict", "a film", "--run", "good")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "has no model" in done.stderr


def test_odd_keys_are_columns_and_sort_keys(plain, folder, cli):
    done = cli("list", "--columns", "name,params.a key with blanks,metrics.val loss/x.y", "--sort", "val loss/x.y")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["good", "1", "0.2000"]


def test_settings_choose_the_store(folder):
    assert settings_of(folder).tracking_uri == f"sqlite:///{folder}/mlflow.db"
    tag = RunTag("k", "v")
    store = store_of(folder, experiment="other")
    store.client.create_run(store.ensure_experiment(), tags={tag.key: tag.value})
    assert [run.tags["k"] for run in store.find()] == ["v"]
    assert store_of(folder).find() == []
