"""What a run is trained again from: the same rows, wherever they lie now, or an error that names those that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from expctl.errors import DataError, RunNotFound, UsageError
from expctl.records import RunRecord, Tag
from expctl.workflows.reproduce_source import find_data, original_of
from tests.tracking.recorded import store_of, train
from tests.tracking.swept import children, parent_of


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


@pytest.fixture
def strong(store) -> RunRecord:
    return store.find("name = 'strong'")[0]


def found(store, run, **where):
    return find_data(store, original_of(store, run, trust=False), **where)


def rows_of(path: str = "small.csv") -> pd.DataFrame:
    return pd.read_csv(path)


def test_a_run_has_its_recipe_and_what_it_predicted(store, strong):
    original = original_of(store, strong, trust=False)
    assert original.recipe.to_json() == strong.tags[Tag.RECIPE]
    assert len(original.predictions) == 40


def test_the_same_file_gives_the_split_of_then_and_no_suspect(store, strong):
    recipe, split, suspects = found(store, strong)
    assert (recipe.data, suspects) == ("small.csv", [])
    assert (len(split.train), len(split.test)) == (160, 40)


def test_the_same_rows_elsewhere_in_another_form_are_told_and_taken(store, strong):
    rows_of().to_parquet("other.parquet", index=False)
    Path("small.csv").unlink()
    recipe, _, suspects = found(store, strong, data="other.parquet")
    assert recipe.data == "other.parquet"
    assert [one.key for one in suspects] == ["data_hash"]


def test_rows_in_another_order_are_put_right(store, strong):
    _, before, _ = found(store, strong)
    rows_of()[::-1].to_csv("small.csv", index=False)
    _, after, suspects = found(store, strong)
    assert [one.key for one in suspects] == ["data_hash", "order of data"]
    assert list(after.test.frame["text"]) == list(before.test.frame["text"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda rows: rows.assign(label=["positive", *rows["label"][1:]][:1] * 0 + ["other", *rows["label"][1:]]),
            "relabelled",
        ),
        (lambda rows: rows.drop(index=[3, 5]), "2 rows .* removed"),
        (lambda rows: pd.concat([rows, rows.tail(1).assign(text="one more")]), "row 200 added"),
    ],
    ids=["relabelled", "removed", "added"],
)
def test_rows_that_differ_are_named(store, strong, change, told):
    change(rows_of()).to_csv("small.csv", index=False)
    with pytest.raises(DataError, match=rf"small\.csv is not what run strong was made from: .*{told}"):
        found(store, strong)


def test_data_that_are_gone_are_asked_for_by_their_option(store, strong):
    Path("small.csv").unlink()
    with pytest.raises(DataError, match="run strong cannot be trained again") as caught:
        found(store, strong)
    assert caught.value.hint == "--data FILE names the same data elsewhere"


def test_a_run_tested_on_its_own_data_has_no_other_test_file(store, strong):
    with pytest.raises(UsageError, match="not on another file"):
        found(store, strong, test_data="small.csv")


def test_a_test_file_that_changed_is_named_with_its_option(store, runs):
    rows_of().head(50).to_csv("test.csv", index=False)
    run = train(runs, "apart", test_data="test.csv")
    rows_of().head(49).to_csv("test.csv", index=False)
    with pytest.raises(DataError, match=r"test\.csv is not what run apart was made from") as caught:
        found(store, run)
    assert "--test-data FILE" in caught.value.hint


def test_sweeps_incomplete_runs_and_runs_of_others_are_refused(sweeps):
    store = store_of(sweeps)
    best = parent_of(sweeps, "grid").tags[Tag.BEST_RUN][:8]
    with pytest.raises(RunNotFound, match="is a sweep") as caught:
        original_of(store, parent_of(sweeps, "grid"), trust=False)
    assert caught.value.hint == f"expctl reproduce {best}"
    failed = next(run for run in children(sweeps, "mixed") if run.status == "failed")
    with pytest.raises(RunNotFound, match="is failed and not complete"):
        original_of(store, failed, trust=False)
    with pytest.raises(RunNotFound, match="has no recipe"):
        original_of(store, replace(failed, tags={}), trust=False)


def test_a_run_whose_predictions_are_gone_is_told(store, strong):
    Path(strong.artifact_uri.removeprefix("file://"), "predictions.parquet").unlink()
    with pytest.raises(RunNotFound, match=r"has no predictions\.parquet any more"):
        original_of(store, strong, trust=False)


def test_a_users_own_code_is_used_only_if_trusted(store, runs):
    run = train(runs, "own", model="own_models:counted")
    with pytest.raises(DataError, match="is made by code that its recipe names, own_models:counted"):
        original_of(store, run, trust=False)
    assert original_of(store, run, trust=True).recipe.model == "own_models:counted"
