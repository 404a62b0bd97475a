"""`expctl reproduce`: make a run again and see whether it comes out again. Owns its arguments and both streams."""

from __future__ import annotations

import math
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, fancy, stdout_is_ours
from expctl.errors import ExitCode, UsageError
from expctl.records import Tag
from expctl.settings import load_settings
from expctl.wording import agree, plural

if TYPE_CHECKING:
    from expctl.analysis.reproduction import Reproduction
    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def reproduce(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to make again.", autocompletion=completion.runs)],
    data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the data is now, if it was moved.")] = None,
    test_data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the test data is now.")] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="X", min=0, help="How much metrics, and the share of test rows with another label, may differ."
        ),
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Only check; do not record a new run.")] = False,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Use a fresh environment with the run's requirements.txt.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the program of the run, or the user's own code that builds the model.")
    ] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Make a run again, to see that it comes out again. Compares metrics, every prediction, the fitted model."""
    if no_record and format == "id":
        raise UsageError("--format id prints the new run, --no-record makes none", hint="--format json")
    if tolerance is not None and not math.isfinite(tolerance):
        raise UsageError(f"--tolerance {tolerance} must be finite", hint="--tolerance 0.01")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    outside = dict(os.environ)  # before MLflow and we make ours of it

    from expctl.render.reproductions import reproduction_sheet
    from expctl.tracking.runs.references import resolve
    from expctl.tracking.store import open_store

    with stdout_is_ours(), streams.stages() as stage:
        stage("opening the store")
        store = open_store(settings, verbose=verbose, note=streams.note)
        found = resolve(store, run)
    if Tag.PROGRAM in found.tags:
        given = {"--data": data, "--test-data": test_data, "--no-record": no_record, "--isolated": isolated}
        for flag, value in given.items():
            if value:
                raise UsageError(
                    f"{flag} is for runs of train: {found.described} is that of a program", hint=f"leave out {flag}"
                )
        judged, again = _program(store, found, streams, outside, trust=trust, tolerance=tolerance)
    elif isolated:
        flags = {"--no-record": no_record, "--trust": trust, "--verbose": verbose, "--quiet": quiet}
        values = {"--data": data, "--test-data": test_data, "--tolerance": tolerance, "--format": format}
        words = [flag for flag, wanted in flags.items() if wanted]
        words += [part for key, value in values.items() if value is not None for part in (key, str(value))]
        raise typer.Exit(_isolated(store, found, streams, words, data=data, test_data=test_data, trust=trust))
    else:
        judged, again = _training(
            store, found, streams, data=data, test_data=test_data, trust=trust, record=not no_record,
            tolerance=tolerance,
        )  # fmt: skip
    streams.write(reproduction_sheet(judged, found, again), format, settings)
    streams.note(_told(judged, found))
    if judged.verdict == "differs":
        raise typer.Exit(ExitCode.WORK_FAILED)


def _program(
    store: Store, run: RunRecord, streams: Streams, environment: dict[str, str], *, trust: bool, tolerance: float | None
) -> tuple[Reproduction, RunRecord | None]:
    from expctl.programs.output import shown_on
    from expctl.workflows.reproduce_program import folder_of, original_program, reproduce_program
    from expctl.workflows.run import Context

    original = original_program(store, run, trust=trust)
    shown = None if streams.quiet or sys.stderr is None else shown_on(2)
    terminal = shown is not None and fancy(sys.stderr)
    context = Context(store.settings, environment, shown, terminal, streams.note, folder_of(run))
    judged, again = reproduce_program(store, original, context, tolerance=tolerance)
    store.refresh_planner_stats()
    return judged, again


def _training(
    store: Store, run: RunRecord, streams: Streams, *, data: str | None, test_data: str | None, trust: bool,
    record: bool, tolerance: float | None,
) -> tuple[Reproduction, RunRecord | None]:  # fmt: skip
    from expctl.workflows.reproduce import reproduce as reproduce_run
    from expctl.workflows.reproduce_source import find_data, original_of

    with stdout_is_ours(), streams.stages() as stage:
        original = original_of(store, run, trust=trust)
        stage("reading " + (data or original.recipe.data))
        recipe, split, suspects = find_data(store, original, data, test_data)
        judged, again = reproduce_run(
            store, original, recipe, split, suspects, trust=trust, record=record, tolerance=tolerance, progress=stage
        )
        if again is not None:
            store.refresh_planner_stats()
    return judged, again


def _isolated(
    store: Store, run: RunRecord, streams: Streams, words: list[str], *, data: str | None, test_data: str | None,
    trust: bool,
) -> int:  # fmt: skip
    """The exit code of the same command in an environment of the run's packages."""
    from expctl.workflows.environments import isolated
    from expctl.workflows.reproduce_source import find_data, original_of

    with ExitStack() as stack:
        with stdout_is_ours(), streams.stages() as stage:
            original = original_of(store, run, trust=trust)
            stage("reading " + (data or original.recipe.data))
            find_data(store, original, data, test_data)
            environment = stack.enter_context(isolated(store, run, stage))
        return environment.run(["reproduce", run.run_id, *words])


def _told(judged: Reproduction, run: RunRecord) -> str:
    """The verdict in a sentence."""
    tested = judged.test_rows or judged.rows_now
    if judged.verdict == "identical":
        if not tested:
            return f"{run.label} is reproduced bit for bit: {plural(judged.measured, 'metric')}"
        beside = (
            ""
            if judged.model is not None or Tag.PROGRAM in run.tags
            else "; its fitted model is not available for comparison"
        )
        return f"{run.label} is reproduced bit for bit{beside}"
    if judged.verdict == "same predictions":
        return f"every test row gets the label that {run.label} gave it; scores, metrics or the model differ"
    most = max(judged.test_rows, judged.rows_now)
    if judged.rows < most:
        return f"{most - judged.rows:,} of {most:,} test rows are different ones"
    rows = f"{len(judged.changed):,} of {judged.test_rows:,} test rows get a different label"
    if judged.tolerance is None and tested:
        return rows
    within = judged.verdict == "within tolerance"
    count = len(judged.metrics if within or judged.tolerance is None else judged.beyond)
    metrics = f"{count:,} of {plural(judged.measured, 'metric')} {agree(count, 'differs', 'differ')}"
    if judged.tolerance is None:
        return f"{run.label} is not reproduced: {metrics}"
    parts = ", ".join([*([rows] if tested else []), metrics if within else f"{metrics} by more"])
    return f"{run.label} is {'' if within else 'not '}reproduced within {judged.tolerance:g}: {parts}"


COMMANDS = [Entry("reproduce", reproduce, topic="reproduce")]
