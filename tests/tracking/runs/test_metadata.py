"""What a person says of a run: what the store would cut or refuse is refused first, the rest taken whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from expctl.errors import UsageError
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.tracking.runs.lifecycle import recording
from expctl.tracking.runs.metadata import RunMetadata, check_labels, check_recipe, run_tags
from tests.tracking.recorded import store_of

RECIPE = Recipe(data="small.csv")


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.mark.parametrize(
    "labels",
    [
        RunMetadata(name="n" * 8001),
        RunMetadata(name="  "),
        RunMetadata(note="n" * 8001),
        RunMetadata(data_version="v" * 6001),
        RunMetadata(tags={"k": "v" * 8001}),
        RunMetadata(tags={"k" * 251: "v"}),
        RunMetadata(tags={"": "v"}),
        RunMetadata(tags={"a\nb": "v"}),
        RunMetadata(tags={"mlflow.user": "v"}),
        RunMetadata(tags={"expctl.complete": "true"}),
        RunMetadata(tags={"git_commit": "0"}),
        RunMetadata(tags={"python": "2.7"}),
        RunMetadata(tags={"k": "caf\udce9"}),
        RunMetadata(name="caf\udce9"),
    ],
    ids=lambda labels: repr(labels)[:60],
)
def test_what_the_store_would_cut_or_refuse_is_refused_first(labels):
    with pytest.raises(UsageError):
        check_labels(labels)


def test_a_path_that_is_no_text_is_refused_before_fitting():
    with pytest.raises(UsageError, match="data_path is not UTF-8"):
        check_recipe(replace(RECIPE, data="caf\udce9.csv"))


def test_what_the_store_just_takes_is_taken_whole(store):
    labels = RunMetadata("n" * 250, {"k" * 250: "v" * 8000, "a b/c.d:e-f_g": "x\ny\tz"}, "n" * 8000, "v" * 6000)
    check_labels(labels)
    with recording(store, labels.name, run_tags(labels, "expctl train", None, developer="")) as run_id:
        pass
    run = store.get(run_id)
    assert (run.name, run.tags["k" * 250], run.tags["a b/c.d:e-f_g"]) == ("n" * 250, "v" * 8000, "x\ny\tz")
    assert run.tags[Tag.NOTE] == "n" * 8000


def test_a_recipe_that_the_store_cannot_hold_is_refused():
    check_recipe(Recipe(data="d" * 6000))
    with pytest.raises(UsageError, match="data_path has 6,001 characters"):
        check_recipe(Recipe(data="d" * 6001))
    with pytest.raises(UsageError, match="the recipe has"):
        check_recipe(Recipe(data="d" * 5000, text_column="t" * 5000))
