"""`expctl delete` and `expctl restore`: runs hidden, gone for good, brought back. Owns arguments and both streams."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.errors import ExitCode, UsageError
from expctl.metrics import check_direction
from expctl.settings import load_settings
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import RunRecord
    from expctl.render.sheet import Sheet
    from expctl.tracking.runs.descendants import Chosen
    from expctl.tracking.runs.retention import Retention
    from expctl.tracking.store import Store

_NAMED: Final = 5  # runs that a question or a hint names one by one

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print which runs, and do nothing.")]


def delete(
    runs: common.Runs = None,
    filter: common.Filter = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    keep_best: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Delete all but the N best of these runs, or of the experiment."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="M", help="What is best.  [default: f1_score]", autocompletion=completion.metrics),
    ] = None,
    higher_is_better: common.HigherIsBetter = None,
    older_than: Annotated[
        int | None,
        common.age_option(
            "--older-than", "Of these runs, or of the experiment, those begun before: 12h, 30d, 8w, or a date."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With these two, also runs of registered models and the best of sweeps.")
    ] = False,
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
    rule = _rule(runs, filter, keep_best, metric, higher_is_better, older_than, force=force)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.tracking.runs import deletion

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    if rule is None:
        chosen = deletion.to_delete(store, runs or [], filter, purge=purge)
    else:
        chosen = _cleaned(store, streams, runs or [], filter, rule, purge=purge)
    if purge and chosen.runs:
        deletion.check_purge(store, chosen.runs)
    how = " permanently, with files and models" if purge else ""
    if dry_run or not chosen.runs:
        sizes = {run.run_id: deletion.bytes_of(store, run) for run in chosen.runs}
        streams.write(_sheet(chosen, chosen.runs, "runs", sizes), format, settings)
        streams.note(_would_go(sizes, how) if chosen.runs else "no runs that match")
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


def _rule(
    runs: Sequence[str] | None,
    filter: str,
    keep_best: int | None,
    metric: str | None,
    higher: bool | None,
    older_than: int | None,
    *,
    force: bool,
) -> Retention | None:
    """What stays of many runs; None where these are to go as they are named. Raises UsageError for none at all."""
    if metric is not None and keep_best is None:
        raise UsageError(
            "--metric says what --keep-best keeps", hint=shlex.join(["--keep-best", "5", "--metric", metric])
        )
    if higher is not None and keep_best is None:
        raise UsageError("a direction is that of the metric of --keep-best", hint="--keep-best 5 --metric M")
    if keep_best is None and older_than is None:
        if force:
            raise UsageError("--force goes with --keep-best or --older-than", hint="--yes deletes without asking")
        _check_given(runs, filter, "delete")
        return None

    from expctl.tracking.runs.retention import Retention

    check_direction(metric or "f1_score", higher)
    return Retention(keep_best, metric, higher, older_than, force)


def _cleaned(
    store: Store, streams: Streams, runs: Sequence[str], filter: str, rule: Retention, *, purge: bool
) -> Chosen:
    """The runs that a rule lets go; tells why others stay."""
    from expctl.tracking.runs.retention import to_clean

    cleaning = to_clean(store, runs, filter, rule, purge=purge)
    for reason, count in cleaning.kept.items():
        streams.note(f"left: {plural(count, 'run')} {reason}")
    return cleaning.chosen


def _would_go(sizes: Mapping[str, int | None], how: str) -> str:
    """What a dry run tells of runs by their sizes in bytes."""
    from expctl.render.text import size

    known = [one for one in sizes.values() if one is not None]
    told = size(sum(known)) + (" or more" if len(known) < len(sizes) else "")
    frees = f"frees {told}" if how else f"{told}, which --purge would free"
    return f"{plural(len(sizes), 'run')} would be deleted{how}: {frees}"


def _sheet(
    chosen: Chosen, runs: Sequence[RunRecord], kind: str, sizes: Mapping[str, int | None] | None = None
) -> Sheet:
    """Those of the runs, the named ones first, with their sizes in bytes where these are wanted."""
    from expctl.render.sheet import Column, Size
    from expctl.render.views import runs_sheet

    ids = {run.run_id for run in runs}
    ordered = [run for run in (*chosen.named, *chosen.trials) if run.run_id in ids]
    sheet = runs_sheet(ordered, columns=["id", "name", "status", "started", "f1_score"], total=None)
    if sizes is None:
        return replace(sheet, kind=kind)
    taken = [None if (one := sizes[run.run_id]) is None else Size(one) for run in ordered]
    rows = [[*row, one] for row, one in zip(sheet.rows, taken, strict=True)]
    return replace(sheet, kind=kind, columns=[*sheet.columns, Column("bytes", "size", "number")], rows=rows)


def _described(chosen: Chosen, how: str) -> str:
    """What a question is about: how many runs, how, and the first by name."""
    names = [run.described for run in chosen.named[:_NAMED]]
    more = ["..."] if len(chosen.named) > _NAMED else []
    trials = f" with {len(chosen.trials):,} trials" if chosen.trials else ""
    return f"{plural(len(chosen.named), 'run')}{trials}{how}: {', '.join(names + more)}"


COMMANDS = [Entry("delete", delete, topic="maintenance"), Entry("restore", restore, topic="maintenance")]
