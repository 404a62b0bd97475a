"""`expctl show`: one run whole. Owns its arguments and both streams."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, harmless, opened, tell_page
from expctl.errors import UsageError
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.render.formats import Format
    from expctl.settings import Settings


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id or the start of it, its name, latest, latest~1, best, best:METRIC, NAME@ALIAS, a filter.",
            autocompletion=completion.runs,
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Show slices of the test rows, by this column, instead."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="With --by: this metric.  [default: f1_score and accuracy]",
            autocompletion=completion.metrics,
        ),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Print a script of pandas and scikit-learn that makes its metrics, instead.")
    ] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show a run whole. Parameters, metrics, data, tags, environment, files, and the command that makes it again."""
    if metric is not None and by is None:
        raise UsageError("--metric goes with --by", hint="--by COLUMN")
    if code and (by is not None or format != "table"):
        raise UsageError("--code prints a script alone", hint="leave out --by and --format")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    if code:
        from expctl.workflows.run_code import run_code

        sys.stdout.write(harmless(run_code(opened(settings, Streams(quiet=quiet), verbose=verbose), run)))
        return
    if by is not None:
        _slices(run, by, metric, settings, Streams(quiet=quiet), format, verbose=verbose)
        return

    from expctl.render.views import run_sheet
    from expctl.workflows.show import show as show_run

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    shown = show_run(store, run)
    files = [(artifact.path, artifact.size) for artifact in shown.artifacts]
    sheet = run_sheet(shown.run, command=shown.command, artifacts=files, spreads=shown.spreads)
    streams.write(sheet, format, settings)
    if shown.unlisted is not None:
        streams.note(f"warning: its files cannot be listed: {shown.unlisted}")
    tell_page(store, streams, shown.run.experiment_id, shown.run.run_id)


def _slices(
    reference: str, by: str, metric: str | None, settings: Settings, streams: Streams, format: Format, *, verbose: bool
) -> None:
    from expctl.render.slices import slices_sheet
    from expctl.tracking.runs.references import resolve
    from expctl.workflows.slices import sliced_run

    store = opened(settings, streams, verbose=verbose)
    found = sliced_run(store, resolve(store, reference), by, metric=metric)
    streams.write(slices_sheet(found.run, found.column, found.metrics, found.slices), format, settings)


COMMANDS = [Entry("show", show, topic="runs")]
