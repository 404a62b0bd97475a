"""`expctl power`: which differences test rows can show. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.settings import load_settings


def power(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN [RUN]",
            help="Two runs, whose predictions tell how much such models differ; or one, of which it is assumed.",
            autocompletion=completion.runs,
        ),
    ],
    difference: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The true difference that should be found.  [default: 0.01; of a metric without an end, 1 % of it]",
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(min=2, max=common.MOST, metavar="N", help="With so many test rows.  [default: those of the run]"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="M", help="Only this metric.", autocompletion=completion.metrics)
    ] = None,
    confidence: common.Confidence = 0.95,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Tell which differences the test rows can show. And how many rows one takes; trains nothing."""
    streams = Streams(quiet=quiet)

    from expctl.render.power import power_sheet
    from expctl.workflows.power import PowerRequest, powers

    request = PowerRequest(runs, metric, difference, rows, confidence)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    found = powers(opened(settings, streams, verbose=verbose), request)
    streams.write(power_sheet(found), format, settings)
    if found.grouped:
        streams.note("the test rows come in groups: how many of these there are counts, not how many rows")
    if not found.measured:
        streams.note(
            "assumed: a model about as good, whose errors are correlated by a half; name a second run to measure"
        )


COMMANDS = [Entry("power", power, topic="power")]
