"""`expctl show`: one run whole, and the command line that makes it again."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.tracking.recorded import store_of


def shown(cli, *words: str) -> dict:
    done = cli("show", *words, "--format", "json")
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def test_a_run_is_shown_in_sections(cli, runs):
    done = cli("show", "strong")
    assert (done.exit_code, done.stderr) == (0, "")
    titles = [line for line in done.stdout.splitlines() if line.isupper()]
    assert titles == ["RUN", "METRICS", "PARAMETERS", "DATA", "TAGS", "ENVIRONMENT", "ARTIFACTS"]
    assert "the one to beat" in done.stdout
    assert "model/model.skops" in done.stdout


def test_json_has_the_documented_keys(cli, runs):
    document = shown(cli, "strong")
    assert (document["version"], document["kind"]) == (1, "run")
    assert set(document) == {
        "version", "kind", "run", "metrics", "parameters", "data", "tags", "environment", "artifacts",
    }  # fmt: skip
    assert document["run"]["name"] == "strong"
    assert document["run"]["status"] == "finished"
    assert document["run"]["experiment"] == "expctl"
    assert document["run"]["note"] == "the one to beat"
    assert document["parameters"]["c"] == 10.0
    assert document["tags"]["team"] == "nlp"
    assert document["data"]["data_path"] == "small.csv"
    assert document["environment"]["expctl.version"]
    low, value, high = (document["metrics"]["f1_score"][key] for key in ("low", "value", "high"))
    assert low < value < high
    assert document["artifacts"]["predictions.parquet"] > 100
    assert not [key for key in document["tags"] if key.startswith(("mlflow.", "expctl."))]


def test_the_command_of_a_run_makes_it_again(cli, runs):
    before = shown(cli, "weak")
    words = shlex.split(before["run"]["command"])
    assert words[:2] == ["expctl", "train"]
    again = cli(*words[1:], "--format", "id")
    assert again.exit_code == 0, again.stderr
    after = shown(cli, again.stdout.strip())
    assert after["parameters"] == before["parameters"]
    assert after["data"] == before["data"]
    steady = [key for key in before["metrics"] if not key.endswith("seconds")]
    assert {key: after["metrics"][key] for key in steady} == {key: before["metrics"][key] for key in steady}


def test_the_command_of_a_run_says_what_was_said_of_it_too(cli, small):
    tags = ("-t", "team=a b", "-t", "x==1")
    said = ("--run-name", "it's", "--note", "two\nlines; $HOME", "--data-version", "v 2", *tags)
    for words in (("train", "--c", "3"), ("sweep", "-g", "c=3")):
        first = cli(*words, "--data", "small.csv", "-e", "other", *said)
        assert first.exit_code == 0, first.stderr
        before = shown(cli, "it's", "-e", "other")
        again = cli(*shlex.split(before["run"]["command"])[1:])
        assert again.exit_code == 0, again.stderr
        store = store_of(small.parent, experiment="other")
        one, two = store.find('name = "it\'s"')
        assert (one.run_id, one.tags["mlflow.note.content"]) != (two.run_id, "")
        for key in ("mlflow.note.content", "data_version", "team", "x"):
            assert one.tags[key] == two.tags[key]
        assert shown(cli, one.run_id)["run"]["command"].endswith(" -e other")
        assert cli("delete", one.run_id, two.run_id, "-y").exit_code == 0


def test_a_failed_run_shows_why_and_has_no_metrics(cli, runs):
    document = shown(cli, "broken")
    assert document["run"]["status"] == "failed"
    assert document["run"]["reason"] == "ValueError: the moon is full"
    assert "metrics" not in document
    assert "--model own_models:broken" in document["run"]["command"]


def test_folds_stand_beside_their_metric(cli, small):
    assert cli("train", "--data", "small.csv", "--cv", "3").exit_code == 0
    metrics = shown(cli, "latest")["metrics"]
    assert set(metrics["accuracy"]) == {"value", "low", "high", "cv_mean", "cv_std"}
    assert not [key for key in metrics if key.startswith("cv_")]


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "md", "id"])
def test_every_format_tells_of_the_run(cli, runs, format):
    run = store_of(runs).find("attributes.run_name = 'weak'")[0]
    done = cli("show", "weak", "--format", format)
    assert (done.exit_code, done.stderr) == (0, "")
    assert run.run_id in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["nobody"], 3, "no run 'nobody' in experiment 'expctl' (try: expctl list"),
        ([""], 3, "an empty run reference"),
        (["latest~9"], 3, "there are 4 in experiment 'expctl'"),
        (["best:nothing"], 3, "no finished run has nothing"),
        (["0" * 32], 3, "0" * 32),
        ([], 2, "Missing argument 'RUN'"),
        (["weak", "strong"], 2, "strong"),
        (["weak", "--format", "xml"], 2, "unknown format 'xml'"),
    ],
)
def test_what_cannot_be_shown_is_one_line(cli, runs, words, code, word):
    done = cli("show", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("expctl: ")
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_ambiguous_start_of_an_id_lists_the_candidates(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    for _ in range(2):
        store.client.create_run(experiment, run_name="twin")
    done = cli("show", "twin")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.count("(twin)") == 2
    assert done.stderr.endswith("(use more of the id)\n")


def test_a_run_of_another_experiment_is_shown_by_its_id_with_its_own_experiment(cli, runs):
    store = store_of(runs, experiment="other")
    run_id = store.client.create_run(store.ensure_experiment(), run_name="elsewhere").info.run_id
    assert shown(cli, run_id)["run"]["experiment"] == "other"


def test_hostile_values_stay_on_their_row(cli, folder):
    store = store_of(folder)
    run_id = store.client.create_run(store.ensure_experiment(), run_name="a\nb\x1b[31m").info.run_id
    store.client.set_tag(run_id, "team", "[red]x[/red]\n\x1b]0;t\x07")
    store.client.set_tag(run_id, "expctl.recipe", "{not json")
    done = cli("show", run_id)
    assert done.exit_code == 0
    assert "a\\nb\\x1b[31m" in done.stdout
    assert "[red]x[/red]\\n\\x1b]0;t\\x07" in done.stdout
    assert "\x1b" not in done.stdout
    assert shown(cli, run_id)["run"]["name"] == "a\nb\x1b[31m"
