"""What columns are, and what there is to learn, decided by the documented rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from expctl.errors import DataError, UsageError
from expctl.training.data.column_kinds import decided, kind_of_cells, task_of_target

TEXTS = [f"a sentence of some words, number {i}" for i in range(6)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e2"], "numeric"),
        (["1", "NA", "", "?"], "numeric"),
        ([1, 2.0, None], "numeric"),
        (["", "NA", None], "numeric"),
        (["2020-01-01", "2021-12-31T10:00", "NA"], "datetime"),
        (["a", "b", "a", "NA"], "categorical"),
        (["1", "2", "two"], "categorical"),
        ([True, False], "categorical"),
        (TEXTS, "text"),
        ([*TEXTS, "", None], "text"),
        (TEXTS[:1] * 6, "categorical"),  # the same again and again
        ([f"id-{i:020}" for i in range(6)], "categorical"),  # long, of one word
        (["a b", "c d", "e f"], "categorical"),  # short
    ],
)
def test_a_column_is_what_its_cells_are(cells: list[Any], kind: str) -> None:
    assert kind_of_cells(cells) == kind


def test_other_words_for_missing_make_another_column() -> None:
    assert kind_of_cells(["1", "unknown"]) == "categorical"
    assert kind_of_cells(["1", "unknown"], frozenset(["unknown"])) == "numeric"
    assert kind_of_cells(["1", "NA"], frozenset(["unknown"])) == "categorical"


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["yes", "no"], "classification"),
        ([True, False], "classification"),
        ([str(i) for i in range(20)], "classification"),
        ([str(i) for i in range(21)], "regression"),
        (["1.0", "2.0"], "classification"),
        (["1.5", "2.0"], "regression"),
        (["1", "2", "many"], "classification"),
        (["1,5", "2"], "regression"),
        (["1,5", "2,5,3"], "classification"),
        ([], "classification"),
    ],
)
def test_the_target_tells_the_task(cells: list[Any], task: str) -> None:
    assert task_of_target(cells) == task


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    lines = [f"{i},{'ab'[i % 2]},2020-01-{i + 1:02},{TEXTS[i]},{i * 1.5}" for i in range(6)]
    path.write_text("\n".join(["size,town,sold,note,price", *[line.replace("words,", "words") for line in lines]]))
    return path


def columns(table: Path, **given: Any) -> dict[str, str]:
    found: dict[str, str] = decided({"data": str(table), "target": "price", **given})["columns"]
    return found


def test_every_other_column_is_a_feature_kind_by_kind(table: Path) -> None:
    assert list(columns(table).items()) == [
        ("size", "numeric"),
        ("town", "categorical"),
        ("note", "text"),
        ("sold", "datetime"),
    ]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"drop": "size,to*"}, ["note", "sold"]),
        ({"features": "s*"}, ["size", "sold"]),
        ({"features": "s*", "drop": "sold"}, ["size"]),
        ({"group_column": "town"}, ["size", "note", "sold"]),
        ({"time_column": "sold", "split_column": "town"}, ["size", "note"]),
    ],
)
def test_columns_are_chosen_by_name(table: Path, given: dict[str, str], left: list[str]) -> None:
    assert list(columns(table, **given)) == left


def test_a_kind_that_is_said_is_taken(table: Path) -> None:
    assert columns(table, kinds="size=categorical,note=categorical")["size"] == "categorical"


def test_the_task_is_found_or_taken(table: Path) -> None:
    given = {"data": str(table), "target": "price"}
    assert decided(given)["task"] == "regression"
    assert decided({**given, "target": "town"})["task"] == "classification"
    assert decided({**given, "task": "classification"})["task"] == "classification"


def test_what_is_decided_is_not_decided_anew(table: Path) -> None:
    given = {"data": "gone.csv", "columns": {"a": "numeric"}}
    assert decided(given) == given


def test_texts_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("text,label,other\na b,x,1\nc d,y,2\n")
    assert decided({"data": str(path)}) == {"data": str(path)}
    assert "columns" in decided({"data": str(path), "features": "other"})
    assert decided({"data": str(path), "text_column": "other"}) == {"data": str(path), "text_column": "other"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": "prise"}, "no column 'prise', did you mean 'price'?"),
        ({"drop": "sise"}, "--drop sise: "),
        ({"features": "x*"}, "no such column"),
        ({"features": "size, price"}, "this column is the target"),
        ({"kinds": "size=number"}, "--as size=number: NAME=KIND"),
        ({"kinds": "siz=text"}, "has no column 'siz', did you mean 'size'?"),
        ({"drop": "*"}, "has no column to learn from besides 'price'"),
    ],
)
def test_a_wrong_name_is_told_in_one_line(table: Path, given: dict[str, str], words: str) -> None:
    with pytest.raises((DataError, UsageError)) as refused:
        columns(table, **given)
    assert words in refused.value.message


def test_a_target_of_measurements_but_for_a_few_cells_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i + 0.5}\n" for i in range(30)) + "7,inf\n")
    given = {"data": str(path), "target": "y"}
    with pytest.raises(DataError, match=r"the target 'y' is numbers but for 1 cell \('inf'\)") as refused:
        decided(given)
    assert refused.value.hint == "--missing inf leaves such rows out, --task classification takes them"
    assert decided({**given, "missing": "inf"})["task"] == "regression"
    assert decided({**given, "task": "classification"})["task"] == "classification"
