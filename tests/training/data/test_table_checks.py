"""What is told of a table: columns that say nothing or everything, cells and categories that are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from expctl.data_issues import counts, messages
from expctl.training.data.checks import SplitRows, find_issues
from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import Rows
from expctl.training.data.table import read_cells, row_hashes
from expctl.training.data.table_checks import cells_of
from expctl.training.models.configure import configure

ROWS = 100
NOISE = np.random.default_rng(1).normal(20, 5, ROWS).tolist()
TARGETS = [float(i % 50) for i in range(ROWS)]


def split_of(columns: dict[str, tuple[str, list[Any]]], labels: list[Any], task: str = "regression") -> SplitRows:
    kinds = {name: kind for name, (kind, _) in columns.items()}
    recipe = configure({"data": "a.csv", "target": "y", "task": task, "columns": {**kinds, "noise": "numeric"}})
    table = {"noise": NOISE, **{name: cells for name, (_, cells) in columns.items()}}
    cells, _ = read_cells(table, recipe)
    rows = Rows(feature_frame(cells, range(ROWS)), np.array(labels), row_hashes(cells))
    return SplitRows(recipe, rows.take(np.arange(70)), rows.take(np.arange(70, ROWS)))


def found(
    columns: dict[str, tuple[str, list[Any]]], labels: list[Any] = TARGETS, task: str = "regression"
) -> tuple[dict[str, int], list[str]]:
    issues = list(find_issues(split_of(columns, labels, task)))
    return counts(issues), messages(issues)


def test_nothing_is_told_of_a_plain_table() -> None:
    assert found({"town": ("categorical", ["a", "b"] * 50)}) == ({}, [])


def test_missing_cells_are_counted_in_every_kind_of_column() -> None:
    gaps = [""] * 3 + ["2020-01-01"] * 97
    numbers, told = found({"sold": ("datetime", gaps), "town": ("categorical", ["", "a"] * 50)})
    assert numbers == {"missing_cells": 53}
    assert told == ["53 cells are missing, in 2 of 3 columns, 50 of 100 in town"]


@pytest.mark.parametrize(("kind", "cells"), [("numeric", ["7"] * 100), ("categorical", ["a"] * 100)])
def test_a_column_of_one_value_is_told(kind: str, cells: list[str]) -> None:
    numbers, told = found({"a b": (kind, cells)})
    assert numbers == {"constant_columns": 1}
    assert told == ["1 column has one value in all training rows: --drop 'a b'"]


@pytest.mark.parametrize(
    ("kind", "cells", "is_id"),
    [
        ("numeric", list(range(100)), True),
        ("numeric", list(range(300, 100, -2)), True),
        ("categorical", [f"h{i}" for i in range(100)], True),
        ("numeric", [i + 0.5 for i in range(100)], False),
        ("numeric", [0, *range(99)], False),
        ("numeric", [(i * 37) % 101 for i in range(100)], False),
        ("categorical", [f"h{i % 99}" for i in range(100)], False),
    ],
)
def test_what_is_different_in_every_row_in_order_is_an_id(kind: str, cells: list[Any], is_id: bool) -> None:
    assert ("id_columns" in found({"nr": (kind, cells)})[0]) is is_id


@pytest.mark.parametrize(
    ("column", "gives_away"),
    [
        (("numeric", [3 * one for one in TARGETS]), True),
        (("categorical", [f"c{one:.0f}" for one in TARGETS]), True),
        (("numeric", [one + 9 * noise for one, noise in zip(TARGETS, NOISE, strict=True)]), False),
    ],
)
def test_a_column_that_says_the_number_is_told_with_its_score(column: Any, gives_away: bool) -> None:
    numbers, told = found({"cost": column})
    assert ("target_columns" in numbers) is gives_away
    assert any(one.startswith("1 column alone gives the target away: cost (R² 1.000)") for one in told) is gives_away


@pytest.mark.parametrize(("wrong", "gives_away"), [(0, True), (5, False)])
def test_a_column_that_says_the_class_is_told(wrong: int, gives_away: bool) -> None:
    labels = ["yes" if i % 3 else "no" for i in range(ROWS)]
    said = [label if i < ROWS - wrong else "maybe" for i, label in enumerate(labels)]
    numbers, _ = found({"answer": ("categorical", said)}, labels, "classification")
    assert ("target_columns" in numbers) is gives_away


def test_test_rows_of_unknown_categories_are_counted_once() -> None:
    town, street = ["a", "b"] * 50, ["x", "y"] * 50
    town[80] = town[81] = street[81] = "new"
    numbers, told = found({"town": ("categorical", town), "street": ("categorical", street)})
    assert numbers == {"unknown_categories": 2}
    assert told[0].startswith("2 of 30 test rows have a category that no training row has (town 2, street 1): ")


def test_a_target_far_from_all_others_is_told() -> None:
    numbers, told = found({}, [*TARGETS[:99], 1e6])
    assert numbers == {"far_targets": 1}
    assert told[0].startswith("the target of 1 row is far from all others, such as 1e+06 (half of them are between")


def test_targets_that_training_does_not_reach_are_told() -> None:
    assert found({}, [float(i) for i in range(ROWS)])[0] == {"untrained_targets": 30}


def test_targets_in_a_gap_of_those_of_training_are_told() -> None:
    labels = [float(i % 70) for i in range(70)] + [30.5] * 30
    labels[:70] = [one if one < 25 or one > 40 else one + 40 for one in labels[:70]]
    numbers, told = found({}, labels)
    assert numbers == {"untrained_targets": 30}
    assert told[0].startswith(
        "the target of 30 of 30 test rows is between 24 and 41, where no training row is: what a model says there is"
    )


@pytest.mark.parametrize("tested", [[12.5] * 3, [12.001] * 30])
def test_few_rows_in_a_gap_and_gaps_that_are_narrow_are_chance(tested: list[float]) -> None:
    labels = [float(i % 70) for i in range(70)]
    if len(tested) == 3:
        labels = [one if one < 12 or one > 30 else one + 40 for one in labels]
    assert found({}, labels + tested + [5.0] * (30 - len(tested)))[0] == {}


def test_two_rows_of_thirty_beyond_all_training_rows_are_chance() -> None:
    assert found({}, [*TARGETS[:98], 60.0, -1.0])[0] == {}


def dated(days: list[int], **options: Any) -> tuple[dict[str, int], list[str]]:
    """What is found where the rows of the file have these dates, in a column that is no feature."""
    split = split_of({}, TARGETS)
    table = {"noise": NOISE, "y": TARGETS, "on it": [f"2020-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in days]}
    split = replace(split, recipe=replace(split.recipe, **options), tables=(table, table))
    issues = list(find_issues(split))
    return counts(issues), messages(issues)


BY_COLUMN = {"split_column": "side", "test_size": None}


def test_test_rows_dated_before_training_rows_of_a_split_column_are_told() -> None:
    numbers, told = dated([*range(60), *range(200, 210), *range(100, 130)], **BY_COLUMN)
    assert numbers == {"untimely_rows": 30}
    assert told == [
        "30 of 30 test rows have an earlier 'on it' than a training row; if later rows are to be predicted:"
        " --time-column 'on it'"
    ]


def test_a_split_column_that_goes_by_time_leaks_none() -> None:
    assert dated([*range(70), *range(70, 100)], **BY_COLUMN) == ({}, [])
    assert dated([*range(70), *[69] * 30], **BY_COLUMN) == ({}, [])


def test_rows_in_the_order_of_time_that_are_divided_at_random_are_told() -> None:
    split = split_of({}, TARGETS)
    table = {"noise": NOISE, "y": TARGETS, "day": [f"2020-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(ROWS)]}
    order = np.random.default_rng(2).permutation(ROWS)
    cells, _ = read_cells({"noise": NOISE}, split.recipe)
    all_rows = Rows(feature_frame(cells, range(ROWS)), np.array(TARGETS), row_hashes(cells))
    mixed = replace(split, train=all_rows.take(order[:70]), test=all_rows.take(order[70:]), tables=(table, table))
    (issue,) = find_issues(mixed)
    assert (issue.key, issue.count) == ("untimely_rows", int((order[70:] < order[:70].max()).sum()))
    assert issue.text is not None
    assert issue.text.startswith("the rows are in the order of 'day' and divided at random: ")
    assert list(find_issues(replace(mixed, recipe=replace(mixed.recipe, group_column="noise")))) == []
    shuffled = {**table, "day": [table["day"][i] for i in order.tolist()]}
    assert list(find_issues(replace(mixed, tables=(shuffled, shuffled)))) == []


def test_a_column_in_which_a_row_has_no_date_is_not_looked_at() -> None:
    split = split_of({}, TARGETS)
    days: list[Any] = [f"2020-01-{1 + i % 28:02d}" for i in range(ROWS)]
    table = {"noise": NOISE, "y": TARGETS, "day": [*days[:99], None]}
    recipe = replace(split.recipe, split_column="side", test_size=None)
    assert list(find_issues(replace(split, recipe=recipe, tables=(table, table)))) == []


def test_cells_are_missing_or_different() -> None:
    split = split_of({"note": ("text", ["", "a b"] * 50), "sold": ("datetime", ["?", "2020-01-01"] * 50)}, TARGETS)
    assert cells_of(split.train.frame, "note", "text") == (35, 1)
    assert cells_of(split.train.frame, "sold", "datetime") == (35, 1)
    assert cells_of(split.train.frame, "noise", "numeric") == (0, 70)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["inf", *["1.5", "2", "3"] * 33], "1 cell ('inf'): it is read as categories; --missing inf,"),
        (["no", "n a"] * 2 + ["1", "2", "3", "4"] * 24, "4 cells ('no', 'n a'): it is read as categories;"),
        (["x", "x", *["1", "NA"] * 49], "2 cells ('x'): it is read as categories; --missing x,"),
    ],
)  # fmt: skip
def test_a_column_that_is_numbers_but_for_a_few_cells_is_told(cells: list[str], words: str) -> None:
    numbers, told = found({"a": ("categorical", cells)})
    assert numbers == {"nearly_numeric_columns": 1}
    assert told[0].startswith(f"column 'a' is numbers but for {words}")
    assert told[0].endswith(", or --as a=categorical")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["31.12.2024", "1.2.2023"], "dates that are not ISO 8601 ('31.12.2024'), which are read as categories: write"),
        (["2/28/24", "12/31/23"], "dates that are not ISO 8601 ('2/28/24'), which"),
        (["2024/12/31 10:00", ""], "dates that are not ISO 8601 ('2024/12/31 10:00'), which"),
        (["1,5", "22,75", "3"], "numbers with commas or signs ('1,5'), which are read as categories: write them as"),
        (["$1,200.50", "$3"], "numbers with commas or signs ('$1,200.50'), which"),
        (["12%", "NA"], "numbers with commas or signs ('12%'), which"),
    ],
)  # fmt: skip
def test_dates_and_numbers_that_are_written_otherwise_are_told(cells: list[str], told: str) -> None:
    column = ("categorical", (cells * 100)[:100])
    numbers, messages_ = found({"a b": column})
    assert numbers["unread_columns"] == 1
    assert any(one.startswith(f"column 'a b' holds {told}") for one in messages_)
    split = split_of({"a b": column}, TARGETS)
    said = replace(split, recipe=replace(split.recipe, kinds="a b=categorical"))
    assert "unread_columns" not in counts(find_issues(said))


def test_codes_are_no_dates_and_no_numbers() -> None:
    codes = [["1-2", "3-4"], ["a1,5", "b"], ["10-20", "20-30"], ["1.2.3", "1.2.4"], ["12 %", "x"]]
    assert [found({"a": ("categorical", (one * 50)[:100])}) for one in codes] == [({}, [])] * len(codes)


def test_several_such_columns_are_one_message() -> None:
    column = ("categorical", ["inf", *["1", "2", "3"] * 33])
    numbers, told = found({"a": column, "b c": column})
    assert numbers == {"nearly_numeric_columns": 2}
    assert "read as categories (and so is b c);" in told[0]


def test_columns_of_words_and_those_that_are_said_to_be_categories_are_not_told() -> None:
    assert found({"a": ("categorical", ["1", "2", "3", "4", "x"] * 20)}) == ({}, [])
    split = split_of({"a": ("categorical", ["inf", *["1", "2", "3"] * 33])}, TARGETS)
    said = replace(split, recipe=replace(split.recipe, kinds="a=categorical"))
    assert list(find_issues(said)) == []


def test_rows_of_a_table_are_copies_only_with_their_target() -> None:
    """Sex and class of cabin are the same in many rows of different fates."""
    split = split_of({"town": ("categorical", ["a", "b"] * 50)}, TARGETS)
    recipe = replace(split.recipe, columns={"town": "categorical"})
    cells, _ = read_cells({"town": ["a", "b"] * 50}, recipe)
    rows = Rows(feature_frame(cells, range(ROWS)), np.arange(100.0), row_hashes(cells))
    apart = SplitRows(recipe, rows.take(np.arange(70)), rows.take(np.arange(70, ROWS)))
    assert not counts(find_issues(apart)).keys() & {"leaked_rows", "repeated_rows"}
    labels = np.array([*np.arange(99.0), 1.0])  # the last is the row of place 1 again
    rows = replace(rows, labels=labels)
    copied = SplitRows(recipe, rows.take(np.arange(70)), rows.take(np.arange(70, ROWS)))
    found_ = counts(find_issues(copied))
    assert (found_["leaked_rows"], found_["repeated_rows"]) == (1, 1)


def test_a_column_without_a_value_is_told_as_such() -> None:
    numbers, told = found({"a": ("numeric", [""] * 100)})
    assert numbers["constant_columns"] == 1
    assert "1 column has no value in all training rows: --drop a" in told
    assert "one value or none" in found({"a": ("numeric", [""] * 100), "b": ("numeric", ["1"] * 100)})[1][-1]
