"""One cell to text a person reads. Owns rounding, missing values and the taming of text that came from elsewhere."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from expctl.render.sheet import Change, Commit, Setting, Share, Size
from expctl.wording import decimals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from expctl.render.sheet import Cell, Column

MISSING: Final = "–"
_NARROW: Final = frozenset({MISSING, "≈", "±", "∞", "-∞"})  # what our own tables are full of

# Controls, format characters (bidirectional overrides, zero-width), surrogates, private use, line separators:
# shown as \x1b, never sent to a terminal. The zero-width joiner stays, emoji are made with it.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_DECIMALS: Final = 4  # of measured numbers that are not large
_DIGITS: Final = 4  # of chosen ones, unless it takes more to tell them apart
_SMALL, _HUGE = 1e-3, 1e9  # beyond which decimals say nothing, or too much
_MOST: Final = 17  # decimals
_LEVELS: Final = (0.1, 0.05, 0.01)  # of significance, those of --confidence that are usual
_COMMIT: Final = 8  # digits of a commit, as of a run's id
_AROUND: Final = 60  # characters shown on each side of the one that is pointed at
_JOINER: Final = "\N{ZERO WIDTH JOINER}"


def visible(text: str) -> str:
    """`text` with every character that a terminal would act on written as an escape, on one line."""
    if text.isprintable():
        return text
    return "".join(
        char if char == _JOINER or unicodedata.category(char) not in _UNPRINTABLE else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(char)
    return named.get(char) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def table_texts(
    rows: Sequence[Sequence[Cell]], columns: Sequence[Column], *, now: datetime | None = None
) -> list[list[str]]:
    """The cells of a table as it shows them, the measured numbers of a column with as many decimals each.

    Large ones have fewer, and then the changes and limits beside them no more than they.
    """
    decimals = [_decimals(row[i] for row in rows) for i in range(len(columns))]
    return [
        [
            shown(cell, column, now=now, decimals=min(one, most) if _goes_along(cell, column) else one)
            for cell, column, one in zip(row, columns, decimals, strict=True)
        ]
        for row, most in zip(rows, map(_of_changes, rows), strict=True)
    ]


def _goes_along(cell: Cell, column: Column) -> bool:
    """Whether a number belongs to another one of its row: a change of it, or a limit."""
    return isinstance(cell, Change) or column.key.startswith(("low", "high"))


def _of_changes(row: Sequence[Cell]) -> int:
    """How many decimals changes and limits of a row have at most: those of its largest number, if it is large."""
    values = [cell for cell in row if type(cell) is float and math.isfinite(cell)]
    fewest = min(map(decimals_of, values), default=_DECIMALS)
    return fewest if fewest < _DECIMALS else _MOST


def _decimals(cells: Iterable[Cell]) -> int:
    """How many decimals the numbers of a column get: one where all are whole, more than four where all are tiny, and
    where all are large those of the largest.
    """
    values = [
        cell.value if isinstance(cell, Change) else cell for cell in cells if not isinstance(cell, Setting | Share)
    ]
    sizes = [abs(value) for value in values if isinstance(value, float) and 0 < abs(value) < _HUGE]
    if all(size.is_integer() for size in sizes):
        return 1
    if not _SMALL**2 <= max(sizes) < _SMALL:
        return decimals_of(max(sizes)) if decimals_of(min(sizes)) < _DECIMALS else _DECIMALS
    return _DECIMALS - 1 - math.floor(math.log10(max(sizes)))


def digits_of(values: Iterable[object]) -> int:
    """How many digits chosen numbers need to be told apart, and no fewer than four."""
    reals = {value for value in values if isinstance(value, float) and math.isfinite(value)}
    enough = (digits for digits in range(_DIGITS, 17) if len({chosen(value, digits) for value in reals}) == len(reals))
    return next(enough, 17)


def chosen(value: float, digits: int | None) -> str:
    """A number that somebody chose, as it was written where that takes no more than so many digits."""
    if digits is None or not math.isfinite(value) or value.is_integer():
        return repr(value)
    return repr(float(f"{value:.{max(digits, len(str(int(abs(value)))) + 1)}g}"))


def shown(cell: Cell, column: Column, *, now: datetime | None = None, decimals: int | None = None) -> str:
    """A cell as a table shows it. `now` is what times are told against; `decimals` are those of its column."""
    if cell is None:
        return MISSING
    if isinstance(cell, bool):
        return ("≈" if cell else "") if column.kind == "mark" else str(cell).lower()
    if isinstance(cell, Change):
        return MISSING if math.isnan(cell.value) else ("0" if cell.value == 0 else signed(cell.value, decimals))
    if isinstance(cell, datetime):
        return ago(cell, now)
    if isinstance(cell, timedelta):
        return duration(cell)
    if isinstance(cell, Size):
        return size(cell)
    if isinstance(cell, Share):
        return f"{cell:.0%}"
    if isinstance(cell, Setting):
        return chosen(float(cell), cell.digits)
    if isinstance(cell, (int, float)):
        return probability(cell) if column.kind == "p_value" else number(cell, decimals)
    if isinstance(cell, Commit):
        return visible(cell)[:_COMMIT]
    return visible(cell)[: column.width] if column.kind == "id" else _cut(visible(cell), column.width)


def heading(column: Column) -> str:
    """What stands above a column: its title, tamed and cut like a cell, for it may be a run's name."""
    return _cut(visible(column.title), column.width)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def pointed(text: str, position: int) -> tuple[str, str]:
    """The surroundings of a character of a text, and a line with a caret below it."""
    start = max(0, position - _AROUND)
    before = ("…" if start else "") + visible(text[start:position])
    after = visible(text[position : position + _AROUND]) + ("…" if len(text) > position + _AROUND else "")
    return before + after, " " * places(before) + "^"


def places(text: str) -> int:
    """How many places `text` takes on a terminal: East Asian letters and emoji two, combining marks none.

    Rich counts what is not plain, as it does on a terminal: it knows sequences of emoji, and its tables are of a later
    Unicode than Python's. Loading them takes 25 ms of a piped `list`, which shows mostly what needs none.
    """
    if text.isascii() or text in _NARROW:
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def number(value: float, decimals: int | None = None) -> str:
    """Integers whole; reals with these decimals, else with four; large ones with fewer, very large or small ones with
    the digits they need.

    What is not zero never reads as zero.
    """
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    least = _SMALL if decimals is None else 0.5 * 10**-decimals
    if value == 0 or least <= abs(value) < _HUGE:
        return f"{value:.{_fixed(value, decimals)}f}"
    return f"{value:.{_DIGITS if abs(value) < 1 else 6}g}"


def _fixed(value: float, decimals: int | None) -> int:
    if decimals is None:
        return 1 if value.is_integer() else decimals_of(value)
    return min(decimals, decimals_of(value)) if decimals_of(value) < _DECIMALS else decimals


def probability(value: float) -> str:
    """A p-value: three decimals say all there is to decide, unless they are a usual level that it is not."""
    if value < 0.001:
        return "<0.001"
    exact = value in _LEVELS
    told = (f"{value:.{digits}f}" for digits in range(3, 7))
    return next((text for text in told if exact or float(text) not in _LEVELS), f"{value:.6f}")


def signed(value: float, decimals: int | None = None) -> str:
    """A number with its sign, for changes: one that is nothing at these decimals is zero with a sign."""
    if decimals is not None and abs(value) < _HUGE:
        return f"{value:+.{_fixed(value, decimals)}f}"
    return f"+{number(value)}" if value > 0 else number(value)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if round(count, 1) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(span: timedelta) -> str:
    """A time span for people: 3.2 s, 4 min 10 s, 2 h 5 min."""
    seconds = round(span.total_seconds(), 1)
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, for people."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for limit, unit, length in ((3600, "min", 60), (86400, "h", 3600), (86400 * 60, "days", 86400)):
        if seconds < limit:
            count = int(seconds // length)
            return f"{count} {'day' if unit == 'days' and count == 1 else unit} ago"
    return moment.date().isoformat()
