"""`expctl gate`: whole streams and exit codes. A comparison that cannot be made must never read as a pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Done, write_reviews

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient


def client_of(runs: Path) -> MlflowClient:
    """MLflow's own client; an absolute path, because MLflow keeps one store a URI for the life of the process."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{runs / 'mlflow.db'}")


def the_run(runs: Path, name: str) -> str:
    client = client_of(runs)
    experiment = client.get_experiment_by_name("expctl")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    return str(found[0].info.run_id)


@pytest.fixture
def coin(cli: Callable[..., Done], runs: Path) -> str:
    """A run so bad that every test of 40 rows tells it from the others."""
    done = cli("train", "--data", "small.csv", "--model", "dummy", "--run-name", "coin")
    assert done.exit_code == 0, done.stderr
    return "coin"


def test_a_better_candidate_passes(cli, runs):
    done = cli("gate", "strong", "--baseline", "weak", "--max-drop", "0.1")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("gate: pass\nreason: f1_score changes by +")
    least = cli("gate", "strong", "--baseline", "weak", "--min", "0.9999")
    assert (least.exit_code, "is below 0.9999" in least.stdout) == (1, True)


@pytest.mark.parametrize("limit", ["--min", "--max-drop"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e400"])
def test_a_limit_that_is_no_number_is_a_mistake_and_no_decision(cli, runs, limit, value):
    done = cli("gate", "strong", "--baseline", "weak", limit, value)
    assert (done.exit_code, done.stdout) == (2, "")
    assert limit in done.stderr


@pytest.mark.parametrize("words", [["gate", "b", "--baseline", "a"], ["show", "b"], ["compare", "a", "b"]])
def test_a_second_column_of_slices_is_refused_rather_than_the_first_forgotten(cli, words):
    done = cli(*words, "--by", "lang", "--by=source")
    told = f"expctl: --by is given once (try: expctl {words[0]} ... --by A, then --by B)\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)


def test_a_metric_of_scores_is_not_tested_on_few_rows_of_the_rarer_class(cli, folder):
    write_reviews(folder / "few.csv", 60)
    for model in ("naive_bayes", "dummy"):
        assert cli("train", "--data", "few.csv", "--model", model, "--run-name", model).exit_code == 0
    why = "only 6 of the 12 test rows are not of the most frequent class; 20 are needed"
    done = cli("gate", "naive_bayes", "--baseline", "dummy", "--metric", "log_loss")
    assert (done.exit_code, f"gate: undecided\nreason: {why}\n" in done.stdout) == (6, True)
    done = cli("compare", "dummy", "naive_bayes")
    assert f"naive_bayes: roc_auc, log_loss and brier_score not tested: {why}\n" in done.stderr
    assert cli("report", "dummy", "naive_bayes", "--output", "few.html").exit_code == 0
    page = (folder / "few.html").read_text("utf-8")
    assert f"naive_bayes: roc_auc, log_loss and brier_score not tested: {why}<" in page


def test_two_rows_of_forty_decide_nothing_and_the_same_model_passes(cli, runs):
    done = cli("gate", "strong", "--baseline", "weak")
    assert (done.exit_code, done.stderr) == (6, "")
    assert "if the change stayed so, some " in done.stdout
    assert cli("gate", "strong", "--baseline", "strong").exit_code == 0


def test_a_worse_candidate_is_a_regression(cli, coin):
    done = cli("gate", coin, "--baseline", "strong")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.startswith("gate: regression\n")
    assert "\nBROKEN\n" in done.stdout


@pytest.mark.parametrize("baseline", ["best", "latest~1", "champion-model@champion", "models:/champion-model/1"])
def test_every_form_of_reference_can_be_the_baseline(cli, runs, baseline):
    client = client_of(runs)
    client.create_registered_model("champion-model")
    version = client.create_model_version(
        "champion-model", f"runs:/{the_run(runs, 'strong')}/model", the_run(runs, "strong")
    )
    client.set_registered_model_alias("champion-model", "champion", version.version)
    done = cli("gate", "strong", "--baseline", baseline)
    assert done.exit_code in (0, 1, 6)
    assert done.stdout.startswith("gate: ")


def test_another_test_set_is_never_a_pass(cli, runs):
    write_reviews(runs / "other.csv", 120)
    assert cli("train", "--data", "other.csv", "--run-name", "elsewhere").exit_code == 0
    done = cli("gate", "elsewhere", "--baseline", "weak", "--max-drop", "0.99")
    assert done.exit_code == 6
    assert done.stdout.startswith("gate: undecided\nreason: ")


def test_damaged_predictions_are_bad_data(cli, runs):
    for path in Path("mlartifacts").rglob(f"{the_run(runs, 'weak')}/artifacts/predictions.parquet"):
        path.write_bytes(b"PAR1 no more")
    done = cli("gate", "strong", "--baseline", "weak", "--max-drop", "0.99")
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("strong",),
        ("strong", "--baseline", "weak", "--metric", "fit_seconds"),
        ("strong", "--baseline", "weak", "--max-drop", "-1"),
        ("strong", "--baseline", "weak", "--max-drop", "inf"),
        ("strong", "--baseline", "weak", "--max-drop", "1"),  # in percent
        ("strong", "--baseline", "weak", "--max-drop-slice", "5"),
        ("strong", "--baseline", "weak", "--min", "90"),
        ("strong", "--baseline", "weak", "--confidence", "1"),
        ("strong", "--baseline", "weak", "--format", "csv"),
    ],
)
def test_wrong_use_is_told_in_one_line(cli, runs, wrong):
    done = cli("gate", *wrong)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("expctl: ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_baseline_or_metric_is_not_found(cli, runs):
    assert cli("gate", "strong", "--baseline", "nobody").exit_code == 3
    done = cli("gate", "strong", "--baseline", "weak", "--metric", "f2")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_json_holds_the_outcome_for_scripts(cli, runs):
    done = cli("gate", "strong", "--baseline", "weak", "--metric", "log_loss", "--format", "json")
    told = json.loads(done.stdout)
    assert (told["kind"], told["gate"], told["metric"]) == ("gate", "pass", "log_loss")
    assert told["metrics"]["log_loss"]["change"] < 0


def test_compare_shows_the_verdict_of_each_metric(cli, coin):
    told = json.loads(cli("compare", coin, "strong", "--format", "json").stdout)
    assert told["same_test_set"] is True
    assert told["metrics"]["f1_score"]["verdict"] == "better"
    assert told["metrics"]["f1_score"]["low"] > 0
    assert told["metrics"]["fit_seconds"].get("verdict") is None


def test_compare_lists_what_broke_and_got_fixed_with_texts(cli, runs):
    done = cli("compare", "strong", "weak", "--flips", "2")
    assert done.exit_code == 0
    assert "\nbroken: " in done.stdout
    assert done.stdout.count("broken  ") <= 2
    assert "number" in done.stdout  # a text of small.csv
    every = cli("compare", "strong", "weak", "--flips", "0", "--format", "csv").stdout
    told = dict(line.split(": ") for line in done.stdout.splitlines() if ": " in line)
    assert len(every.splitlines()) - 1 == int(told["broken"]) + int(told["fixed"])


def test_flips_say_that_the_data_has_changed_in_place_of_wrong_texts(cli, runs):
    with (runs / "small.csv").open("a") as file:
        file.write("one more,positive\n")
    done = cli("compare", "strong", "weak", "--flips", "1")
    assert "gone or has changed" in done.stderr
    assert "number" not in done.stdout


def test_compare_of_two_sets_by_glob(cli, small):
    for name in ("old", "new"):
        for state in ("1", "2"):
            c = "0.001" if name == "old" else "10"
            done = cli(
                "train", "--data", "small.csv", "--random-state", state, "--c", c, "--run-name", f"{name}-{state}"
            )
            assert done.exit_code == 0
    told = json.loads(cli("compare", "old-*", "new-*", "--format", "json").stdout)
    accuracy = next(row for row in told["rows"] if row["metric"] == "accuracy")
    assert (accuracy["baseline_runs"], accuracy["challenger_runs"]) == (2, 2)
    by_filter = cli("compare", "params.c = '0.001'", "params.c = '10.0'", "--format", "json")
    assert json.loads(by_filter.stdout)["rows"] == told["rows"]
    assert cli("compare", "nobody-*", "new-*").exit_code == 3
    assert cli("compare", "old-*", "new-*", "new-1").exit_code == 2


def test_best_marks_what_cannot_be_told_from_the_first(cli, coin):
    assert cli("train", "--data", "small.csv", "--c", "9.99", "--run-name", "twin").exit_code == 0
    told = json.loads(cli("best", "--top", "9", "--format", "json").stdout)
    tied = {row["name"]: row["tied"] for row in told["rows"]}
    assert tied["coin"] is False
    assert sum(value is True for value in tied.values()) >= 2
    alone = cli("best")
    many = len(tied) - 2  # neither the first nor the coin
    near = f"{many} other run{'s' * (many > 1)} {'are' if many > 1 else 'is'} so near that"
    assert near in alone.stderr
    assert f"may be tied with the first: expctl best --top {many + 1} tells\n" in alone.stderr
    assert "may be tied" not in cli("best", "--top", str(many + 1)).stderr
    preferred = json.loads(cli("best", "--prefer", "fit_seconds", "--top", "9", "--format", "json").stdout)
    assert preferred["rows"][0]["tied"] is True
    assert preferred["rows"][-1]["name"] == "coin"


def test_another_order_and_file_format_of_the_test_rows_is_the_same_test_set(cli, small):
    import pandas as pd

    rows = pd.read_csv("small.csv")
    rows.to_csv("test.csv", index=False)
    rows.sample(frac=1, random_state=3).to_parquet("test.parquet", index=False)
    for kind in ("csv", "parquet"):
        assert cli("train", "--data", "small.csv", "--test-data", f"test.{kind}", "--run-name", kind).exit_code == 0
    told = json.loads(cli("compare", "csv", "parquet", "--all", "--format", "json").stdout)
    assert told["same_test_set"] is True
    tested = [line for line in told["metrics"].values() if line.get("verdict")]
    assert len(tested) == 10
    assert all(abs(line["change"]) < 1e-15 for line in tested)  # sums of the same numbers in another order
    flips = json.loads(cli("compare", "csv", "parquet", "--flips", "5", "--format", "json").stdout)
    assert (flips["fixed"], flips["broken"]) == (0, 0)


def test_sets_of_runs_on_different_data_get_no_verdict(cli, small):
    write_reviews(small.parent / "other.csv", 160)
    for data in ("small", "other"):
        for state in ("1", "2"):
            name = f"{data}-{state}"
            assert cli("train", "--data", f"{data}.csv", "--random-state", state, "--run-name", name).exit_code == 0
    done = cli("compare", "small-*", "other-*", "--format", "json")
    assert all(row["verdict"] is None for row in json.loads(done.stdout)["rows"])
    assert "not tested" in done.stderr


def test_sets_with_copies_of_a_training_get_no_verdict(cli, small):
    for name, c in (("old", "0.001"), ("new", "10")):
        for number in ("1", "2"):
            words = ["--random-state", "7", "--c", c, "--run-name", f"{name}-{number}"]
            assert cli("train", "--data", "small.csv", *words).exit_code == 0
    done = cli("compare", "old-*", "new-*", "--format", "json")
    assert all(row["verdict"] is None for row in json.loads(done.stdout)["rows"])
    told = "not tested: 2 runs repeat others' trainings, which adds no information: vary --random-state"
    assert done.stderr == f"expctl: {told}\n"


def test_best_refuses_to_prefer_what_no_run_has(cli, runs):
    done = cli("best", "--prefer", "fit_second")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "did you mean 'fit_seconds'?" in done.stderr


def test_best_tells_of_runs_that_were_tested_on_other_rows(cli, runs):
    write_reviews(runs / "other.csv", 120)
    assert cli("train", "--data", "other.csv", "--run-name", "elsewhere").exit_code == 0
    done = cli("best", "--top", "9")
    assert done.exit_code == 0
    told = "3 of the best 4 runs were tested on other rows than the first: f1_score does not compare them"
    assert told in done.stderr
    assert told in cli("best").stderr  # though it shows the first alone
    assert "other rows" not in cli("best", "--top", "9", "--filter", "attributes.run_name != 'elsewhere'").stderr


def test_the_summary_of_a_step_of_github_gets_what_is_decided(cli, runs, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    words = ("gate", "strong", "--baseline", "weak", "--max-drop", "0.1")
    plain = cli(*words, "--format", "md")
    done = cli(*words, "--summary")
    assert (done.exit_code, done.stdout.startswith("gate: pass")) == (0, True)
    assert cli("compare", "weak", "strong", "--summary").exit_code == 0
    told = summary.read_text()
    assert told.startswith("before\n" + plain.stdout)
    assert told.count("| f1\\_score |") == 2


def test_a_summary_that_nobody_shows_or_that_cannot_be_written_is_told(cli, runs, tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    done = cli("gate", "strong", "--baseline", "weak", "--summary")
    assert (done.exit_code, done.stdout, "GITHUB_STEP_SUMMARY is not set" in done.stderr) == (2, "", True)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    done = cli("compare", "weak", "strong", "--summary")
    assert (done.exit_code, f"cannot write {tmp_path}" in done.stderr) == (1, True)


def test_a_slice_that_loses_too_much_is_a_regression_and_is_shown(cli, coin):
    done = cli("gate", "coin", "--baseline", "strong", "--metric", "accuracy", "--max-drop", "0.99", "--by", "label",
               "--max-drop-slice", "0.1", "--format", "json")  # fmt: skip
    document = json.loads(done.stdout)
    assert (done.exit_code, document["gate"]) == (1, "regression")
    assert document["reason"].startswith("where label is ")
    assert set(document["slices"]) == {"negative", "positive"}
    assert cli("gate", "coin", "--baseline", "strong", "--max-drop-slice", "nan").exit_code == 2


def test_slices_of_one_run_and_of_two_are_shown_instead(cli, runs):
    shown = json.loads(cli("show", "strong", "--by", "label", "--format", "json").stdout)
    assert [row["rows"] for row in shown["rows"]] == [20, 20]
    assert cli("show", "strong", "--metric", "mcc").exit_code == 2
    done = cli("compare", "weak", "strong", "--by", "sauce")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert "small.csv has no column 'sauce'" in done.stderr
    compared = json.loads(
        cli("compare", "weak", "strong", "--by", "label", "--metric", "mcc", "--format", "json").stdout
    )
    assert (compared["metric"], [row["slice"] for row in compared["rows"]]) == ("mcc", ["negative", "positive"])


def test_few_groups_leave_the_gate_undecided_and_compare_says_why(cli, small):
    header, *lines = small.read_text().splitlines()
    rows = [f"{line},author {i // 4}" for i, line in enumerate(lines)]
    small.write_text("\n".join([f"{header},author", *rows]) + "\n")
    for name, c in (("a", "1"), ("b", "10")):
        told = cli("train", "--data", "small.csv", "--group-column", "author", "--c", c, "--run-name", name).stderr
        assert "there are no limits and no tests with fewer than 20" in told
    done = cli("gate", "b", "--baseline", "a", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["reason"]) == (
        6, "not tested: the test rows are of 10 groups, and a test needs 20",
    )  # fmt: skip
    assert "not tested: the test rows are of 10 groups" in cli("compare", "a", "b").stderr
    assert json.loads(cli("show", "a", "--format", "json").stdout)["metrics"]["f1_score"].get("low") is None
    assert cli("reproduce", "a", "--no-record").exit_code == 0
