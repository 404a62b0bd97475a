"""Topics of the documentation: their list as a sheet, and their Markdown on a terminal, by Rich.

A pipe gets a topic's Markdown as it is written: that is plain text already.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, Literal, TextIO

from expctl.render.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from expctl.docs import Topic

_WIDEST: Final = 120  # lines of prose are hard to follow beyond
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def topics_sheet(topics: Iterable[Topic]) -> Sheet:
    """A row for each topic, with its first sentence."""
    rows = [[topic.name, topic.summary] for topic in topics]
    return Sheet("topics", [Column("topic", width=None), Column("about", width=None)], rows)


def for_terminal(text: str) -> str:
    """Markdown whose links to other topics name the command that shows them, and those to files their path."""
    return _LINK.sub(_spelled, text)


def _spelled(link: re.Match[str]) -> str:
    words, target = link[1], link[2]
    if "://" in target:
        return link[0]
    path = re.sub(r"#.*", "", target)
    if not path:
        return words
    if re.fullmatch(r"[a-z-]+\.md", path):
        name = path.removesuffix(".md")
        command = f"`expctl help {name}`"
        return command if words.replace(" ", "-") == name else f"{words} ({command})"
    return f"{words} (`{re.sub('^[.][.]/', 'expctl/', path.removeprefix('../../'))}`)"


def print_markdown(text: str, stream: TextIO) -> None:
    """Print Markdown as wide as the terminal is, but not wider than reads well. Honours NO_COLOR and COLUMNS."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    theme = Theme({"markdown.code": "cyan", "markdown.h1": "bold underline"})  # without a background, unlike Rich's own
    console = Console(file=stream, markup=False, emoji=False, highlight=False, color_system=colours, theme=theme)
    page = Markdown(for_terminal(text), code_theme="ansi_dark", hyperlinks=False)
    console.print(page, width=min(console.width, _WIDEST))
