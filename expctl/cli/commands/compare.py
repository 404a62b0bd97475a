"""`expctl compare`: what differs between runs. Owns its arguments and both streams."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.commands.report import check_output, write_report
from expctl.cli.options import common, completion
from expctl.cli.streams import Streams, opened
from expctl.errors import RunNotFound, UsageError, closest
from expctl.metrics import METRICS
from expctl.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.significance import Assessment
    from expctl.records import RunRecord
    from expctl.render.formats import Format
    from expctl.settings import Settings
    from expctl.tracking.store import Store


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...",
            help="Two or more runs, the first is the baseline; or two sets, by globs over names ('old-*') or filters.",
            autocompletion=completion.runs,
        ),
    ],
    metric: Annotated[
        str | None, typer.Option(metavar="M", help="This metric only.", autocompletion=completion.metrics)
    ] = None,
    only_changed: Annotated[bool, typer.Option("--only-changed", help="Leave out what is the same.")] = False,
    per_class: Annotated[bool, typer.Option("--per-class", help="Add F1 of each class.")] = False,
    flips: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Show instead what broke and got fixed, N rows of each; csv: all."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Draw it too: curves, confusion, classes, flips.")
    ] = None,
    confidence: common.Confidence = 0.95,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Compare runs with the first. Parameters, metrics, tags and packages that differ, and which changes are real."""
    if len(runs) < 2:
        raise UsageError("compare needs two runs or more", hint="expctl compare latest~1 latest")
    if flips is not None and len(runs) != 2:
        raise UsageError("--flips is about two runs", hint="expctl compare RUN RUN --flips 5")
    if report is not None:
        check_output(report, "--report")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.comparison import compare as compare_runs
    from expctl.analysis.difference import adjusted
    from expctl.analysis.significance import assess
    from expctl.render.comparison_views import comparison_sheet
    from expctl.tracking.runs.comparison_inputs import read_evidence
    from expctl.tracking.runs.predictions import read_predictions
    from expctl.tracking.runs.references import is_set, resolve

    store = opened(settings, streams, verbose=verbose)
    if any(is_set(store, run) for run in runs):
        if metric is not None or only_changed or per_class or flips is not None:
            raise UsageError("--metric, --only-changed, --per-class and --flips are about single runs, not sets")
        if report is not None:
            raise UsageError("--report is about single runs, not sets", hint=shlex.join(["expctl", "report", *runs]))
        _write_groups(store, runs, confidence, streams, format)
        return
    found = [resolve(store, run) for run in runs]
    if metric is not None and not any(metric in run.metrics for run in found):
        known = sorted({key for run in found for key in run.metrics})
        raise RunNotFound(
            f"none of these runs has {metric!r}{closest(metric, known)}", hint=f"they have {', '.join(known)}"
        )
    predictions = [read_predictions(store, run) for run in found]
    tests = [assess(predictions[0], one, confidence=confidence, per_class=per_class) for one in predictions[1:]]
    if flips is not None:
        _write_flips(found[1], predictions[1], tests[0], flips, streams, format, settings)
        _write_report(store, found, metric, confidence, report, streams)
        return
    corrected = adjusted([test.differences for test in tests])
    tests = [replace(test, differences=part) for test, part in zip(tests, corrected, strict=True)]
    evidence = [read_evidence(store, run, per_class=per_class) for run in found]
    comparison = compare_runs(found, evidence, metric=metric, only_changed=only_changed, per_class=per_class)
    streams.write(comparison_sheet(comparison, tests), format, settings)
    for run, test in zip(found[1:], tests, strict=True):
        if test.note is not None:
            streams.note(f"{run.label}: {test.note}")
    if not comparison.lines:
        streams.note("nothing differs")
    _write_report(store, found, metric, confidence, report, streams)


def _write_report(
    store: Store, runs: Sequence[RunRecord], metric: str | None, confidence: float, path: Path | None, streams: Streams
) -> None:
    """The comparison in pictures, if a file is given for it."""
    if path is None:
        return
    from expctl.workflows.report import assemble, choice_of

    write_report(assemble(store, choice_of(runs, metric), confidence=confidence), path)
    streams.note(f"report: {path}")


def _write_groups(store: Store, runs: Sequence[str], confidence: float, streams: Streams, format: Format) -> None:
    """Two sets of runs by their means. Raises UsageError for more than two."""
    from expctl.analysis.groups import compare_groups, repeats, same_data
    from expctl.render.comparison_views import groups_sheet
    from expctl.tracking.runs.references import resolve_set

    if len(runs) != 2:
        raise UsageError("sets of runs are compared two at a time", hint="expctl compare 'old-*' 'new-*'")
    baseline, challenger = (resolve_set(store, run) for run in runs)
    groups = compare_groups(baseline, challenger, confidence=confidence)
    streams.write(groups_sheet(groups, (runs[0], runs[1])), format, store.settings)
    again = repeats(baseline) + repeats(challenger)
    if min(len(baseline), len(challenger)) < 2:
        streams.note("a single run has no spread: give each set several, with other --random-state")
    elif not same_data([*baseline, *challenger]):
        streams.note("not tested: the sets were not trained and tested on the same data")
    elif again:
        said = "1 run is another's training" if again == 1 else f"{again:,} runs are others' trainings"
        streams.note(f"not tested: {said} again, which tells nothing new: vary --random-state")
    elif all(one.deviations == (0.0, 0.0) for one in groups if METRICS[one.metric].is_quality_metric):
        streams.note("the random state changes nothing here: what the test rows can tell, single runs do")


def _write_flips(
    run: RunRecord,
    predictions: RunPredictions | None,
    test: Assessment,
    most: int,
    streams: Streams,
    format: Format,
    settings: Settings,
) -> None:
    """The rows that a challenger broke and fixed. Raises RunNotFound if the two runs have no rows in common."""
    from expctl.analysis.flips import find_flips
    from expctl.render.comparison_views import flips_sheet
    from expctl.tracking.runs.row_texts import with_texts

    if predictions is None or test.pairing is None:
        raise RunNotFound(
            test.note or "nothing to compare row by row", hint="--flips needs runs with the same test rows"
        )
    found = find_flips(predictions, test.pairing, most=None if format in ("csv", "jsonl") else most)
    rows = with_texts(run, found.rows)
    streams.write(flips_sheet(found, rows), format, settings)
    if any(text is None for _, text in rows):
        streams.note("the data file is gone or has changed since the run: rows by number, without their texts")
