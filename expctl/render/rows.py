"""Rows as they come, piece by piece, to CSV, TSV, JSONL or Parquet: for outputs that do not fit into memory."""

from __future__ import annotations

import csv
import io
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from expctl.errors import UsageError
from expctl.render.formats import csv_cell, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RowFormat = Literal["csv", "tsv", "jsonl", "parquet"]
Columns = dict[str, list[Any]]

ENDINGS: Final[dict[str, RowFormat]] = {
    ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


@contextmanager
def row_writer(stream: BinaryIO, format: RowFormat, *, formulas: str) -> Iterator[Callable[[Columns], None]]:
    """A function that appends a piece of a table to `stream`; every piece has the same columns."""
    if format == "parquet":
        with _parquet(stream) as write:
            yield write
        return
    first = True

    def write_text(columns: Columns) -> None:
        nonlocal first
        if format == "jsonl":
            text = _jsonl(columns)
        else:
            text = _delimited(columns, "," if format == "csv" else "\t", header=first, formulas=formulas)
        stream.write(text.encode("utf-8", "surrogatepass"))
        first = False

    yield write_text


def _jsonl(columns: Columns) -> str:
    rows = zip(*columns.values(), strict=True)
    return "".join(
        json.dumps(
            {key: exact(value) for key, value in zip(columns, row, strict=True)}, ensure_ascii=False, default=str
        )
        + "\n"
        for row in rows
    )


def _delimited(columns: Columns, delimiter: str, *, header: bool, formulas: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([csv_cell(exact(value), formulas) for value in row] for row in zip(*columns.values(), strict=True))
    return buffer.getvalue()


@contextmanager
def _parquet(stream: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def write(columns: Columns) -> None:
        nonlocal writer
        if writer is None:
            table = pa.table(columns)
            # A column that is empty in the first piece could hold anything later: text is what CSV cells are.
            fields = [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in table.schema]
            writer = pq.ParquetWriter(stream, pa.schema(fields))
        writer.write_table(pa.table(columns, schema=writer.schema))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all: beside its place, synced, then renamed into it.

    Raises UsageError if it cannot be written there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        stream = beside.open("xb")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", hint="--output FILE in a folder you may write to"
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
