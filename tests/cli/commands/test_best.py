"""`expctl best`: runs ranked by a metric in its direction; what is not fit to rank is left out and counted."""

from __future__ import annotations

import json
import math

import pytest
from mlflow.entities import Metric

from tests.tracking.recorded import store_of


def ranked(cli, *words: str) -> list[str]:
    done = cli("best", "--format", "json", *words)
    assert done.exit_code == 0, done.stderr
    return [row["name"] for row in json.loads(done.stdout)["rows"]]


@pytest.fixture
def made(folder):
    """A function that makes a run with these metrics and this status."""
    store = store_of(folder)
    experiment = store.ensure_experiment()

    def make(name: str, status: str = "FINISHED", **metrics: float) -> str:
        run_id = store.client.create_run(experiment, run_name=name).info.run_id
        store.client.log_batch(run_id, metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()])
        store.client.set_terminated(run_id, status)
        return run_id

    return make


def left_out(store_kind: str, *counted: str) -> list[str]:
    """What is said of runs that cannot rank; a server would have to send them all to have them counted."""
    told = counted if store_kind == "sqlite" else ["left out: runs that are unfinished or without a finite f1_score"]
    return [f"expctl: {one}" for one in told]


@pytest.mark.every_store
def test_the_best_run_by_the_default_metric(cli, store_kind, runs):
    scores = {run.name: run.metrics["f1_score"] for run in store_of(runs).find("attributes.status = 'FINISHED'")}
    assert ranked(cli) == [max(scores, key=scores.get)] == ["strong"]
    done = cli("best", "--top", "3")
    header = done.stdout.splitlines()[0].split()
    assert [word for word in header if word in ("run", "name", "f1_score", "low", "high")] == [
        "run", "name", "f1_score", "low", "high",
    ]  # fmt: skip
    assert done.stderr.splitlines() == left_out(store_kind, "left out 1 run failed")
    assert cli("best", "--quiet").stderr == ""


def test_json_has_the_documented_keys(cli, runs):
    document = json.loads(cli("best", "--top", "2", "--format", "json").stdout)
    assert (document["version"], document["kind"]) == (1, "ranking")
    assert [row["rank"] for row in document["rows"]] == [1, 2]
    assert {"run_id", "name", "f1_score", "f1_score_low", "f1_score_high", "accuracy", "model", "started"} <= set(
        document["rows"][0]
    )


def test_a_loss_ranks_the_other_way_round(cli, made):
    made("much", log_loss=2.0, own_error=1.0)
    made("little", log_loss=0.5, own_error=3.0)
    assert ranked(cli, "--metric", "log_loss", "--top", "5") == ["little", "much"]
    assert ranked(cli, "--metric", "own_error", "--top", "5") == ["much", "little"]


@pytest.mark.every_store
def test_neither_nan_nor_infinity_nor_an_unfinished_run_ever_wins(cli, store_kind, made):
    made("nan", f1_score=math.nan)
    made("infinite", f1_score=math.inf)
    made("sunk", f1_score=-math.inf)
    made("failed", "FAILED", f1_score=0.99)
    made("killed", "KILLED", f1_score=0.98)
    made("without")
    made("honest", f1_score=0.5)
    assert ranked(cli, "--top", "9") == ["honest"]
    assert cli("best").stderr.splitlines() == left_out(
        store_kind,
        "left out 1 run failed",
        "left out 1 run with f1_score NaN",
        "left out 2 runs with infinite f1_score",
        "left out 1 run without f1_score",
        "left out 1 run killed",
    )


@pytest.mark.every_store
def test_ties_go_to_the_earlier_run_every_time(cli, made):
    names = [f"n{i}" for i in range(6)]
    for name in names:
        made(name, f1_score=0.5)
    assert ranked(cli, "--top", "6") == names
    assert ranked(cli, "--top", "2") == names[:2]


def test_a_filter_chooses_who_takes_part(cli, runs):
    assert ranked(cli, "--filter", "params.model = 'naive_bayes'") == ["bayes"]


def test_runs_beyond_the_first_page_of_a_store_are_looked_at_too(cli, made, monkeypatch):
    monkeypatch.setattr("expctl.tracking.readers.sqlite.REVISIONS", {})  # through MLflow's client
    monkeypatch.setattr("expctl.tracking.readers.mlflow_search.PAGE", 2)
    for i in range(5):
        made(f"n{i}", f1_score=0.9 if i == 0 else 0.1)  # the oldest is on the last page
    assert ranked(cli) == ["n0"]


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "md", "id"])
def test_every_format_names_the_run(cli, runs, format):
    done = cli("best", "--format", format, "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    assert run.run_id[:8] in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["--metric", "f1_scor"], 3, "no finished run has f1_scor, did you mean 'f1_score'? (--metric accuracy, "),
        (["--filter", "params.c = '77'"], 3, "no finished run that matches the filter has f1_score"),
        (["--top", "0"], 2, "top"),
        (["--format", "xml"], 2, "unknown format 'xml'"),
        (["-e", "nowhere"], 3, "no finished run has f1_score (try: expctl list)"),
    ],
)
def test_what_cannot_be_ranked_is_one_line(cli, runs, words, code, word):
    done = cli("best", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("expctl: ")
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_best_of_nothing_is_not_found(cli, folder):
    done = cli("best")
    assert (done.exit_code, done.stdout, done.stderr) == (
        3, "", "expctl: no finished run has f1_score (try: expctl list)\n",
    )  # fmt: skip


def test_metrics_of_other_programs_are_found_by_near_names_and_ranked_in_their_direction(cli, made):
    made("a", val_acc=0.5, eval_loss=0.2, val_loss=0.2, regrets=3.0)
    made("b", val_acc=0.6, eval_loss=0.1, val_loss=0.4, regrets=4.0)
    done = cli("best", "--metric", "accuracy", "--format", "id")
    assert (done.exit_code, done.stderr) == (0, "expctl: no run has accuracy: val_acc is taken\n")
    done = cli("best", "--metric", "loss")
    assert (done.exit_code, done.stderr) == (
        3, "expctl: no finished run has loss, but eval_loss, val_loss (--metric eval_loss, val_loss)\n",
    )  # fmt: skip
    assert ranked(cli, "--metric", "regrets") == ["b"]
    assert ranked(cli, "--metric", "regrets", "--lower-is-better") == ["a"]
    assert cli("best", "--metric", "accuracy", "--lower-is-better").exit_code == 2
    assert cli("show", "best:accuracy", "--format", "json").stdout == cli("show", "b", "--format", "json").stdout
    assert cli("list", "--sort", "accuracy", "--format", "id").stdout.split()[0] == ranked_id(cli, "b")
    compared = json.loads(cli("compare", "a", "b", "--metric", "acc", "--format", "json").stdout)
    assert list(compared["metrics"]) == ["val_acc"]
    kept = ["delete", "--keep-best", "1", "--metric", "regrets", "--dry-run", "--format", "id"]
    assert cli(*kept).stdout.strip() == ranked_id(cli, "a")
    assert cli(*kept, "--lower-is-better").stdout.strip() == ranked_id(cli, "b")


def ranked_id(cli, name: str) -> str:
    return cli("show", name, "--format", "id").stdout.strip()
