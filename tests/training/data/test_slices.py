"""The cells of a column as slices are made of them: numbers where all are, text otherwise, empty ones kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.dataset import load_split
from expctl.training.data.slices import slice_cells, slice_names
from tests.training.data.test_dataset import refusal, write

if TYPE_CHECKING:
    from pathlib import Path


def cells(values: list[Any], column: str = "source") -> list[Any]:
    kept, texts = range(len(values)), ["text"] * len(values)
    return slice_cells({column: values}, column, texts, kept, name="a.csv", option="--by").tolist()


def test_names_are_told_apart_by_commas_once_each() -> None:
    assert slice_names("source, length,source,") == ["source", "length"]
    assert slice_names(None) == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["a", " b ", None, ""], ["a", "b", "", ""]), (["1", "2.5", " 3"], [1, 2.5, 3]),
        ([True, False], ["True", "False"]), ([1, "x"], ["1", "x"]), ([None, None], ["", ""]),
        (["1", "inf"], ["1", "inf"]), ([7, 8.0], [7, 8]),
    ],
)  # fmt: skip
def test_cells_are_numbers_only_where_all_of_them_are(values: list[Any], found: list[Any]) -> None:
    assert cells(values) == found


def test_empty_cells_of_numbers_are_nan() -> None:
    assert np.isnan(cells(["1", "", "3"])[1])


def test_length_is_that_of_the_text_unless_a_column_has_the_name() -> None:
    given = {"text": ["abc", "a", "ä👍"]}
    kept = [0, 1, 2]
    found = slice_cells(given, "length", given["text"], kept, name="a.csv", option="--by")
    assert found.tolist() == [3, 1, 2]
    assert cells(["short", "long"], "length") == ["short", "long"]


def test_a_column_that_is_not_there_is_refused_by_its_option() -> None:
    with pytest.raises(DataError) as refused:
        slice_cells({"source": ["a"]}, "sorce", ["text"], [0], name="a.csv", option="--by")
    assert refused.value.message == "a.csv has no column 'sorce', did you mean 'source'?"
    assert "--by" in str(refused.value.hint)


def test_the_length_of_the_text_is_among_the_names_offered() -> None:
    with pytest.raises(DataError) as refused:
        slice_cells({"text": ["a"], "label": ["b"]}, "lenght", ["text"], [0], name="a.csv", option="--by")
    assert refused.value.message == "a.csv has no column 'lenght', did you mean 'length'?"
    assert refused.value.hint == "it has text, label, and length; --by names another"


def test_the_test_rows_of_a_split_have_their_cells(tmp_path: Path) -> None:
    rows = [(f"text {i}", "ab"[i % 2], f"s{i % 3}") for i in range(40)]
    path = write(tmp_path / "a.csv", rows, ("text", "label", "source"))
    test = load_split(Recipe(path, slice="source,length")).test
    assert test.slices["source"].tolist() == [f"s{row % 3}" for row in test.frame.index]
    assert test.slices["length"].tolist() == [len(text) for text in test.frame["text"]]
    message, _ = refusal(Recipe(path, slice="nothing"))
    assert "has no column 'nothing'" in message


def test_of_two_files_only_that_of_the_test_rows_needs_the_column(tmp_path: Path) -> None:
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(20)]
    train = write(tmp_path / "train.csv", rows)
    test = write(tmp_path / "test.csv", [(*row, "x") for row in rows], ("text", "label", "source"))
    split = load_split(Recipe(train, test_size=None, test_data=test, slice="source"))
    assert split.train.slices == {}
    assert split.test.slices["source"].tolist() == ["x"] * 20
