"""`expctl importance`: the terms that speak for each class, or the columns of a table. Owns its arguments and both
streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.errors import UsageError
from expctl.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.records import RunRecord
    from expctl.render.sheet import Sheet
    from expctl.tracking.store import Store


def importance(
    run: common.Run,
    label: Annotated[str | None, typer.Option("--class", metavar="L", help="Of a text: this class alone.")] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="Of a table: what is lost of this metric.  [default: f1_score, of a regression r2]",
            autocompletion=completion.metrics,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many terms of each class, or columns.")] = 20,
    trust: common.Trust = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Show what a model goes by. Terms that speak for each class; of a table what its metric loses without a column."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    streams = Streams(quiet=quiet)

    from expctl.tracking.runs.references import resolve

    store = opened(settings, streams, verbose=verbose)
    found = resolve(store, run)

    from expctl.workflows.importance import reads_table

    if reads_table(found):
        if label is not None:
            raise UsageError(f"--class is of texts: run {found.described} reads a table", hint="leave it out")
        sheet = _columns(store, found, metric, top, streams, trust=trust)
    elif metric is not None:
        raise UsageError(f"--metric is of tables: run {found.described} reads a text", hint="leave it out")
    else:
        sheet = _terms(store, found, label, top, streams, trust=trust)
    streams.write(sheet, format, settings)


def _warn(streams: Streams) -> Callable[[str], None]:
    return lambda text: streams.note(f"warning: {text}")


def _terms(store: Store, run: RunRecord, label: str | None, top: int, streams: Streams, *, trust: bool) -> Sheet:
    from expctl.render.importance import importance_sheet
    from expctl.workflows.importance import importance as importance_of

    with stdout_is_ours(), streams.stages() as stage:
        stage("loading the model")
        found = importance_of(store, run, label=label, top=top, trust=trust, warn=_warn(streams))
        return importance_sheet(found)


def _columns(store: Store, run: RunRecord, metric: str | None, top: int, streams: Streams, *, trust: bool) -> Sheet:
    from expctl.render.importance import column_importance_sheet
    from expctl.workflows.column_importance import column_importance

    with stdout_is_ours(), streams.stages() as stage:
        return column_importance_sheet(
            column_importance(store, run, metric=metric, top=top, trust=trust, warn=_warn(streams), progress=stage)
        )


COMMANDS = [Entry("importance", importance, topic="importance")]
