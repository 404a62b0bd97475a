"""The files of a run, and what a terminal may show of one. Values only: nothing is coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.errors import UsageError
from expctl.render.sheet import Column, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from expctl.render.sheet import Cell
    from expctl.workflows.get import Files

_MOST = 10_000_000  # bytes: more than anybody reads on a terminal


def files_sheet(files: Files) -> Sheet:
    """`get`: path and size of each file."""
    columns = [Column("path", width=None), Column("bytes", "size", "number")]
    rows: list[list[Cell]] = [[one.path, None if one.size is None else Size(one.size)] for one in files.found]
    return Sheet("files", columns, rows, facts={"run": files.run.name, "run_id": files.run.run_id})


def copied_sheet(files: Files, places: Sequence[Path]) -> Sheet:
    """`get -o`: where each file is now."""
    columns = [Column("path", width=None), Column("bytes", "size", "number"), Column("copy", width=None)]
    rows: list[list[Cell]] = [
        [one.path, Size(place.stat().st_size), str(place)] for one, place in zip(files.found, places, strict=True)
    ]
    return Sheet("files", columns, rows, facts={"run": files.run.name, "run_id": files.run.run_id})


def text_of(content: Path, name: str) -> str:
    """A file as text for a terminal. Raises UsageError for what is none, or too long for people."""
    if content.stat().st_size > _MOST:
        raise UsageError(f"{name} is too long for a terminal", hint="-o DIR copies it")
    try:
        text = content.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{name} is not text", hint="-o DIR copies it")
    return text
