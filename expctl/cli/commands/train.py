"""`expctl train`: train one model and record it. Owns its arguments and both streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expctl.cli.inputs import repeated_request, training_request
from expctl.cli.options import common, training
from expctl.cli.options.common import Entry, read_format
from expctl.cli.streams import Streams, say, stdout_is_ours, tell_page
from expctl.errors import ExitCode, UsageError
from expctl.wording import plural

if TYPE_CHECKING:
    from expctl.render.formats import Format
    from expctl.workflows.requests import SweepRequest, TrainingRequest

Artifact = Annotated[
    list[Path] | None,
    typer.Option(
        "--artifact", metavar="FILE", help="Record this file with the run; repeatable.", rich_help_panel="Record"
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print recipe, columns, split and checks, and whether the run exists; touch nothing.",
        rich_help_panel="Record",
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="If there is a finished run of the same recipe, data and code, print that instead.",
        rich_help_panel="Record",
    ),
]

Repeats = Annotated[
    int | None,
    typer.Option(
        min=2, max=1000, metavar="N", rich_help_panel="Record",
        help="Train with N random states, from --random-state on: a set of runs, whose spread is the noise.",
    ),
]  # fmt: skip


@training.with_training_options
def train(
    from_run: training.From = None,
    artifact: Artifact = None,
    repeats: Repeats = None,
    autolog: training.Autolog = None,
    dry_run: DryRun = False,
    skip_existing: SkipExisting = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
    **flags: Any,
) -> None:
    """Train a model, test it, record everything about it as a run."""
    if dry_run:
        read_format(format, without=["id"])
    streams = Streams(quiet=quiet)
    given = {**flags, "autolog": autolog, "experiment": experiment}
    if repeats is not None:
        _check_repeats(artifact=artifact, autolog=autolog, skip_existing=skip_existing)
        several = repeated_request(
            given, tracking_uri, repeats=repeats, from_run=from_run, note=streams.note, verbose=verbose
        )
        _train_set(streams, several, format, dry_run=dry_run)
        return
    request = training_request(
        given, tracking_uri, from_run=from_run, artifacts=artifact or (), note=streams.note, verbose=verbose
    )
    if dry_run:
        _show(streams, request, format)
        return
    if skip_existing and _found(streams, request, format):
        return

    from expctl.data_issues import messages
    from expctl.render.views import trained_sheet
    from expctl.workflows.train import train as train_model

    with stdout_is_ours(), streams.stages() as stage:
        trained = train_model(request, stage, streams.note)
    run, result = trained.run, trained.result
    for line in [*messages(result.data_issues), *result.warnings, *([run.needs_trust] if run.needs_trust else [])]:
        if line not in result.extra.missing:
            streams.note(f"warning: {line}")
    streams.write(trained_sheet(run), format, request.settings)
    tell_page(trained.store, streams, run.experiment_id, run.run_id)
    streams.note(f"next: expctl show {run.run_id[:8]}, or expctl compare {run.run_id[:8]} RUN")
    for line in result.extra.missing:
        say(f"{line} (run {run.run_id[:8]} is kept without it)")
    if result.extra.missing:
        raise typer.Exit(ExitCode.WORK_FAILED)


def _check_repeats(**of_one_run: object) -> None:
    """Raise UsageError for an option that is about a single run."""
    wrong = next((key for key, value in of_one_run.items() if value), None)
    if wrong is not None:
        raise UsageError(f"--{wrong.replace('_', '-')} is of one run, --repeats makes several", hint="leave out one")


def _train_set(streams: Streams, request: SweepRequest, format: Format, *, dry_run: bool) -> None:
    """Train one recipe over random states, or show which."""
    from expctl.cli.commands.sweep import show_trials, told_how_to_go_on

    if dry_run:
        show_trials(streams, request, format)
        return

    from expctl.render.repeats import noise_line, set_sheet
    from expctl.workflows.repeats import Noise, repeat

    with stdout_is_ours(), told_how_to_go_on(fail_fast=False) as begun:
        found = repeat(request, streams, begun=begun)
    streams.write(set_sheet(found), format, request.settings)
    parent = found.parent
    noise = next((one for one in found.spreads if one.metric in ("f1_score", "r2") and one.deviation is not None), None)
    if noise is not None:
        streams.note(noise_line(Noise(parent.label, noise)))
    streams.note(f"next: expctl compare {parent.run_id[:8]} SET, another that was trained with --repeats")
    if found.failed:
        streams.note(f"{plural(found.failed, 'run')} failed; resume: expctl sweep --resume {parent.run_id[:8]}")
        raise typer.Exit(ExitCode.WORK_FAILED)


def _show(streams: Streams, request: TrainingRequest, format: Format) -> None:
    """What would be trained."""
    from expctl.data_issues import messages
    from expctl.render.previews import preview_sheet
    from expctl.workflows.train_preview import preview

    with stdout_is_ours(), streams.stages() as stage:
        shown = preview(request, stage, streams.note)
    for line in messages(shown.split.data_issues):
        streams.note(f"warning: {line}")
    streams.write(preview_sheet(shown), format, request.settings)
    exists = "there is no such run yet" if shown.existing is None else f"the run exists: {shown.existing.described}"
    streams.note(f"nothing was trained; {exists}")


def _found(streams: Streams, request: TrainingRequest, format: Format) -> bool:
    """Whether there is the same run already, which is then shown as if it had been trained."""
    from expctl.render.views import trained_sheet
    from expctl.workflows.existing import find_existing

    run = find_existing(request, streams.note)
    if run is None:
        return False
    streams.write(trained_sheet(run), format, request.settings)
    streams.note(f"the run exists: {run.described}; nothing was trained")
    return True


COMMANDS = [Entry("train", train, topic="training")]
