"""Every format over hard values: goldens a person has looked at, and laws over values nobody thought of."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # comes with Rich

from expctl.render.formats import FORMATS, as_csv, as_json, as_jsonl, as_markdown, plain_table
from expctl.render.sheet import Cell, Change, Column, Setting, Sheet, Size
from expctl.render.text import table_texts
from tests.render import OLD_RICH

if TYPE_CHECKING:
    from collections.abc import Iterable

GOLDEN = Path(__file__).parent / "golden"
# Read here, once: the fixture that keeps a user's settings from the tests takes every EXPCTL_ variable away.
WRITE = bool(os.environ.get("EXPCTL_WRITE_GOLDEN"))

HARD_TEXTS = {
    "empty": "",
    "markup": "[red]x[/red]",
    "closing markup": "[/red]",
    "link markup": "[link=file:///x]y[/link]",
    "emoji name": ":skull:",
    "joined emoji": "👩\u200d👩\u200d👧\u200d👦",
    "wide": "日本語",
    "right to left": "שלום עולם",
    "bidi override": "abc\u202egnp.exe\u202c",
    "zero width": "a\u200bb\ufeffc",
    "colour escape": "\x1b[31mred\x1b[0m",
    "link escape": "\x1b]8;;file:///x\x07y\x1b]8;;\x07",
    "one-byte escape": "\x9b31mred",
    "carriage return": "good\rbad",
    "line feed": "first\nsecond",
    "tab": "a\tb",
    "leading tab": "\t=1",
    "line separator": "first\u2028second",
    "NUL": "a\0b",
    "formula": "=1+1",
    "plus formula": "+A1",
    "minus formula": "-A1",
    "at formula": "@x",
    "text +1": "+1",
    "text -5": "-5",
    "text -Infinity": "-Infinity",
    "pipe": "a|b",
    "escaped pipe": "a\\|b",
    "html": "<script>alert(1)</script>",
    "entity": "&lt;",
    "markdown": "# *a* _b_ `c` ~d~ [e](f) !g",
    "quotes": "\"double\" 'single'",
    "comma": "a, b",
    "long": "x" * 1000,
}

HARD_NUMBERS: dict[str, Cell] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "-infinity": -math.inf,
    "missing": None,
    "tiny": 1e-12,
    "huge": 1e12,
    "zero": 0,
    "real zero": 0.0,
    "minus zero": -0.0,
    "true": True,
    "false": False,
    "negative": -5,
    "third": 1 / 3,
    "big integer": 12345678,
    "setting": Setting(0.00001),
    "setting one": Setting(1.0),
    "size": Size(1_234_567),
    "better": Change(0.0123, True),
    "worse": Change(-0.0123, False),
    "no change": Change(0.0),
    "change to NaN": Change(math.nan),
    "moment": datetime(2021, 3, 4, 5, 6, 7, 891000, tzinfo=UTC),
    "short span": timedelta(seconds=3.25),
    "long span": timedelta(hours=2, minutes=5, seconds=9),
}

HARD = Sheet(
    "runs",
    [
        Column("run_id", "run", "id", width=8),
        Column("case"),
        Column("text", "[b]te|xt\x1b[31m\n"),
        Column("number", kind="number"),
    ],
    [
        *(["0123456789abcdef0123456789abcdef", case, text, None] for case, text in HARD_TEXTS.items()),
        *(["fedcba9876543210fedcba9876543210", case, None, number] for case, number in HARD_NUMBERS.items()),
    ],
    ids=["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"],
    total=312,
)

SECTIONED = Sheet(
    "comparison",
    [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", "swift-fox [/red]", "number", width=32),
        Column("challenger", "\x1b[2Jcalm-owl", "number", width=32),
        Column("change", kind="change"),
    ],
    [
        ["parameters", "c", Setting(1.0), Setting(0.1), None],
        ["parameters", "data_hash", "ab" * 32, "cd" * 32, None],
        ["parameters", "stop_words", None, "english", None],
        ["metrics", "accuracy", 0.8912, 0.9034, Change(0.0122, True)],
        ["metrics", "log_loss", 0.25, 0.5, Change(0.25, False)],
        ["metrics", "roc_auc", math.nan, 0.9, Change(math.nan)],
        ["tags", "note=\x1b", "a|b\n", "<b>", None],
        ["F1 by <class>\x1b|", "[red]", 1.0, 1.0, Change(0.0)],
    ],
    facts={"baseline": "0123456789abcdef", "challenger": "[red]\x1b\n|<b>", "same_test_set": None},
    ids=["0123456789abcdef", "fedcba9876543210"],
)

SHEETS = {"": HARD, "-sections": SECTIONED}


@pytest.mark.parametrize("ending", SHEETS, ids=["flat", "sections"])
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_prints_hard_values_as_its_golden_file_has_them(format: str, ending: str) -> None:
    """The only judge of looks is a person; the golden keeps what a person has accepted."""
    golden = GOLDEN / f"{format}{ending}.txt"
    printed = FORMATS[format](SHEETS[ending]).encode()
    how = "EXPCTL_WRITE_GOLDEN=1 pytest tests/render/test_formats.py writes it: then read it with your own eyes"
    if OLD_RICH and (format, ending) == ("table", ""):
        pytest.skip("Rich before 14.3 counts the characters of an emoji one by one")
    if WRITE:
        golden.write_bytes(printed)
        pytest.skip(f"{golden.name} is written: read it")
    assert golden.is_file(), f"the format {format!r} has no {golden.name}; {how}"
    assert printed == golden.read_bytes(), f"{golden.name} differs; if that is meant, {how}"


def test_no_golden_file_is_left_of_a_format_that_is_gone() -> None:
    expected = {f"{format}{ending}.txt" for format in FORMATS for ending in SHEETS}
    assert {path.name for path in GOLDEN.glob("*.txt")} <= expected


finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=400))
texts = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="=+-@\t\r\n'\"|\\`*_[]<>&,;: \x1b\u202e\u200dax1", max_size=20),
    st.sampled_from(list(HARD_TEXTS.values())),
)
changes = st.builds(Change, st.floats(), st.sampled_from([None, True, False]))
special = st.one_of(st.builds(Setting, st.floats()), st.builds(Size, st.integers(0)))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), special)
cells = st.one_of(texts, scalars, moments, spans, changes)
kinds = st.sampled_from(["text", "number", "time", "duration", "change"])


@st.composite
def sheets(draw: st.DrawFn, values: st.SearchStrategy[Any] = cells, labels: st.SearchStrategy[str] = texts) -> Sheet:
    """Sheets of one to five columns and no to six rows, with hard labels and facts."""
    count = draw(st.integers(1, 5))
    columns = [
        Column(f"key_{i}", draw(labels), draw(kinds), width=draw(st.sampled_from([None, 8, 60]))) for i in range(count)
    ]
    rows = draw(st.lists(st.lists(values, min_size=count, max_size=count), max_size=6))
    return Sheet("things", columns, rows)


def same(cell: Any, parsed: Any) -> bool:
    """Whether JSON's value says the cell: written here anew, so that it can disagree with `exact`."""
    if isinstance(cell, Change):
        cell = cell.value
    if isinstance(cell, datetime):
        return abs(datetime.fromisoformat(parsed) - cell) < timedelta(milliseconds=1)
    if isinstance(cell, timedelta):
        return parsed == cell.total_seconds()
    if isinstance(cell, float):
        named = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        number = named[parsed] if isinstance(parsed, str) else parsed
        return isinstance(number, float) and (repr(number) == repr(float(cell)))
    if cell is None or isinstance(cell, bool):
        return parsed is cell
    return type(parsed) is (int if isinstance(cell, int) else str) and parsed == cell


def strictly(text: str) -> Any:
    """JSON as every other program reads it: NaN and Infinity are no numbers there."""

    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@given(sheets())
@example(HARD)
@settings(deadline=None)
def test_json_and_jsonl_parse_back_to_the_same_values(sheet: Sheet) -> None:
    """Machines get values, unrounded and typed; NaN and infinities by name."""
    rows = strictly(as_json(sheet))["rows"]
    lines = [strictly(line) for line in as_jsonl(sheet).split("\n")[:-1]]
    assert rows == lines
    assert len(rows) == len(sheet.rows)
    for record, row in zip(rows, sheet.rows, strict=True):
        assert list(record) == [column.key for column in sheet.columns]
        assert all(same(cell, parsed) for cell, parsed in zip(row, record.values(), strict=True))


def test_json_has_a_version_a_kind_the_facts_and_the_total() -> None:
    """The shape is documented: scripts of other people stand on it."""
    flat, sections = strictly(as_json(HARD)), strictly(as_json(SECTIONED))
    assert list(flat) == ["version", "kind", "total", "rows"]
    assert (flat["version"], flat["kind"], flat["total"]) == (1, "runs", 312)
    assert list(sections) == [
        *("version", "kind", "baseline", "challenger", "same_test_set"),
        *("parameters", "metrics", "tags", "F1 by <class>\x1b|"),
    ]
    assert sections["same_test_set"] is None
    assert sections["parameters"]["c"] == {"baseline": 1.0, "challenger": 0.1}
    assert sections["metrics"]["log_loss"] == {"baseline": 0.25, "challenger": 0.5, "change": 0.25}


def test_json_of_a_section_with_one_column_maps_keys_to_values() -> None:
    """`jq .parameters.c` is what people type."""
    sheet = Sheet(
        "run", [Column("section", kind="section"), Column("key"), Column("value")], [["parameters", "c", 1.0]]
    )
    assert strictly(as_json(sheet))["parameters"] == {"c": 1.0}


def test_a_section_whose_values_are_all_missing_keeps_its_keys() -> None:
    """Artifacts of a store that tells no sizes: the paths are still there, in every format."""
    columns = [Column("section", kind="section"), Column("key"), Column("value", kept=True), Column("low")]
    sheet = Sheet("run", columns, [["artifacts", "model", None, None], ["artifacts", "p.csv", None, None]])
    assert strictly(as_json(sheet))["artifacts"] == {"model": None, "p.csv": None}
    assert [line.split() for line in plain_table(sheet).splitlines()[1:]] == [["model", "–"], ["p.csv", "–"]]


def written(cell: Any) -> str:
    """What a CSV cell must say, before the ' escape."""
    if isinstance(cell, Change):
        cell = cell.value
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%dT%H:%M:%S.") + f"{cell.microsecond // 1000:03d}Z"
    if isinstance(cell, timedelta):
        return repr(cell.total_seconds())
    if isinstance(cell, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(float(cell)), repr(float(cell)))
    return str(cell)


def parsed_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(sheets())
@example(HARD)
@settings(deadline=None)
def test_csv_parses_back_to_the_same_cells_but_for_the_documented_escape(sheet: Sheet) -> None:
    """RFC 4180: another program reads what was written, line breaks and quotes in texts included."""
    header, *rows = parsed_csv(as_csv(sheet))
    assert header == [column.key for column in sheet.columns]
    assert len(rows) == len(sheet.rows)
    for row, parsed in zip(sheet.rows, rows, strict=True):
        for cell, text in zip(row, parsed, strict=True):
            assert text == written(cell) or (isinstance(cell, str) and text == "'" + cell)
    assert [header, *([written(cell) for cell in row] for row in sheet.rows)] == parsed_csv(
        as_csv(sheet, formulas="keep")
    )


@given(st.one_of(finite, st.integers(), st.floats(), st.builds(Change, st.floats()), spans))
def test_csv_never_escapes_a_number(value: Cell) -> None:
    """A negative number with a ' before it would be text to every program that reads the file."""
    assert as_csv(Sheet("x", [Column("n")], [[value]])) == f"n\n{written(value)}\n"


@given(finite)
def test_csv_never_escapes_a_text_that_is_a_number(value: float) -> None:
    """Parameters are text in the store: "-5" is still a number to whoever sums a column."""
    assert as_csv(Sheet("x", [Column("n")], [[repr(value)]])) == f"n\n{value!r}\n"


@given(st.sampled_from("=+-@\t\r"), st.text(alphabet="ABC()!|cmd, '\"=", min_size=1))
def test_no_csv_cell_is_a_formula_unless_that_is_asked_for(first: str, rest: str) -> None:
    """Run names and texts come from strangers; a spreadsheet would run them. Column names come from files, too."""
    text = first + rest
    sheet = Sheet("x", [Column("n"), Column(text)], [[text, 1]])
    header, row = parsed_csv(as_csv(sheet))
    assert (header[1], row[0]) == ("'" + text, "'" + text)
    assert parsed_csv(as_csv(sheet, formulas="keep")) == [["n", text], [text, "1"]]


def in_markdown(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown document as cells of plain text, read by a parser that is not ours."""
    tables: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("td_open", "th_open"):
            assert inline is not None
            strange = {child.type for child in inline.children or ()} - {"text", "text_special"}
            assert not strange, f"{inline.content!r} became {strange}"
            tables[-1][-1].append("".join(child.content for child in inline.children or ()))
    return tables


@given(sheets())
@example(HARD)
@settings(deadline=None)
def test_markdown_shows_every_cell_as_text_and_none_as_markup(sheet: Sheet) -> None:
    """A review text with a pipe, a tag or a link in it leaves the table of a pull request whole."""
    [[header, *rows]] = in_markdown(as_markdown(sheet))
    assert len(header) == len(sheet.columns)
    expected = [[text.strip() for text in row] for row in table_texts(sheet.rows, sheet.columns)]
    assert [[cell.strip() for cell in row] for row in rows] == expected


@given(sheets())
@settings(deadline=None)
def test_every_markdown_row_has_as_many_cells_as_the_header(sheet: Sheet) -> None:
    """Counted by hand too: pipes that no backslash escapes."""
    lines = as_markdown(sheet).split("\n")[:-1]
    counts = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines}
    assert counts == {len(sheet.columns) + 1}
    assert len(lines) == len(sheet.rows) + 2


def commands_in(text: str) -> set[str]:
    """Characters that a terminal acts on: controls, and format characters such as bidirectional overrides."""
    return {
        char
        for char in text
        if char not in "\n\u200d" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    }


@st.composite
def hostile_sheets(draw: st.DrawFn) -> Sheet:
    """Sheets with strange texts everywhere a text can stand: facts, their keys, titles, sections, ids."""
    sheet = draw(sheets())
    strange = st.one_of(texts, st.text(st.characters(categories=["Cc", "Cf", "Co", "Zl", "Zp", "Cs"])))
    facts = draw(st.dictionaries(strange, strange, max_size=2))
    ids = draw(st.lists(strange, max_size=3))
    if not draw(st.booleans()):
        return Sheet("things", sheet.columns, sheet.rows, facts=facts, ids=ids)
    columns = [Column("section", kind="section"), Column("name"), *sheet.columns]
    rows = [[draw(strange), draw(strange), *row] for row in sheet.rows]
    return Sheet("things", columns, rows, facts=facts, ids=ids)


@pytest.mark.parametrize("format", ["table", "md", "id"])
@given(sheet=hostile_sheets())
@example(sheet=HARD)
@example(sheet=SECTIONED)
@settings(deadline=None)
def test_no_format_for_people_emits_a_character_a_terminal_acts_on(format: str, sheet: Sheet) -> None:
    """A run's name must not clear the screen, forge a line, or turn the line's direction round."""
    assert commands_in(FORMATS[format](sheet)) == set()


@given(sheets())
@example(HARD)
@settings(deadline=None)
def test_a_table_has_one_line_a_row_whatever_the_texts_hold(sheet: Sheet) -> None:
    """`wc -l` and `tail -n +2` work on a piped table."""
    assert len(plain_table(sheet).splitlines()) == 1 + len(sheet.rows)


words = st.text(alphabet="abc[]|=$é", min_size=1, max_size=8)


@given(sheets(values=words, labels=words))
@settings(deadline=None)
def test_every_format_has_the_same_rows_and_columns(sheet: Sheet) -> None:
    """A script may change --format without losing anything."""
    shape = (len(sheet.rows), len(sheet.columns))
    header, *lines = [line.split() for line in plain_table(sheet).splitlines()]
    table = (len(lines), {len(line) for line in [header, *lines]})
    assert table == (shape[0], {shape[1]})
    header, *lines = parsed_csv(as_csv(sheet))
    assert (len(lines), {len(line) for line in [header, *lines]}) == (shape[0], {shape[1]})
    [[header, *lines]] = in_markdown(as_markdown(sheet))
    assert (len(lines), {len(line) for line in [header, *lines]}) == (shape[0], {shape[1]})
    records = json.loads(as_json(sheet))["rows"]
    assert (len(records), {len(record) for record in records}) == (shape[0], {shape[1]} if records else set())


def widths(text: str) -> int:
    """Cells of a terminal, as Rich counts them."""
    from rich.cells import cell_len

    return cell_len(text)


@given(st.lists(st.text(alphabet="aé日本ｗ한e\u0301", min_size=1, max_size=10), min_size=2, max_size=6))
@settings(deadline=None)
def test_columns_of_a_table_stand_below_each_other_with_wide_letters_too(names: list[str]) -> None:
    """A Japanese run name takes two places a letter; what comes after it must not be pushed aside."""
    sheet = Sheet("runs", [Column("name"), Column("f1_score", kind="number")], [[name, 0.5] for name in names])
    assert len({widths(line) for line in plain_table(sheet).splitlines()}) == 1


def test_an_empty_sheet_still_shows_its_columns() -> None:
    """`expctl list` of nothing: a header for people and for csv, an empty list for machines."""
    sheet = Sheet("runs", [Column("run_id", "run", "id"), Column("name")], [])
    assert plain_table(sheet) == "run  name\n"
    assert as_csv(sheet) == "run_id,name\n"
    assert strictly(as_json(sheet))["rows"] == []
    assert (as_jsonl(sheet), FORMATS["id"](sheet)) == ("", "")


def test_a_very_long_title_is_cut_as_a_very_long_cell_is() -> None:
    """Titles of `compare` are run names: a megabyte of x must not make every line a megabyte long."""
    sheet = Sheet("comparison", [Column("key"), Column("baseline", "x" * 100_000, width=32)], [["c", 1.0]])
    for format in ("table", "md"):
        printed = FORMATS[format](sheet)
        assert len(printed) < 300
        assert "x" * 31 + "…" in printed


def total_rows(parsed: dict[str, Any], titles: Iterable[str]) -> int:
    return sum(len(parsed[title]) for title in titles)


def test_a_sheet_of_sections_has_all_its_rows_in_every_format() -> None:
    """Nothing is lost between the sections; csv and jsonl name the section in a column."""
    titles = list(dict.fromkeys(str(row[0]) for row in SECTIONED.rows))
    assert total_rows(strictly(as_json(SECTIONED)), titles) == len(SECTIONED.rows)
    assert len(as_jsonl(SECTIONED).splitlines()) == len(SECTIONED.rows)
    assert len(parsed_csv(as_csv(SECTIONED))) == 1 + len(SECTIONED.rows)
    assert [len(table) - 1 for table in in_markdown(as_markdown(SECTIONED))] == [3, 3, 1, 1]
    assert sum(1 for line in plain_table(SECTIONED).splitlines() if line) == 3 + len(titles) * 2 + len(SECTIONED.rows)
