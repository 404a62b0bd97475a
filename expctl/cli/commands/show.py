"""`expctl show`: one run whole. Owns its arguments and both streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.streams import Streams, opened, tell_page
from expctl.errors import UsageError
from expctl.records import Tag
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.records import RunRecord


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id or the start of it, its name, latest, latest~1, best, best:METRIC, NAME@ALIAS, a filter.",
            autocompletion=completion.runs,
        ),
    ],
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show a run whole. Parameters, metrics, data, tags, environment, files, and the command that makes it again."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.views import run_sheet
    from expctl.tracking.runs.references import resolve

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    found = resolve(store, run)
    sheet = run_sheet(
        found,
        experiment=store.experiment_name(found.experiment_id),
        command=_command(found),
        artifacts=[(artifact.path, artifact.size) for artifact in store.artifacts(found)],
    )
    streams.write(sheet, format, settings)
    tell_page(store, streams, found.experiment_id, found.run_id)


def _command(run: RunRecord) -> str | None:
    """The command line that makes a run, sweep or explanation again; None for a run that is not of our making."""
    from expctl.training.models.configure import defaults, recorded
    from expctl.training.models.families import FAMILIES

    if Tag.SWEEP in run.tags:
        from expctl.workflows.sweep_plan import Plan

        return Plan.of(run).command()
    if Tag.EXPLANATION in run.tags and Tag.RECIPE not in run.tags:
        from expctl.workflows.sweep_plan import explanation_command

        return explanation_command(run)
    try:
        recipe = recorded(run.tags[Tag.RECIPE])
    except (KeyError, UsageError):
        return None
    return recipe.command(defaults(recipe.model) if recipe.model in FAMILIES else {})
