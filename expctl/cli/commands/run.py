"""`expctl run`: any program as a run. Owns its arguments and both streams: what the program says goes to stderr."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from expctl.cli.options import common, programs, training
from expctl.cli.options.common import Entry, read_pairs
from expctl.cli.program_inputs import read_patterns
from expctl.cli.streams import Streams, fancy, tell_page
from expctl.settings import load_settings


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- PROGRAM ARGUMENT", help="The program and its arguments; -- may be left out."),
    ] = None,
    param: programs.Param = None,
    metric: programs.MetricPatterns = None,
    artifact: programs.Artifacts = None,
    data: programs.Data = None,
    predictions: programs.Predictions = None,
    target: programs.Target = None,
    prediction: programs.Prediction = None,
    id: programs.Id = None,
    text_column: programs.TextColumn = None,
    task: programs.Task = None,
    timeout: programs.Timeout = None,
    run_name: training.RunName = None,
    tag: training.Tag = None,
    note: training.Note = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Run any program, recorded as a run with what it writes."""
    from expctl.tracking.runs.metadata import RunMetadata
    from expctl.training.data.predictions_table import PredictionColumns
    from expctl.workflows.program_request import ProgramRequest

    request = ProgramRequest(
        tuple(command or ()), RunMetadata(run_name, read_pairs(tag or [], "-t"), note),
        read_pairs(param or [], "--param"), read_patterns(metric or []), tuple(artifact or ()), data,
        predictions, PredictionColumns(target, prediction, tuple(id or ()), text_column, task), timeout,
    )  # fmt: skip
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    environment = dict(os.environ)  # before MLflow and we make ours of it

    from expctl.programs.output import shown_on
    from expctl.render.views import trained_sheet
    from expctl.workflows.run import Context
    from expctl.workflows.run import run as run_program

    streams = Streams(quiet=quiet)
    shown = None if quiet or sys.stderr is None else shown_on(2)
    context = Context(settings, environment, shown, shown is not None and fancy(sys.stderr), streams.note)
    ran = run_program(request, context, verbose=verbose)
    streams.write(trained_sheet(ran.run), format, settings)
    for one in ran.below:
        streams.note(f"the program's own run {one.described} is below it")
    tell_page(ran.store, streams, ran.run.experiment_id, ran.run.run_id)
    streams.note(f"next: expctl show {ran.run.run_id[:8]}")


COMMANDS = [Entry("run", run, topic="run", takes_program=True)]
