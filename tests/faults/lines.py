"""The list of what expctl survives, as README.md of this folder has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Line:
    """A line: its id, the fault, and the places where it is tried; `untried` says why it is not."""

    id: str
    fault: str
    tests: tuple[str, ...]
    untried: str = ""


def _read() -> tuple[Line, ...]:
    found = []
    for row in re.findall(r"^\| [A-J]\d\d \|.*\|$", (HERE / "README.md").read_text(), re.MULTILINE):
        name, fault, _, where = (cell.strip() for cell in row.strip("|").split("|"))
        untried = where.removeprefix("not tried: ") if where.startswith("not tried: ") else ""
        found.append(Line(name, fault, () if untried else tuple(where.split(", ")), untried))
    return tuple(found)


LINES: Final = _read()
