"""The rows of the formats whose cells have types of their own: JSON records and Parquet, to pieces of columns.

What is stored once and stands in many rows, or in none, can make of a small file a table beyond any memory: what is
held at once is bounded, and so is what a table may become.
"""

from __future__ import annotations

import io
import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from expctl.errors import DataError
from expctl.training.data.table_formats import FIELD_LIMIT, LINE_LIMIT, bounded_lines, column_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from expctl.training.data.table_formats import TableColumns

KEY_LIMIT: Final = 10_000  # different keys of 10,000 records: each is a column, and a row lacks what it does not name
# A Parquet file stores a text once, however many rows have it. One that unpacks to more characters and cells than
# UNPACKED_LIMIT, and to more than EXPANSION_LIMIT times its size, is a decompression bomb.
UNPACKED_LIMIT: Final = 4 * 2**30
EXPANSION_LIMIT: Final = 1000
_PIECE: Final = 2**28  # characters that are unpacked at once
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_ARRAY: Final = 'an array of records: [{"text": "..."}, ...]'


def json_rows(text: io.TextIOWrapper, kind: Literal["jsonl", "json"], name: str, size: int) -> Iterator[TableColumns]:
    """JSON records in pieces of at most `size` rows. Raises DataError, with `name`, where they do not parse."""
    if kind == "json":
        return _json(text, name, size)
    return _from_records(_of_lines(bounded_lines(text, name), name), name, size)


def _of_lines(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    seen = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > FIELD_LIMIT:
            raise DataError(f"{name}: line {number} is longer than {FIELD_LIMIT:,} characters")
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name}: line {number} is not JSON ({error})", hint="one object a line") from error
        if "\\u" in line and not _encodable(record):
            raise DataError(f"{name}: line {number} has a lone surrogate", hint="write it as UTF-8")
        if not isinstance(record, dict):
            raise DataError(f"{name}: line {number} is not a JSON object", hint='one object a line: {"text": "..."}')
        seen = True
        yield record
    if not seen:
        raise DataError(f"{name} is empty", hint="one JSON object a line")


def _encodable(record: object) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _from_records(records: Iterable[dict[str, Any]], name: str, size: int) -> Iterator[TableColumns]:
    """Records in pieces of at most `size` rows. A piece has all columns that were named until then.

    So a record without any key is a row as another: one that lacks everything.
    """
    columns: dict[str, None] = {}
    held: list[dict[str, Any]] = []
    given = False
    for record in records:
        held.append(record)
        columns.update(dict.fromkeys(record))
        if len(columns) > KEY_LIMIT:
            raise DataError(
                f"{name}: its records have more than {KEY_LIMIT:,} different keys",
                hint='each key is a column: {"text": "...", "label": "..."}',
            )
        if not columns and len(held) > KEY_LIMIT:
            raise DataError(
                f"{name}: its first {KEY_LIMIT:,} records are empty", hint='{"text": "...", "label": "..."}'
            )
        while columns and len(held) >= size:
            piece, held, given = held[:size], held[size:], True
            yield {column: [one.get(column) for one in piece] for column in columns}
    if held or not given:
        yield {column: [one.get(column) for one in held] for column in columns}


def _json(text: io.TextIOWrapper, name: str, size: int) -> Iterator[TableColumns]:
    """An array of records; a file of that ending whose lines are objects is read as JSONL."""
    head = text.read(1000)
    begin = head.lstrip()[:1]
    if not begin:
        raise DataError(f"{name} is empty", hint="an array of records")
    if begin == "{":
        lines = io.StringIO(head + text.readline(LINE_LIMIT), newline="")
        return _from_records(_of_lines(chain(lines, bounded_lines(text, name)), name), name, size)
    if begin != "[":
        raise DataError(f"{name} is not an array of records", hint=_ARRAY)
    return _from_records(_array(head, text, name), name, size)


def _array(head: str, text: io.TextIOWrapper, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array that begins in `head` and goes on in `text`."""
    window = _Window(head[head.index("[") + 1 :], text)
    number = 0
    mark = "" if window.peek() == "]" else ","
    while mark == ",":
        window.place += number > 0
        number += 1
        if window.peek() != "{":
            raise DataError(f"{name}: record {number} is not a JSON object", hint=_ARRAY)
        yield window.record(f"{name}: record {number}")
        mark = window.peek()
    if mark not in ("", "]") or window.peek() != "]":
        raise DataError(f"{name} is not JSON (Expecting ',' delimiter after record {number})", hint=_ARRAY)
    window.place += 1
    if window.peek():
        raise DataError(f"{name} is not JSON (more follows its array)", hint=_ARRAY)


class _Window:
    """The part of a JSON text that is held, from `place` on: always as much as a record may take.

    Of many small things JSON makes objects of twenty times its size, so that not all of it is read at once.
    """

    def __init__(self, held: str, text: io.TextIOWrapper) -> None:
        self.place = 0
        self._held, self._text, self._ended = held, text, False
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is not blank; nothing at the end."""
        while True:
            blanks = _BLANKS.match(self._held, self.place)
            self.place = blanks.end() if blanks else self.place
            if self._ended or len(self._held) - self.place >= FIELD_LIMIT:
                return self._held[self.place : self.place + 1]
            more = self._text.read(FIELD_LIMIT)
            self._held, self.place, self._ended = self._held[self.place :] + more, 0, not more

    def record(self, name: str) -> dict[str, Any]:
        """The object that begins here, after which the place is then. Raises DataError, with `name`, if it is none."""
        try:
            record, end = self._decode(self._held, self.place)
        except (ValueError, RecursionError) as error:
            long = "" if self._ended else f", or longer than {FIELD_LIMIT:,} characters"
            reason = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise DataError(f"{name} is not JSON ({reason}){long}", hint=_ARRAY) from error
        if self._held.find("\\u", self.place, end) >= 0 and not _encodable(record):
            raise DataError(f"{name} has a lone surrogate", hint="write it as UTF-8")
        self.place = end
        return cast("dict[str, Any]", record)


def parquet(stream: io.BufferedReader, name: str, size: int) -> Iterator[TableColumns]:
    """A Parquet file in pieces of at most `size` rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = stream if stream.seekable() else io.BytesIO(stream.read())
    limit = max(UNPACKED_LIMIT, EXPANSION_LIMIT * source.seek(0, io.SEEK_END))
    try:
        texts = [field.name for field in pq.read_schema(source) if _is_text(field.type)]
        file = pq.ParquetFile(source, read_dictionary=texts)
        names = column_names(file.schema_arrow.names, name)
        given = False
        unpacked = 0
        for batch in file.iter_batches(batch_size=size):
            length = sum(map(_characters, batch.columns))
            unpacked += length + batch.num_rows * len(names)
            if unpacked > limit:
                raise DataError(f"{name}: more than {limit // 2**30} GiB unpacked", hint="use less data")
            rows = max(1, batch.num_rows * _PIECE // max(length, _PIECE))
            for start in range(0, batch.num_rows, rows):
                columns = (_cells(column) for column in batch.slice(start, rows).columns)
                yield dict(zip(names, columns, strict=True))
            given = given or batch.num_rows > 0
        if not given:
            yield {column: [] for column in names}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return any(is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary))


def _characters(column: Any) -> int:
    """How many bytes the cells of a column will take whose texts are held once each."""
    import pyarrow.compute as pc
    from pyarrow import types

    if not types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0)


def _cells(column: Any) -> list[Any]:
    from pyarrow import types

    plain = column.dictionary_decode() if types.is_dictionary(column.type) else column
    return cast("list[Any]", plain.to_pylist())
