"""JSON records and Parquet are read exactly, in pieces of any size, and a small file makes no table beyond memory."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest

from expctl.training.data import tables, typed_formats
from expctl.training.data.tables import chunks
from tests.training.data.test_tables import parquet, read, refusal


@pytest.mark.parametrize("size", [1, 2, 10])
def test_an_array_of_records_is_read_as_its_lines_would_be(size: int) -> None:
    records = [{"text": "good", "label": 1}, {"text": "bad \u00e9", "label": 0}, {"text": None, "late": 2.5}]
    lines = "\n".join(map(json.dumps, records))
    expected = read(lines, "jsonl")
    for content in (json.dumps(records), "\n " + json.dumps(records, indent=1), lines):
        assert read(content, "json") == expected
        pieces = list(chunks(io.BytesIO(content.encode()), "json", encoding="utf-8", name="r", rows=size))
        assert [len(next(iter(piece.values()))) for piece in pieces] == [
            len(records[i : i + size]) for i in range(0, 3, size)
        ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[1, 2]", "record 1 is not a JSON object"),
        ('[{"text": "a"}, null]', "record 2 is not a JSON object"),
        ('"text"', "is not an array of records"),
        ("text,label", "is not an array of records"),
        ('[{"text": "a"}', "is not JSON (Expecting ',' delimiter after record 1)"),
        ('[{"text": "a"} {"text": "b"}]', "is not JSON (Expecting ',' delimiter after record 1)"),
        ('[{"text": "a"},]', "record 2 is not a JSON object"),
        ('[{"text": "a"}, {"text" "b"}]', "record 2 is not JSON (Expecting ':' delimiter)"),
        ('[{"text": "a"}]\n[]', "is not JSON (more follows its array)"),
        ("[", "record 1 is not a JSON object"),
        ("[" * 100_000, "record 1 is not a JSON object"),
        ('[{"text": ' + "[" * 100_000, "record 1 is not JSON ("),
        ('{"text": {"0": "a",\n"1": "b"}}', "line 1 is not JSON ("),
        ('[{"text": "\\ud83d"}]', "has a lone surrogate"),
        (" \n", "is empty"),
    ],
)
def test_what_is_no_array_of_records_is_refused(content: str, problem: str) -> None:
    assert problem in refusal(content, "json")[0]


@pytest.mark.parametrize("held", [1, 20, 21, 22, 23, 50, 1000])
def test_an_array_is_read_whatever_part_of_it_is_held(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    records = [{"text": f"x\u2028{i}]," * (i % 3)} for i in range(50)]
    monkeypatch.setattr(typed_formats, "FIELD_LIMIT", 80 + held)
    for content in (json.dumps(records), " " * 70 + json.dumps(records, indent=9) + "\n" * 70, "[ ]"):
        assert read(content, "json") == ({} if content == "[ ]" else {"text": [one["text"] for one in records]})


def test_a_record_longer_than_is_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_formats, "FIELD_LIMIT", 100)
    message, _ = refusal('[{"text": "a"}, {"text": "' + "x" * 1000 + '"}]', "json")
    assert message == ("reviews: record 2 is not JSON (Unterminated string starting at), or longer than 100 characters")


def test_cells_that_no_row_has_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each column makes a table of the square of the file's size."""
    content = "".join(f'{{"key{i}": 0}}\n' for i in range(30))
    with monkeypatch.context() as patch:
        patch.setattr(typed_formats, "KEY_LIMIT", 29)
        message = "reviews: its records have more than 29 different keys"
        assert refusal(content, "jsonl")[0] == refusal(f"[{content.strip()}]".replace("\n", ","), "json")[0] == message
    with monkeypatch.context() as patch:
        patch.setattr(tables, "CELL_LIMIT", 899)
        assert refusal(content, "jsonl")[0] == "reviews makes a table of more than 899 cells (30 columns)"
        patch.setattr(tables, "CELL_LIMIT", 900)
        assert len(read(content, "jsonl")) == 30


def test_a_record_without_a_key_is_a_row_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for records in (["{}", '{"a": 1}', "{}"], ['{"a": 1}', "{}", "{}"], ["{}", "{}", '{"a": 1}']):
        expected = {"a": [json.loads(record).get("a") for record in records]}
        for kind, content in (("jsonl", "\n".join(records)), ("json", f"[{','.join(records)}]")):
            for size in (1, 2, 3):
                stream = io.BytesIO(content.encode())
                pieces = list(chunks(stream, kind, encoding="utf-8", name="reviews", rows=size))  # type: ignore[arg-type]
                assert {"a": [cell for piece in pieces for cell in piece["a"]]} == expected
    monkeypatch.setattr(typed_formats, "KEY_LIMIT", 2)
    assert refusal("[{}, {}, {}]", "json")[0] == "reviews: its first 2 records are empty"


def test_texts_that_parquet_stores_once_are_counted_as_often_as_rows_have_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = pa.array(["x" * 1000, "é"])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 3000 + [None, 1], pa.int32()), once)
    for kind in (pa.string(), pa.large_string(), pa.binary(), column.type):
        whole = parquet(pa.table({"text": column.cast(kind), "n": range(3002)}))
        with monkeypatch.context() as patch:
            patch.setattr(typed_formats, "UNPACKED_LIMIT", 2**20)
            patch.setattr(typed_formats, "EXPANSION_LIMIT", 2)
            assert refusal(whole, "parquet")[0] == "reviews: more than 0 GiB unpacked"
            patch.setattr(typed_formats, "EXPANSION_LIMIT", 3_100_000 // len(whole))
            patch.setattr(typed_formats, "_PIECE", 10_000)
            pieces = list(chunks(io.BytesIO(whole), "parquet", encoding="utf-8", name="reviews"))
        assert max(len(piece["text"]) for piece in pieces) == 10
        assert [cell for piece in pieces for cell in piece["text"]] == column.cast(kind).to_pylist()
        assert [cell for piece in pieces for cell in piece["n"]] == list(range(3002))
