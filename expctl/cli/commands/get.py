"""`expctl get`: the files of a run listed, printed or copied. Owns its arguments and both streams."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, harmless, opened, piped
from expctl.render.formats import Format
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.tracking.store import Store
    from expctl.workflows.get import Files


def get(
    run: common.Run,
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="A file to print, or a folder.  [default: list all files]",
            autocompletion=completion.files,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Copy the file, the folder or all files into this folder."),
    ] = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: Annotated[Format, common.format_option(without=["id"])] = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Get the files of a run. Lists them, prints one, or copies them."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.files import copied_sheet, files_sheet
    from expctl.workflows.get import copy, find

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    files = find(store, run, path)
    if output is not None:
        with streams.stages() as stage:
            places = copy(store, files, output, stage)
        streams.write(copied_sheet(files, places), format, settings)
    elif files.single:
        _print(store, files)
    else:
        streams.write(files_sheet(files), format, settings)
        if not files.found:
            streams.note(f"run {files.run.described} has no files")


def _print(store: Store, files: Files) -> None:
    """Write a file to stdout: to a terminal what it can show, elsewhere every byte."""
    from expctl.render.files import text_of
    from expctl.workflows.get import opened as fetched

    with fetched(store, files) as content, piped():
        if sys.stdout.isatty():
            sys.stdout.write(harmless(text_of(content, files.found[0].path)))
        else:
            sys.stdout.flush()
            with content.open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)


COMMANDS = [Entry("get", get, topic="runs")]
