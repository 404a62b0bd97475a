"""Values as text that programs read: nothing is lost, nothing is obeyed."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.encoding import csv_text, exact, json_text, tsv_text

texts = st.text(st.characters(exclude_categories=["Cs"]))
OBEYED = "\x7f\x9b\u200e\u2028\u202e\u2066\ufeff"


@settings(max_examples=30)
@given(st.recursive(texts | st.integers() | st.booleans() | st.none(), lambda inner: st.dictionaries(texts, inner)))
def test_json_parses_back_to_the_same_value(value):
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize("character", OBEYED)
def test_json_escapes_what_a_terminal_or_an_editor_would_obey(character):
    assert json_text(f"a{character}é") == f'"a\\u{ord(character):04x}é"'


def test_json_takes_an_indent_and_a_way_to_write_strangers():
    assert json_text({"a": 1}, indent=2) == '{\n  "a": 1\n}'
    assert json_text({"a": timedelta(1)}, default=str) == '{"a": "1 day, 0:00:00"}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2025, 6, 1, 12, 0, 0, 123456, UTC), "2025-06-01T12:00:00.123Z"),
        (timedelta(minutes=1, milliseconds=5), 60.005),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (0.1 + 0.2, 0.30000000000000004),
        ("text", "text"),
        (None, None),
        (True, True),
    ],
)
def test_a_value_is_exact_and_what_json_has_not_is_its_name(value, expected):
    assert exact(value) == expected
    assert type(exact(value)) is type(expected)


@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=5))
def test_csv_parses_back_to_the_same_texts(rows):
    text = csv_text(rows, formulas="keep")
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows


@pytest.mark.parametrize("write", [csv_text, tsv_text])
@pytest.mark.parametrize("cell", ["=1+1", "+x", "-x", "@sum", "-inf", "-nan"])
def test_a_formula_is_tamed_unless_it_is_to_be_kept(write, cell):
    assert write([[cell]], formulas="escape") == f"'{cell}\n"
    assert write([[cell]], formulas="keep") == f"{cell}\n"


@pytest.mark.parametrize("write", [csv_text, tsv_text])
@pytest.mark.parametrize("cell", [-1.5, "-1.5", "+1e-3", "-Infinity", -math.inf])
def test_a_number_is_no_formula(write, cell):
    assert write([[cell]], formulas="escape") == f"{exact(cell)}\n"


def test_truth_values_are_words_and_what_is_missing_is_empty():
    assert csv_text([[True, None, False]], formulas="escape") == "true,,false\n"
    assert tsv_text([[True, None, False]], formulas="escape") == "true\t\tfalse\n"


def test_a_quote_is_a_character_like_any_other_in_tsv_and_doubled_in_csv():
    assert tsv_text([['say "a"']], formulas="escape") == 'say "a"\n'
    assert csv_text([['say "a"']], formulas="escape") == '"say ""a"""\n'


def test_lines_end_in_one_character_and_line_ends_in_cells_stay_theirs():
    assert csv_text([["a\r\nb"], ["c\rd"]], formulas="escape") == '"a\r\nb"\n"c\rd"\n'
