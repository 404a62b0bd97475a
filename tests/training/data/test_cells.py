"""What a cell of a table stands for."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from expctl.training.data.cells import MISSING, is_missing, is_moment, is_number, moment, number, word


@pytest.mark.parametrize("cell", [None, float("nan"), "", "  ", "\t"])
def test_an_empty_cell_is_missing_whatever_the_words(cell: Any) -> None:
    assert is_missing(cell)
    assert is_missing(cell, MISSING)


@pytest.mark.parametrize("cell", ["NA", " n/a ", "NaN", "NULL", "None", "nil", "?", "-", "."])
def test_the_usual_words_are_missing_only_where_they_are_asked_for(cell: str) -> None:
    assert is_missing(cell, MISSING)
    assert not is_missing(cell)


@pytest.mark.parametrize("cell", [0, 0.0, False, "0", "no", "nano", "--"])
def test_what_is_there_is_not_missing(cell: Any) -> None:
    assert not is_missing(cell, MISSING)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1.0), (" -2.50 ", -2.5), ("+.5", 0.5), ("3.", 3.0), ("1e-3", 0.001), (7, 7.0), (Decimal("1.10"), 1.1)],
)
def test_numbers_are_read_as_they_are_written(cell: Any, value: float) -> None:
    assert is_number(cell)
    assert number(cell) == value


@pytest.mark.parametrize(
    "cell",
    ["", "1,000", "1 000", "inf", "nan", "0x10", "1_000", "12 m", "1e5000", True, None, float("inf"), 10**400, [1]],
)
def test_what_is_no_finite_number_is_refused(cell: Any) -> None:
    assert not is_number(cell)
    with pytest.raises(ValueError, match="is not a number"):
        number(cell)


def test_a_number_beyond_every_float_is_told() -> None:
    with pytest.raises(ValueError, match="'1e999' is too large"):
        number("1e999")


@pytest.mark.parametrize(
    ("cell", "when"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        (" 2024-02-29T10:30 ", datetime(2024, 2, 29, 10, 30)),
        ("2024-02-29 10:30:00+02:00", datetime(2024, 2, 29, 8, 30)),
        ("20240229", datetime(2024, 2, 29)),
        (date(2024, 2, 29), datetime(2024, 2, 29)),
        (datetime(2024, 2, 29, 1), datetime(2024, 2, 29, 1)),
        ("0001-01-01", datetime(1, 1, 1)),
    ],
)
def test_times_are_read_by_iso_8601_in_utc(cell: Any, when: datetime) -> None:
    assert is_moment(cell)
    assert moment(cell) == when


@pytest.mark.parametrize(
    "cell", ["29.02.2024", "2023-02-29", "2024", "10:30", "", None, 20240229, "0001-01-01T00:00+14:00", "2024-01-01x"]
)
def test_what_is_no_time_is_refused(cell: Any) -> None:
    assert not is_moment(cell)


@pytest.mark.parametrize(
    ("cell", "name"), [(1.0, "1"), (1, "1"), (1.5, "1.5"), (True, "true"), (" a b ", "a b"), (float("inf"), "inf")]
)
def test_a_category_has_one_name_in_every_file_format(cell: Any, name: str) -> None:
    assert word(cell) == name
