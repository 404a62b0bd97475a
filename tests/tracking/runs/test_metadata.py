"""What a person says of a run: what the store would cut or refuse is refused first, the rest taken whole."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from expctl.errors import UsageError
from expctl.recipe import Recipe
from expctl.records import RunRecord, Tag
from expctl.tracking.runs.metadata import (
    RunMetadata,
    check_labels,
    check_recipe,
    labels_of,
    numbered,
    recipe_tags,
    run_tags,
    with_data_version,
)
from expctl.tracking.runs.provenance import Code
from expctl.tracking.runs.writer import recording
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
        RunMetadata(tags={"../x": "v"}),
        RunMetadata(tags={"a//b": "v"}),
        RunMetadata(tags={"/x": "v"}),
        RunMetadata(tags={"a/../x": "v"}),
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
    with recording(store, labels.name, run_tags(labels, "expctl train", None, developer="")) as writer:
        pass
    run = store.get(writer.run_id)
    assert (run.name, run.tags["k" * 250], run.tags["a b/c.d:e-f_g"]) == ("n" * 250, "v" * 8000, "x\ny\tz")
    assert run.tags[Tag.NOTE] == "n" * 8000


def test_a_recipe_that_the_store_cannot_hold_is_refused():
    check_recipe(Recipe(data="d" * 6000))
    with pytest.raises(UsageError, match="data_path has 6,001 characters"):
        check_recipe(Recipe(data="d" * 6001))
    check_recipe(Recipe(data="d" * 5000, text_column="t" * 5000))
    columns = {f"{i}{'x' * 90}": "numeric" for i in range(9)} | {
        sha256(b"%d" % i).hexdigest(): "numeric" for i in range(19_000)
    }
    with pytest.raises(UsageError, match=r"the recipe has .* characters, the limit is 800,000"):
        check_recipe(Recipe(data="d", task="regression", columns=columns))


def test_a_recipe_of_many_columns_is_kept_in_several_tags(store):
    recipe = Recipe(
        data="d.csv", task="regression", columns={f"gene_{i * 7919 % 104729}": "numeric" for i in range(10_000)}
    )
    check_recipe(recipe)
    tags = recipe_tags(recipe)
    assert len(tags) > 1
    with recording(store, None, tags) as writer:
        pass
    assert Recipe.from_json(store.get(writer.run_id).recipe_json or "") == recipe


@pytest.mark.parametrize("labels", [RunMetadata(name="a\0b"), RunMetadata(note="\0"), RunMetadata(tags={"k": "\0"})])
def test_a_character_that_no_database_takes_is_refused(labels):
    with pytest.raises(UsageError, match="holds a NUL character"):
        check_labels(labels)


def test_dvc_says_the_version_only_where_nobody_else_does(monkeypatch):
    monkeypatch.setattr("expctl.tracking.runs.metadata.dvc_version", lambda data: f"dvc of {data}")
    assert with_data_version(RunMetadata("n"), "a.csv") == RunMetadata("n", data_version="dvc of a.csv")
    assert with_data_version(RunMetadata(data_version="v3"), "a.csv") == RunMetadata(data_version="v3")


def test_a_name_of_several_runs_is_numbered_and_cut_at_its_own_end():
    assert numbered("grid", 3) == "grid-3"
    assert numbered("n" * 250, 12) == "n" * 247 + "-12"
    check_labels(RunMetadata(numbered("n" * 250, 123_456)))


def test_what_was_said_of_a_run_is_read_back_without_what_was_recorded_from_the_environment():
    said = RunMetadata("strong", {"team": "nlp", "stage": "test"}, "the one to beat", "v3")
    code = Code("c0ffee", "main", None, True, b"patch")
    run = RunRecord("a" * 32, "strong", "finished", "1", tags=run_tags(said, "expctl train", code, developer="Ann"))
    assert labels_of(run) == said
    autologged = {"estimator_name": "Pipeline", "estimator_class": "sklearn.pipeline.Pipeline"}
    assert labels_of(replace(run, tags={**run.tags, **autologged})) == said


def test_the_tags_of_a_run_say_who_made_it_with_which_code_by_which_command():
    tags = run_tags(RunMetadata(), "expctl train", Code("c0ffee", None, None, None, None), developer="Ann")
    assert (tags[Tag.DEVELOPER], tags["mlflow.source.name"]) == ("Ann", "expctl train")
    assert tags[Tag.GIT_COMMIT] == tags["mlflow.source.git.commit"] == "c0ffee"
    assert not {Tag.NOTE, Tag.DATA_VERSION, Tag.GIT_BRANCH, Tag.GIT_DIRTY} & set(tags)
    assert not [key for key in run_tags(RunMetadata(), "x", None, developer="Ann") if "git" in key]


def test_no_secret_of_a_recipe_reaches_its_tag():
    assert "s3cr3t" not in recipe_tags(Recipe(data="https://ada:s3cr3t@host/a.csv"))[Tag.RECIPE]
