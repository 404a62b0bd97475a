"""`expctl compare`: what differs between runs. Owns its arguments and both streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.commands.report import check_output, write_report
from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened_among
from expctl.wording import agree, listed, plural

if TYPE_CHECKING:
    from expctl.render.formats import Format
    from expctl.render.sheet import Sheet
    from expctl.settings import Settings
    from expctl.workflows.compare import ComparedRows, ComparedRuns, ComparedSets, ComparedSlices
    from expctl.workflows.compare_code import ComparedCode


_NOUNS: Final = {"parameters": ("parameter",), "metrics": ("metric",), "F1 by class": ("class", "classes")}


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
        str | None,
        typer.Option(
            metavar="M",
            help="Only this metric. Of four runs or more f1_score is shown; all: every metric.",
            autocompletion=completion.metrics,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="What is the same too.")] = False,
    per_class: Annotated[bool, typer.Option("--per-class", help="Add F1 of each class.")] = False,
    flips: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Show the broken and fixed rows instead, N of each; csv: all."),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Show commits and files that differ, and uncommitted changes, instead.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Show slices of the test rows, by this column, instead."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write an HTML report too: curves, confusion, classes, flips."),
    ] = None,
    summary: common.Summary = False,
    confidence: common.Confidence = 0.95,
    margin: common.Margin = None,
    experiment: common.Experiments = None,
    all_experiments: common.AllExperiments = False,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Compare runs with the first. Parameters, metrics, tags and packages that differ, and which changes are real."""
    if report is not None:
        check_output(report, "--report")
    streams = Streams(quiet=quiet, summary=summary)

    from expctl.workflows.compare import ComparedRows, ComparedRuns, ComparedSets, ComparedSlices, CompareRequest
    from expctl.workflows.compare import compare as compare_runs

    every_flip = format in ("csv", "jsonl")
    request = CompareRequest(
        runs, metric, everything, per_class, flips, every_flip, report is not None, code, confidence, by
    )
    store = opened_among(experiment, tracking_uri, streams, everywhere=all_experiments, verbose=verbose, margin=margin)
    settings = store.settings
    compared = compare_runs(store, request)
    if isinstance(compared, ComparedRuns):
        _write_runs(compared, streams, format, settings, everything=everything)
    elif isinstance(compared, ComparedRows):
        _write_rows(compared, streams, format, settings)
    elif isinstance(compared, ComparedSlices):
        _write_slices(compared, streams, format, settings)
    elif isinstance(compared, ComparedSets):
        _write_sets(compared, streams, format, settings)
        return
    else:
        _write_code(compared, streams, format, settings)
        return
    if report is not None:
        from expctl.workflows.report import assemble, choice_of

        write_report(assemble(store, choice_of(compared.runs, metric), confidence=confidence), report)
        streams.note(f"report: {report}")


def _write_runs(
    compared: ComparedRuns, streams: Streams, format: Format, settings: Settings, *, everything: bool
) -> None:
    from expctl.render.comparison_views import untested_lines

    comparison = compared.comparison
    sheet, hidden = _sheet(compared, whole=everything or format != "table")
    streams.write(sheet, format, settings)
    for line in hidden:
        streams.note(line)
    if compared.repeated is not None:
        streams.note(f"run {compared.repeated.described} is compared with itself")
    for run, test in zip(compared.runs[1:], compared.tests, strict=True):
        for line in untested_lines(run, test):
            streams.note(line)
    if format == "table" and compared.repeated is None:
        _tell_unseen(compared, streams)
    if not comparison.lines:
        if compared.repeated is None:
            streams.note("nothing differs")
    elif comparison.same and format == "table":
        told = [plural(count, *_NOUNS[section]) for section, count in comparison.same.items()]
        streams.note(f"{listed(told)} {agree(sum(comparison.same.values()), 'is', 'are')} the same (--all)")


def _sheet(compared: ComparedRuns, *, whole: bool) -> tuple[Sheet, list[str]]:
    """What is shown of compared runs, and what of them is not, in words."""
    from expctl.analysis.comparison import without_one_sided
    from expctl.render.challengers import challengers_sheet
    from expctl.render.comparison_views import comparison_sheet
    from expctl.workflows.compare import MANY

    comparison = compared.comparison
    if len(compared.runs) < MANY or compared.metric is None:
        shown, alone = (comparison, {}) if whole else without_one_sided(comparison)
        hidden = [
            f"{plural(count, 'parameter')} only {compared.runs[i].label} has (--all)" for i, count in alone.items()
        ]
        return comparison_sheet(shown, compared.tests, compared.metric), hidden
    others = [one for one in ("code", "tags", "packages") if one in {line.section for line in comparison.lines}]
    hidden = [f"they differ in {listed(others)} too: compare two of them to see it"] if others else []
    return challengers_sheet(comparison, compared.tests, compared.metric), hidden


def _tell_unseen(compared: ComparedRuns, streams: Streams) -> None:
    """What the rows could have seen where there is no clear difference (said of one challenger), what was corrected,
    and the noise.
    """
    from expctl.render.comparison_views import corrected_line
    from expctl.render.power import unseen
    from expctl.render.repeats import noise_line

    if compared.metric is None or not compared.comparison.lines:
        return
    told = next((line for test in compared.tests if (line := unseen(compared.metric, test))), None)
    for line in (told, corrected_line(compared.metric, compared.tests)):
        if line is not None:
            streams.note(line)
    if compared.noise is not None:
        streams.note(noise_line(compared.noise))


def _write_rows(compared: ComparedRows, streams: Streams, format: Format, settings: Settings) -> None:
    from expctl.render.comparison_views import flips_sheet

    streams.write(flips_sheet(compared.flips, compared.rows, compared.runs[1]), format, settings)
    if any(text is None for _, text in compared.rows):
        streams.note("the data file is gone or has changed since the run: rows by number, without their texts")


def _write_slices(compared: ComparedSlices, streams: Streams, format: Format, settings: Settings) -> None:
    from expctl.render.slices import slice_changes_sheet

    sheet = slice_changes_sheet(compared.runs, compared.column, compared.metric, compared.slices)
    streams.write(sheet, format, settings)


def _write_code(compared: ComparedCode, streams: Streams, format: Format, settings: Settings) -> None:
    from expctl.render.comparison_views import code_sheet

    streams.write(code_sheet(compared), format, settings)
    for note in compared.notes:
        streams.note(note)


def _write_sets(compared: ComparedSets, streams: Streams, format: Format, settings: Settings) -> None:
    from expctl.render.comparison_views import groups_sheet

    streams.write(groups_sheet(compared.groups, compared.names), format, settings)
    if compared.note is not None:
        streams.note(compared.note)


COMMANDS = [Entry("compare", compare, topic="compare")]
