"""`expctl reproduce`: a run comes out again, or the cause is named; exit codes, streams and what it leaves."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from expctl.records import Tag
from tests.tracking.recorded import OWN_MODELS, model_folder, statuses, store_of, train
from tests.tracking.swept import children, parent_of

if TYPE_CHECKING:
    from collections.abc import Callable


def report(cli: Any, *words: str, code: int = 0) -> dict[str, Any]:
    done = cli("reproduce", *words, "--format", "json", "--no-record")
    assert done.exit_code == code, done.stderr
    return dict(json.loads(done.stdout))


def refused(cli: Any, *words: str) -> tuple[int, str]:
    done = cli("reproduce", *words, "--quiet")
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.exit_code, done.stderr


def alter(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        assert database.execute(statement, values).rowcount == 1


def rows_of(path: str) -> list[list[str]]:
    return pd.read_csv(path).to_numpy().tolist()


def write_rows(path: str, rows: list[list[str]]) -> None:
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)


@pytest.mark.parametrize("name", ["strong", "bayes"])
def test_a_run_comes_out_again_and_is_recorded_beside_the_first(cli, runs, name):
    done = cli("reproduce", name, "--format", "json")
    assert (done.exit_code, done.stderr) == (0, f"expctl: {name} is reproduced bit for bit\n")
    document = json.loads(done.stdout)
    assert (document["kind"], document["verdict"], document["fitted_model"]) == ("reproduction", "identical", "equal")
    assert (document["test_rows"], document["same_rows"], document["changed_predictions"]) == (40, 40, 0)
    assert document["metrics_compared"] > 20
    assert not {"metrics", "predictions", "model", "parameters", "data", "environment"} & set(document)
    again = store_of(runs).get(document["reproduced_as"])
    assert again.status == "finished"
    assert (again.tags[Tag.REPRODUCES], again.tags[Tag.VERDICT]) == (document["run_id"], "identical")
    assert again.tags[Tag.NOTE] == f"reproduces {name} ({document['run_id']})"


def test_id_prints_the_new_run(cli, runs):
    done = cli("reproduce", "weak", "--format", "id", "--quiet")
    assert store_of(runs).get(done.stdout.strip()).tags[Tag.VERDICT] == "identical"


def test_checking_only_leaves_the_store_as_it_was(cli, runs):
    before = statuses(runs)
    assert report(cli, "weak")["verdict"] == "identical"
    assert statuses(runs) == before


def test_the_same_rows_in_another_file_and_format_come_out_again(cli, runs):
    pd.read_csv("small.csv").to_parquet("same.parquet")
    Path("small.csv").unlink()
    document = report(cli, "strong", "--data", "same.parquet")
    assert document["verdict"] == "identical"
    assert list(document["data"]) == ["data_hash"]


def test_rows_in_another_order_are_put_right(cli, runs):
    write_rows("small.csv", rows_of("small.csv")[::-1])
    document = report(cli, "strong")
    assert document["verdict"] == "identical"
    assert list(document["data"]) == ["data_hash", "order of data"]


def relabel(rows: list[list[str]]) -> None:
    rows[7][1] = "negative" if rows[7][1] == "positive" else "positive"


CHANGES: dict[str, tuple[Callable[[list[list[str]]], Any], str]] = {
    "relabelled": (relabel, "row 7 relabelled ("),
    "added": (lambda rows: rows.insert(2, ["a new text", "positive"]), "row 2 added ("),
    "changed": (lambda rows: rows[9].__setitem__(0, "other words"), "row 9 added, row 9 removed ("),
    "many": (lambda rows: rows.__delitem__(slice(8)), "8 rows (0, 1, 2, 3, 4, ...) removed ("),
    "one class": (lambda rows: [row.__setitem__(1, "positive") for row in rows], " relabelled ("),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_named_and_nothing_is_trained(cli, runs, change):
    mutate, told = CHANGES[change]
    rows = rows_of("small.csv")
    mutate(rows)
    write_rows("small.csv", rows)
    before = statuses(runs)
    code, said = refused(cli, "strong")
    assert code == 5
    assert "small.csv is not what run strong was made from: " in said
    assert told in said
    assert statuses(runs) == before


def test_data_that_are_gone_are_asked_for(cli, runs):
    Path("small.csv").rename("elsewhere.csv")
    assert refused(cli, "strong") == (
        5,
        "expctl: run strong cannot be trained again: no file small.csv (--data FILE names the same data elsewhere)\n",
    )
    assert report(cli, "strong", "--data", "elsewhere.csv")["verdict"] == "identical"


def test_a_run_that_does_not_hold_its_rows_still_tells_that_the_file_is_another(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    Path(run.artifact_uri.removeprefix("file://"), "data_rows.parquet").unlink()
    write_rows("small.csv", rows_of("small.csv")[1:])
    code, said = refused(cli, "strong")
    assert code == 5
    assert "its sha256 is another" in said


def test_a_run_with_folds_comes_out_again(cli, runs):
    train(runs, "folds", cv=3, dedupe=True)
    assert report(cli, "folds")["verdict"] == "identical"


def test_a_row_that_changed_sides_is_told(cli, runs):
    rows = [[*row, "test" if i % 4 == 0 else "train"] for i, row in enumerate(rows_of("small.csv"))]
    table = pd.DataFrame(rows, columns=["text", "label", "side"])
    table.to_csv("sides.csv", index=False)
    train(runs, "sides", data="sides.csv", split_column="side")
    table.loc[5, "side"] = "test"
    table.to_csv("sides.csv", index=False)
    code, said = refused(cli, "sides")
    assert (code, "row 5 altered in another column" in said) == (5, True)


def test_labels_of_another_type_are_told(cli, runs):
    table = pd.read_csv("small.csv").assign(label=lambda all: (all["label"] == "positive").astype(int))
    table.to_csv("numbers.csv", index=False)
    train(runs, "numbers", data="numbers.csv")
    table.assign(label=table["label"].astype(str)).to_json("texts.jsonl", orient="records", lines=True)
    code, said = refused(cli, "numbers", "--data", "texts.jsonl")
    assert (code, "relabelled" in said) == (5, True)


def test_another_test_file_is_checked_too(cli, runs):
    rows = rows_of("small.csv")
    write_rows("train.csv", rows[:150])
    write_rows("test.csv", rows[150:])
    assert cli("train", "--data", "train.csv", "--test-data", "test.csv", "--run-name", "two", "-q").exit_code == 0
    assert report(cli, "two")["verdict"] == "identical"
    relabel(rows[150:])
    write_rows("test.csv", rows[150:])
    code, said = refused(cli, "two")
    assert (code, "test.csv is not what run two was made from: row 7 relabelled (" in said) == (5, True)
    assert refused(cli, "strong", "--test-data", "test.csv")[0] == 2


def test_a_recipe_that_was_changed_is_named_as_the_cause(cli, runs):
    alter(runs, "UPDATE tags SET value = replace(value, '\"c\": 10.0', '\"c\": 0.001') WHERE key = ? AND value LIKE ?",
          Tag.RECIPE, '%"c": 10.0%')  # fmt: skip
    document = report(cli, "strong", code=1)
    assert document["verdict"] == "differs"
    assert document["parameters"] == {"c": {"recorded": "10.0", "now": 0.001}}
    assert document["model"].keys() >= {"classifier.C", "classifier.coef_"}
    assert document["changed_predictions"] > 0


def test_another_environment_is_told_beside_the_verdict(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    file = Path(run.artifact_uri.removeprefix("file://"), "requirements.txt")
    lines = [line for line in file.read_text().splitlines() if not line.startswith(("scikit-learn==", "pytest=="))]
    file.write_text("\n".join([*lines, "scikit-learn==1.2.3", "pytest==1.0"]))
    alter(runs, "UPDATE tags SET value = '3.8.1' WHERE key = 'python' AND run_uuid = ?", run.run_id)
    document = report(cli, "strong")
    assert document["verdict"] == "identical"
    assert list(document["environment"]) == ["python", "scikit-learn"]
    assert document["environment"]["scikit-learn"]["recorded"] == "1.2.3"


def test_a_model_that_the_sweep_did_not_keep_is_told_and_the_rest_compared(cli, sweeps):
    without = next(run for run in children(sweeps, "grid") if Tag.MODEL_DIGEST not in run.tags)
    done = cli("reproduce", without.run_id, "--format", "json", "--no-record")
    document = json.loads(done.stdout)
    assert (document["verdict"], document["fitted_model"]) == ("identical", "not compared")
    assert done.stderr.endswith("is reproduced bit for bit; its fitted model is not available for comparison\n")


@pytest.mark.parametrize("name", ["predictions.parquet", "data_rows.parquet", "model.skops"])
def test_a_damaged_record_is_told_and_not_compared(cli, runs, name):
    before = statuses(runs)
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    folder = model_folder(run) if name == "model.skops" else Path(run.artifact_uri.removeprefix("file://"))
    content = bytearray((folder / name).read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 20):
        content[place] ^= 0xFF
    (folder / name).write_bytes(content)
    if name == "data_rows.parquet":  # read only for another file
        write_rows("small.csv", rows_of("small.csv")[::-1])
    code, said = refused(cli, "strong")
    assert (code, "damaged" in said) == (5, True)
    assert statuses(runs) == before


def test_a_trial_of_a_sweep_comes_out_again_and_its_rows_are_known(cli, sweeps):
    kept = next(run for run in children(sweeps, "grid") if Tag.MODEL_DIGEST in run.tags)
    assert report(cli, kept.run_id)["verdict"] == "identical"
    rows = rows_of("small.csv")
    relabel(rows)
    write_rows("small.csv", rows)
    assert "row 7 relabelled" in refused(cli, kept.run_id)[1]


def test_what_cannot_be_trained_again_is_refused(cli, sweeps):
    best = parent_of(sweeps, "grid").tags[Tag.BEST_RUN][:8]
    code, said = refused(cli, "grid")
    assert (code, f"(try: expctl reproduce {best})" in said) == (3, True)
    assert refused(cli, "nobody")[0] == 3
    failed = next(run for run in children(sweeps, "mixed") if run.status == "failed")
    assert refused(cli, failed.run_id)[0] == 3
    alter(sweeps, "DELETE FROM tags WHERE key = ? AND run_uuid = ?", Tag.RECIPE, kept_of(sweeps))
    assert refused(cli, kept_of(sweeps))[0] == 3
    assert refused(cli, "alone", "--no-record", "--format", "id")[0] == 2


def kept_of(folder: Path) -> str:
    return next(run.run_id for run in children(folder, "grid") if Tag.MODEL_DIGEST in run.tags)


def test_a_recipe_that_is_none_is_told_in_one_line(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    recipe = json.dumps({**json.loads(run.tags[Tag.RECIPE]), "model": "nosuch"})
    alter(runs, "UPDATE tags SET value = ? WHERE key = ? AND run_uuid = ?", recipe, Tag.RECIPE, run.run_id)
    before = statuses(runs)
    code, said = refused(cli, "strong")
    assert (code, f"the recipe of run strong ({run.run_id[:8]}) cannot be used: " in said) == (5, True)
    assert statuses(runs) == before
    assert cli("show", "strong", "--quiet").exit_code == 0
    assert cli("explain", "strong", "weak", "--dry-run", "--quiet").exit_code == 5


def test_what_was_made_to_check_is_neither_the_best_nor_the_latest(cli, runs):
    again = cli("reproduce", "strong", "--format", "id", "--quiet").stdout.strip()
    assert again not in cli("best", "--top", "9", "--format", "id", "--quiet").stdout
    latest = cli("show", "latest", "--format", "id").stdout.strip()
    assert latest != again
    shown = json.loads(cli("show", again, "--format", "json").stdout)["run"]
    assert (shown["verdict"], len(shown["reproduces"])) == ("identical", 32)


def test_the_users_own_code_runs_only_when_it_is_trusted_and_is_named_when_it_changed(run_command, small):
    Path("own_models.py").write_text(OWN_MODELS)
    assert (
        run_command("train", "--data", "small.csv", "--model", "own_models:counted", "--run-name", "own").exit_code == 0
    )
    bomb = OWN_MODELS.replace("import os", "import pathlib; pathlib.Path('ran').touch()\nimport os")
    Path("own_models.py").write_text(bomb)
    done = run_command("reproduce", "own", "--no-record")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "is made by code that its recipe names, own_models:counted (--trust runs" in done.stderr
    assert not Path("ran").exists()
    done = run_command("reproduce", "own", "--no-record", "--trust", "--format", "json")
    assert Path("ran").exists()
    document = json.loads(done.stdout)
    assert (done.exit_code, document["verdict"], list(document["code"])) == (0, "identical", ["model_hash"])


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def test_a_run_of_a_dirty_tree_comes_out_again_from_a_clean_clone_and_its_patch(
    run_command, small, tmp_path_factory, monkeypatch
):
    Path("own_models.py").write_text(OWN_MODELS.replace("C=c", "C=100"))
    git("init", "--quiet")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    git("add", "own_models.py", "small.csv")
    git("commit", "--quiet", "-m", "first")
    Path("own_models.py").write_text(OWN_MODELS)
    run_id = run_command("train", "--data", "small.csv", "--model", "own_models:counted", "-f", "id").stdout.strip()
    (patch,) = small.parent.rglob("source.patch")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{small.parent / 'mlflow.db'}")
    clone = tmp_path_factory.mktemp("clone")
    git("clone", "--quiet", str(small.parent), str(clone))
    monkeypatch.chdir(clone)
    words = ("reproduce", run_id, "--trust", "--no-record", "--format", "json")
    document = json.loads(run_command(*words).stdout)
    assert (document["verdict"], list(document["code"])) == ("differs", ["uncommitted changes", "model_hash"])
    git("apply", str(patch))
    document = json.loads(run_command(*words).stdout)
    assert (document["verdict"], "code" in document) == ("identical", False)


@pytest.mark.slow
def test_an_environment_that_cannot_be_made_is_told_in_one_line(cli, runs, monkeypatch):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    file = Path(run.artifact_uri.removeprefix("file://"), "requirements.txt")
    file.write_text("no-such-package-anywhere==1.0\nevil@file:///tmp/evil#==1\n--index-url=http://x/==\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    code, said = refused(cli, "strong", "--isolated")
    assert code == 6
    assert said.startswith("expctl: cannot install the packages of the run: ERROR: No matching distribution found")
    alter(runs, "UPDATE tags SET value = '3.99.1' WHERE key = 'python' AND run_uuid = ?", run.run_id)
    assert refused(cli, "strong", "--isolated") == (
        6,
        "expctl: the run was made with Python 3.99.1, and no python3.99 is installed here\n",
    )
    file.unlink()
    assert refused(cli, "strong", "--isolated")[0] == 3


def test_in_an_environment_of_its_own_the_command_is_the_same(cli, runs, monkeypatch):
    """With this environment in place of a fresh one, which takes a minute to make."""
    monkeypatch.setattr("expctl.workflows.environments._made", lambda *given: sys.executable)
    before = statuses(runs)
    Path("small.csv").rename("elsewhere.csv")
    done = cli("reproduce", "strong", "--isolated", "--no-record", "--data", "elsewhere.csv", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == (0, "identical")
    assert statuses(runs) == before
    assert cli("reproduce", "strong", "--isolated", "--quiet").exit_code == 5
