"""Rows of predictions in a data file: found by what identifies them there, and not where that is not plain."""

from __future__ import annotations

import pytest

from expctl.training.data.file_rows import rows_in
from expctl.training.data.predictions_table import PredictionColumns, predictions_of

DATA = {
    "key": ["a", "b", "c", "d"],
    "size": ["1", "2", "2", "4"],
    "price": ["10.5", "20", "20", "40"],
    "sold": ["true", "False", "true", None],
}


def found(table, **columns):
    rows = rows_in(DATA, predictions_of(table, "p.csv", PredictionColumns(**columns)))
    return None if rows is None else rows.tolist()


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ({"key": ["d", "a"], "price": [40.0, 10.5], "prediction": [1.5, 2.0]}, [3, 0]),
        ({"id": [3, 0], "price": [40, 10.5], "prediction": [1.5, 2]}, [3, 0]),  # its number in the file
        ({"row": [3, 0], "name": ["x", "y"], "price": [40, 10.5], "prediction": [1.5, 2]}, [3, 0]),  # said
        ({"key": ["c"], "size": ["2"], "sold": ["true"], "price": ["20"], "prediction": ["1.5"]}, [2]),
        ({"key": ["d", "a"], "price": [41.0, 10.5], "prediction": [1.5, 2.0]}, None),  # another label
        ({"key": ["e", "a"], "price": [40.0, 10.5], "prediction": [1.5, 2.0]}, None),  # no such row
        ({"size": ["2", "1"], "price": [20.0, 10.5], "prediction": [1.5, 2.0]}, None),  # which of the two
        ({"id": [4, 0], "price": [40.0, 10.5], "prediction": [1.5, 2.0]}, None),
        ({"row": [3, 9], "name": ["x", "y"], "price": [40, 10.5], "prediction": [1.5, 2]}, None),
    ],
)
def test_rows_are_found_by_what_identifies_them(table, rows):
    assert found(table, target="price") == rows


def test_classes_are_found_as_the_file_writes_them():
    assert found({"key": ["b", "a"], "sold": [False, True], "prediction": [True, True]}, target="sold") == [1, 0]


def test_a_file_without_rows_has_none():
    table = predictions_of({"id": [1], "label": [0.5], "prediction": [1.5]}, "p.csv")
    assert rows_in({}, table) is None
    assert rows_in({"label": []}, table) is None
