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
    max_drop: Annotated[float, typer.Option(min=0, metavar="X", help="The largest acceptable loss.")] = 0.01,
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
    if not math.isfinite(max_drop):
        raise UsageError(f"--max-drop {max_drop:g} must be a finite number", hint="--max-drop 0.01")
    check_points(max_drop, "--max-drop", metric)
    lost = _of_a_slice(max_drop_slice, by, metric)
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
        store, runs[0], runs[1], metric, max_drop=max_drop, least=least, confidence=confidence,
        by=by, max_drop_slice=lost,
    )  # fmt: skip
    broken = found.broken(runs[1], examples)
    streams.write(gate_sheet(runs, found.decision, found.test, found.metric, broken, found.slices), format, settings)
    if worn := str(wear_of(store, runs[1]) or ""):
        streams.note(worn)
    if runs[0].run_id == runs[1].run_id:
        streams.note(f"run {runs[0].described} is compared with itself")
    raise typer.Exit(OUTCOMES[found.decision.outcome])


def _of_a_slice(max_drop: float | None, by: str | None, metric: str | None) -> float:
    """The largest acceptable loss of a slice. Raises UsageError, also where none is given and none is usual."""
    if max_drop is None:
        known = METRICS.get(metric or "")
        if by is not None and known is not None and known.needs == "values" and known.range[1] == math.inf:
            raise UsageError(
                f"--by {by}: what a slice may lose of {metric} depends on the target", hint="--max-drop-slice X"
            )
        return 0.05
    if not math.isfinite(max_drop):
        raise UsageError(f"--max-drop-slice {max_drop:g} must be a finite number", hint="--max-drop-slice 0.05")
    check_points(max_drop, "--max-drop-slice", metric)
    return max_drop


COMMANDS = [Entry("gate", gate, topic="gate")]
