"""Rows as they come: every format reads back whole, and a file is there whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expctl.errors import DataError, UsageError
from expctl.render.rows import ENDINGS, RowFormat, row_writer, whole_file
from expctl.training.data.tables import read_table

PIECES: list[dict[str, list[Any]]] = [
    {"text": ["a, b", 'say "no"', "=1+1"], "id": [1, 2, 3], "score": [0.5, None, math.nan], "empty": [None] * 3},
    {"text": ["two\nlines", "tab\there"], "id": [4, 5], "score": [1e-12, math.inf], "empty": [None, "late"]},
    {
        "text": [None, "lone\rreturn", "日本 👩\u200d🚀 \x1b[31m"],
        "id": [6, 7, 8],
        "score": [-0.5] * 3,
        "empty": [None] * 3,
    },
]
ROWS = [row for piece in PIECES for row in zip(*piece.values(), strict=True)]


def written(format: RowFormat, pieces: list[dict[str, list[Any]]], formulas: str = "escape") -> bytes:
    stream = io.BytesIO()
    with row_writer(stream, format, formulas=formulas) as write:
        for piece in pieces:
            write(piece)
    return stream.getvalue()


def parsed(format: RowFormat, data: bytes) -> list[list[str]]:
    text = data.decode()
    if format == "tsv":
        return [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def as_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity"
    return str(value)


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_pieces_of_csv_and_tsv_have_one_header_and_parse_back(format: RowFormat) -> None:
    given = PIECES if format == "csv" else [{**piece, "text": list(map(flat, piece["text"]))} for piece in PIECES]
    header, *rows = parsed(format, written(format, given, "keep"))
    assert header == ["text", "id", "score", "empty"]
    whole = [row for piece in given for row in zip(*piece.values(), strict=True)]
    assert rows == [[as_cell(value) for value in row] for row in whole]


def flat(value: Any) -> Any:
    return re.sub(r"[\t\r\n]", " ", value) if isinstance(value, str) else value


def test_tsv_is_read_as_it_was_written_and_what_it_cannot_hold_is_told() -> None:
    texts = ['a "quoted" word', '"', "it's", "", "a, b"]
    content = written("tsv", [{"text": texts, "n": [1, 2, 3, 4, 5]}])
    assert read_table(content, "tsv", encoding="utf-8", name="x")["text"] == [text or None for text in texts]
    for text in ("two\nlines", "a\ttab", "a\rreturn"):
        with pytest.raises(DataError, match="column 'text' has a tab or a line end, which TSV cannot hold"):
            written("tsv", [{"text": [text], "n": [1]}])
    with pytest.raises(DataError, match="has a tab or a line end"):
        written("tsv", [{"a\tb": ["x"], "n": [1]}])


def test_formulas_are_tamed_in_cells_and_in_the_names_of_columns() -> None:
    """A review that begins with = was written by a stranger, and so was the header of the file it came in."""
    piece = {"=cmd()": ["=1+1", "-5", "fine"], "n": [-1, -2.5, 3]}
    assert written("csv", [piece]) == b"'=cmd(),n\n'=1+1,-1\n-5,-2.5\nfine,3\n"
    assert written("csv", [piece], "keep") == b"=cmd(),n\n=1+1,-1\n-5,-2.5\nfine,3\n"


def test_jsonl_has_one_object_a_row_with_the_values_as_they_are() -> None:
    lines = written("jsonl", PIECES).decode().split("\n")
    assert lines.pop() == ""
    records = [json.loads(line) for line in lines]
    assert [list(record) for record in records] == [["text", "id", "score", "empty"]] * len(ROWS)
    named = {"nan": "NaN", "inf": "Infinity"}
    assert [tuple(record.values()) for record in records] == [
        tuple(named.get(repr(value), value) for value in row) for row in ROWS
    ]


def test_jsonl_writes_dates_and_other_strangers_as_text() -> None:
    """A Parquet file may hold dates; they come back out."""
    moment = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    [record] = [
        json.loads(line) for line in written("jsonl", [{"when": [moment], "day": [moment.date()]}]).splitlines()
    ]
    assert record == {"when": "2021-03-04T05:06:07.000Z", "day": "2021-03-04"}


def test_pieces_of_parquet_are_one_table_with_the_types_of_the_first() -> None:
    """A column that is empty at first holds texts later; missing stays missing and NaN stays NaN."""
    table = pq.read_table(io.BytesIO(written("parquet", PIECES)))
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double", "string"]
    found = [tuple(record.values()) for record in table.to_pylist()]
    assert repr(found) == repr(ROWS)


@pytest.mark.parametrize("format", ["csv", "tsv", "parquet"])
def test_a_column_that_comes_late_is_an_error_and_one_that_is_missing_is_empty(format: RowFormat) -> None:
    """JSONL may have other keys after a thousand rows. Under the header of the first, cells would change columns."""
    with pytest.raises(DataError, match="column 'new' is not in the first rows"):
        written(format, [{"a": [1], "b": [2]}, {"a": [3], "new": [9], "b": [4]}])
    data = written(format, [{"a": [1], "b": [2]}, {"b": [4]}])
    if format == "parquet":
        assert pq.read_table(io.BytesIO(data)).to_pylist() == [{"a": 1, "b": 2}, {"a": None, "b": 4}]
    else:
        assert parsed(format, data) == [["a", "b"], ["1", "2"], ["", "4"]]


def test_jsonl_keeps_pieces_of_any_shape() -> None:
    assert written("jsonl", [{"a": [1]}, {"b": ["x"]}]) == b'{"a": 1}\n{"b": "x"}\n'


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([1], [2.5]),  # pyarrow alone would write 2
        ([1], ["007"]),
        (["x"], [7]),
        ([1], [True]),
        ([None], [7]),
        ([1.5], [2**60 + 1]),
        (["x"], ["\ud800"]),
        ([1], [2**70]),
        ([1, "x"], [1]),
        ([{"a": 1}], [[1]]),
    ],
)
def test_parquet_refuses_what_it_cannot_hold_without_loss(first: list[Any], then: list[Any]) -> None:
    """Rather no file than one with other values than the input had."""
    with pytest.raises(DataError, match="column") as caught:
        written("parquet", [{"c": first}, {"c": then}])
    assert caught.value.hint == "JSONL holds rows of any shape"


def test_parquet_takes_whole_numbers_among_reals() -> None:
    data = written("parquet", [{"c": [0.5]}, {"c": [2]}, {"c": [None]}])
    assert pq.read_table(io.BytesIO(data)).to_pydict() == {"c": [0.5, 2.0, None]}


any_text = st.text(max_size=30)
pieces = st.lists(
    st.lists(st.tuples(any_text, st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=4), min_size=1, max_size=4
)


@given(pieces)
@example([[("", 0)], [("\r", 1), ("a\rb", 2)]])
@settings(deadline=None)
def test_any_text_comes_back_from_every_format(parts: list[list[tuple[str, int]]]) -> None:
    """However the rows are cut into pieces: what was written is what is read."""
    columns = [{"text": [text for text, _ in part], "n": [n for _, n in part]} for part in parts]
    rows = [row for part in parts for row in part]
    assert parsed("csv", written("csv", columns, "keep")) == [["text", "n"], *([text, str(n)] for text, n in rows)]
    flattened = [{**piece, "text": list(map(flat, piece["text"]))} for piece in columns]
    lines = parsed("tsv", written("tsv", flattened, "keep"))
    assert lines == [["text", "n"], *([flat(text), str(n)] for text, n in rows)]
    lines = written("jsonl", columns).decode().split("\n")[:-1]
    assert [tuple(json.loads(line).values()) for line in lines] == rows
    table = pq.read_table(io.BytesIO(written("parquet", columns)))
    assert [tuple(record.values()) for record in table.to_pylist()] == rows


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_a_text_with_half_a_surrogate_pair_is_written_all_the_same(format: RowFormat) -> None:
    """JSONL can hold one as an escape; a row in a million must not lose the others."""
    assert "\ud800".encode("utf-8", "surrogatepass") in written(format, [{"text": ["a\ud800"]}])


def test_every_ending_names_a_format_there_is() -> None:
    for format in set(ENDINGS.values()):
        assert written(format, [{"text": ["x"]}])


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_appears_with_its_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with whole_file(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert not path.exists()
        stream.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert inside(tmp_path) == ["out.csv"]


def test_the_old_file_stays_as_it_was_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with whole_file(path) as stream:
        stream.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_when_the_work_fails_nothing_is_left_and_the_old_file_stays(tmp_path: Path, error: type[BaseException]) -> None:
    """Ctrl-C too: half a file would be taken for a whole one."""
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail() -> None:
        with whole_file(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert inside(tmp_path) == ["out.csv"]
    assert path.read_text() == "old"


def refused(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught, whole_file(path):
        pytest.fail("the work must not begin: its result would be lost")
    return caught.value


def test_a_folder_that_is_not_there_or_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = refused(tmp_path / "none" / "out.csv")
    assert error.message == f"cannot write {tmp_path}/none/out.csv: No such file or directory"
    assert error.hint == "name a file in a folder you may write to"
    assert "Not a directory" in refused(tmp_path / "file" / "out.csv").message


def test_a_folder_one_may_not_write_to_is_a_usage_error(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(closed, os.W_OK):  # root; but not even root makes files there:
        closed = Path("/sys")
    assert re.search("Permission denied|Read-only|not permitted", refused(closed / "out.csv").message)


def test_two_processes_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    """In a container every process has the same small id: it must not name the file beside. The last one wins whole."""
    path = tmp_path / "out.csv"
    with whole_file(path) as first:
        first.write(b"first,")
        with whole_file(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        first.write(b"whole")
    assert path.read_bytes() == b"first,whole"
    assert inside(tmp_path) == ["out.csv"]


def test_a_written_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    """A colleague must be able to read it if the umask says so."""
    (tmp_path / "plain").touch()
    with whole_file(tmp_path / "out.csv") as stream:
        stream.write(b"x")
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode
