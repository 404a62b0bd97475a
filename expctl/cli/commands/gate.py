"""`expctl gate`: may a candidate take the baseline's place? Owns its arguments, both streams and the exit code."""

from __future__ import annotations

import math
from typing import Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.errors import ExitCode, UsageError
from expctl.metrics import METRICS, check_least, check_points
from expctl.render.formats import Format
from expctl.settings import load_settings

# The exit code of each outcome.
OUTCOMES: Final = {
    "pass": ExitCode.DONE,
    "regression": ExitCode.WORK_FAILED,
    "undecided": ExitCode.UNDECIDED,
}


# By what the gate decides, here and in `promote`.
JUDGE: Final = common.quality_metric("the gate cannot test", own=True)


def gate(
    candidate: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The candidate. See expctl show --help.", autocompletion=completion.runs),
    ],
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="RUN",
            help="The run to compare with: best, NAME@champion, ...",
            autocompletion=completion.runs,
        ),
    ],
    metric: Annotated[
        str | None,
        typer.Option(parser=JUDGE, metavar="M", help=f"The metric to decide on.{common.BY_TASK}"),
    ] = None,
    max_drop: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="The largest acceptable loss.  [default: 0.01]")
    ] = None,
    least: Annotated[
        float | None, typer.Option("--min", metavar="X", help="The least value that the candidate must have.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="COLUMN", help="Fail too if a slice of the test rows, by this column, surely loses much."
        ),
    ] = None,
    max_drop_slice: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="The largest acceptable loss of a slice.  [default: 0.05]")
    ] = None,
    confidence: common.Confidence = 0.95,
    examples: Annotated[int, typer.Option(min=0, metavar="N", help="How many broken examples to show.")] = 5,
    summary: common.Summary = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: Annotated[Format, common.format_option("table", "json", "md")] = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Decide for CI whether a run may replace the baseline.

    Pass (exit 0), regression (1) or undecided (6): by the interval of the difference, on the same test rows.
    """
    lost = _largest_loss(max_drop, "--max-drop", metric, f"how much of {metric} may be lost", usual=0.01)
    what = f"--by {by}: what a slice may lose of {metric}" if by is not None else None
    lost_by_slice = _largest_loss(max_drop_slice, "--max-drop-slice", metric, what, usual=0.05)
    if least is not None and not math.isfinite(least):
        raise UsageError(f"--min {least:g} must be a finite number", hint="--min 0.8")
    if least is not None:
        check_least(least, metric or "f1_score")  # of regression r2, which is 1 at most too
    streams = Streams(quiet=quiet, summary=summary)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.comparison_views import gate_sheet
    from expctl.tracking.runs.references import resolve
    from expctl.workflows.gate import judge
    from expctl.workflows.wear import wear_of

    store = opened(settings, streams, verbose=verbose)
    runs = [resolve(store, baseline), resolve(store, candidate)]
    found = judge(
        store, runs[0], runs[1], metric, max_drop=lost, least=least, confidence=confidence,
        by=by, max_drop_slice=lost_by_slice,
    )  # fmt: skip
    broken = found.broken(runs[1], examples)
    streams.write(gate_sheet(runs, found.decision, found.test, found.metric, broken, found.slices), format, settings)
    if worn := str(wear_of(store, runs[1]) or ""):
        streams.note(worn)
    if runs[0].run_id == runs[1].run_id:
        streams.note(f"run {runs[0].described} is compared with itself")
    raise typer.Exit(OUTCOMES[found.decision.outcome])


def _largest_loss(given: float | None, option: str, metric: str | None, what: str | None, *, usual: float) -> float:
    """The largest acceptable loss. Raises UsageError, also where none is given and `what` has no usual one."""
    if given is None:
        known = METRICS.get(metric or "")
        if what is not None and known is not None and known.needs == "values" and known.range[1] == math.inf:
            raise UsageError(f"{what} depends on the target", hint=f"{option} X")
        return usual
    if not math.isfinite(given):
        raise UsageError(f"{option} {given:g} must be a finite number", hint=f"{option} {usual:g}")
    check_points(given, option, metric)
    return given


COMMANDS = [Entry("gate", gate, topic="gate")]
