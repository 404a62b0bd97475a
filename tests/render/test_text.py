"""One cell to text: what a person reads of numbers, times, sizes and of text that came from elsewhere."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from expctl.render.sheet import Change, Column, Setting, Size
from expctl.render.text import (
    ago,
    chosen,
    digits_of,
    duration,
    heading,
    number,
    places,
    shown,
    size,
    table_texts,
    visible,
)
from tests.render import OLD_RICH

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("é ñ 日本 שלום", "é ñ 日本 שלום"),
        ("[red]x[/red] :skull:", "[red]x[/red] :skull:"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("\x7f", "\\x7f"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\0", "\\x00"),
        ("\u202eexe", "\\u202eexe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("\ufeff\u200b\u00ad", "\\ufeff\\u200b\\xad"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\U0010ffff", "\U0010ffff"),
    ],
)
def test_what_a_terminal_would_act_on_is_written_as_an_escape(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text(st.characters(exclude_categories=[])))
@example("\x1b\u202e\ud800\ue000\u2028")
def test_visible_text_is_one_line_without_commands_and_stays_so(text: str) -> None:
    """Taming twice changes nothing: a name may pass through two layers."""
    tamed = visible(text)
    assert not {unicodedata.category(char) for char in tamed if char != "\u200d"} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert len(tamed.splitlines()) <= 1
    assert visible(tamed) == tamed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-5, "-5"),
        (12345678, "12345678"),
        (10**30, "1" + "0" * 30),
        (0.0, "0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (-3.0, "-3.0"),
        (0.89123456, "0.8912"),
        (0.5, "0.5000"),
        (-0.25, "-0.2500"),
        (0.001, "0.0010"),
        (0.00099999, "0.001"),
        (1e-12, "1e-12"),
        (-1.23456e-7, "-1.235e-07"),
        (99.99, "99.9900"),
        (123.45678, "123.457"),
        (24513.7123, "24513.7"),
        (-24513.7123, "-24513.7"),
        (999_999.55, "999999.6"),
        (1e6, "1000000.0"),
        (12_345_678.91, "12345678.9"),
        (1.2345678e9, "1.23457e+09"),
        (1.7e308, "1.7e+308"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_are_whole_or_have_the_digits_they_need(value: float, expected: str) -> None:
    assert number(value) == expected


@given(st.floats(-1e300, 1e300))
def test_a_shown_number_is_near_the_number_and_never_zero_for_something(value: float) -> None:
    """1e-12 shown as 0.0000 would read as "no loss at all"."""
    read = float(number(value))
    assert math.isclose(read, value, rel_tol=1e-3, abs_tol=0) or abs(read - value) <= 0.5e-4
    assert (read == 0) == (value == 0)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (3.24, "3.2 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (60, "1 min 0 s"),
        (250, "4 min 10 s"),
        (3599.9, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (7509, "2 h 5 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_durations_are_told_in_two_units_at_most(seconds: float, expected: str) -> None:
    assert duration(timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=-5000), "just now"),  # another machine's clock is ahead
        (timedelta(0), "just now"),
        (timedelta(seconds=59.9), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=59, hours=23), "59 days ago"),
        (timedelta(days=60), "2025-04-16"),
        (timedelta(days=4000), "2014-07-03"),
    ],
)
def test_moments_are_told_from_now_and_old_ones_by_their_date(before: timedelta, expected: str) -> None:
    assert ago(NOW - before, NOW) == expected


def test_without_a_now_the_clock_is_asked() -> None:
    assert ago(datetime.now(UTC) - timedelta(minutes=5, seconds=30)) == "5 min ago"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (999_999_999, "1.0 GB"),
        (5_000_000_000, "5.0 GB"),
        (12_345_000_000_000, "12345.0 GB"),
    ],
)
def test_sizes_have_the_unit_that_keeps_them_short(count: int, expected: str) -> None:
    assert size(count) == expected


TEXT, ID, WHOLE = Column("name", width=10), Column("run_id", kind="id", width=8), Column("key", width=None)


@pytest.mark.parametrize(
    ("cell", "column", "expected"),
    [
        (None, TEXT, "–"),
        ("", TEXT, ""),
        (False, TEXT, "false"),
        (True, TEXT, "true"),
        (0, TEXT, "0"),
        ("x" * 10, TEXT, "x" * 10),
        ("x" * 11, TEXT, "x" * 9 + "…"),
        ("\n" * 6, TEXT, "\\n\\n\\n\\n\\…"),
        ("x" * 5000, WHOLE, "x" * 5000),
        ("0123456789abcdef", ID, "01234567"),
        (Setting(0.00001), TEXT, "1e-05"),
        (Setting(0.123456), TEXT, "0.123456"),
        (Setting(1000.0), TEXT, "1000.0"),
        (Size(1500), TEXT, "1.5 kB"),
        (Change(0.0122, True), TEXT, "+0.0122"),
        (Change(-0.0122, False), TEXT, "-0.0122"),
        (Change(-0.0), TEXT, "0"),
        (Change(1e-9), TEXT, "+1e-09"),
        (Change(math.nan), TEXT, "–"),
        (Change(math.inf), TEXT, "+∞"),
        (timedelta(seconds=70), TEXT, "1 min 10 s"),
        (NOW - timedelta(hours=2), TEXT, "2 h ago"),
    ],
)
def test_every_kind_of_cell_reads_as_a_person_expects(cell: object, column: Column, expected: str) -> None:
    assert shown(cell, column, now=NOW) == expected  # type: ignore[arg-type]


def column_texts(kind: str, *cells: object) -> list[str]:
    return [text for (text,) in table_texts([[cell] for cell in cells], [Column("x", kind=kind)])]  # type: ignore[arg-type, list-item]


def test_the_numbers_of_a_column_have_one_precision() -> None:
    """-0.0008543 beside +0.0402 is read as the larger of the two."""
    assert column_texts("change", Change(-0.0008543), Change(0.0402), Change(-0.0), Change(1e-9)) == [
        *("-0.0009", "+0.0402", "0", "+0.0000"),
    ]
    assert column_texts("number", 1.0, 0.98765, 0.0, None, 12.5, 3) == [
        "1.0000",
        "0.9877",
        "0.0000",
        "–",
        "12.5000",
        "3",
    ]
    assert column_texts("number", 2.0, 10.0) == ["2.0", "10.0"]
    assert column_texts("change", Change(0.0008543), Change(-0.00002)) == ["+0.0008543", "-0.0000200"]
    assert column_texts("number", 28755.1905, 9351.8264) == ["28755.2", "9351.8"]
    assert column_texts("number", 0.8969123, 28755.1905) == ["0.8969", "28755.2"]
    assert column_texts("number", 0.5, 0.00001, 2.5e9) == ["0.5000", "1e-05", "2.5e+09"]  # never zero, nor endless
    assert column_texts("number", 1e-9, 2e-9) == ["1e-09", "2e-09"]
    assert column_texts("number", math.nan, math.inf, 0.5) == ["NaN", "∞", "0.5000"]
    assert column_texts("p_value", 0.00001, 0.5) == ["<0.001", "0.500"]
    near = (0.04994, 0.05, 0.050004, 0.0500000001, 0.0099999, 0.0489)
    assert column_texts("p_value", *near) == ["0.0499", "0.050", "0.050004", "0.050000", "0.010000", "0.049"]


def test_a_change_of_large_numbers_has_no_more_decimals_than_they() -> None:
    """In `compare` rows are metrics: r2 and rmse have their own precision."""
    columns = [Column("key"), Column("a", kind="number"), Column("b", kind="number"), Column("change", kind="change")]
    rows = [
        ["r2", 0.8950123, 0.8969123, Change(0.0019)],
        ["rmse", 29019.4609, 28755.1905, Change(-264.2704)],
        ["mae", 29019.4609, 29018.4609, Change(-1.0)],
    ]
    assert [row[1:] for row in table_texts(rows, columns)] == [
        ["0.8950", "0.8969", "+0.0019"],
        ["29019.5", "28755.2", "-264.3"],
        ["29019.5", "29018.5", "-1.0"],
    ]


def test_limits_have_no_more_decimals_than_what_they_are_of() -> None:
    columns = [Column("key"), *(Column(key, kind="number") for key in ("value", "low", "high"))]
    rows = [["r2", 0.89501, 0.7, 0.95], ["rmse", 21166.04, 9101.0, 32449.02], ["mae", 950.1234, 99.5, 1001.5]]
    assert [row[1:] for row in table_texts(rows, columns)] == [
        ["0.8950", "0.7000", "0.9500"],
        ["21166.0", "9101.0", "32449.0"],
        ["950.123", "99.50", "1001.50"],
    ]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.5611516415334505, 10.0, 0.001], ["0.5612", "10.0", "0.001"]),
        ([0.56111, 0.56112], ["0.56111", "0.56112"]),
        ([0.1, 0.1 + 2**-56], ["0.1", "0.10000000000000002"]),
        ([0.1234567, "a", None, 3], ["0.1235"]),
        ([123456.78, 1e-05], ["123456.8", "1e-05"]),
        ([1234567.0, math.inf], ["1234567.0", "inf"]),
    ],
)
def test_chosen_numbers_have_the_digits_that_tell_them_apart(values: list[object], texts: list[str]) -> None:
    reals = [value for value in values if isinstance(value, float)]
    assert [chosen(value, digits_of(values)) for value in reals] == texts


def test_a_heading_is_tamed_and_cut_like_a_cell() -> None:
    """In `compare` the headings are names of runs."""
    assert heading(Column("baseline", "\x1b[2Jevil", width=6)) == "\\x1b[…"
    assert heading(Column("run_id", "run", "id", width=8)) == "run"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[
            ("abc", 3),
            ("é", 1),
            ("e\u0301", 1),
            ("日本", 4),
            ("ｗ", 2),
            ("🎬", 2),
            ("", 0),
            ("–", 1),
            ("-∞", 2),
            ("a–", 2),
        ],
        *[
            ("👨\u200d👩\u200d👧", 2),
            ("❤\ufe0f", 2),
            ("1\ufe0f\u20e3", 2),
            ("👍🏽", 2),
            ("\u1112\u1161\u11ab", 2),
            ("क्षि", 2),
        ],
    ],
)
def test_places_are_counted_as_a_terminal_gives_them(text: str, expected: int) -> None:
    if OLD_RICH and ("\u200d" in text or "\ufe0f" in text):
        pytest.skip("Rich before 14.3 counts the characters of an emoji one by one")
    assert places(text) == expected
