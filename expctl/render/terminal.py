"""A sheet on a terminal, by Rich. Cells are Text objects: nothing in them is read as markup."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from expctl.render.formats import RIGHT, parts
from expctl.render.sheet import Change, Column, Sheet
from expctl.render.text import shown, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from expctl.render.sheet import Cell

_STATUS_STYLES = {"finished": "green", "failed": "red", "killed": "yellow", "running": "cyan"}


def print_table(sheet: Sheet, stream: TextIO) -> None:
    """Print a sheet with frames and colours, as wide as the terminal is. Honours NO_COLOR and COLUMNS."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    for key, value in sheet.facts.items():
        console.print(Text.assemble((f"{key}  ", "dim"), shown(value, Column(key, width=None))), soft_wrap=True)
    sections = parts(sheet)
    for title, columns, rows in sections:
        table = Table(
            title=Text(visible(title), style="bold") if len(sections) > 1 else None,
            title_justify="left",
            box=SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
        )
        for column in columns:
            table.add_column(
                Text(visible(column.title)),
                justify="right" if column.kind in RIGHT else "left",
                overflow="ellipsis" if column.kind == "text" else "fold",
                no_wrap=column.kind != "text",
            )
        for row in rows:
            table.add_row(*(_cell(cell, column) for cell, column in zip(row, columns, strict=True)))
        console.print()
        console.print(table)


def _cell(cell: Cell, column: Column) -> Text:
    from rich.text import Text

    text = shown(cell, column)
    if isinstance(cell, Change) and cell.better is not None:
        return Text(text, style="green" if cell.better else "red")
    if column.key == "status" and isinstance(cell, str):
        return Text(text, style=_STATUS_STYLES.get(cell, ""))
    return Text(text, style="cyan" if column.kind == "id" else "")


@contextmanager
def status(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """A spinner on a terminal that says the present stage; the block gets the function that changes it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    with console.status(Text("starting")) as spinner:
        yield lambda stage: spinner.update(Text(visible(stage)))


@contextmanager
def row_counter(stream: TextIO, total: int | None) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over `total` bytes that counts rows too; the block gets the function (rows, bytes) -> None."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    columns = [TextColumn("predicting"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeElapsedColumn()]
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("predicting", total=total, rows=0)
        yield lambda rows, position: progress.update(task, completed=position, rows=rows)
