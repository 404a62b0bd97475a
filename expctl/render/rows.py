"""Rows as they come, piece by piece, to CSV, TSV, JSONL or Parquet: for outputs that do not fit into memory."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from expctl.encoding import csv_text, exact, json_text, tsv_text
from expctl.errors import DataError, UsageError
from expctl.render.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RowFormat = Literal["csv", "tsv", "jsonl", "parquet"]
SheetColumns = dict[str, list[Any]]

ENDINGS: Final[dict[str, RowFormat]] = {
    ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip
_KEEPS_ALL: Final = "JSONL holds rows of any shape"


@contextmanager
def row_writer(stream: BinaryIO, format: RowFormat, *, formulas: str) -> Iterator[Callable[[SheetColumns], None]]:
    """A function that appends a piece of a table to `stream`.

    But for JSONL the first piece says which columns there are: raises DataError for a piece with another one or,
    in Parquet, with a column of another type.
    """
    if format == "parquet":
        with _parquet(stream) as write:
            yield write
        return
    names: list[str] = []

    def write_text(columns: SheetColumns) -> None:
        if format == "jsonl":
            text = _jsonl(columns)
        else:
            header, names[:] = not names, names or columns
            columns = _under(names, columns)
            text = _delimited(columns, format, header=header, formulas=formulas)
        stream.write(text.encode("utf-8", "surrogatepass"))

    yield write_text


def _under(names: Iterable[str], columns: SheetColumns) -> SheetColumns:
    """A piece under the names of the first: empty where it lacks one."""
    new = next((name for name in columns if name not in names), None)
    if new is not None:
        raise DataError(f"column {new!r} is not in the first rows", hint=_KEEPS_ALL)
    rows = len(next(iter(columns.values()), []))
    return {name: columns.get(name, [None] * rows) for name in names}


def _jsonl(columns: SheetColumns) -> str:
    rows = zip(*columns.values(), strict=True)
    return "".join(
        json_text({key: exact(value) for key, value in zip(columns, row, strict=True)}, default=str) + "\n"
        for row in rows
    )


def _delimited(columns: SheetColumns, format: RowFormat, *, header: bool, formulas: str) -> str:
    rows: Iterable[Iterable[Any]] = zip(*columns.values(), strict=True)
    rows = [columns, *rows] if header else rows
    if format == "csv":
        return csv_text(rows, formulas=formulas)
    _check_lines(columns)
    return tsv_text(rows, formulas=formulas)


def _check_lines(columns: SheetColumns) -> None:
    """Raise DataError for a cell that TSV cannot hold: there a line is a row, whatever quotes are in it."""
    for name, values in columns.items():
        if any(isinstance(value, str) and re.search(r"[\t\r\n]", value) for value in [name, *values]):
            raise DataError(f"column {visible(name)!r} has a tab or a line end, which TSV cannot hold", hint=_KEEPS_ALL)


@contextmanager
def _parquet(stream: BinaryIO) -> Iterator[Callable[[SheetColumns], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def write(columns: SheetColumns) -> None:
        nonlocal writer
        if writer is not None:
            columns = _under(writer.schema.names, columns)
        table = pa.table([_column(name, values) for name, values in columns.items()], names=list(columns))
        if writer is None:
            # A column that is empty in the first piece could hold anything later: text is what CSV cells are.
            fields = [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in table.schema]
            writer = pq.ParquetWriter(stream, pa.schema(fields))
        writer.write_table(_cast(table, writer.schema))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _column(name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise DataError(f"column {name!r} does not fit into Parquet: {error}", hint=_KEEPS_ALL) from error


def _cast(table: Any, schema: Any) -> Any:
    """The table in the types of the schema, without a loss: 2 may become 2.0; 2.5 never 2, nor "007" 7."""
    import pyarrow as pa

    def kind(type: Any) -> Any:
        return pa.types.is_string(type), pa.types.is_boolean(type)

    for found, wanted in zip(table.schema, schema, strict=True):
        if not pa.types.is_null(found.type) and kind(found.type) != kind(wanted.type):
            raise DataError(f"column {found.name!r} is {wanted.type} at first, then {found.type}", hint=_KEEPS_ALL)
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise DataError(f"the columns change their types: {error}", hint=_KEEPS_ALL) from error


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all: beside its place, synced, then renamed into it.

    By hand: eight lines, and atomicwrites, the package for it, is not kept up any more.
    Raises UsageError if it cannot be written there.
    """
    beside = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    try:
        stream = beside.open("xb")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", hint="name a file in a folder you may write to"
        ) from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
