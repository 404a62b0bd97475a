"""`expctl delete` and `expctl restore`: runs hidden, gone for good, brought back. Owns arguments and both streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.errors import ExitCode, UsageError
from expctl.settings import load_settings
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.render.sheet import Sheet
    from expctl.tracking.runs.descendants import Chosen

_NAMED: Final = 5  # runs that a question or a hint names one by one

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print which runs, without deleting them.")]


def delete(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN", help="Runs, globs over names ('old-*') or filters.", autocompletion=completion.runs
        ),
    ] = None,
    filter: common.Filter = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Permanently, with files and models; also runs deleted before.")
    ] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Delete runs, a sweep with its trials. `expctl restore` brings them back, but not after --purge."""
    _check_given(runs, filter, "delete")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.tracking.runs import deletion

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    chosen = deletion.to_delete(store, runs or [], filter, purge=purge)
    if purge and chosen.runs:
        deletion.check_purge(store, chosen.runs)
    how = " permanently, with files and models" if purge else ""
    if dry_run or not chosen.runs:
        streams.write(_sheet(chosen, chosen.runs, "runs"), format, settings)
        streams.note(
            f"{plural(len(chosen.runs), 'run')} would be deleted{how}" if chosen.runs else "no runs that match"
        )
        return
    if not yes and not streams.confirmed(f"delete {_described(chosen, how)}?", instead="--yes, or --dry-run"):
        streams.note("nothing is deleted")
        raise typer.Exit(ExitCode.WORK_FAILED)
    done: list[RunRecord] = []
    try:
        for run in (deletion.purge if purge else deletion.delete)(store, chosen.runs):
            done.append(run)
    finally:
        streams.write(_sheet(chosen, done, "purged" if purge else "deleted"), format, settings)
        if len(done) < len(chosen.runs):
            streams.note(f"{len(done)} of {plural(len(chosen.runs), 'run')} deleted")
        elif not purge:
            few = len(chosen.named) <= _NAMED
            ids = " ".join(run.run_id for run in chosen.named) if few else "ID; expctl list --deleted shows them"
            streams.note(f"undo: expctl restore {ids}")


def restore(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Ids of deleted runs, the starts of them, or names."),
    ] = None,
    filter: common.Filter = "",
    dry_run: DryRun = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Bring deleted runs back, a sweep with its trials. `expctl list --deleted` shows them."""
    _check_given(runs, filter, "restore")
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.tracking.runs import deletion

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    chosen = deletion.to_restore(store, runs or [], filter)
    if dry_run or not chosen.runs:
        streams.write(_sheet(chosen, chosen.runs, "runs"), format, settings)
        streams.note(
            f"{plural(len(chosen.runs), 'run')} would be restored" if chosen.runs else "no deleted runs that match"
        )
        return
    done: list[RunRecord] = []
    try:
        for run in deletion.restore(store, chosen.runs):
            done.append(run)
    finally:
        streams.write(_sheet(chosen, done, "restored"), format, settings)
        if len(done) < len(chosen.runs):
            streams.note(f"{len(done)} of {plural(len(chosen.runs), 'run')} restored")


def _check_given(runs: Sequence[str] | None, filter: str, command: str) -> None:
    if not runs and not filter.strip():
        raise UsageError(f"{command}: no runs given", hint=f"expctl {command} RUN, or --filter EXPR")


def _sheet(chosen: Chosen, runs: Sequence[RunRecord], kind: str) -> Sheet:
    """Those of the runs, the named ones first."""
    from expctl.render.views import runs_sheet

    ids = {run.run_id for run in runs}
    ordered = [run for run in (*chosen.named, *chosen.trials) if run.run_id in ids]
    return replace(runs_sheet(ordered, columns=["id", "name", "status", "started", "f1_score"], total=None), kind=kind)


def _described(chosen: Chosen, how: str) -> str:
    """What a question is about: how many runs, how, and the first by name."""
    names = [run.described for run in chosen.named[:_NAMED]]
    more = ["..."] if len(chosen.named) > _NAMED else []
    trials = f" with {len(chosen.trials):,} trials" if chosen.trials else ""
    return f"{plural(len(chosen.named), 'run')}{trials}{how}: {', '.join(names + more)}"


COMMANDS = [Entry("delete", delete, topic="maintenance"), Entry("restore", restore, topic="maintenance")]
