"""`expctl report`: runs in pictures, as one HTML file. Owns its arguments and both streams."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened_among, piped
from expctl.errors import ExpctlError, RunNotFound, UsageError

if TYPE_CHECKING:
    from expctl.analysis.report import Report


_ENDINGS: Final = (".html", ".htm")


def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, the first is the baseline; a sweep; a glob over names or a filter.  [default: the best runs]",
            autocompletion=completion.runs,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where to write, atomically.")
    ] = Path("report.html"),
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="What to rank by.  [default: f1_score; a sweep's own]",
            autocompletion=completion.metrics,
        ),
    ] = None,
    confidence: common.Confidence = 0.95,
    margin: common.Margin = None,
    experiment: common.Experiments = None,
    all_experiments: common.AllExperiments = False,
    tracking_uri: common.TrackingUri = None,
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Draw runs, as one HTML file that needs no network. Ranking, parameters, curves, confusion, what changed."""
    check_output(output, "--output")
    streams = Streams(quiet=quiet)

    from expctl.metrics import without_metric
    from expctl.tracking.runs.references import present_metrics
    from expctl.workflows.report import assemble, choose

    store = opened_among(experiment, tracking_uri, streams, everywhere=all_experiments, verbose=verbose, margin=margin)
    try:
        choice = choose(store, runs or [], metric)
    except RunNotFound as error:
        misplaced = next((run for run in runs or [] if run.lower().endswith(_ENDINGS)), None)
        raise error if misplaced is None else RunNotFound(error.message, hint=f"--output {misplaced}") from None
    made = assemble(store, choice, confidence=confidence)
    if not made.ranking.ranked:
        present = {key for run in choice.runs for key in run.metrics} if runs else present_metrics(store)
        raise without_metric("no finished run has", choice.metric, present)
    for note in made.notes:
        streams.note(note)
    write_report(made, output)
    with piped():
        sys.stdout.write(f"{output}\n")


def check_output(path: Path, option: str) -> None:
    """Raise UsageError, before any work, for a file that a report cannot or should not be written to."""
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{option} {path}: a report is an .html file", hint=f"{option} report.html")
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder", hint="name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}", hint=f"mkdir -p {path.parent}")


def write_report(made: Report, path: Path) -> None:
    """Write a report, whole or not at all. Raises ExpctlError where the disk is full."""
    from expctl.render.report import report_page
    from expctl.render.rows import whole_file

    page = report_page(made)
    try:
        with whole_file(path) as stream:
            stream.write(page)
    except OSError as error:
        raise ExpctlError(f"cannot write {path}: {error.strerror}", hint="no partial file was left") from error


COMMANDS = [Entry("report", report, topic="report")]
