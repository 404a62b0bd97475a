"""The one shape of everything that is printed: a sheet of typed rows. Values stay values; formats turn them to text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FIRST_TO_GO: Final = 2  # of spare columns
ColumnKind = Literal["text", "number", "time", "duration", "change", "p_value", "mark", "id", "section"]


class Size(int):
    """A number of bytes."""


class Commit(str):
    """A commit by its digits: tables show the first of them."""

    __slots__ = ()


class Setting(float):
    """A number somebody chose: shown as it was written, or in tables that set many side by side with so many digits."""

    digits: int | None

    def __new__(cls, value: float, digits: int | None = None) -> Setting:
        made = super().__new__(cls, value)
        made.digits = digits
        return made


class Share(float):
    """A part of a whole: shown in percent."""


class Brief(str):
    """What tables show of a text that formats for machines have whole, or of nothing."""

    whole: str | None

    def __new__(cls, text: str, whole: str | None) -> Brief:
        made = super().__new__(cls, text)
        made.whole = whole
        return made


@dataclass(frozen=True, slots=True)
class Change:
    """Challenger minus baseline. `better` is None where the change is nothing or has no direction."""

    value: float
    better: bool | None = None


Cell = str | int | float | bool | None | datetime | timedelta | Change


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key in json and csv, its label in tables, and how its cells read.

    In tables texts beyond `width` characters end in an ellipsis (None: whole); ids are cut to it. Formats for
    machines have them whole. A section drops a column that is empty in all of its rows unless it is `kept`, and so does
    a table on a terminal that is too narrow; then it leaves out the `spare` ones, the last first; before them those
    that are FIRST_TO_GO or more. `low` and `high` go together.
    """

    key: str
    label: str = ""
    kind: ColumnKind = "text"
    width: int | None = 60
    kept: bool = False
    spare: int = 0

    @property
    def title(self) -> str:
        """What stands above the column in a table."""
        return self.label or self.key


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of typed cells under columns. `kind` names what it is in JSON; `facts` are said once, above the rows.

    A sheet whose first column is of the kind `section` is shown in parts, one a section, and in JSON as an object a
    section. `ids` is what `--format id` prints; `total`, where there are more rows than these, goes into JSON;
    rows of the sections `objects` are objects there even if all their columns but one are empty.

    With a `headline`, what it says in a line, Markdown is a comment: the line, the tables, those of the sections
    `folded` under their summaries, as the facts are, and the command to type `next`.

    A `wide` one is not made to fit a terminal: whatever is wider breaks its lines.
    """

    kind: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    facts: Mapping[str, Cell] = field(default_factory=dict)
    ids: Sequence[str] = ()
    total: int | None = None
    objects: Collection[str] = ()
    headline: str = ""
    folded: Mapping[str, str] = field(default_factory=dict)
    next: str = ""
    wide: bool = False

    @property
    def sectioned(self) -> bool:
        """Whether the rows come in sections."""
        return bool(self.columns) and self.columns[0].kind == "section"
