"""`expctl list`: the runs of an experiment. Owns its arguments and both streams."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, fancy, opened_among, tell_page
from expctl.errors import UsageError, closest
from expctl.records import STATUSES, Status
from expctl.wording import agree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.render.sheet import Sheet
    from expctl.workflows.list_runs import Listing, ListRequest

_ORPHANS: Final = 5  # runs whose process is gone that are told one by one


def _status(text: str) -> str:
    if text.lower() not in STATUSES:
        raise UsageError(
            f"no status {text!r}{closest(text.lower(), STATUSES)}", hint=f"--status {' | '.join(STATUSES)}"
        )
    return text.lower()


def _sort(text: str) -> str:
    _split_order(text)
    return text


def _split_order(text: str) -> tuple[str, bool | None]:
    key, _, direction = text.partition(":")
    if not key or direction not in ("", "asc", "desc"):
        raise UsageError(f"--sort {text!r} is not KEY, KEY:asc or KEY:desc")
    return key, None if not direction else direction == "desc"


def _columns(text: str) -> str:
    if not _names(text):
        raise UsageError("--columns is empty", hint="for example --columns id,name,f1_score")
    return text


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def list_runs(
    filter: common.Filter = "",
    sort: Annotated[
        str,
        typer.Option(
            parser=_sort,
            metavar="KEY[:asc|desc]",
            help="A metric (best first), parameter, tag or attribute.",
            autocompletion=completion.sort_keys,
        ),
    ] = "started",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, max=common.MOST, metavar="N", help="How many runs at most; 0: all.")
    ] = 20,
    columns: Annotated[
        str | None,
        typer.Option(
            parser=_columns,
            metavar="A,B",
            help="id, name, status, started, duration, any parameter, metric or tag; globs ('metrics.*'); max(loss).",
            autocompletion=completion.columns,
        ),
    ] = None,
    vary: Annotated[bool, typer.Option("--vary", help="Only columns in which the shown runs differ.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, however narrow the terminal is.")] = False,
    status: Annotated[
        Status | None,
        typer.Option(
            parser=_status,
            metavar="STATUS",
            help=f"{', '.join(STATUSES)}.",
            autocompletion=completion.one_of(STATUSES),
        ),
    ] = None,
    since: Annotated[
        int | None,
        common.age_option("--since", "Started within: 30m, 12h, 2d, 1w; or since a date, yesterday, today."),
    ] = None,
    flat: Annotated[
        bool, typer.Option("--flat", help="What sweeps, explain and reproduce made too, as --filter and --status do.")
    ] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted runs in place of the others.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep the table up to date, until Ctrl-C.")] = False,
    experiment: common.Experiments = None,
    all_experiments: common.AllExperiments = False,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """List runs, newest first; a sweep is one row."""
    streams = Streams(quiet=quiet)
    if watch and not (format == "table" and fancy(sys.stdout)):
        raise UsageError("--watch needs a terminal, and has a table", hint="expctl list in a terminal")

    from expctl.render.views import runs_sheet
    from expctl.workflows.list_runs import ListRequest
    from expctl.workflows.list_runs import list_runs as find_runs

    request = ListRequest(filter, _split_order(sort), limit, _names(columns), vary, status, since, flat, deleted)
    store = opened_among(experiment, tracking_uri, streams, everywhere=all_experiments, verbose=verbose)

    def looked() -> tuple[Listing, Sheet]:
        found = find_runs(store, request)
        return found, runs_sheet(
            found.runs,
            columns=found.columns,
            total=found.total,
            wide=wide,
            experiments=store.several,
            named=columns is not None,
        )

    if watch:
        streams.watch(lambda: looked()[1])
    listing, sheet = looked()
    streams.write(sheet, format, store.settings)
    _tell_number(streams, request, listing, store.where)
    if format == "table":
        _tell_sets(listing.runs, streams)
    if listing.runs and not store.several:
        tell_page(store, streams, listing.runs[0].experiment_id)
    if len(listing.runs) > 1 and fancy(sys.stdout) and not (store.several or deleted or request.conditions):
        told = [filter] if filter.strip() else []
        streams.note(f"report: {shlex.join(['expctl', 'report', *told])}")
    if listing.orphans:
        _tell_orphans(listing.orphans, streams)


def _tell_number(streams: Streams, request: ListRequest, listing: Listing, where: str) -> None:
    number, total = len(listing.runs), listing.total
    if not number:
        streams.note(f"no runs {where}" + (" that match" if request.narrows else ""))
    elif total is None:
        streams.note(f"the first {number} runs (--limit 0 shows all)")
    elif number < total:
        streams.note(f"{number} of {total:,} runs (--limit 0 shows all)")


def _tell_sets(runs: Sequence[RunRecord], streams: Streams) -> None:
    """That the best of a set over random states is no figure of its recipe."""
    from expctl.workflows.repeats import is_repeated

    sets = [run.label for run in runs if is_repeated(run)]
    if sets:
        of = sets[0] if len(sets) == 1 else f"{sets[0]} and {len(sets) - 1} more sets"
        streams.note(f"the best of {of} is the luckiest random state: expctl show {shlex.quote(sets[0])} has the mean")


def _tell_orphans(lost: Sequence[RunRecord], streams: Streams) -> None:
    from expctl.tracking.runs.lifecycle import recorder_of

    for run in lost[:_ORPHANS]:
        streams.note(f"{run.described} is not running: {recorder_of(run)}, is gone")
    if len(lost) > _ORPHANS:
        streams.note(f"and {len(lost) - _ORPHANS:,} more")
    streams.note(f"expctl doctor --fix closes {agree(len(lost), 'it', 'them')}")


COMMANDS = [Entry("list", list_runs, topic="listing")]
