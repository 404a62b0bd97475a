"""The table of formats: a sheet to text. Every format carries the same rows and columns.

To add a format: one function and its entry in `FORMATS`; --help, the check of --format and the golden test read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl import encoding
from expctl.encoding import csv_text, json_text
from expctl.render.sheet import Brief, Change, Column, Sheet
from expctl.render.text import heading, places, shown, table_texts, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from expctl.render.sheet import Cell

Format = str  # a key of FORMATS

JSON_VERSION: Final = 1  # of the shape that `expctl help formats` documents; raised when a key changes its meaning


def plain_table(sheet: Sheet) -> str:
    """Aligned columns without frames or colours: what a pipe, a log or a dumb terminal gets."""
    lines = [f"{visible(key)}: {shown(value, Column(key, width=None))}" for key, value in sheet.facts.items()]
    sections = parts(sheet)
    alone = len(sections) == 1
    for number, (title, columns, rows) in enumerate(sections):
        if number or (lines and rows):
            lines.append("")
        if title and not alone:
            lines.append(visible(title.upper()))
        cells = [[heading(column) for column in columns], *table_texts(rows, columns)]
        lines.extend(_aligned(cells, columns) if rows or not lines else [])
    return "".join(line.rstrip() + "\n" for line in lines)


def _aligned(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> Iterator[str]:
    widths = [max(map(places, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        gaps = [" " * (width - places(cell)) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(
            gap + cell if column.kind in RIGHT else cell + gap
            for cell, gap, column in zip(row, gaps, columns, strict=True)
        )


RIGHT: Final = ("number", "change", "p_value", "duration")


def parts(sheet: Sheet) -> Sequence[tuple[str, Sequence[Column], Sequence[Sequence[Cell]]]]:
    """A sheet as (title, columns, rows) a section; one part without a title where it has no sections.

    A section does without the columns that are empty in all of its rows, but for its key and those that are `kept`.
    """
    if not sheet.sectioned:
        return [("", sheet.columns, list(sheet.rows))]
    sections: dict[str, list[Sequence[Cell]]] = {}
    for row in sheet.rows:
        sections.setdefault(str(row[0]), []).append(row)
    found = []
    for title, rows in sections.items():
        used = [
            i
            for i, column in enumerate(sheet.columns)
            if i > 0 and (i == 1 or column.kept or any(row[i] is not None for row in rows))
        ]
        found.append((title, [sheet.columns[i] for i in used], [[row[i] for i in used] for row in rows]))
    return found


def as_json(sheet: Sheet) -> str:
    """One object: `version`, `kind`, the facts, then `rows`, or an object for each section, by key.

    In a sheet of sections a row with a single value is that value, else an object of its columns.
    """
    document: dict[str, Any] = {"version": JSON_VERSION, "kind": sheet.kind}
    document.update({key: exact(value) for key, value in sheet.facts.items()})
    if sheet.total is not None:
        document["total"] = sheet.total
    if not sheet.sectioned:
        document["rows"] = [_record(sheet.columns, row) for row in sheet.rows]
    else:
        for title, columns, rows in parts(sheet):
            document[title] = {
                str(row[0]): exact(row[1])
                if len(columns) == 2 and title not in sheet.objects
                else _record(columns[1:], row[1:])
                for row in rows
            }
    return json_text(document, indent=2) + "\n"


def as_jsonl(sheet: Sheet) -> str:
    """One object a row."""
    return "".join(json_text(_record(sheet.columns, row)) + "\n" for row in sheet.rows)


def exact(cell: Cell) -> Any:
    """A cell as JSON holds it, unrounded: of a change its value, of a shortened text the whole."""
    if isinstance(cell, Brief):
        return cell.whole
    return encoding.exact(cell.value if isinstance(cell, Change) else cell)


def _record(columns: Sequence[Column], row: Sequence[Cell]) -> dict[str, Any]:
    return {column.key: exact(cell) for column, cell in zip(columns, row, strict=True)}


def as_csv(sheet: Sheet, *, formulas: str = "escape") -> str:
    """RFC 4180 with a header. Texts that a spreadsheet would run as a formula get a ' before them, unless kept."""
    rows = ([exact(cell) for cell in row] for row in sheet.rows)
    return csv_text([[column.key for column in sheet.columns], *rows], formulas=formulas)


def as_markdown(sheet: Sheet) -> str:
    """Pipe tables, as a pull request shows them; facts as a list above, or folded below the line that says it all."""
    facts = [
        f"- {_markdown(visible(key))}: {_markdown(shown(value, Column(key, width=None)))}"
        for key, value in sheet.facts.items()
    ]
    open_, folded = ([f"**{_markdown(visible(sheet.headline))}**"], []) if sheet.headline else (facts, [])
    for title, columns, rows in parts(sheet):
        if title in sheet.folded:
            folded += _details(sheet.folded[title], _pipe_table(columns, rows))
        else:
            heading = [f"### {_markdown(visible(title))}", ""] if title and not sheet.headline else []
            open_ += [*([""] if open_ else []), *heading, *_pipe_table(columns, rows)]
    if sheet.headline:
        folded += _details("details", facts)
    after = ["", f"Next: `{sheet.next}`"] if sheet.next else []
    return "".join(line + "\n" for line in (*open_, *folded, *after))


def _pipe_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    for row in ([heading(column) for column in columns], None, *table_texts(rows, columns)):
        cells = map(_markdown, row) if row else ("---:" if column.kind in RIGHT else "---" for column in columns)
        yield f"| {' | '.join(cells)} |"


def _details(summary: str, lines: Iterable[str]) -> list[str]:
    """Lines that unfold. The summary is HTML: Markdown is not read in it, but a mention is."""
    told = "".join({"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}.get(char, char) for char in visible(summary))
    return ["", "<details>", f"<summary>{told}</summary>", "", *lines, "", "</details>"]


def _markdown(text: str) -> str:
    """Text that stays text in Markdown: no markup, HTML or mention in it; a bare address may become a link."""
    return "".join(
        f"\\{char}" if char in "\\`*_[]|~#@" else {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(char, char)
        for char in text
    )


def as_ids(sheet: Sheet) -> str:
    """The full run ids, one a line."""
    return "".join(f"{visible(run_id)}\n" for run_id in sheet.ids)


FORMATS: Final[dict[str, Callable[[Sheet], str]]] = {
    "table": plain_table,
    "json": as_json,
    "jsonl": as_jsonl,
    "csv": as_csv,
    "md": as_markdown,
    "id": as_ids,
}
