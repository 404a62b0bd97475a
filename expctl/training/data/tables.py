"""Reading tables exactly: CSV, TSV, JSONL and Parquet, gzipped or not, from a file, a URL or a stream.

Owns the bytes, the encoding and the row rules; knows nothing of texts and labels. Nothing is guessed: cells of CSV and
TSV stay the text they are, only an empty cell is missing, and a row that does not fit its header is an error with its
line, never a row fewer. (pandas reads `"NA"` as missing, renames repeated headers and joins lines at a stray quote.)

Gzip is known by its first bytes, for a stream has no name, and a download often a wrong one: fsspec goes by the ending
alone, and opens the same gzip.GzipFile, without a limit, after 80 ms of import. What is hashed is the file as stored.
Of addresses http is ours: fsspec needs aiohttp for it, 240 ms to import, where urllib takes 35.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import stat
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast

from expctl.errors import DataError, closest, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]
TableColumns = dict[str, list[Any]]

KINDS: Final[dict[str, FileFormat]] = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".pq": "parquet",
}  # fmt: skip

# A field beyond this is a lost quote or a file that is no table; a stream beyond this is a decompression bomb.
FIELD_LIMIT: Final = 10_000_000
BYTE_LIMIT: Final = 4 * 2**30

# UTF-32's first: its little-endian mark begins with UTF-16's.
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_A_NAME: Final = 80  # characters: no name of a column is longer, and most texts are
_GZIP: Final = b"\x1f\x8b"


def kind_of(path: str) -> FileFormat:
    """The kind of table a path or URL names by its ending. Raises DataError for an ending that is none."""
    name = path.partition("?")[0] if "://" in path else path
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:] if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in KINDS:
        return KINDS[suffixes[-1]]
    known = f"known extensions: {', '.join(KINDS)}, each also .gz"
    if suffixes[-1:] == [".txt"]:
        known = "name it .tsv if tabs separate its columns, .csv if commas do"
    raise DataError(f"{mask_secrets(path)}: unknown file format", hint=known)


def read_bytes(path: str) -> bytes:
    """The bytes of a file or URL as they are stored. Raises DataError if there is nothing to read."""
    try:
        if "://" in path:
            with _open_url(path) as stream:
                return stream.read()
        check_file(path)
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def check_file(path: str) -> None:
    """Raise DataError unless `path` is a regular file: a folder, a pipe or a device would hang or surprise."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(mode):
        raise DataError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}", hint="name a file")


def _unreadable(path: str, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"no file {path}")
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


def read_table(content: bytes, kind: FileFormat, *, encoding: str, name: str) -> TableColumns:
    """All rows of a table, a list per column. `name` stands in errors. Raises DataError where it does not parse."""
    whole: TableColumns = {}
    rows = 0
    for chunk in chunks(io.BytesIO(content), kind, encoding=encoding, name=name):
        size = len(next(iter(chunk.values()), []))
        for column, values in chunk.items():
            whole.setdefault(column, [None] * rows).extend(values)
        rows += size
        for values in whole.values():
            values.extend([None] * (rows - len(values)))
    return whole


def chunks(
    stream: BinaryIO, kind: FileFormat, *, encoding: str, name: str, rows: int = 10_000
) -> Iterator[TableColumns]:
    """The table in pieces of at most `rows` rows; a table with a header and no rows gives one empty piece.

    Raises DataError, with the line, where the table does not parse.
    """
    try:
        if kind == "parquet":
            yield from _parquet(_unpacked(stream, name), name, rows)
            return
        text = _decoded(stream, encoding, name)
        try:
            yield from (_jsonl(text, name, rows) if kind == "jsonl" else _delimited(text, kind, name, rows))
        finally:
            if text.buffer is stream and not stream.closed:
                text.detach()  # the stream is the caller's to close
    except UnicodeError as error:
        raise _undecodable(stream, encoding, name, error) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is damaged ({error})") from error


class _Limited(io.RawIOBase):
    """A binary stream that refuses to give more than BYTE_LIMIT bytes."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name, self._left = stream, name, BYTE_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._name}: more than {BYTE_LIMIT // 2**30} GiB unpacked", hint="use Parquet or less data"
            )
        buffer[: len(data)] = data
        return len(data)


def _unpacked(stream: BinaryIO, name: str) -> io.BufferedReader:
    """The stream, through gzip if it begins as gzip does."""
    peekable = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))
    if peekable.peek(2)[:2] != _GZIP:
        return peekable
    return io.BufferedReader(_Limited(cast(BinaryIO, gzip.GzipFile(fileobj=peekable)), name))


def _decoded(stream: BinaryIO, encoding: str, name: str) -> io.TextIOWrapper:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):  # ValueError: a NUL in the name, or a codec that refuses everything
        raise DataError(f"unknown encoding {encoding!r}", hint="for example utf-8, latin-1, cp1252, utf-16") from None
    unpacked = _unpacked(stream, name)
    return io.TextIOWrapper(unpacked, encoding=_marked(unpacked.peek(4), encoding), newline="")


def _marked(head: bytes, encoding: str) -> str:
    """The encoding that a byte order mark states, else `encoding`."""
    return next((codec for mark, codec in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), encoding)


def _undecodable(stream: BinaryIO, encoding: str, name: str, error: UnicodeError) -> DataError:
    hint = "--encoding names another one, such as latin-1 or cp1252"
    if isinstance(stream, io.BytesIO) and not stream.getvalue().startswith(_GZIP):
        content = stream.getvalue()
        encoding = _marked(content, encoding)
        try:
            content.decode(encoding)
        except UnicodeDecodeError as exact:
            line = content.count(b"\n", 0, exact.start) + 1
            byte = content[exact.start]
            return DataError(f"{name}: line {line} is not {encoding} (byte 0x{byte:02x} at {exact.start})", hint=hint)
    return DataError(f"{name}: not {encoding} ({getattr(error, 'reason', error)})", hint=hint)


def _delimited(text: io.TextIOWrapper, kind: FileFormat, name: str, size: int) -> Iterator[TableColumns]:
    csv.field_size_limit(FIELD_LIMIT)
    reader = (
        csv.reader(text, strict=True) if kind == "csv" else csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
    )
    start = 1
    header: list[str] | None = None
    rows: list[list[str]] = []
    given = False
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            _check_separator(header or [], kind, name)
            problem = "a quote is never closed" if "unexpected end" in str(error) else str(error)
            raise DataError(
                f"{name}: line {start}: {problem}", hint='write a quote inside a quoted field twice: "5"" screen"'
            ) from error
        if row is None:
            break
        if any("\0" in cell for cell in row):
            raise DataError(
                f"{name}: line {start} holds a NUL byte", hint="is it UTF-16? then --encoding utf-16-le or utf-16-be"
            )
        if row and header is None:
            header = _header([cell.strip() for cell in row], name)
        elif row and header is not None:
            if len(row) != len(header):
                _check_separator(header, kind, name)
                raise DataError(
                    f"{name}: line {start} has {len(row)} fields, the header has {len(header)}",
                    hint="put fields that hold the separator in double quotes"
                    if kind == "csv"
                    else "tabs separate fields",
                )
            rows.append(row if kind == "csv" else [_unquoted(cell) for cell in row])
        start = reader.line_num + 1
        if header is not None and len(rows) == size:
            yield _columns(header, rows)
            rows, given = [], True
    if header is None:
        raise DataError(f"{name} is empty", hint="the first line must name the columns")
    if rows or not given:
        yield _columns(header, rows)


def _unquoted(cell: str) -> str:
    """TSV has one row a line and no quoting, but many programs put quotes around whole fields: those are taken off."""
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1]
        if '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return cell


def _header(names: Sequence[str], name: str) -> list[str]:
    repeated = sorted({column for column in names if names.count(column) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise DataError(f"{name}: the header names {repeated[0]!r} twice", hint="give every column a name of its own")
    return list(names)


def _check_separator(header: Sequence[str], kind: FileFormat, name: str) -> None:
    """Raise DataError for the header of a CSV file of one name, of which another separator would make several."""
    if kind != "csv" or len(header) != 1:
        return
    if "\t" in header[0]:
        raise DataError(f"{name}: tabs separate its columns, not commas", hint="name it .tsv")
    if ";" in header[0]:
        raise DataError(
            f"{name}: semicolons separate its columns, not commas",
            hint="write it with commas, with pandas: read_csv(FILE, sep=';').to_csv(NEW, index=False)",
        )


def _columns(header: list[str], rows: list[list[str]]) -> TableColumns:
    if not rows:
        return {column: [] for column in header}
    return {
        column: [cell if cell != "" else None for cell in cells]
        for column, cells in zip(header, zip(*rows, strict=True), strict=True)
    }


def _jsonl(text: io.TextIOWrapper, name: str, size: int) -> Iterator[TableColumns]:
    records: list[dict[str, Any]] = []
    seen = given = False
    for number, line in enumerate(text, 1):
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
        records.append(record)
        seen = True
        if len(records) == size:
            yield _from_records(records)
            records, given = [], True
    if not seen:
        raise DataError(f"{name} is empty", hint="one JSON object a line")
    if records or not given:
        yield _from_records(records)


def _encodable(record: object) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _from_records(records: list[dict[str, Any]]) -> TableColumns:
    names = dict.fromkeys(key for record in records for key in record)
    return {column: [record.get(column) for record in records] for column in names}


def _parquet(stream: io.BufferedReader, name: str, size: int) -> Iterator[TableColumns]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = stream if stream.seekable() else io.BytesIO(stream.read())
    try:
        file = pq.ParquetFile(source)
        _header(file.schema_arrow.names, name)
        batches = 0
        for batch in file.iter_batches(batch_size=size):
            batches += 1
            yield batch.to_pydict()
        if not batches:
            yield {column: [] for column in file.schema_arrow.names}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


def require(columns: Sequence[str], wanted: str, *, name: str, option: str) -> None:
    """Raise DataError, naming what there is, if `wanted` is not among the columns."""
    if wanted not in columns:
        _check_separator(columns, "csv", name)
    if wanted not in columns and any(len(column) > _A_NAME for column in columns):
        raise DataError(
            f"{name} has no column {wanted!r}: its first line is no header but a row",
            hint="write the names of its columns above it, such as text,label",
        )
    if wanted not in columns:
        shown = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
        raise DataError(
            f"{name} has no column {wanted!r}{closest(wanted, columns)}", hint=f"it has {shown}; {option} names another"
        )
