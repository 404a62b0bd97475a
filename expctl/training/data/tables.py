"""Reading tables: from a file, a URL or a stream, gzipped, zipped or neither, to columns.

Owns the bytes and how they are packed; the rows of each format are in `table_formats.py`. Knows nothing of texts and
labels, and of a folder only that it is none of these (`class_folders.py`).

Gzip is known by its first bytes, for a stream has no name, and a download often a wrong one: fsspec goes by the ending
alone, and opens the same gzip.GzipFile, without a limit, after 80 ms of import. What is hashed is the file as stored.
Of addresses http is ours: fsspec needs aiohttp for it, 240 ms to import, where urllib takes 35.
"""

from __future__ import annotations

import gzip
import io
import shlex
import stat
import struct
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from expctl.errors import DataError, UsageError, closest, mask_secrets
from expctl.training.data.encodings import check_encoding, marked, undecodable
from expctl.training.data.table_formats import (
    AS_NAMED,
    FileFormat,
    Layout,
    TableColumns,
    check_separator,
    text_rows,
)
from expctl.training.data.typed_formats import json_rows, parquet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

KINDS: Final[dict[str, FileFormat]] = {
    ".csv": "csv", ".data": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".parquet": "parquet", ".pq": "parquet", ".txt": "txt", ".zip": "zip",
}  # fmt: skip
_SPREADSHEETS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
# Formats whose cells have types of their own; elsewhere a cell is a text.
TYPED: Final = ("jsonl", "json", "parquet")

# A stream beyond this is a decompression bomb.
BYTE_LIMIT: Final = 4 * 2**30
# Cells of a table that is read at once: a row of JSON has all the columns that other rows name.
CELL_LIMIT: Final = 2**28

_A_NAME: Final = 80  # characters: no name of a column is longer, and most texts are
_AGAIN: Final = 2**28  # bytes that are read a second time to say where a wrong one is
_GZIP: Final = b"\x1f\x8b"
_NO_ARCHIVE: Final = (zipfile.BadZipFile, ValueError, OSError, struct.error)  # what zipfile raises of forged numbers


def kind_of(path: str) -> FileFormat:
    """The kind of table a path or URL names by its ending.

    Raises UsageError for a spreadsheet, whose cells are what a program of its own makes of them, and DataError for any
    other ending that is none.
    """
    name = path.partition("?")[0] if "://" in path else path
    if name.lower().endswith(_SPREADSHEETS):
        raise UsageError(f"{mask_secrets(path)} is a spreadsheet", hint="save it as CSV")
    kind = _kind_by_ending(name)
    if kind is None:
        known = f"known extensions: {', '.join(KINDS)}, each also .gz; or a folder with a folder for each class"
        raise DataError(f"{mask_secrets(path)}: unknown file format", hint=known)
    return kind


def _kind_by_ending(name: str) -> FileFormat | None:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:] if suffix.lower() != ".gz"]
    return KINDS.get(suffixes[-1]) if suffixes else None


def read_bytes(path: str, option: str | None = None) -> bytes:
    """The bytes of a file or URL as they are stored.

    Raises DataError if there is nothing to read, with the `option` by which a file is named.
    """
    try:
        with opened(path, option) as stream:
            return stream.read()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, option) from error


@contextmanager
def opened(path: str, option: str | None = None) -> Iterator[BinaryIO]:
    """A file or URL as a stream. Raises DataError for what is no file, and what opening it raises."""
    if "://" in path:
        with _open_url(path) as stream:
            yield stream
        return
    check_file(path, option)
    with Path(path).open("rb") as file:
        yield file


def check_file(path: str, option: str | None = None) -> None:
    """Raise DataError unless `path` is a regular file: a folder, a pipe or a device would hang or surprise."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, option) from error
    if not stat.S_ISREG(mode):
        raise DataError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}", hint="name a file")


def _unreadable(path: str, error: Exception, option: str | None) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"no file {path}", hint=f"{option} FILE" if option else None)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"cannot read {mask_secrets(path)}: {mask_secrets(str(reason))}")


@contextmanager
def _open_url(url: str) -> Iterator[BinaryIO]:
    if url.startswith(("http://", "https://")):
        from http.client import HTTPException, InvalidURL
        from urllib.error import HTTPError
        from urllib.request import urlopen

        try:
            with urlopen(url, timeout=60) as response:
                yield response
        except InvalidURL as error:  # its own words quote the password of `user:password@host`
            raise OSError("not an address that can be opened (user and password cannot stand in it)") from error
        except HTTPError as error:
            error.close()  # it is the answer itself
            raise
        except HTTPException as error:
            raise OSError(str(error) or type(error).__name__) from error
        return
    import fsspec

    try:
        opened = fsspec.open(url, "rb")
    except (ImportError, ValueError) as error:
        raise DataError(f"cannot read {mask_secrets(url)}: {error}") from error
    with opened as stream:
        yield stream


def read_table(
    content: bytes, kind: FileFormat, *, encoding: str, name: str, layout: Layout = AS_NAMED
) -> TableColumns:
    """All rows of a table, a list per column. `name` stands in errors. Raises DataError where it does not parse."""
    whole: TableColumns = {}
    rows = 0
    for chunk in chunks(io.BytesIO(content), kind, encoding=encoding, name=name, layout=layout):
        size = len(next(iter(chunk.values()), []))
        columns = len(whole.keys() | chunk.keys())
        if columns * (rows + size) > CELL_LIMIT:
            raise DataError(
                f"{name} makes a table of more than {CELL_LIMIT:,} cells ({columns:,} columns)",
                hint="keep the columns and rows that are needed",
            )
        for column, values in chunk.items():
            whole.setdefault(column, [None] * rows).extend(values)
        rows += size
        for values in whole.values():
            values.extend([None] * (rows - len(values)))
    return whole


def chunks(
    stream: BinaryIO,
    kind: FileFormat,
    *,
    encoding: str,
    name: str,
    rows: int = 10_000,
    layout: Layout = AS_NAMED,
) -> Iterator[TableColumns]:
    """The table in pieces of at most `rows` rows; a table with a header and no rows gives one empty piece.

    Raises DataError, with the line, where the table does not parse.
    """
    try:
        if kind == "zip":
            with _zipped_table(stream, name) as (member, inner):
                yield from chunks(member, inner, encoding=encoding, name=name, rows=rows, layout=layout)
            return
        if kind == "parquet":
            yield from parquet(_unpacked(stream, name), name, rows)
            return
        text = _decoded(stream, encoding, name)
        try:
            if kind == "jsonl" or kind == "json":
                yield from json_rows(text, kind, name, rows)
            else:
                yield from text_rows(text, kind, name, rows, layout)
        finally:
            if text.buffer is stream and not stream.closed:
                text.detach()  # the stream is the caller's to close
    except UnicodeError as error:
        raise undecodable(_again(stream, name), encoding, name, error) from error


@contextmanager
def _zipped_table(stream: BinaryIO, name: str) -> Iterator[tuple[BinaryIO, FileFormat]]:
    """The one table in a zip file, opened, and its kind. Whatever else lies in it is not looked at."""
    with _archive(stream, name) as archive:
        member, kind = _only_table(archive, name)
        try:
            opened = archive.open(member)
        except (RuntimeError, NotImplementedError) as error:  # a password; a compression of another program
            raise DataError(
                f"{name}: {member} in it cannot be unpacked ({error})", hint="unpack it yourself"
            ) from error
        except _NO_ARCHIVE as error:
            raise _damaged(name, "zip", error) from error
        with opened:
            yield cast(BinaryIO, opened), kind


def zipped_kind(content: bytes, name: str) -> FileFormat:
    """The kind of the one table in a zip file. Raises DataError if there is none, or more than one."""
    with _archive(io.BytesIO(content), name) as archive:
        return _only_table(archive, name)[1]


def _archive(stream: BinaryIO, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except (*_NO_ARCHIVE, NotImplementedError) as error:
        raise _damaged(name, "zip", error) from error


def _damaged(name: str, packed: str, error: Exception) -> DataError:
    return DataError(f"{name}: the {packed} file is damaged ({error or type(error).__name__})")


def _only_table(archive: zipfile.ZipFile, name: str) -> tuple[str, FileFormat]:
    tables: dict[str, FileFormat] = {}
    for entry in archive.infolist():
        parts = Path(entry.filename).parts
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        kind = None if hidden or entry.is_dir() else _kind_by_ending(entry.filename)
        if kind is not None and kind != "zip":
            tables[entry.filename] = kind
    if any(kind != "txt" for kind in tables.values()):  # then a text file beside it is a readme
        tables = {path: kind for path, kind in tables.items() if kind != "txt"}
    if len(tables) != 1:
        some = ", ".join(list(tables)[:5]) + (", ..." if len(tables) > 5 else "")
        raise DataError(
            f"{name} holds {len(tables)} tables{': ' if some else ''}{some}",
            hint=f"unpack it, and name one file or folder of it: unzip {shlex.quote(name)}",
        )
    ((found, kind),) = tables.items()
    return found, kind


class _Limited(io.RawIOBase):
    """What is unpacked of a `packed` stream. Raises DataError beyond BYTE_LIMIT bytes, and where it is damaged."""

    def __init__(self, stream: BinaryIO, name: str, packed: str) -> None:
        self._stream, self._name, self._packed, self._left = stream, name, packed, BYTE_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except DataError:
            raise
        except Exception as error:  # each way of packing has errors of its own, and a new one comes with Python 3.14
            if getattr(error, "errno", None) is not None:
                raise
            raise _damaged(self._name, self._packed, error) from error
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._name}: more than {BYTE_LIMIT // 2**30} GiB unpacked", hint="use Parquet or less data"
            )
        buffer[: len(data)] = data
        return len(data)


def _unpacked(stream: BinaryIO, name: str) -> io.BufferedReader:
    """The stream, through gzip if it begins as gzip does."""
    peekable: io.BufferedReader
    if isinstance(stream, zipfile.ZipExtFile):
        peekable = io.BufferedReader(cast(io.RawIOBase, _Limited(cast(BinaryIO, stream), name, "zip")))
    elif isinstance(stream, io.BufferedReader):
        peekable = stream
    else:
        peekable = io.BufferedReader(cast(io.RawIOBase, stream))
    if peekable.peek(2)[:2] != _GZIP:
        return peekable
    unpacked = _Limited(cast(BinaryIO, gzip.GzipFile(fileobj=peekable)), name, "gzip")
    return io.BufferedReader(unpacked)


def _decoded(stream: BinaryIO, encoding: str, name: str) -> io.TextIOWrapper:
    check_encoding(encoding)
    unpacked = _unpacked(stream, name)
    return io.TextIOWrapper(unpacked, encoding=marked(unpacked.peek(4), encoding), newline="")


def _again(stream: BinaryIO, name: str) -> bytes | None:
    """All of a stream, unpacked, from its beginning; None of a pipe, and of more than is worth looking at."""
    if not stream.seekable():
        return None
    try:
        stream.seek(0)
        content = _unpacked(stream, name).read(_AGAIN + 1)
    except (OSError, ValueError, DataError):
        return None
    return content if len(content) <= _AGAIN else None


def require(columns: Collection[str], wanted: str, *, name: str, option: str, also: Sequence[str] = ()) -> None:
    """Raise DataError, naming what there is, if `wanted` is not among the columns. `also` are names that do as well."""
    if wanted in columns:
        return
    if is_repeated(wanted, columns):
        first = next(column for column in columns if column.startswith(f"{wanted} (column "))
        raise DataError(
            f"{name}: the header names {wanted!r} more than once", hint=f"{option} {shlex.quote(first)} is one of them"
        )
    check_separator(list(columns), "csv", name)
    if not has_header(columns):
        raise DataError(
            f"{name} has no column {wanted!r}: its first line is no header but a row",
            hint="write the names of its columns above it, such as text,label",
        )
    shown_also = f", and {', '.join(also)}" if also else ""
    raise DataError(
        f"{name} has no column {wanted!r}{closest(wanted, [*columns, *also])}",
        hint=f"it has {shown_names(list(columns))}{shown_also}; {option} names another",
    )


def is_repeated(name: str, columns: Iterable[str]) -> bool:
    """Whether several columns have a name, so that none has it alone: see `table_formats.column_names`."""
    return any(column.startswith(f"{name} (column ") for column in columns)


def has_header(columns: Iterable[str]) -> bool:
    """Whether the names of columns are names, by their length."""
    return all(len(column) <= _A_NAME for column in columns)


def shown_names(columns: Sequence[str]) -> str:
    """The names of columns, for people."""
    return ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
