"""`expctl reproduce`: train a run again and see whether it comes out again. Owns its arguments and both streams."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, stdout_is_ours
from expctl.errors import ExitCode, UsageError
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.analysis.reproduction import Reproduction
    from expctl.records import RunRecord


def reproduce(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to train again.", autocompletion=completion.runs)],
    data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the data is now, if it was moved.")] = None,
    test_data: Annotated[str | None, typer.Option(metavar="FILE", help="Where the test data is now.")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Only check; do not record a new run.")] = False,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Use a fresh environment with the run's requirements.txt.")
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run the user's own code that builds the model.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a run again, to see that it comes out again. Compares metrics, every prediction, the fitted model."""
    if no_record and format == "id":
        raise UsageError("--format id prints the new run, --no-record makes none", hint="--format json")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.reproductions import reproduction_sheet
    from expctl.tracking.runs.references import resolve
    from expctl.tracking.store import open_store

    with ExitStack() as stack:
        with stdout_is_ours(), streams.stages() as stage:
            stage("opening the store")
            store = open_store(settings, verbose=verbose, note=streams.note)
            found = resolve(store, run)

            from expctl.workflows.environments import isolated as environment_of
            from expctl.workflows.reproduce import reproduce as reproduce_run
            from expctl.workflows.reproduce_source import find_data, original_of

            original = original_of(store, found, trust=trust)
            stage("reading " + (data or original.recipe.data))
            recipe, split, suspects = find_data(store, original, data, test_data)
            if isolated:
                environment = stack.enter_context(environment_of(store, found, stage))
            else:
                judged, again = reproduce_run(
                    store, original, recipe, split, suspects, trust=trust, record=not no_record, progress=stage
                )
                if again is not None:
                    store.refresh_planner_stats()
        if isolated:
            flags = {"--no-record": no_record, "--trust": trust, "--verbose": verbose, "--quiet": quiet}
            given = {"--data": data, "--test-data": test_data, "--format": format}
            words = [flag for flag, wanted in flags.items() if wanted]
            words += [part for key, value in given.items() if value is not None for part in (key, value)]
            raise typer.Exit(environment.run(["reproduce", found.run_id, *words]))
    streams.write(reproduction_sheet(judged, found, again), format, settings)
    streams.note(_told(judged, found))
    if judged.verdict == "differs":
        raise typer.Exit(ExitCode.WORK_FAILED)


def _told(judged: Reproduction, run: RunRecord) -> str:
    """The verdict in a sentence."""
    if judged.verdict == "identical":
        beside = "" if judged.model is not None else "; its fitted model is not available for comparison"
        return f"{run.label} is reproduced bit for bit{beside}"
    if judged.verdict == "same predictions":
        return f"every test row gets the label that {run.label} gave it; scores, metrics or the model differ"
    most = max(judged.test_rows, judged.rows_now)
    if judged.rows < most:
        return f"{most - judged.rows:,} of {most:,} test rows are different ones"
    return f"{len(judged.changed):,} of {judged.test_rows:,} test rows get a different label"


COMMANDS = [Entry("reproduce", reproduce, topic="reproduce")]
