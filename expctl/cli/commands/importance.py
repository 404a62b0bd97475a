"""`expctl importance`: the terms that speak for each class. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.settings import load_settings


def importance(
    run: common.Run,
    label: Annotated[str | None, typer.Option("--class", metavar="L", help="Of this class alone.")] = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many terms of each class.")] = 20,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show the terms that speak most for each class. Of linear models and naive Bayes."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    streams = Streams(quiet=quiet)

    from expctl.render.importance import importance_sheet
    from expctl.tracking.runs.references import resolve

    store = opened(settings, streams, verbose=verbose)
    found = resolve(store, run)

    from expctl.workflows.importance import importance as importance_of

    with stdout_is_ours(), streams.stages() as stage:
        stage("loading the model")
        terms = importance_of(store, found, label=label, top=top, warn=lambda text: streams.note(f"warning: {text}"))
    streams.write(importance_sheet(terms), format, settings)


COMMANDS = [Entry("importance", importance, topic="importance")]
