"""`expctl learning-curve`: would more data help? Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.settings import load_settings


def learning_curve(
    run: common.Run,
    points: Annotated[int, typer.Option(min=2, max=20, metavar="N", help="How many parts, each twice the last.")] = 6,
    repeats: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Models of each part but the whole.")] = 3,
    metric: Annotated[
        str | None,
        typer.Option(metavar="M", help=f"A metric that is computed from labels, or values.{common.BY_TASK}"),
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the data is now, if it was moved.")] = None,
    test_data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the test data is now.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run the user's own code that builds the model.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show whether more data would help. Trains a run's recipe on parts of its rows; its picture goes to the run."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    streams = Streams(quiet=quiet)

    from expctl.render.learning_curve import curve_sheet, told
    from expctl.tracking.runs.references import resolve

    store = opened(settings, streams, verbose=verbose)
    found = resolve(store, run)

    from expctl.workflows.learning_curve import draw_learning_curve

    with stdout_is_ours(), streams.stages() as stage:
        drawn = draw_learning_curve(
            store,
            found,
            metric=metric,
            points=points,
            repeats=repeats,
            data=data,
            test_data=test_data,
            trust=trust,
            progress=stage,
        )
    for line in drawn.notes:
        streams.note(f"warning: not trained on {line}")
    streams.write(curve_sheet(drawn.run, drawn.curve, plot=format == "table"), format, settings)
    said = told(drawn.curve)
    if said is not None:
        streams.note(said)


COMMANDS = [Entry("learning-curve", learning_curve, topic="learning-curve")]
