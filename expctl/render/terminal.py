"""A sheet on a terminal, by Rich. Cells are Text objects: nothing in them is read as markup."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, TextIO

from expctl.render.formats import RIGHT, parts
from expctl.render.sheet import Change, Column, Sheet
from expctl.render.sweeps import best_so_far, trial_line
from expctl.render.text import heading, places, shown, table_texts, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.text import Text

    from expctl.render.sheet import Cell
    from expctl.workflows.sweep_board import Progress as TrialProgress

_STATUS_STYLES = {"finished": "green", "failed": "red", "killed": "yellow", "running": "cyan"}
_SHRUNK = 8  # places that a narrow terminal leaves a text
_GAP = 3  # places between two columns
_AROUND_ROWS = 5  # lines of a screen that are no rows
_EDGES = 2  # places that Rich before 14.3 keeps for the edges of a table that has none


def print_table(sheet: Sheet, stream: TextIO) -> int:
    """Print a sheet with frames and colours, as wide as the terminal is. Honours NO_COLOR and COLUMNS.

    Returns how many spare columns were left out because they did not fit. A wide sheet is as wide as it is.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"  # None: nor bold, no ESC at all
    console = Console(file=stream, markup=False, emoji=False, highlight=False, color_system=colours)
    for key, value in sheet.facts.items():
        console.print(
            Text.assemble((f"{visible(key)}  ", "dim"), shown(value, Column(key, width=None))), soft_wrap=True
        )
    edges = _EDGES if tuple(map(int, version("rich").split(".")[:2])) < (14, 3) else 0
    available = sys.maxsize if sheet.wide else console.width - edges
    sections = parts(sheet)
    left_out = 0
    for title, columns, rows in sections:
        columns, rows, fewer = _fitting(columns, rows, available)
        left_out += fewer
        table = Table(
            title=Text(visible(title), style="bold") if len(sections) > 1 else None,
            title_justify="left",
            box=SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
        )
        cells = [
            [_cell(cell, column, text) for cell, column, text in zip(row, columns, texts, strict=True)]
            for row, texts in zip(rows, table_texts(rows, columns), strict=True)
        ]
        widths = _widths(columns, rows, cells, available)
        table.width = sum(widths) + _GAP * (len(widths) - 1) + edges
        for column, width in zip(columns, widths, strict=True):
            table.add_column(
                Text(heading(column), no_wrap=True, overflow="ellipsis"),
                justify="right" if column.kind in RIGHT else "left",
                width=width,
            )
        for row in cells:
            table.add_row(*row)
        console.print()
        console.print(table, crop=False)
    return left_out


@contextmanager
def screen(stream: TextIO) -> Iterator[Callable[[Sheet], None]]:
    """The whole terminal for one table; the block gets the function that shows another in its place.

    Of more rows than fit it shows the first. What stood on the terminal before is there again afterwards.
    """
    from rich.console import Console
    from rich.control import Control

    console = Console(file=stream)

    def show(sheet: Sheet) -> None:
        rows = sheet.rows[: max(console.height - _AROUND_ROWS, 1)]
        console.control(Control.home(), Control.clear())
        print_table(replace(sheet, rows=rows), stream)
        console.print(f"{datetime.now(UTC):%H:%M:%S} UTC, {len(rows)} of {len(sheet.rows)} {sheet.kind}; Ctrl-C ends")

    with console.screen():
        yield show


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], available: int
) -> tuple[Sequence[Column], Sequence[Sequence[Cell]], int]:
    """The columns without as many as it takes to fit: empty ones, then spare ones from the last on; and how many spare
    ones those were. Limits go together.
    """
    kept = list(range(len(columns)))
    gone = 0
    texts = table_texts(rows, columns)
    widths = [max([places(heading(column)), *(places(row[i]) for row in texts)]) for i, column in enumerate(columns)]
    spare = [i for i in kept if columns[i].spare]
    empty = [i for i in kept[1:] if rows and not columns[i].kept and all(row[i] in (None, "") for row in rows)]
    for i in [*empty, *sorted(spare, key=lambda i: (-columns[i].spare, -i))]:
        if sum(widths[j] for j in kept) + _GAP * (len(kept) - 1) <= available:
            break
        pair = {i, i - 1} if i and [one.title for one in columns[i - 1 : i + 1]] == ["low", "high"] else {i}
        gone += 0 if i in empty else len(pair.intersection(kept))
        kept = [j for j in kept if j not in pair]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows], gone


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], cells: Sequence[Sequence[Text]], available: int
) -> list[int]:
    """How wide each column gets: what it needs or, on a narrow terminal, less where it holds texts.

    Numbers and ids are never cut, for without its last digits a number is another one: where they do not fit, the
    terminal breaks the lines.
    """
    from rich.cells import cell_len

    needed, least = [], []
    for i, column in enumerate(columns):
        lengths = [row[i].cell_len for row in cells]
        texts = [isinstance(row[i], str) and column.kind != "id" for row in rows]
        needed.append(min(max([cell_len(heading(column)), *lengths]), available))
        least.append(max((min(n, _SHRUNK) if text else n for n, text in zip(lengths, texts, strict=True)), default=1))
    while sum(needed) + _GAP * (len(columns) - 1) > available:
        widest = max(range(len(columns)), key=lambda i: (needed[i] > least[i], needed[i]))
        if needed[widest] <= least[widest]:
            break
        needed[widest] -= 1
    return needed


def _cell(cell: Cell, column: Column, text: str) -> Text:
    """One line, cut where it does not fit; several where the column promises its texts whole."""
    from rich.text import Text

    style = "cyan" if column.kind == "id" else ""
    if isinstance(cell, Change) and cell.better is not None:
        style = "green" if cell.better else "red"
    elif column.key == "status" and isinstance(cell, str):
        style = _STATUS_STYLES.get(cell, "")
    whole = column.width is None
    return Text(text, style=style, overflow="fold" if whole else "ellipsis", no_wrap=not whole)


@contextmanager
def status(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """A spinner on a terminal that says the present stage; the block gets the function that changes it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    with console.status(Text("starting")) as spinner:
        yield lambda stage: spinner.update(Text(visible(stage)))


@contextmanager
def trial_bar(stream: TextIO, metric: str) -> Iterator[Callable[[TrialProgress], None]]:
    """A progress bar over the trials of a sweep, with the best so far and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    best = TextColumn("{task.fields[best]}", markup=False)
    with Progress(
        MofNCompleteColumn(), best, BarColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("trials", total=None, best="")

        def update(progress: TrialProgress) -> None:
            bar.update(task, total=progress.total, completed=progress.ended, best=best_so_far(progress))
            if progress.error is not None:
                console.print(Text(f"expctl: {visible(trial_line(progress, metric))}"))

        yield update


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
