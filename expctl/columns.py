"""The columns of a table that a recipe reads, by name, with the kind of each, and how they are written in it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMN_KINDS: Final = ("numeric", "categorical", "text", "datetime")
_LONG: Final = 2000  # characters of JSON: more are packed, as a tag of a store takes 8,000


def by_kind(columns: Mapping[str, str] | None) -> dict[str, str] | None:
    """The columns of a table in the order in which a recipe has them: kind by kind, each in the table's order.

    Raises ValueError for a kind that is none.
    """
    if columns is None:
        return None
    ordered = sorted(columns, key=lambda name: COLUMN_KINDS.index(columns[name]))
    return {name: columns[name] for name in ordered}


def told_columns(columns: Mapping[str, str]) -> str:
    """How many there are of each kind: `5 numeric, 2 categorical`."""
    kinds = list(columns.values())
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in COLUMN_KINDS if kind in kinds)


def written_columns(columns: Mapping[str, str]) -> dict[str, Any]:
    """Columns as a value of JSON: lists by kind, as sorted keys would lose their order; many of them packed."""
    lists = {kind: [name for name, own in columns.items() if own == kind] for kind in dict.fromkeys(columns.values())}
    text = json.dumps(lists, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= _LONG:
        return lists
    return {"zlib": base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 9)).decode()}


def read_columns(written: Any) -> dict[str, str] | None:
    """The columns that `written_columns` wrote; None of None. Raises ValueError or TypeError for anything else."""
    if written is None:
        return None
    if not isinstance(written, dict):
        raise TypeError("columns are an object of lists by kind")
    if set(written) == {"zlib"}:
        unpacked = zlib.decompressobj()
        try:
            text = unpacked.decompress(base64.urlsafe_b64decode(written["zlib"]), 2**24)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        written = json.loads(text)
    if not all(isinstance(names, list) and all(isinstance(one, str) for one in names) for names in written.values()):
        raise TypeError("columns are lists of names by kind")
    return by_kind({name: kind for kind, names in written.items() for name in names})
