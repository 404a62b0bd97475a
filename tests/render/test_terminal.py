"""A sheet on a terminal: nothing in it is obeyed, nothing that counts is cut, whatever the width."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from rich.cells import cell_len

from expctl.render.sheet import FIRST_TO_GO, Change, Column, Sheet
from expctl.render.terminal import print_table
from tests.render import OLD_RICH

STYLE = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = (40, 80, 200)

HOSTILE = [
    "[red]x[/red]",
    "[/red]",
    "[link=file:///x]y[/link]",
    ":skull:",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b2J",
    "good\rbad",
    "first\nsecond",
    "\u202egnp.exe",
    "日本語の名前はとても長いことがあります",
    "x" * 1_000_000,
    "many words that a narrow terminal would love to put on several lines of the table",
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.fixture(autouse=True)
def _a_colour_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def printed(sheet: Sheet) -> str:
    stream = Terminal()
    print_table(sheet, stream)
    return stream.getvalue()


def plain(sheet: Sheet) -> list[str]:
    """The lines as a person sees them: without styles, empty ones and the rule below the header."""
    lines = STYLE.sub("", printed(sheet)).split("\n")
    return [line for line in lines if line.strip(" ─")]


def runs(names: list[str]) -> Sheet:
    columns = [
        Column("run_id", "run", "id", width=8),
        Column("name"),
        Column("status"),
        Column("f1_score", kind="number"),
    ]
    return Sheet("runs", columns, [["0123456789abcdef", name, "finished", 0.123456] for name in names])


def test_every_run_is_one_line_with_its_id_and_its_number_whole(width: int) -> None:
    """A cell that broke its line, or a number without its last digits, would be read as something else."""
    header, *lines = plain(runs(HOSTILE))
    *names, metric = header.split()
    assert names == ["run", "name", "status"]
    assert metric == "f1_score" or (width == 40 and metric.endswith("…"))
    assert len(lines) == len(HOSTILE)
    for line in lines:
        assert line.startswith("01234567 ")
        assert line.rstrip().endswith(" 0.1235")
        assert cell_len(line) <= width + OLD_RICH  # which keeps a place at each edge


def test_nothing_of_a_text_is_obeyed(width: int) -> None:
    """Markup, emoji names and escapes are shown; all that the terminal is told is the styles we chose."""
    sheet = Sheet(
        "runs",
        [Column("name", width=None), Column("x", "\x1b[5mtitle[/] :skull:\n")],
        [[text, 1] for text in HOSTILE if len(text) < 100],
        facts={"\x1b[2Jkey": "[red]\x1b]8;;file:///x\x07 :skull:\r"},
    )
    text = printed(sheet)
    assert set(STYLE.findall(text)) <= {"\x1b[0m", "\x1b[1m", "\x1b[2m"}
    rest = STYLE.sub("", text)
    assert not [char for char in rest if char != "\n" and unicodedata.category(char) in ("Cc", "Cf")]
    if width > 40:
        for literal in ("[red]x[/red]", "[/red]", "[link=file:///x]y[/link]", ":skull:", "\\x1b[2J", "\\u202egnp.exe"):
            assert literal in rest
        assert "\\x1b[2Jkey  [red]\\x1b]8;;file:///x\\x07 :skull:\\r\n" in rest
        assert "\\x1b[5mtitle[/] :skull:\\n" in rest
    assert "💀" not in rest


COMPARED = Sheet(
    "comparison",
    [
        Column("section", kind="section"),
        Column("key"),
        Column("baseline", "a-very-long-run-name", "number", width=32),
        Column("challenger", "another-long-run-name", "number", width=32),
        Column("change", kind="change"),
    ],
    [
        ["parameters", "data_hash", "ab" * 32, "cd" * 32, None],
        ["metrics", "balanced_accuracy", 0.8912, 0.9034, Change(0.0122, True)],
        ["metrics", "log_loss", 1.25e-12, 1.5e12, Change(-0.25, False)],
    ],
    facts={"baseline": "0123456789abcdef0123456789abcdef", "same_test_set": True},
)


def test_a_comparison_keeps_its_keys_and_numbers_on_a_narrow_terminal(width: int) -> None:
    """+0.0122 cut to +0.01 is a wrong answer; a line without its key is no answer."""
    lines = plain(COMPARED)
    [accuracy] = [line for line in lines if line.startswith("balance")]
    [loss] = [line for line in lines if line.startswith("log_loss")]
    [digest] = [line for line in lines if line.startswith("data_hash")]
    assert accuracy.split()[1:] == ["0.8912", "0.9034", "+0.0122"]
    assert loss.split()[1:] == ["1.25e-12", "1.5e+12", "-0.2"]
    assert digest.count("…") == 2
    assert "metrics" in [line.strip() for line in lines]


def test_numbers_stay_whole_where_even_they_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty metrics on 40 places: the terminal breaks the line, and every digit is there."""
    monkeypatch.setenv("COLUMNS", "40")
    columns = [Column("run_id", "run", "id", width=8), *(Column(f"m{i}", kind="number") for i in range(30))]
    sheet = Sheet("runs", columns, [["0123456789", 1234567890123, *(0.5 + i / 1000 for i in range(1, 30))]])
    assert plain(sheet)[1].split() == ["01234567", "1234567890123", *(f"{0.5 + i / 1000:.4f}" for i in range(1, 30))]


def test_texts_of_a_column_without_a_width_are_whole(width: int) -> None:
    """`show` promises the command line that makes the run again: broken over lines, perhaps, but all of it."""
    command = "expctl train --data " + "/".join(["a-rather-long-folder"] * 12)
    sheet = Sheet(
        "run",
        [Column("section", kind="section"), Column("key"), Column("value", width=None)],
        [["run", "command", command]],
    )
    text = "".join(line.removeprefix("command").strip() for line in plain(sheet)[1:])
    assert text.replace(" ", "") == command.replace(" ", "")


@pytest.mark.parametrize(
    ("change", "style"),
    [
        (Change(0.0122, True), "32"),
        (Change(0.0122, False), "31"),
        (Change(-0.0122, True), "32"),
        (Change(-0.0122, False), "31"),
        (Change(0.0122), None),
    ],
)
def test_changes_are_coloured_by_whether_they_are_better(change: Change, style: str | None) -> None:
    """The direction of the metric decides, not the sign."""
    text = printed(Sheet("comparison", [Column("change", kind="change")], [[change]]))
    line = text.rstrip("\n").split("\n")[-1]
    assert re.findall(r"\x1b\[3(\d)m *[+-]0\.0122\x1b", line) == ([style[1]] if style else [])
    assert line.count("\x1b") == (2 if style else 0)


def test_statuses_have_colours_and_unknown_ones_none() -> None:
    sheet = Sheet("runs", [Column("status")], [["finished"], ["failed"], ["killed"], ["odd"]])
    text = printed(sheet)
    assert ("\x1b[32mfinished" in text, "\x1b[31mfailed" in text, "\x1b[33mkilled" in text) == (True, True, True)
    assert "\nodd" in text


def test_no_color_leaves_no_escape_at_all(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither colours nor bold: people set it for programs that cannot read escapes."""
    with_colours = plain(COMPARED)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed(COMPARED)
    assert plain(COMPARED) == with_colours


def test_sections_have_their_titles_and_a_single_one_needs_none() -> None:
    one = Sheet("trained", COMPARED.columns, COMPARED.rows[1:])
    assert {"parameters", "metrics"} <= {line.strip() for line in plain(COMPARED)}
    assert "metrics" not in {line.strip() for line in plain(one)}


def test_an_empty_sheet_shows_its_header() -> None:
    assert [line.split() for line in plain(runs([]))] == [["run", "name", "status", "f1_score"]]


def test_the_first_to_go_are_left_out_before_other_spare_columns(monkeypatch):
    spare = {"a": 1, "p": FIRST_TO_GO, "b": 1, "run": FIRST_TO_GO, "c": 1}
    columns = [Column("name"), *(Column(key, kind="number", spare=one) for key, one in spare.items())]
    sheet = Sheet("comparison", columns, [["x", *range(100_000, 100_005)]])
    for width, left in ((120, "a p b run c"), (45, "a p b c"), (35, "a b c"), (25, "a b")):
        monkeypatch.setenv("COLUMNS", str(width))
        stream = Terminal()
        print_table(sheet, stream)
        assert STYLE.sub("", stream.getvalue()).split("\n")[1].split() == ["name", *left.split()]


def test_columns_without_a_value_go_first_and_limits_together(monkeypatch):
    columns = [
        Column("name"), *(Column(f"m_{key}", key, "number", spare=1) for key in ("value", "low", "high")),
        Column("note"),
    ]  # fmt: skip
    sheet = Sheet("slices", columns, [["x", *range(100_000, 100_003), None]])
    for width, left, gone in ((60, "value low high note", 0), (35, "value low high", 0), (30, "value", 2), (10, "", 3)):
        monkeypatch.setenv("COLUMNS", str(width))
        stream = Terminal()
        assert print_table(sheet, stream) == gone
        assert STYLE.sub("", stream.getvalue()).split("\n")[1].split() == ["name", *left.split()]


def test_spare_columns_are_left_out_from_the_last_where_the_terminal_is_narrow(monkeypatch):
    columns = [Column("name"), *(Column(f"c{i}", kind="number", spare=True) for i in range(6)), Column("end")]
    sheet = Sheet("runs", columns, [["run", *range(100_000, 100_006), "x"]])
    for width, left_out in ((120, 0), (60, 1), (40, 3), (10, 6)):
        monkeypatch.setenv("COLUMNS", str(width))
        stream = Terminal()
        assert print_table(sheet, stream) == left_out
        header = STYLE.sub("", stream.getvalue()).split("\n")[1].split()
        assert header == ["name", *(f"c{i}" for i in range(6 - left_out)), "end"]
