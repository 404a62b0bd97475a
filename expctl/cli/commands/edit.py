"""`expctl edit`: name, note and tags of recorded runs. Owns its arguments and both streams."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry, read_pairs
from expctl.cli.streams import Streams, opened
from expctl.errors import UsageError
from expctl.settings import load_settings
from expctl.wording import plural

if TYPE_CHECKING:
    from expctl.workflows.edit import Edit

_MOST = 1_000_000  # bytes of a note on stdin that are read: no store holds as many


def edit(
    runs: common.Runs = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", metavar="KEY=VALUE", help="Set a tag; repeatable.", autocompletion=completion.tags),
    ] = None,
    remove_tag: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Remove a tag; repeatable.", autocompletion=completion.tag_keys),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The run's new name.")] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its new description; '' for none, - for stdin.")
    ] = None,
    filter: common.Filter = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Change name, note or tags of runs. What was recorded of their making stays as it is."""
    if not runs and not filter.strip():
        raise UsageError("edit: no runs given", hint="expctl edit RUN -t KEY=VALUE, or --filter EXPR")
    tags = read_pairs(tag or [], "-t")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.edits import edits_sheet
    from expctl.workflows.edit import EditRequest, apply, to_edit

    request = EditRequest(tags, remove_tag or (), name, _typed() if note == "-" else note)
    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    edits = to_edit(store, runs or [], filter, request)
    todo = [one for one in edits if one.changes]
    if dry_run or not todo:
        streams.write(edits_sheet(todo), format, settings)
        streams.note(_would_change(len(edits), len(todo)))
        return
    done: list[Edit] = []
    try:
        for one in apply(store, todo):
            done.append(one)
    finally:
        streams.write(edits_sheet(done), format, settings)
        if len(done) < len(todo):
            streams.note(f"{len(done)} of {plural(len(todo), 'run')} changed")


def _typed() -> str:
    """The note on stdin, without the end of its last line. Raises UsageError for what is no text."""
    if sys.stdin is None:
        raise UsageError("--note -: stdin is closed", hint="--note TEXT")
    try:
        return sys.stdin.buffer.read(_MOST).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError("--note -: stdin is not UTF-8", hint="--note TEXT") from error


def _would_change(runs: int, changed: int) -> str:
    if not runs:
        return "no runs that match"
    return f"{plural(changed, 'run')} would be changed" if changed else "nothing to change: it is so already"


COMMANDS = [Entry("edit", edit, topic="editing")]
