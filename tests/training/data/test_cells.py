"""What a cell of a table stands for."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.training.data.cells import (
    MISSING,
    are_missing,
    are_numbers,
    each,
    is_missing,
    is_moment,
    is_number,
    moment,
    number,
    numbers,
    word,
)


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


# Texts that are nearly numbers, numbers and what JSON and Parquet have besides.
_TEXTS = st.text("0159.+-eE_ \n\tnaifx\u0661\ud800", max_size=6) | st.sampled_from(
    ["1e999", "1e0005", "1E5", "9" * 400, "0x1f", "1_0", "inf", "-Infinity", "NaN", "?", "NA", "999", "-0.0", "0.0"]
)
_CELLS = st.none() | _TEXTS | st.floats() | st.integers() | st.booleans() | st.just(Decimal("1.10")) | st.just(2**2000)


def one_by_one(cells: list[Any], missing: frozenset[str]) -> list[str]:
    """What `numbers` says, as `number` says it of each cell; the error where there is one."""
    try:
        return [repr(float("nan") if is_missing(cell, missing) else number(cell)) for cell in cells]
    except ValueError as error:
        return [str(error)]


@pytest.mark.parametrize("missing", [MISSING, frozenset(("999", "x"))])
@given(
    cells=st.lists(_TEXTS | st.none(), max_size=6) | st.lists(st.floats() | st.none()) | st.lists(_CELLS, max_size=4)
)
def test_a_column_of_numbers_is_read_as_each_of_its_cells_is(missing: frozenset[str], cells: list[Any]) -> None:
    try:
        read = list(map(repr, numbers(cells, missing)))
    except ValueError as error:
        read = [str(error)]
    assert read == one_by_one(cells, missing)
    assert are_missing(cells, missing) == [is_missing(cell, missing) for cell in cells]
    present = [cell for cell in cells if not is_missing(cell, missing)]
    assert are_numbers(present) == all(map(is_number, present))


def test_each_different_text_is_read_once_and_equal_cells_of_other_types_apart() -> None:
    asked = []
    assert each(["a", None, "a"], lambda cell: asked.append(cell) or cell) == ["a", None, "a"]
    assert asked == ["a", None]
    assert each([1, 1.0, True, "1"], word) == ["1", "1", "true", "1"]
    assert list(map(repr, numbers([0.0, -0.0]))) == ["0.0", "-0.0"]
