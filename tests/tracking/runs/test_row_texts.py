"""The texts of recorded rows are those that the run was tested on, or none at all: never those of another file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from expctl.analysis.flips import Flip
from expctl.recipe import Recipe
from expctl.records import RunRecord, Tag
from expctl.tracking.runs.row_texts import with_texts

FLIPS = [Flip("broken", 1, "a", "a", "b", 0.9), Flip("fixed", 0, "a", "b", "a", None)]


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunRecord:
    monkeypatch.chdir(tmp_path)
    content = b"text,label\nfirst,a\nsecond,b\n"
    Path("rows.csv").write_bytes(content)
    params = {"data_hash": hashlib.sha256(content).hexdigest()}
    return RunRecord(
        "a" * 32, "run", "finished", "1", params=params, tags={Tag.RECIPE: Recipe(data="rows.csv").to_json()}
    )


def texts(run: RunRecord, flips=FLIPS) -> list[str | None]:
    return [text for _, text in with_texts(run, flips)]


def test_each_flip_has_the_text_of_its_row(run):
    assert with_texts(run, FLIPS) == [(FLIPS[0], "second"), (FLIPS[1], "first")]


def test_a_run_with_a_test_file_of_its_own_has_its_texts_there(run):
    Path("test.csv").write_bytes(b"text,label\nthird,a\n")
    recipe = Recipe(data="rows.csv", test_data="test.csv").to_json()
    params = {**run.params, "test_data_hash": hashlib.sha256(Path("test.csv").read_bytes()).hexdigest()}
    assert texts(replace(run, params=params, tags={Tag.RECIPE: recipe})) == [None, "third"]


def test_a_text_that_is_missing_in_the_file_is_none(run):
    Path("rows.csv").write_bytes(b"text,label\n,a\nsecond,b\n")
    params = {"data_hash": hashlib.sha256(Path("rows.csv").read_bytes()).hexdigest()}
    assert texts(replace(run, params=params)) == ["second", None]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: Path("rows.csv").write_bytes(b"text,label\nfirst,a\nanother,b\n") and run,
        lambda run: Path("rows.csv").unlink() or run,
        lambda run: replace(run, tags={}),
        lambda run: replace(run, tags={Tag.RECIPE: "{"}),
        lambda run: replace(run, params={}),
        lambda run: replace(run, tags={Tag.RECIPE: Recipe(data="rows.csv", text_column="words").to_json()}),
    ],
    ids=["changed", "gone", "no recipe", "garbage", "no hash", "no column"],
)
def test_what_cannot_be_known_is_no_text_and_no_error(run, spoil):
    assert texts(spoil(run)) == [None, None]


def test_without_flips_no_file_is_read(run):
    Path("rows.csv").unlink()
    assert with_texts(replace(run, tags={}), []) == []
