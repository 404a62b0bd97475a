"""`expctl help`: the documentation, topic by topic. Owns its argument and stdout."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from expctl import docs
from expctl.cli.options.common import Entry, format_reader
from expctl.cli.streams import Streams, fancy, piped
from expctl.errors import UsageError, closest
from expctl.render.formats import Format
from expctl.settings import Settings


def _offered(context: typer.Context, incomplete: str) -> list[str]:
    return [name for name in sorted({*docs.names(), *_commands(context)}) if name.startswith(incomplete)]


def help(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC", help="A topic, or a command.  [default: list the topics]", autocompletion=_offered
        ),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format", "-f", metavar="FORMAT", parser=format_reader(("table", "json")),
            help="table, or json: all commands, options, kinds, defaults and exit codes, for programs.",
        ),
    ] = "table",
    schema: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="The JSON Schema of what a command prints with --format json."),
    ] = None,
) -> None:  # fmt: skip
    """Show a topic of the documentation. Without one, list the topics."""
    if schema is not None:
        _write_schema(schema, words or [])
        return
    from expctl.render.markdown import print_markdown, topics_sheet

    commands = _commands(context)
    topic = "-".join(words).lower() if words else None
    if format == "json":
        _write_reference(commands, topic)
        return
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


def _write_schema(command: str, words: list[str]) -> None:
    """The schema of a command's JSON. Raises UsageError for one that has none, and beside another topic."""
    if words not in ([], ["json"]):
        raise UsageError("--schema is of the topic json", hint=f"expctl help json --schema {command}")
    from expctl.encoding import json_text
    from expctl.render import schemas

    document = schemas.schema(command)
    with piped():
        sys.stdout.write(json_text(document, indent=2) + "\n")


def _write_reference(commands: dict[str, Any], name: str | None) -> None:
    """Everything as JSON, or the command of a name alone. Raises UsageError for a name that is no command's."""
    from expctl.cli.app import command_entries
    from expctl.cli.reference import reference
    from expctl.encoding import json_text

    document = reference(command_entries())
    if name is not None:
        if name not in commands:
            raise UsageError(f"no command {name!r}{closest(name, commands)}", hint="expctl help --format json")
        document["commands"] = {name: document["commands"][name]}
    with piped():
        sys.stdout.write(json_text(document, indent=2) + "\n")


def _commands(context: typer.Context) -> dict[str, Any]:
    """The other commands, by name."""
    group: Any = context.find_root().command
    return dict(group.commands)


COMMANDS = [Entry("help", help)]
