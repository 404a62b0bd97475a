"""`expctl experiments`: listed, renamed, deleted, brought back, gone for good. Owns its arguments and both streams."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.errors import ExitCode, UsageError
from expctl.render.formats import Format
from expctl.settings import load_settings
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.tracking.store import Store
    from expctl.workflows.experiments import Summary


def experiments(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Experiments.  [default: all]", autocompletion=completion.all_experiments),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="The metric of the best run.  [default: f1_score, of regressions r2]",
            autocompletion=completion.metrics,
        ),
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted experiments in place of the others.")] = False,
    rename: Annotated[str | None, typer.Option(metavar="NEW", help="Rename one experiment.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Hide experiments with their runs.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Bring deleted experiments back, with all runs.")] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete permanently, with runs, files and models: the name is free again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print which, and do nothing.")] = False,
    tracking_uri: common.TrackingUri = None,
    format: Annotated[Format, common.format_option(without=["id"])] = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """List experiments with what they hold. Rename, delete or restore one."""
    act = _action(names or [], rename, delete=delete, restore=restore, purge=purge)
    settings = load_settings(tracking_uri=tracking_uri)

    from expctl.render.experiments import experiments_sheet
    from expctl.workflows.experiments import summaries

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    found = summaries(store, names or [], metric, deleted=deleted)
    if act in ("delete", "restore"):
        from expctl.tracking.experiment_edits import check_changes

        for one in found:
            check_changes(one.experiment, deleted=act == "delete")
    if act is None or dry_run or not found:
        streams.write(experiments_sheet(found, metric), format, settings)
        if not found:
            streams.note("no deleted experiments" if deleted else "no experiments")
        elif act is not None:
            streams.note(f"{plural(len(found), 'experiment')} would be {_DONE[act]}")
        return
    _check(store, act, found)
    if act in ("delete", "purge") and not (yes or streams.confirmed(_question(act, found), instead="--yes")):
        streams.note("nothing is deleted")
        raise typer.Exit(ExitCode.WORK_FAILED)
    with streams.stages() as stage:
        for one in found:
            _do(store, act, one, rename or "", stage)
    if rename is not None:
        store.all_experiments.every(now=True)
        found = summaries(store, [rename], metric)
    streams.write(experiments_sheet(found, metric), format, settings)
    undo = _undo(act, names or [], rename or "")
    if undo is not None:
        streams.note(f"undo: {shlex.join(['expctl', 'experiments', *undo])}")


_DONE = {"rename": "renamed", "delete": "deleted", "restore": "restored", "purge": "deleted permanently"}


def _action(names: list[str], rename: str | None, **flags: bool) -> str | None:
    """What is to be done; None for nothing but a list. Raises UsageError for two things at once, or to nobody."""
    asked = [*(["rename"] if rename is not None else []), *(name for name, given in flags.items() if given)]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} exclude each other", hint="give one of them")
    if asked and not names:
        raise UsageError(f"--{asked[0]}: no experiment given", hint=f"expctl experiments NAME --{asked[0]}")
    if rename is not None and (len(names) > 1 or not rename.strip()):
        raise UsageError("--rename gives one experiment a name", hint="expctl experiments NAME --rename NEW")
    return asked[0] if asked else None


def _check(store: Store, act: str, found: list[Summary]) -> None:
    """Raise UsageError before anything is done."""
    from expctl.tracking import experiment_edits

    for one in found:
        if act in ("delete", "purge"):
            experiment_edits.check_idle(store, one.experiment)
        if act == "purge":
            experiment_edits.to_purge(store, one.experiment)


def _question(act: str, found: list[Summary]) -> str:
    named = [one.experiment.name + (f" ({plural(one.runs, 'run')})" if one.runs else "") for one in found]
    how = " permanently, with runs, files and models" if act == "purge" else ""
    return f"delete {plural(len(found), 'experiment')}{how}: {', '.join(named)}?"


def _do(store: Store, act: str, one: Summary, name: str, progress: Callable[[str], None]) -> None:
    from expctl.tracking import experiment_edits

    experiment = one.experiment
    match act:
        case "rename":
            experiment_edits.rename(store, experiment, name)
        case "delete":
            experiment_edits.delete(store, experiment)
        case "restore":
            experiment_edits.restore(store, experiment)
        case _:
            for run in experiment_edits.purge(store, experiment, experiment_edits.to_purge(store, experiment)):
                progress(f"deleted {run.described}")


def _undo(act: str, names: list[str], name: str) -> list[str] | None:
    back = {"rename": [name, "--rename", *names], "delete": [*names, "--restore"], "restore": [*names, "--delete"]}
    return back.get(act)


COMMANDS = [Entry("experiments", experiments, topic="maintenance")]
