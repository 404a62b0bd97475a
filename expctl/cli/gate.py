"""`expctl gate`: may a candidate take the baseline's place? Owns its arguments, both streams and the exit code."""

from __future__ import annotations

import math
from typing import Annotated, Final

import typer

from expctl.cli import completion, options
from expctl.cli.opening import opened
from expctl.cli.options import read_format
from expctl.cli.streams import Streams
from expctl.errors import ExitCode, UsageError
from expctl.metrics import METRICS
from expctl.settings import load_settings

_EXIT_CODES: Final = {
    "pass": ExitCode.DONE,
    "regression": ExitCode.WORK_FAILED,
    "undecided": ExitCode.UNDECIDED,
}


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
            help="What it has to stand up to: best, NAME@champion, ...",
            autocompletion=completion.runs,
        ),
    ],
    metric: Annotated[str, typer.Option(metavar="M", help="The metric to decide on.")] = "f1_score",
    max_drop: Annotated[float, typer.Option(min=0, metavar="X", help="A loss that would still be acceptable.")] = 0.01,
    least: Annotated[
        float | None, typer.Option("--min", metavar="X", help="A value the candidate must have at least.")
    ] = None,
    confidence: options.Confidence = 0.95,
    examples: Annotated[int, typer.Option(min=0, metavar="N", help="How many broken examples to show.")] = 5,
    experiment: options.Experiment = None,
    tracking_uri: options.TrackingUri = None,
    format: options.FormatOption = "table",
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Pass (exit 0), regression (1) or undecided (6): by the interval of the difference, on the same test rows."""
    chosen_format = read_format(format, ("table", "json", "md"))
    options.check_confidence(confidence)
    if not math.isfinite(max_drop):
        raise UsageError(f"--max-drop {max_drop:g} is no number to lose", hint="--max-drop 0.01")
    if metric not in METRICS or not METRICS[metric].judges:
        known = ", ".join(key for key, one in METRICS.items() if one.judges)
        raise UsageError(f"the gate cannot test {metric!r}", hint=f"--metric {known}")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.flips import find_flips
    from expctl.analysis.gate import decide
    from expctl.analysis.significance import assess
    from expctl.render.verdicts import gate_sheet
    from expctl.tracking.predictions import read_predictions
    from expctl.tracking.references import resolve
    from expctl.tracking.texts import with_texts

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    runs = [resolve(store, baseline), resolve(store, candidate)]
    before, after = (read_predictions(store, run) for run in runs)
    test = assess(before, after, confidence=confidence)
    whole = test.pairing is not None and test.pairing.complete
    difference = test.differences.get(metric) if whole else None
    apart = "the runs were tested on different rows: the gate needs the same" if test.pairing and not whole else None
    decision = decide(
        metric,
        runs[1].metrics.get(metric),
        difference or apart or test.note or f"{metric} cannot be tested on these predictions",
        max_drop=max_drop,
        least=least,
    )
    broken = []
    if after is not None and test.pairing is not None:
        found = find_flips(after, test.pairing, most=examples).rows
        broken = with_texts(runs[1], [flip for flip in found if flip.kind == "broken"])
    sheet = gate_sheet(runs, decision, test, metric, broken)
    streams.write(sheet, chosen_format, settings)
    raise typer.Exit(_EXIT_CODES[decision.outcome])
