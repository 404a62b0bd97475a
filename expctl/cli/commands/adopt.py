"""`expctl adopt`: predictions for a run that another program logged. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common, programs
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.settings import load_settings


def adopt(
    run: common.Run,
    predictions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Its test-set predictions: a file of the run, or of this machine."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="Or test rows, with labels, that its logged model predicts.")
    ] = None,
    target: programs.Target = None,
    prediction: programs.Prediction = None,
    id: programs.Id = None,
    text_column: programs.TextColumn = None,
    task: programs.Task = None,
    trust: common.Trust = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Add test-set predictions to a run of another program."""
    from expctl.training.data.predictions_table import PredictionColumns
    from expctl.workflows.adopt import AdoptRequest

    request = AdoptRequest(
        predictions, data, PredictionColumns(target, prediction, tuple(id or ()), text_column, task), trust
    )
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.views import trained_sheet
    from expctl.workflows.adopt import adopt as adopt_run

    streams = Streams(quiet=quiet)
    with stdout_is_ours():
        store = opened(settings, streams, verbose=verbose)
        adopted = adopt_run(store, run, request, streams.note)
    streams.write(trained_sheet(adopted), format, settings)
    streams.note(f"next: expctl compare RUN {adopted.run_id[:8]}")


COMMANDS = [Entry("adopt", adopt, topic="predictions")]
