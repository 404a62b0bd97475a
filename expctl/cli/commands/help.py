"""`expctl help`: the documentation, topic by topic. Owns its argument and stdout."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from expctl import docs
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, fancy, piped
from expctl.settings import Settings


def _offered(context: typer.Context, incomplete: str) -> list[str]:
    return [name for name in sorted({*docs.names(), *_commands(context)}) if name.startswith(incomplete)]


def help(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC", help="A topic, or a command.  [default: list the topics]", autocompletion=_offered
        ),
    ] = None,
) -> None:
    """Show a topic of the documentation. Without one, list the topics."""
    from expctl.render.markdown import print_markdown, topics_sheet

    commands = _commands(context)
    if topic is None:
        Streams().write(topics_sheet(docs.topics()), "table", Settings())
        return
    with piped():
        if topic in commands and topic not in docs.names():
            page = typer.Context(commands[topic], info_name=topic, parent=context.parent)
            sys.stdout.write(page.get_help() + "\n")
            return
        text = docs.read(topic, commands=list(commands)).text
        if fancy(sys.stdout):
            print_markdown(text, sys.stdout)
        else:
            sys.stdout.write(text)


def _commands(context: typer.Context) -> dict[str, Any]:
    """The other commands, by name."""
    group: Any = context.find_root().command
    return dict(group.commands)


COMMANDS = [Entry("help", help)]
