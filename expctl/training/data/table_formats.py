"""The rows of tables that are text, exactly: CSV, TSV and lines of a label and a text, to pieces of columns.

Nothing is guessed: cells of CSV, TSV and lines of text stay the text they are, only an empty cell is missing, and a row
that does not fit its header is an error with its line, never a row fewer. (pandas reads `"NA"` as missing, renames
repeated headers and joins lines at a stray quote.) Knows nothing of files, and of texts and labels only what fastText's
lines and lines with a tab call so.
"""

from __future__ import annotations

import csv
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.errors import DataError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator, Sequence

TextFormat = Literal["csv", "tsv", "jsonl", "json", "txt"]
FileFormat = TextFormat | Literal["parquet", "zip"]
TableColumns = dict[str, list[Any]]

WHITESPACE: Final = "whitespace"
# What may separate the columns of a text file, as it is typed.
DELIMITERS: Final = {",": ",", ";": ";", "|": "|", ":": ":", "tab": "\t", WHITESPACE: " "}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out in a text file, where its ending does not say it: the word of `DELIMITERS` for what
    separates its columns, and their `names`, if no header has them.
    """

    delimiter: str | None = None
    names: tuple[str, ...] = ()


AS_NAMED: Final = Layout()


def layout_of(delimiter: str | None, names: str | None) -> Layout:
    """The layout that a recipe says; commas stand between its names."""
    return Layout(delimiter, tuple(name.strip() for name in names.split(",")) if names else ())


# A field beyond this is a lost quote or a file that is no table.
FIELD_LIMIT: Final = 10_000_000
LINE_LIMIT: Final = 10 * FIELD_LIMIT
_LABEL: Final = "__label__"
_LINES: Final = "each line is LABEL, a tab, TEXT (or fastText's __label__LABEL TEXT); name it .tsv or .csv for a table"


def _delimited(
    text: io.TextIOWrapper, kind: TextFormat, name: str, size: int, layout: Layout
) -> Iterator[TableColumns]:
    csv.field_size_limit(FIELD_LIMIT)
    reader = _reader(bounded_lines(text, name), kind, layout.delimiter)
    start = 1
    header = column_names(layout.names, name) if layout.names else None
    rows: list[list[str]] = []
    given = False
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            _check_separator_of(header or [], kind, name, layout)
            problem = "a quote is never closed" if "unexpected end" in str(error) else str(error)
            raise DataError(
                f"{name}: line {start}: {problem}", hint='write a quote inside a quoted field twice: "5"" screen"'
            ) from error
        if row is None:
            break
        if "\0" in "".join(row):
            raise _nul(name, start)
        if row and header is None:
            header = column_names([cell.strip() for cell in row], name)
        elif row and header is not None:
            if len(row) != len(header):
                _check_separator_of(header, kind, name, layout)
                there = "--names" if layout.names else "the header"
                raise DataError(
                    f"{name}: line {start} has {len(row)} fields, {there} has {len(header)}",
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


def _reader(lines: Iterable[str], kind: TextFormat, delimiter: str | None) -> Any:
    """Lines to fields, as csv.reader does it."""
    if delimiter == WHITESPACE:
        return _Words(lines)
    if kind == "tsv" and delimiter is None:
        return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=DELIMITERS[delimiter or ","], strict=True)


class _Words:
    """Lines to fields that blanks separate, any number of them, also before the first."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line_num = 0

    def __iter__(self) -> _Words:
        return self

    def __next__(self) -> list[str]:
        self.line_num += 1
        return next(self._lines).split()


def _check_separator_of(header: Sequence[str], kind: TextFormat, name: str, layout: Layout) -> None:
    if layout.delimiter is None:
        check_separator(header, kind, name)


def bounded_lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a text. Raises DataError for one that is longer than `LINE_LIMIT`, of which no more is read."""
    limit, read = LINE_LIMIT, text.readline
    number = 0
    while line := read(limit + 1):
        number += 1
        if len(line) > limit:
            raise DataError(f"{name}: line {number} is longer than {limit:,} characters")
        yield line


def _nul(name: str, line: int) -> DataError:
    return DataError(
        f"{name}: line {line} holds a NUL byte", hint="is it UTF-16? then --encoding utf-16-le or utf-16-be"
    )


def _unquoted(cell: str) -> str:
    """TSV has one row a line and no quoting, but many programs put quotes around whole fields: those are taken off."""
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1]
        if '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return cell


def column_names(header: Sequence[str], name: str) -> list[str]:
    """The names under which columns are asked for; the header may hold others, for only what is used has to be clear.

    One without a name is `unnamed_N`, N being its place from 1 on; of a name that stands several times none has it
    alone: they are `NAME (column N)`.
    """
    given = [cell or f"unnamed_{place}" for place, cell in enumerate(header, 1)]
    times = Counter(given)
    names = [cell if times[cell] == 1 else f"{cell} (column {place})" for place, cell in enumerate(given, 1)]
    twice = next((cell for cell, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{name}: the header names {twice!r} twice", hint="give every column a name of its own")
    return names


def unnamed_columns(columns: Iterable[str]) -> list[str]:
    """Those of a table's columns that the header gives no name."""
    return [column for place, column in enumerate(columns, 1) if column == f"unnamed_{place}"]


def check_separator(header: Sequence[str], kind: TextFormat, name: str) -> None:
    """Raise DataError for the header of a CSV file of one name, of which another separator would make several."""
    if kind != "csv" or len(header) != 1:
        return
    found = likely_delimiter(header)
    if found is not None:
        called = {"tab": "tabs", ";": "semicolons", "|": "bars"}[found]
        raise DataError(f"{name}: {called} separate its columns, not commas", hint=f"--delimiter {shlex.quote(found)}")


def likely_delimiter(header: Sequence[str]) -> str | None:
    """What separates the columns of a file in which commas separate none; None if that is not plain to see."""
    if len(header) != 1:
        return None
    return next((word for word in ("tab", ";", "|") if DELIMITERS[word] in header[0]), None)


def _columns(header: list[str], rows: list[list[str]]) -> TableColumns:
    if not rows:
        return {column: [] for column in header}
    return {
        column: [cell or None for cell in cells] for column, cells in zip(header, zip(*rows, strict=True), strict=True)
    }


def _lines(text: io.TextIOWrapper, name: str, size: int) -> Iterator[TableColumns]:
    """Lines of a label and a text: with a tab between them, or as fastText has them. The first line says which."""
    rows: list[tuple[str, str]] = []
    read: Callable[[str, str, int], tuple[str, str]] | None = None
    given = False
    for number, line in enumerate(bounded_lines(text, name), 1):
        line = line.rstrip("\r\n")
        if not line.strip():
            continue
        if len(line) > FIELD_LIMIT:
            raise DataError(f"{name}: line {number} is longer than {FIELD_LIMIT:,} characters")
        if "\0" in line:
            raise _nul(name, number)
        if read is None:
            read = _fasttext if line.startswith(_LABEL) else _tabbed
            if line.lower().split("\t") == ["label", "text"]:
                continue  # a header
        rows.append(read(line, name, number))
        if len(rows) == size:
            yield _labelled(rows)
            rows, given = [], True
    if read is None:
        raise DataError(f"{name} is empty", hint=_LINES)
    if rows or not given:
        yield _labelled(rows)


def _labelled(rows: list[tuple[str, str]]) -> TableColumns:
    return {"label": [label or None for label, _ in rows], "text": [text or None for _, text in rows]}


def _tabbed(line: str, name: str, number: int) -> tuple[str, str]:
    label, tab, text = line.partition("\t")
    if not tab:
        raise DataError(f"{name}: line {number} has no tab", hint=_LINES)
    return label, text


def _fasttext(line: str, name: str, number: int) -> tuple[str, str]:
    labels = [word for word in line.split() if word.startswith(_LABEL)]
    if len(labels) > 1:
        raise DataError(
            f"{name}: line {number} has {len(labels)} labels ({', '.join(labels[:3])})",
            hint="expctl trains one class a text: keep one label a line",
        )
    if not labels:
        return "", line
    if not line.startswith(labels[0]):
        raise DataError(f"{name}: line {number}: {labels[0]} is not at its beginning", hint=f"{_LABEL}LABEL TEXT")
    return labels[0].removeprefix(_LABEL), line.removeprefix(labels[0]).lstrip(" \t")


def text_rows(
    text: io.TextIOWrapper, kind: Literal["csv", "tsv", "txt"], name: str, size: int, layout: Layout
) -> Iterator[TableColumns]:
    """Decoded text in pieces of at most `size` rows. Raises DataError, with `name`, where it does not parse."""
    if kind == "txt" and layout == AS_NAMED:
        return _lines(text, name, size)
    return _delimited(text, "csv" if kind == "txt" else kind, name, size, layout)
