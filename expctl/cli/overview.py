"""`expctl --help` on one screen: the commands in groups, the most used first; other names for some of them.

And what `expctl` alone says in a folder where nothing is recorded yet. Knows names; not what commands do.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperGroup

from expctl.errors import MEANINGS, ExpctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GROUPS: Final = {
    "Train": ("train", "sweep", "run"),
    "Look": ("list", "show", "get", "report", "ui", "experiments"),
    "Decide and use": (
        *("best", "compare", "power", "explain", "importance", "gate", "promote", "predict", "reproduce"),
        *("learning-curve", "calibration"),
    ),
    "Keep": ("edit", "log", "adopt", "delete", "restore", "export", "import"),
    "Set up": ("doctor", "help"),
}
ALIASES: Final = {"ls": "list"}
_ORDER: Final = [name for names in GROUPS.values() for name in names]
# Each in its first words: the whole of it is in `expctl help exit-codes`.
_EXIT_CODES: Final = "; ".join(f"{code.value} {re.split(' ?[:,(]', text)[0]}" for code, text in MEANINGS.items())


def place(name: str) -> int:
    """Where a command stands among the others: one of no group behind all of them."""
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


class Group(TyperGroup):
    """The commands, by their names and those of `ALIASES`, with a --help of one screen."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their groups, then options and exit codes in a few lines."""
        helps = {name: self.commands[name].get_short_help_str(200) for name in self.list_commands(ctx)}
        column = max(map(len, helps)) + 4
        formatter.write_paragraph()
        for heading, names in _grouped(helps):
            formatter.write(f"{heading}:\n")
            for name in names:
                lines = textwrap.wrap(helps[name], max(formatter.width - column, 20)) or [""]
                formatter.write(f"  {name:<{column - 2}}{lines[0]}\n")
                formatter.write("".join(f"{'':<{column}}{line}\n" for line in lines[1:]))
        formatter.write_paragraph()
        formatter.write_text("Options: --version, --install-completion, --help (of each command, too).")
        formatter.write_text(f"Exit codes (expctl help exit-codes): {_EXIT_CODES}.")


def _grouped(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    groups = [*GROUPS.items(), ("Others", tuple(name for name in names if name not in _ORDER))]
    for heading, members in groups:
        present = [name for name in members if name in names]
        if present:
            yield heading, present


def first_steps() -> str | None:
    """What to type first, where the settings name no store and there is none yet; else None."""
    from expctl.settings import traced_settings
    from expctl.tracking.uris import sqlite_path

    try:
        settings, sources = traced_settings()
        path = sqlite_path(settings.tracking_uri)
    except ExpctlError:  # whoever types a command is told
        return None
    if sources["MLFLOW_TRACKING_URI"] != "default" or path is None or path.exists():
        return None
    train = "expctl train" if Path(settings.data).is_file() else "expctl train --data FILE.csv"
    steps = {
        train: "train a model on the columns text and label",
        "expctl show latest": "see what was recorded of it",
        'expctl predict "some text"': "use it",
    }
    width = max(map(len, steps))
    lines = [f"  {command:<{width}}  {what}" for command, what in steps.items()]
    return "\n".join(["No run is recorded here yet. To begin:", "", *lines, "", "All commands: expctl --help\n"])
