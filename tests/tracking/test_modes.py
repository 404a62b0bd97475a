"""The ways a store can be reached, and the model served by MLflow itself: real processes, real loopback."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT, real_data
from tests.tracking.recorded import names
from tests.tracking.serving import listening


@pytest.mark.every_store
def test_the_main_commands_work_and_leave_nothing_in_the_current_folder_but_an_sqlite_store(cli, store_kind, small):
    first = cli("train", "--data", "small.csv", "--format", "id")
    assert first.exit_code == 0, first.stderr
    second = cli("train", "--data", "small.csv", "--c", "0.01", "--run-name", "weak", "--format", "id")
    assert second.exit_code == 0, second.stderr
    listed = cli("list", "--format", "id")
    assert listed.stdout.split() == [second.stdout.strip(), first.stdout.strip()]
    shown = json.loads(cli("show", "weak", "--format", "json").stdout)
    assert shown["parameters"]["c"] == 0.01
    assert "model/model.skops" in shown["artifacts"]
    compared = json.loads(cli("compare", "latest~1", "latest", "--per-class", "--format", "json").stdout)
    assert compared["parameters"]["c"] == {"baseline": 1.0, "challenger": 0.01}
    assert compared["same_test_set"] is True
    assert cli("best", "--top", "2", "--format", "id").exit_code == 0
    predicted = cli("predict", "the film was superb and lovely", "--run", first.stdout.strip(), "--format", "json")
    assert json.loads(predicted.stdout)["rows"][0]["prediction"] == "positive", predicted.stderr
    files = ["mlartifacts", "mlflow.db", "small.csv"] if store_kind == "sqlite" else ["small.csv"]
    assert [name for name in names(small.parent) if not name.startswith(".")] == files


@pytest.mark.slow
def test_a_promotion_through_a_tracking_server_and_back(cli, small, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "promoted")
    for name in ("one", "two"):
        trained = cli("train", "--data", "small.csv", "--run-name", name, "--format", "id")
        assert trained.exit_code == 0, trained.stderr
        promoted = cli("promote", name, "reviews", "--format", "id")
        assert promoted.exit_code == 0, promoted.stderr
    assert promoted.stdout == "models:/reviews/2\n"
    assert cli("predict", "a superb film", "--run", "reviews@champion", "--format", "csv").exit_code == 0
    back = shlex.split(promoted.stderr.splitlines()[-1].removeprefix("expctl: undo: expctl "))
    assert cli(*back).exit_code == 0
    listed = json.loads(cli("promote", "--list", "reviews", "--format", "json").stdout)["rows"]
    assert [(row["version"], row["aliases"], row["name"]) for row in listed] == [
        (2, None, "two"),
        (1, "champion", "one"),
    ]
    assert all(row["f1_score"] > 0.5 for row in listed)


@pytest.mark.slow
def test_mlflow_serves_a_champion_that_says_what_predict_says(cli, runs):
    assert cli("promote", "strong", "reviews").exit_code == 0
    rows = json.loads(cli("predict", "--run", "reviews@champion", "-q", "-i", "small.csv", "-f", "json").stdout)["rows"]
    words = ["models", "serve", "-m", "models:/reviews@champion", "--env-manager", "local"]
    with listening(words, runs, {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}) as address:
        body = json.dumps({"dataframe_records": [{"text": row["text"]} for row in rows]}).encode()
        request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            served = json.load(answer)["predictions"]
    assert served == [row["prediction"] for row in rows]
    assert set(served) == {"positive", "negative"}


def test_a_server_that_is_gone_is_told_before_fitting(run_command, small):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = run_command(
        "train", "--data", "small.csv", "--tracking-uri", f"http://user:SECRET@127.0.0.1:{port}", timeout=300
    )
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert "SECRET" not in done.stderr


def test_the_old_file_store_gets_the_way_to_migrate(run_command, small):
    (small.parent / "mlruns").mkdir()
    done = run_command("train", "--data", "small.csv", "--tracking-uri", "file:mlruns")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert "mlflow migrate-filestore" in done.stderr


def test_the_old_file_store_serves_where_mlflow_allows_it(run_command, small):
    env = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_TRACKING_URI": "file:mlruns"}
    trained = run_command("train", "--data", "small.csv", "--format", "id", env=env)
    assert trained.exit_code == 0, trained.stderr
    assert run_command("best", "--format", "id", env=env).stdout == trained.stdout
    assert run_command("predict", "a superb film", "--format", "csv", env=env).exit_code == 0


def test_an_old_mlruns_folder_does_not_switch_the_store(run_command, small):
    experiment = small.parent / "mlruns" / "0"
    experiment.mkdir(parents=True)
    (experiment / "meta.yaml").write_text("name: Default\nexperiment_id: '0'\n")
    trained = run_command("train", "--data", "small.csv", "--format", "id")
    assert trained.exit_code == 0, trained.stderr
    assert run_command("list", "--format", "id").stdout == trained.stdout


@pytest.mark.slow
def test_mlflow_models_predict_says_what_predict_says(run_command, folder):
    data = real_data("sentiment3k.csv")
    run_id = run_command("train", "--data", str(data), "--format", "id").stdout.strip()
    with data.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:200]
    with (folder / "texts.jsonl").open("w") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    ours = run_command("predict", "--run", run_id, "--input", "texts.jsonl", "--format", "jsonl")
    predicted = [json.loads(line)["prediction"] for line in ours.stdout.splitlines()]
    assert set(predicted) != {"positive"}
    for kind in ("csv", "json"):
        raw = folder / f"raw.{kind}"
        if kind == "csv":
            with raw.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([["text"], *([text] for text in texts)])
        else:
            raw.write_text(json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text] for text in texts]}}))
        command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", f"runs:/{run_id}/model",
                   "--env-manager", "local", "-t", kind, "-i", str(raw), "-o", "mlflow.json"]  # fmt: skip
        env = {**os.environ, "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        served = json.loads((folder / "mlflow.json").read_text())["predictions"]
        assert [entry if isinstance(entry, str) else entry["0"] for entry in served] == predicted


# What the site has is not ours alone to hide: an import of expctl fails.
WITHOUT_EXPCTL = "import runpy, sys; sys.modules['expctl'] = None; runpy.run_module('mlflow', run_name='__main__')"


def as_the_model_reads_it(row: dict[str, str]) -> dict[str, object]:
    """A row of houses.csv, None for what is missing; a date as its parts."""
    cells: dict[str, object] = {key: row[key] or None for key in ("town", "heating")}
    numbers = {key: row[key] for key in ("area", "rooms", "built")}
    cells |= {key: float(text) if text not in ("", "NA") else None for key, text in numbers.items()}
    sold = datetime.fromisoformat(row["sold"])
    cells |= {f"sold.{part}": float(getattr(sold, part)) for part in ("year", "month", "day", "hour")}
    return cells | {"sold.weekday": float(sold.weekday()), "note": row["note"]}


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_mlflow_models_predict_answers_for_a_mixed_champion_without_expctl_what_predict_says(cli, folder):
    shutil.copy(ROOT / "data" / "houses.csv", folder)
    words = ("--target", "quick", "--drop", "listing,price", "--model", "random_forest", "-q")
    assert cli("train", "--data", "houses.csv", *words, "--run-name", "mixed").exit_code == 0
    assert cli("promote", "mixed", "houses", "-q").exit_code == 0
    ours = cli("predict", "--run", "houses@champion", "--input", "houses.csv", "--format", "jsonl", "-q")
    predicted = [json.loads(line)["prediction"] for line in ours.stdout.splitlines()]
    assert set(predicted) == {"yes", "no"}
    with Path("houses.csv").open(newline="") as file:
        rows = [as_the_model_reads_it(row) for row in csv.DictReader(file)]
    assert {key for row in rows for key, cell in row.items() if cell is None} == {"heating", "area"}
    Path("rows.json").write_text(json.dumps({"dataframe_records": rows}))
    command = [sys.executable, "-c", WITHOUT_EXPCTL, "models", "predict", "-m", "models:/houses@champion",
               "--env-manager", "local", "-t", "json", "-i", "rows.json", "-o", "mlflow.json"]  # fmt: skip
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    env["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    served = json.loads(Path("mlflow.json").read_text())["predictions"]
    assert [entry if isinstance(entry, str) else entry["0"] for entry in served] == predicted
