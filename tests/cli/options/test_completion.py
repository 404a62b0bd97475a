"""What shells are offered: in the words of bash, zsh and fish; nothing where there is nothing."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from expctl.training.search.samplers import SAMPLERS
from tests.forks import forking
from tests.tracking.recorded import store_of


def protocol(shell: str, words: list[str]) -> dict[str, str]:
    """What a shell's own script tells a program that it wants completed: the last of the words."""
    if shell == "bash":
        return {"_EXPCTL_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    line = {"_EXPCTL_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": " ".join(words)}
    return {**line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else line


@pytest.fixture
def offered(cli, monkeypatch):
    """What a shell is offered for a line, by the command in this process."""

    def ask(*words: str, shell: str = "bash") -> list[str]:
        with monkeypatch.context() as asking:
            for name, value in protocol(shell, ["expctl", *words]).items():
                asking.setenv(name, value)
            done = cli()
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout.split()

    return ask


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_is_offered_runs_metrics_and_columns(offered, runs, run_command, shell):
    assert any("strong" in word for word in offered("show", "st", shell=shell))
    assert any("log_loss" in word for word in offered("best", "--metric", "log", shell=shell))
    columns = ["list", "--columns", "max_f"]
    alone = run_command(env=protocol(shell, ["expctl", *columns]))
    assert (alone.exit_code, alone.stderr) == (0, "")
    assert any("max_features" in word for word in alone.stdout.split())
    assert offered(*columns, shell=shell) == alone.stdout.split()


def test_names_ids_keys_and_tags_are_offered(offered, runs):
    run = store_of(runs).find("name = 'strong'")[0]
    assert set(offered("show", "")) >= {"weak", "strong", "bayes", "broken", "latest", "best"}
    assert offered("compare", "weak", "str") == ["strong"]
    assert offered("show", run.run_id[:6]) == [run.run_id]
    assert offered("gate", "weak", "--baseline", "ba") == ["bayes"]
    assert offered("predict", "--run", "ba") == ["bayes"]
    assert offered("list", "--sort", "roc") == ["roc_auc"]
    assert set(offered("list", "--columns", "id,te")) >= {"id,team", "id,test_size"}
    assert set(offered("train", "-t", "te")) == {"team=nlp", "team=web", "team="}
    assert offered("edit", "weak", "-t", "team", "=", "n") == ["nlp"]
    assert "team=" in offered("train", "-t", "")
    assert "mlflow.user=" not in offered("train", "-t", "")


def test_experiments_and_runs_of_others_are_offered(offered, runs):
    store = store_of(runs, experiment="other")
    store.client.create_run(store.ensure_experiment(), run_name="elsewhere")
    assert offered("list", "-e", "ot") == ["other"]
    assert offered("best", "-e", "other", "-e", "ex") == ["expctl"]
    assert offered("show", "-e", "ot") == ["other"]
    assert offered("show", "ot") == ["other/"]
    assert offered("show", "other/el") == ["other/elsewhere"]
    assert offered("compare", "-e", "expctl", "-e", "other", "els") == ["elsewhere"]
    assert offered("compare", "--all-experiments", "els") == ["elsewhere"]
    assert offered("compare", "els") == []


def test_experiment_and_store_of_the_line_are_asked(offered, runs, tmp_path_factory, monkeypatch):
    assert offered("show", "-e", "nowhere", "st") == []
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert offered("show", "st") == []
    assert offered("show", "--tracking-uri", f"sqlite:///{runs / 'mlflow.db'}", "st") == ["strong"]


def test_words_of_tables_are_offered(offered, folder):
    assert offered("train", "--model", "l") == ["logreg", "linear_svm", "lightgbm"]
    assert offered("sweep", "--sampler", "") == list(SAMPLERS)
    assert offered("list", "--format", "j") == ["json", "jsonl"]
    assert "id" in offered("list", "--format", "")
    assert "id" not in offered("experiments", "--format", "")
    assert offered("list", "--status", "f") == ["finished", "failed"]
    assert offered("sweep", "--metric", "roc") == ["roc_auc"]
    assert offered("help", "exp") == ["experiments", "explain", "export"]
    assert offered("ls", "--so") == ["--sort"]


@pytest.mark.parametrize(("command", "option"), [("train", "-p"), ("sweep", "-g"), ("sweep", "-p")])
def test_parameters_are_those_of_the_model_that_the_line_names(offered, folder, command, option):
    assert set(offered(command, option, "")) >= {"c=", "solver=", "min_df="}
    assert offered(command, "--model", "naive_bayes", option, "al") == ["alpha=1.0", "alpha="]
    varied = (
        {"test_size=", "random_state=", "stratify=", "calibrate="} if option == "-g" else set()
    )  # options of a recipe, whatever the model
    assert set(offered(command, "--model", "own:factory", option, "")) == varied
    assert varied <= set(offered(command, option, ""))


def test_the_values_of_a_parameter_are_offered_behind_its_sign(offered, folder):
    for shell in ("zsh", "fish"):
        assert "solver=liblinear" in " ".join(offered("train", "-p", "solver=li", shell=shell))
    assert offered("train", "-p", "solver", "=", "li") == ["liblinear"]  # bash breaks the word, and wants the rest
    assert offered("train", "-p", "class_weight", "=") == ["none", "balanced"]
    assert offered("train", "-p", "nonsense", "=", "x") == []


def test_columns_of_the_file_that_the_line_names_are_offered(offered, small, monkeypatch):
    assert offered("train", "--data", "small.csv", "--text-column", "") == ["text", "label"]
    assert offered("predict", "--input", "small.csv", "--text-column", "te") == ["text"]
    monkeypatch.setenv("EXPCTL_DATA", "small.csv")
    assert offered("sweep", "--label-column", "l") == ["label"]
    with gzip.open("packed.tsv.gz", "wt", encoding="utf-16") as file:
        file.write("größe\tart\n1\t2\n")
    assert offered("train", "--data", "packed.tsv.gz", "--encoding", "utf-16", "--split-column", "g") == ["größe"]
    Path("lines.jsonl").write_text('{"one": 1, "two": 2}\n')
    assert offered("train", "--data", "lines.jsonl", "--text-column", "t") == ["two"]


@pytest.mark.parametrize(
    "name", ["gone.csv", "broken.csv", "folder.csv", "pipe.csv", "x.parquet", "x.doc", "http://127.0.0.1:9/x.csv"]
)
def test_a_file_that_cannot_be_read_at_once_offers_nothing_and_says_nothing(offered, folder, name):
    Path("broken.csv").write_bytes(b"\xff\xfe\x00")
    Path("x.parquet").write_bytes(b"PAR1")
    Path("folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    assert offered("train", "--data", name, "--text-column", "") == []


def test_registered_models_their_aliases_and_the_files_of_a_run_are_offered(offered, runs, cli):
    assert cli("promote", "strong", "reviews", "--alias", "live").exit_code == 0
    assert cli("promote", "weak", "reviews").exit_code == 0
    assert offered("promote", "weak", "re") == ["reviews"]
    assert offered("promote", "--list", "") == ["reviews"]
    assert set(offered("promote", "--remove", "reviews", "@")) == {"champion", "live"}
    assert offered("promote", "weak", "reviews", "--alias", "l") == ["live"]
    assert offered("promote", "weak", "reviews", "--if-better-than", "ch") == ["champion"]
    assert set(offered("show", "rev")) == {"reviews@champion", "reviews@live"}
    assert offered("show", "reviews", "@", "li") == ["live"]
    assert set(offered("get", "strong", "")) >= {"model/", "predictions.parquet"}
    assert set(offered("get", "strong", "mo")) >= {"model/MLmodel", "model/model.skops"}
    assert offered("get", "strong", "model/ML") == ["model/MLmodel"]
    assert offered("get", "nobody", "") == []


def test_experiments_and_tags_are_offered_to_those_that_change_them(offered, runs, cli):
    assert offered("edit", "strong", "--remove-tag", "te") == ["team"]
    assert offered("experiments", "ex") == ["expctl"]
    assert cli("experiments", "expctl", "--delete", "-y").exit_code == 0
    assert offered("experiments", "ex") == []
    assert offered("experiments", "--restore", "ex") == ["expctl"]


@pytest.mark.parametrize(
    "uri", ["sqlite:///nothing.db", "sqlite:///broken.db", "http://127.0.0.1:9", "nonsense://x", ""]
)
def test_a_store_that_cannot_be_asked_offers_nothing_and_says_nothing(offered, folder, uri, monkeypatch):
    (folder / "broken.db").write_bytes((folder / "mlflow.db").read_bytes()[:70_000])
    # What keeps people waiting: MLflow's client, and a server.
    monkeypatch.setattr("expctl.tracking.store.client_of", lambda *_, **__: pytest.fail("MLflow was asked"))
    monkeypatch.setattr("socket.create_connection", lambda *_: pytest.fail("a server was asked"))
    assert offered("best", "--tracking-uri", uri, "--metric", "x") == []


def test_names_that_would_break_the_line_are_not_offered(offered, folder):
    store = store_of(folder)
    for name in ("fine", "f\x1b[31mred", "f\nline"):
        store.client.create_run(store.ensure_experiment(), run_name=name)
    assert offered("show", "f") == ["fine"]


@pytest.mark.parametrize(
    "words",
    [
        ["show", "st"],
        ["train", "-p", "so"],
        ["train", "--data", "small.csv", "--text-column", "t"],
        ["get", "strong", "m"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded_to_complete_a_word(runs, tmp_path_factory, words):
    with forking(tmp_path_factory.mktemp("loaded")) as loaded:
        code, modules, said = loaded(runs, env=protocol("bash", ["expctl", *words]))
    assert (code, bool(said)) == (0, True)
    assert not modules & {"mlflow", "numpy", "pandas", "sklearn", "rich.console"}
