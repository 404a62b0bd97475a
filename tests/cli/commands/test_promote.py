"""`expctl promote`: a run becomes a registered version and an alias points at it, or nothing is registered at all."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

from expctl.records import Tag
from expctl.tracking.models import registry
from tests.conftest import ROOT
from tests.tracking.recorded import model_folder, store_of


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def run_of(store, name: str):
    return store.find(f"name = '{name}'")[0]


def held(store, name: str = "reviews"):
    """What is registered: the run of each version by name, and the aliases."""
    model = registry.read(store, name)
    return {number: store.get(one.run_id).name for number, one in model.versions.items()}, dict(model.aliases)


def refused(done, code: int, *words: str) -> None:
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("expctl: ")
    for word in words:
        assert word in done.stderr


def typed_back(cli, done):
    """The command that a promotion says takes it back, typed."""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("expctl: undo: expctl ")
    return cli(*shlex.split(last.removeprefix("expctl: undo: expctl ")))


def test_an_alias_stands_for_its_run_wherever_a_run_does(cli, store):
    done = cli("promote", "strong", "reviews")
    assert done.exit_code == 0
    assert done.stderr == ("expctl: reviews@champion is new\nexpctl: undo: expctl promote --remove reviews@champion\n")
    for name in ("reviews@champion", "models:/reviews@champion", "models:/reviews/1"):
        predicted = cli("predict", "--run", name, "a great film", "-q", "-f", "jsonl")
        assert json.loads(predicted.stdout)["prediction"] == "positive"
        assert cli("show", name, "-f", "id").stdout.strip() == run_of(store, "strong").run_id
        assert cli("compare", "weak", name, "-f", "id").stdout.split()[1] == run_of(store, "strong").run_id
        assert cli("gate", "weak", "--baseline", name).exit_code in (0, 1, 6)


def test_a_version_says_who_promoted_it_when_and_why(cli, store, monkeypatch):
    monkeypatch.setenv("EXPCTL_DEVELOPER", "Ada")
    assert cli("promote", "best", "reviews").exit_code == 0
    tags = registry.read(store, "reviews").versions[1].tags
    assert sorted(tags) == [Tag.PROMOTED_AS, Tag.PROMOTED_AT, Tag.PROMOTED_BECAUSE, Tag.PROMOTED_BY]
    assert (tags[Tag.PROMOTED_AS], tags[Tag.PROMOTED_BY]) == ("champion", "Ada")
    assert tags[Tag.PROMOTED_BECAUSE] == "asked for: expctl promote best reviews"
    assert cli("promote", "strong", "reviews", "--alias", "staging", "--note", "a trial").exit_code == 0
    tags = registry.read(store, "reviews").versions[1].tags
    assert (tags[Tag.PROMOTED_AS], tags[Tag.PROMOTED_BECAUSE]) == ("staging", "a trial")
    (row,) = json.loads(cli("promote", "--list", "reviews", "-f", "json").stdout)["rows"]
    assert (row["by"], row["because"], row["aliases"]) == ("Ada", "a trial", "champion, staging")
    assert row["promoted"] == tags[Tag.PROMOTED_AT].replace("+00:00", ".000Z")


def test_the_command_that_takes_it_back_does(cli, store):
    first = cli("promote", "weak", "my reviews", "--tracking-uri", store.uri)
    second = cli("promote", "strong", "my reviews", "-f", "json")
    assert json.loads(second.stdout)["rows"] == [
        {
            "model": "my reviews", "version": 2, "alias": "champion", "before": 1,
            "run_id": run_of(store, "strong").run_id, "name": "strong",
            "f1_score": run_of(store, "strong").metrics["f1_score"],
        }
    ]  # fmt: skip
    assert f"my reviews@champion was version 1 (weak, {run_of(store, 'weak').run_id[:8]})\n" in second.stderr
    versions = {2: "strong", 1: "weak"}
    assert held(store, "my reviews") == (versions, {"champion": 2})
    assert typed_back(cli, second).exit_code == 0
    assert held(store, "my reviews") == (versions, {"champion": 1})
    assert "--tracking-uri" in first.stderr  # given, so it has to be given again
    removed = typed_back(cli, first)
    assert removed.exit_code == 0
    assert held(store, "my reviews") == (versions, {})
    assert typed_back(cli, removed).exit_code == 0
    assert held(store, "my reviews") == (versions, {"champion": 1})


def test_a_run_is_one_version_of_a_name_however_often_it_is_promoted(cli, store):
    assert cli("promote", "strong", "reviews", "-f", "id").stdout == "models:/reviews/1\n"
    again = cli("promote", "strong", "reviews", "-f", "id")
    assert (again.exit_code, again.stdout) == (0, "models:/reviews/1\n")
    assert again.stderr.endswith(
        f"reviews@champion is version 1 (strong, {run_of(store, 'strong').run_id[:8]}) already\n"
    )
    assert cli("promote", "strong", "reviews", "--alias", "staging").exit_code == 0
    assert cli("promote", "strong", "other").exit_code == 0
    assert held(store) == ({1: "strong"}, {"champion": 1, "staging": 1})


def test_a_version_that_no_run_made_can_be_pointed_at_again(cli, store):
    store.client.create_registered_model("reviews")
    store.client.create_model_version("reviews", str(model_folder(run_of(store, "weak"))))
    store.client.set_registered_model_alias("reviews", "champion", "1")
    judged = cli("promote", "strong", "reviews", "--if-better-than", "champion")
    assert judged.exit_code == 6
    assert "a version that no run made cannot be compared" in judged.stdout
    done = cli("promote", "strong", "reviews")
    assert "reviews@champion was version 1\n" in done.stderr
    assert typed_back(cli, done).exit_code == 0
    assert registry.read(store, "reviews").aliases == {"champion": 1}


@pytest.fixture
def coin(cli, runs):
    """A run so bad that every test of 40 rows tells it from the others."""
    assert cli("train", "--data", "small.csv", "--model", "dummy", "--run-name", "coin").exit_code == 0


def test_only_what_is_surely_better_takes_the_place(cli, store, coin):
    words = ("reviews", "--if-better-than", "champion")
    first = cli("promote", "coin", *words)
    assert first.exit_code == 0
    assert "expctl: reviews has no alias champion yet: there is nothing to compare with\n" in first.stderr
    better = cli("promote", "strong", *words)
    assert better.exit_code == 0
    assert better.stdout.startswith("gate: pass\nreason: against version 1: f1_score changes by +")
    why = registry.read(store, "reviews").versions[2].tags[Tag.PROMOTED_BECAUSE]
    assert why.startswith("against version 1: f1_score changes by +")
    assert why.endswith(": significantly better")
    worse = cli("promote", "coin", *words, "--metric", "accuracy", "-f", "json")
    assert worse.exit_code == 1
    told = json.loads(worse.stdout)
    assert (told["gate"], told["rows"][0]["version"], told["rows"][0]["before"]) == ("regression", None, 2)
    assert (told["decision"], told["risk_left"]) == (2, 0.05 / 3)
    assert worse.stderr == (
        "expctl: decision 2 about reviews@champion: of the 5 % risk of a false promotion 1.7 % is left, and the next"
        " needs p below 0.0083\n"
        "expctl: nothing is registered: reviews@champion stays version 2"
        f" (strong, {run_of(store, 'strong').run_id[:8]})\n"
    )
    again = cli("promote", "coin", "reviews", "--if-better-than", "reviews@champion", "--metric", "accuracy")
    assert (again.exit_code, "gate: regression" in again.stdout) == (1, True)
    other = cli("promote", "coin", "reviews", "--if-better-than", "others@champion")
    assert (other.exit_code, "is of another model than 'reviews'" in other.stderr) == (2, True)
    unsure = cli("promote", "bayes", *words, "-f", "id")
    assert (unsure.exit_code, unsure.stdout) == (6, "")
    assert held(store) == ({2: "strong", 1: "coin"}, {"champion": 2})
    assert cli("promote", "strong", *words).exit_code == 0  # it is the champion: there is nothing to do


def test_a_run_without_a_model_is_refused(cli, store):
    refused(cli("promote", "broken", "reviews"), 3, "run broken", "has no model: it is failed")
    refused(cli("promote", "nobody", "reviews"), 3, "no run 'nobody'")
    assert store.client.search_registered_models() == []


def test_a_sweep_is_refused_and_names_its_best_run(cli, sweeps):
    store = store_of(sweeps)
    sweep = next(run for run in store.find() if Tag.BEST_RUN in run.tags)
    refused(cli("promote", sweep.run_id, "reviews"), 3, "is a sweep", f"its best run is {sweep.tags[Tag.BEST_RUN][:8]}")
    assert store.client.search_registered_models() == []


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ((), "promote needs a run and a model name (try: expctl promote RUN NAME)"),
        (("strong",), "promote needs a run and a model name"),
        (("strong", ""), "'' is not a valid model name"),
        (("strong", "a/b"), "'a/b' is not a valid model name: no / : @ ? or control characters"),
        (("strong", "reviews", "--alias", ""), "--alias is empty"),
        (("strong", "reviews", "--alias", "v1"), "latest and v1 are MLflow's own"),
        (("strong", "reviews", "--if-better-than", "a.b"), "is not a valid alias"),
        (("strong", "reviews", "--metric", "fit_seconds"), "the gate cannot test 'fit_seconds'"),
        (("strong", "reviews", "--note", "\udcff"), "--note is not UTF-8"),
        (("strong", "reviews", "--format", "xml"), "unknown format 'xml'"),
        (("strong", "reviews", "--fresh-data"), "--fresh-data goes with --if-better-than ("),
        (("strong", "--list", "reviews"), "--list promotes nothing"),
        (("--list", "reviews", "--fresh-data"), "--list promotes nothing"),
        (("--list", "reviews", "--remove", "reviews@champion"), "--list promotes nothing"),
        (("--remove", "reviews"), "is not NAME@ALIAS"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_wrong_use_is_told_in_one_line_and_registers_nothing(cli, store, words, word):
    refused(cli("promote", *words), 2, word)
    assert store.client.search_registered_models() == []


def test_a_name_of_any_other_characters_is_found_again(cli, store):
    for name in ("it's", "both ' and \"", "日本 👍", "[red]x", "100%", "a b", "a#b"):
        done = cli("promote", "strong", name, "-f", "id")
        assert done.exit_code == 0, done.stderr
        assert cli("show", f"{name}@champion", "-f", "id").stdout.strip() == run_of(store, "strong").run_id
        listed = json.loads(cli("promote", "--list", name, "-f", "json").stdout)
        assert (listed["model"], listed["rows"][0]["aliases"]) == (name, "champion")
        assert typed_back(cli, done).exit_code == 0
        assert held(store, name) == ({1: "strong"}, {})


def test_versions_are_listed_in_every_format_with_their_metrics(cli, store):
    for name in ("weak", "strong"):
        assert cli("promote", name, "reviews").exit_code == 0
    store.client.create_model_version("reviews", str(model_folder(run_of(store, "weak"))))
    store.client.set_model_version_tag("reviews", "3", Tag.PROMOTED_AT, "soon")
    store.client.delete_run(run_of(store, "weak").run_id)
    rows = json.loads(cli("promote", "--list", "reviews", "--metric", "log_loss", "-f", "json").stdout)["rows"]
    assert [(row["version"], row["aliases"], row["name"]) for row in rows] == [
        (3, None, None), (2, "champion", "strong"), (1, None, "weak"),
    ]  # fmt: skip
    strong = run_of(store, "strong")
    assert rows[1]["log_loss"] == strong.metrics["log_loss"]
    assert rows[1]["f1_score"] == strong.metrics["f1_score"]
    assert rows[0]["promoted"] is None
    assert cli("promote", "--list", "reviews", "-f", "id").stdout.split() == [f"models:/reviews/{i}" for i in (3, 2, 1)]
    for chosen in ("table", "jsonl", "csv", "md"):
        done = cli("promote", "--list", "reviews", "-f", chosen)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "champion" in done.stdout


def test_what_is_not_registered_is_told_with_what_is(cli, store):
    refused(cli("promote", "--list", "reviews"), 3, "no model 'reviews' is registered (try: expctl promote RUN NAME)")
    assert cli("promote", "strong", "reviews").exit_code == 0
    refused(cli("promote", "--list", "review"), 3, "did you mean 'reviews'?")
    refused(cli("promote", "--remove", "reviews@champoin"), 3, "did you mean 'champion'?")
    refused(cli("show", "reviews@staging"), 3, "(try: expctl promote --list reviews)")


def test_without_a_store_nothing_is_made(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(cli("promote", "latest", "reviews"), 3, "there is no store")
    refused(cli("promote", "--list", "reviews"), 3, "there is no store")
    assert list(tmp_path.iterdir()) == []


OWN = """
import sys

import mlflow
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from expctl import log_predictions

rows = pd.read_csv("small.csv")
train, test = rows[:100], rows[100:]
model = make_pipeline(CountVectorizer(), LogisticRegression(C=float(sys.argv[2]))).fit(train["text"], train["label"])
with mlflow.start_run():
    mlflow.sklearn.log_model(model, name=sys.argv[4], pip_requirements=["scikit-learn"])
    log_predictions(test["label"], model.predict(test["text"]), texts=test["text"])
"""


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_model_that_a_program_logged_itself_is_promoted_if_it_is_better(cli, small, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (small.parent / "own.py").write_text(OWN)
    for name, c, called in (("poor", "0.00001", "model"), ("good", "10", "classifier")):
        done = cli("run", "--name", name, "--", sys.executable, "own.py", "--c", c, "--called", called)
        assert done.exit_code == 0, done.stderr
    assert cli("promote", "poor", "reviews").exit_code == 0
    done = cli("promote", "good", "reviews", "--if-better-than", "champion")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "gate: pass"), done.stderr
    store = store_of(small.parent)
    assert held(store) == ({1: "poor", 2: "good"}, {"champion": 2})
    back = cli("promote", "poor", "reviews", "--if-better-than", "champion")
    assert (back.exit_code, held(store)[1]) == (1, {"champion": 2})


def test_a_model_of_any_flavor_is_promoted_and_predict_says_that_it_is_not_scikit_learns(cli, folder):
    run = logged(folder, "net")
    assert cli("promote", run, "nets").exit_code == 0
    assert held(store_of(folder), "nets")[1] == {"champion": 1}
    refused(
        cli("predict", "--run", "nets@champion", "x"),
        5,
        "is not of scikit-learn but of MLflow's flavor python_function",
    )


def test_of_several_models_the_one_called_model_is_the_runs(cli, folder):
    run = logged(folder, "encoder", "head")
    refused(cli("promote", run, "nets"), 3, "has 2 models (encoder, head), none of which is called model")
    run = logged(folder, "encoder", "model")
    assert cli("promote", run, "nets").exit_code == 0


def logged(folder, *names: str) -> str:
    """A run of a program that logged models under these names, which are no pipelines of scikit-learn."""
    import mlflow

    class Net(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: list[str], params=None) -> list[str]:
            return model_input

    mlflow.set_tracking_uri(store_of(folder).settings.tracking_uri)
    found = mlflow.get_experiment_by_name("expctl")
    with mlflow.start_run(experiment_id=found.experiment_id if found else mlflow.create_experiment("expctl")) as active:
        for name in names:
            mlflow.pyfunc.log_model(name=name, python_model=Net(), pip_requirements=["mlflow"])
    return str(active.info.run_id)
