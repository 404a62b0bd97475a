"""The run that a training would only repeat: each thing by which another one is not the same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from expctl.records import Tag
from expctl.tracking.runs.items import Param, RemovedTag, TagValue
from expctl.tracking.runs.writer import RunWriter
from expctl.training.models.configure import configure
from expctl.workflows.existing import find_existing
from expctl.workflows.requests import TrainingRequest
from tests.tracking.recorded import settings_of, store_of, train


def request(folder: Path, *, strict: bool = False, **given) -> TrainingRequest:
    return TrainingRequest(configure({"data": "small.csv", **given}), settings_of(folder), strict=strict)


def found(folder: Path, **given) -> str | None:
    run = find_existing(request(folder, **given))
    return None if run is None else run.name


@pytest.fixture
def again(runs) -> Path:
    """A run `again` of c 0.7, beside others."""
    train(runs, "again", c=0.7)
    return runs


def changed(folder: Path, *items) -> None:
    store = store_of(folder)
    RunWriter(store, store.find("name = 'again'")[0]).write(items)


def test_it_is_the_finished_run_of_the_same_recipe(again):
    assert found(again, c=0.7) == "again"
    assert found(again, c=0.8) is None
    assert found(again, c=0.7, random_state=1) is None


def test_of_several_it_is_the_newest(again):
    train(again, "later", c=0.7)
    assert found(again, c=0.7) == "later"


def test_data_count_by_content_not_by_place(again):
    shutil.copy("small.csv", "elsewhere.csv")
    assert found(again, c=0.7, data="elsewhere.csv") == "again"
    with Path("small.csv").open("a") as file:
        file.write("one more film,good\n")
    assert found(again, c=0.7) is None
    assert found(again, c=0.7, data="elsewhere.csv") == "again"


def test_a_test_file_counts_by_content_too(again):
    shutil.copy("small.csv", "test.csv")
    train(again, "tested", test_data="test.csv")
    shutil.copy("test.csv", "moved.csv")
    assert found(again, test_data="moved.csv") == "tested"
    Path("moved.csv").write_text(Path("test.csv").read_text() + "one more film,good\n")
    assert found(again, test_data="moved.csv") is None


@pytest.mark.parametrize(
    "item",
    [
        RemovedTag(Tag.COMPLETE), RemovedTag(Tag.MODEL_DIGEST), TagValue(Tag.REPRODUCES, "x"),
        TagValue(Tag.VERSION, "0.0.1"), TagValue(Tag.GIT_COMMIT, "f" * 40), TagValue(Tag.RECIPE, "{}"),
    ],
    ids=lambda item: item.key,
)  # fmt: skip
def test_what_is_cut_short_a_copy_of_other_code_or_without_model_does_not_count(again, item):
    changed(again, item)
    assert found(again, c=0.7) is None


def test_if_strict_a_run_whose_data_were_warned_of_does_not_count(again):
    assert found(again, c=0.7, strict=True) == "again"
    changed(again, Param("unknown_rows", 3))
    assert found(again, c=0.7, strict=True) is None
    assert found(again, c=0.7) == "again"


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True, capture_output=True)


def test_the_code_is_the_commit_with_what_is_not_committed(runs):
    git("init", "-q")
    git("add", "own_models.py")
    git("commit", "-qm", "one")
    train(runs, "clean", c=0.7)
    assert found(runs, c=0.7) == "clean"
    with Path("own_models.py").open("a") as file:
        file.write("# one more line\n")
    assert found(runs, c=0.7) is None
    train(runs, "dirty", c=0.7)
    assert found(runs, c=0.7) == "dirty"
    with Path("own_models.py").open("a") as file:
        file.write("# and another\n")
    assert found(runs, c=0.7) is None
    git("checkout", "own_models.py")
    assert found(runs, c=0.7) == "clean"


def test_where_there_is_no_store_nothing_exists_and_none_is_made(folder):
    if not Path("mlflow.db").is_file():
        pytest.skip("a server is always there")
    Path("mlflow.db").unlink()
    Path("small.csv").write_text("text,label\n")
    assert found(folder) is None
    assert sorted(path.name for path in folder.iterdir()) == ["small.csv"]
