"""`expctl log`: metrics, parameters and files added to a recorded run. Owns its arguments and both streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry, read_pairs
from expctl.cli.streams import Streams, opened
from expctl.errors import UsageError
from expctl.settings import load_settings


def log(
    run: common.Run,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=NUMBER", help="Add a metric, or another value of one added before; repeatable."),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="The step of the metrics.  [default: 0]"),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="Add a parameter; repeatable.")
    ] = None,
    artifact: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Add a file, under its own name; repeatable.")
    ] = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Add metrics, parameters and files to a run. What it has recorded itself is never replaced."""
    if step is not None and not metric:
        raise UsageError("--step says at which step a metric was measured", hint="--metric KEY=NUMBER --step N")
    metrics = {key: _number(key, text) for key, text in read_pairs(metric or [], "--metric").items()}
    params = read_pairs(param or [], "-p")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.edits import logged_sheet
    from expctl.workflows.log import LogRequest
    from expctl.workflows.log import log as log_to

    request = LogRequest(metrics, params, artifact or (), step or 0)
    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    streams.write(logged_sheet(log_to(store, run, request), request), format, settings)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--metric {key}={text} is not a number", hint=f"for example --metric {key}=0.93") from None


COMMANDS = [Entry("log", log, topic="editing")]
