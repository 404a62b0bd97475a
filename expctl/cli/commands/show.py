"""`expctl show`: one run whole. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, tell_page
from expctl.settings import load_settings


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id or the start of it, its name, latest, latest~1, best, best:METRIC, NAME@ALIAS, a filter.",
            autocompletion=completion.runs,
        ),
    ],
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show a run whole. Parameters, metrics, data, tags, environment, files, and the command that makes it again."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.views import run_sheet
    from expctl.workflows.show import show as show_run

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    shown = show_run(store, run)
    files = [(artifact.path, artifact.size) for artifact in shown.artifacts]
    sheet = run_sheet(shown.run, command=shown.command, artifacts=files)
    streams.write(sheet, format, settings)
    if shown.unlisted is not None:
        streams.note(f"warning: its files cannot be listed: {shown.unlisted}")
    tell_page(store, streams, shown.run.experiment_id, shown.run.run_id)


COMMANDS = [Entry("show", show, topic="runs")]
