"""`expctl compare`: what differs between runs, the first being the baseline."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.tracking.kinds import local_folder
from tests.tracking.recorded import execute, store_of


def compared(cli, *words: str) -> dict:
    done = cli("compare", *words, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.every_store
def test_two_runs_are_compared_with_signed_changes(cli, runs):
    document = compared(cli, "weak", "strong")
    by_name = {run.name: run for run in store_of(runs).find()}
    assert (document["version"], document["kind"], document["same_test_set"]) == (1, "comparison", True)
    assert document["baseline"] == by_name["weak"].run_id
    assert document["challenger"] == by_name["strong"].run_id
    assert document["parameters"]["c"] == {"baseline": 0.01, "challenger": 10.0}
    assert list(document["parameters"])[:2] == ["max_features", "c"]  # what differs comes first
    loss = document["metrics"]["log_loss"]
    losses = [by_name[name].metrics["log_loss"] for name in ("weak", "strong")]
    assert loss["change"] == pytest.approx(losses[1] - losses[0])
    assert loss["change"] < 0
    assert document["tags"] == {
        "team": {"baseline": None, "challenger": "nlp"},
        "stage": {"baseline": None, "challenger": "test"},
    }


def test_what_an_earlier_release_did_not_record_is_computed_from_the_predictions(cli, runs):
    now = compared(cli, "weak", "strong")["metrics"]["brier_score"]
    assert (now["change"] < 0, now["verdict"]) == (True, "better")
    weak = next(run.run_id for run in store_of(runs).find() if run.name == "weak")
    for table in ("metrics", "latest_metrics"):
        execute(runs, f"DELETE FROM {table} WHERE key = 'brier_score' AND run_uuid = '{weak}'")
    assert compared(cli, "weak", "strong")["metrics"]["brier_score"] == now
    for table in ("metrics", "latest_metrics"):
        execute(runs, f"DELETE FROM {table} WHERE key = 'brier_score'")
    assert "brier_score" not in compared(cli, "weak", "strong")["metrics"]
    (alone,) = compared(cli, "weak", "strong", "--metric", "brier_score")["metrics"].values()
    assert alone["p_value"] <= now["p_value"]  # of one metric, not corrected for many
    assert alone | {"p_value": now["p_value"]} == now
    gated = cli("gate", "strong", "--baseline", "weak", "--metric", "brier_score")
    assert (gated.exit_code, gated.stdout.count("significantly better")) == (0, 1)
    bounded = cli("gate", "strong", "--baseline", "weak", "--metric", "brier_score", "--min", "0.001")
    assert (bounded.exit_code, bounded.stdout.count("is above 0.001")) == (1, 1)
    missing = cli("compare", "weak", "broken", "--metric", "brier_score")
    assert (missing.exit_code, missing.stderr.count("none of these runs has brier_score")) == (3, 1)


def test_changes_mirror_when_the_runs_are_exchanged(cli, runs):
    there, back = compared(cli, "weak", "strong"), compared(cli, "strong", "weak")
    for key, line in there["metrics"].items():
        assert back["metrics"][key]["change"] == pytest.approx(-line["change"]), key


def test_what_differs_is_shown_and_the_rest_is_counted(cli, runs):
    done = cli("compare", "weak", "strong")
    same, said = compared(cli, "weak", "strong", "--all"), done.stderr
    document = json.loads(cli("compare", "weak", "strong", "--format", "json").stdout)
    assert set(document["parameters"]) == {"c", "max_features"}
    number = len(same["parameters"]) - 2
    power, rest = said.splitlines()
    assert power.startswith("expctl: f1_score: these 40 rows show a difference from 0.")
    assert rest == f"expctl: {number} parameters and 1 metric are the same (--all)"
    assert list(same["parameters"])[:2] == list(document["parameters"])
    nothing = cli("compare", "weak", "weak")
    assert nothing.exit_code == 0
    assert nothing.stderr.endswith("is compared with itself\n")
    assert cli("compare", "weak", "strong", "--only-changed").exit_code == 2


def test_from_four_runs_on_they_are_rows_by_one_metric(cli, runs):
    four = ("weak", "strong", "bayes", "broken")
    found = compared(cli, *four)["rows"]
    assert [row["name"] for row in found][::3] == ["weak", "broken"]
    assert {"f1_score", "change", "low", "high", "p_value", "verdict", "params.c"} <= set(found[0])
    by_loss = compared(cli, *four, "--metric", "log_loss")["rows"]
    values = [row["log_loss"] for row in by_loss[1:3]]
    assert values == sorted(values)
    everything = compared(cli, *four, "--metric", "all", "--per-class")
    assert {"f1_score", "log_loss", "fit_seconds", "F1 of negative"} <= set(everything)
    assert list(compared(cli, "weak", "strong", "--metric", "all")["metrics"])[:2] == ["accuracy", "f1_score"]
    told = cli("compare", *four)
    assert "expctl: they differ in tags too: compare two of them to see it\n" in told.stderr
    assert told.stdout.count("no clear difference") + told.stdout.count("better") + told.stdout.count("worse") == 2


@pytest.mark.every_store
def test_one_metric_and_the_classes_can_be_asked_for(cli, runs):
    document = compared(cli, "weak", "strong", "--metric", "mcc", "--per-class")
    assert list(document["metrics"]) == ["mcc"]
    assert set(document["F1 by class"]) == {"negative", "positive"}
    assert {"baseline", "challenger", "change"} <= set(document["F1 by class"]["negative"])


def test_three_runs_have_a_column_and_a_change_each(cli, runs):
    document = compared(cli, "weak", "strong", "bayes")
    columns = {"baseline", "challenger_1", "change_1", "challenger_2", "change_2"}
    assert columns <= set(document["metrics"]["f1_score"])
    table = cli("compare", "weak", "strong", "bayes").stdout
    header = next(line for line in table.splitlines() if "change" in line)
    assert header.split()[:3] == ["key", "weak", "strong"]
    assert "bayes" in header


@pytest.mark.every_store
def test_runs_on_other_test_rows_are_told_so(cli, runs):
    done = cli("train", "--data", "small.csv", "--random-state", "7", "--run-name", "other rows")
    assert done.exit_code == 0
    done = cli("compare", "weak", "other rows")
    assert done.stderr.startswith("expctl: other rows: tested on")
    ends = [line.endswith(" are the same (--all)") for line in done.stderr.splitlines()]
    assert (ends[-1], sum(ends)) == (True, 1)
    assert cli("compare", "weak", "other rows", "--quiet").stderr == ""
    assert compared(cli, "weak", "other rows")["same_test_set"] is False


def test_a_run_compared_with_itself_is_told(cli, runs):
    strong = store_of(runs).find("name = 'strong'")[0]
    done = cli("compare", "strong", strong.run_id)
    assert (done.exit_code, done.stderr) == (0, f"expctl: run {strong.described} is compared with itself\n")
    gated = cli("gate", "strong", "--baseline", "strong")
    assert (gated.exit_code, gated.stderr) == (0, f"expctl: run {strong.described} is compared with itself\n")


def test_a_failed_run_can_be_compared(cli, runs):
    document = compared(cli, "weak", "strong", "broken")
    assert document["metrics"]["f1_score"]["baseline"] is not None


def test_runs_of_one_name_are_told_apart_by_their_ids(cli, runs):
    ids = [cli("train", "--data", "small.csv", "--run-name", "twin", "-f", "id").stdout.strip() for _ in range(2)]
    header = next(line for line in cli("compare", *ids).stdout.splitlines() if "twin" in line)
    assert [run_id[:8] in header for run_id in ids] == [True, True]


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "md", "id"])
def test_every_format_tells_of_both_runs(cli, runs, format):
    done = cli("compare", "weak", "strong", "--format", format)
    assert (done.exit_code, done.stderr if format != "table" else "") == (0, "")
    if format not in ("jsonl", "csv"):
        assert all(run.run_id in done.stdout for run in store_of(runs).find() if run.name in ("weak", "strong"))


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["weak"], 2, "compare needs at least two runs"),
        ([], 2, "Missing argument"),
        (["weak", "nobody"], 3, "no run 'nobody'"),
        (
            ["weak", "strong", "--metric", "f1_scor"],
            3,
            "none of these runs has f1_scor, did you mean 'f1_score'? (--metric ",
        ),
        (["weak", "strong", "--format", "xml"], 2, "unknown format 'xml'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(cli, runs, words, code, word):
    done = cli("compare", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("expctl: ")
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.every_store
def test_artifacts_that_are_gone_leave_the_rest_of_the_comparison(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    for name in ("per_class.json", "requirements.txt"):
        (local_folder(run.artifact_uri) / name).unlink()
    document = compared(cli, "weak", "bayes", "strong", "--per-class")
    assert document["F1 by class"]["negative"]["baseline"] is not None
    assert document["metrics"]["f1_score"]["change_2"] is not None


def test_packages_that_differ_are_told(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    path = local_folder(run.artifact_uri) / "requirements.txt"
    path.write_text(path.read_text().replace("scikit-learn==", "scikit-learn==0."))
    document = compared(cli, "weak", "strong")
    assert list(document["packages"]) == ["scikit-learn"]
    assert document["packages"]["scikit-learn"]["challenger"].startswith("0.")


def test_a_filter_or_a_glob_that_fits_one_run_means_that_run(cli, runs):
    alone = compared(cli, "weak", "strong")
    assert compared(cli, "weak", "c = 10 and status = finished") == alone
    assert compared(cli, "we*", "str*") == alone
    assert compared(cli, "we*", "params.c = '10.0'", "--metric", "mcc")["metrics"].keys() == {"mcc"}


@pytest.mark.parametrize("words", [["weak", "*s"], ["status = finished", "str*"], ["c = 10", "model = 'logreg'"]])
def test_a_set_and_a_run_say_what_they_need(cli, runs, words):
    cli("train", "--data", "small.csv", "--run-name", "others", "-q")
    done = cli("compare", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "is one run and" in done.stderr
    assert "a set is compared with another of at least two" in done.stderr


@pytest.fixture
def committed(runs, monkeypatch):
    """The current folder as a git repository of two commits, the code of the runs weak and strong."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(runs.parent))

    def git(*words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        return subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    store, found = store_of(runs), []
    for name, text in (("weak", "1\n"), ("strong", "2\x1b[31m\n")):
        (runs / "a.py").write_text(text)
        git("add", "a.py")
        git("commit", "--quiet", "-m", f"for [red]{name}[/red]")
        found.append(git("rev-parse", "HEAD"))
        store.client.set_tag(store.find(f"name = '{name}'")[0].run_id, "git_commit", found[-1])
    return found


def test_commits_are_short_in_tables_with_the_distance_between_them(cli, committed):
    words = ("compare", "weak", "strong")
    code = json.loads(cli(*words, "--format", "json").stdout)["code"]
    assert code["git_commit"] == {"baseline": committed[0], "challenger": committed[1]}
    assert (code["commits"], code["files"]) == ({"baseline": None, "challenger": 1},) * 2
    lines = cli(*words).stdout.splitlines()
    assert [line.split() for line in lines if line.startswith(("git_commit", "commits", "files"))] == [
        ["git_commit", committed[0][:8], committed[1][:8]], ["commits", "–", "1"], ["files", "–", "1"],
    ]  # fmt: skip


def test_code_shows_subjects_and_differences_as_text(cli, committed):
    document = json.loads(cli("compare", "weak", "strong", "--code", "--format", "json").stdout)
    assert document["commits"] == {committed[1]: {"text": "for [red]strong[/red]", "run": "challenger"}}
    assert list(document["diff"].values())[-2:] == ["-1", "+2\x1b[31m"]
    done = cli("compare", "weak", "strong", "--code")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "+2\\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout
    assert committed[1][:8] in done.stdout
    assert committed[1][:9] not in done.stdout


def test_code_that_is_not_at_hand_is_said(cli, committed, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    done = cli("compare", "weak", "strong", "--code")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith(f"expctl: commit {committed[0][:8]} of run weak (")
    assert done.stderr.endswith("is not here (git fetch in the repository that the runs were made from)\n")
    plain = cli("compare", "weak", "strong")
    assert (plain.exit_code, "commits" in plain.stdout) == (0, False)
    assert committed[0][:8] in plain.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["weak", "strong", "bayes", "--code"],
        ["weak", "strong", "--code", "--flips", "1"],
        ["weak", "strong", "--code", "--per-class"],
        ["*a*", "*", "--code"],
    ],
)
def test_code_is_of_two_runs_and_by_itself(cli, runs, words):
    done = cli("compare", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--code" in done.stderr
