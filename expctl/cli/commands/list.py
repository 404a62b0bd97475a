"""`expctl list`: the runs of an experiment. Owns its arguments and both streams."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import read_format
from expctl.cli.streams import Streams, fancy, opened, tell_page
from expctl.errors import UsageError, closest
from expctl.metrics import METRICS
from expctl.records import STATUSES, Tag
from expctl.settings import load_settings
from expctl.wording import agree

if TYPE_CHECKING:
    from expctl.filters.expression import Condition, Order
    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import Projection
    from expctl.tracking.store import Store

_PROCESS: Final = frozenset({Tag.HOST, Tag.PID, Tag.STARTED})
_ORPHANS: Final = 5  # runs whose process is gone that are told one by one


def list_runs(
    filter: common.Filter = "",
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY[:asc|desc]",
            help="A metric (best first), parameter, tag or attribute.",
            autocompletion=completion.sort_keys,
        ),
    ] = "started",
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="How many runs at most; 0: all.")] = 20,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="id, name, status, started, duration, any parameter, metric or tag; globs ('metrics.*'); max(loss).",
            autocompletion=completion.columns,
        ),
    ] = None,
    vary: Annotated[bool, typer.Option("--vary", help="Only columns in which the shown runs differ.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, however narrow the terminal is.")] = False,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help=f"{', '.join(STATUSES)}.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="AGE", help="Started within: 30m, 12h, 2d, 1w; or after a date.")
    ] = None,
    flat: Annotated[
        bool, typer.Option("--flat", help="The trials of sweeps too, as --filter and --status always do.")
    ] = False,
    all_experiments: Annotated[bool, typer.Option("--all-experiments", help="Runs of every experiment.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted runs in place of the others.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """List runs, newest first; a sweep is one row."""
    chosen_format = read_format(format, common.ALL_FORMATS)
    conditions = [
        *([_of_status(status)] if status is not None else []),
        *([_started_after(since)] if since is not None else []),
    ]
    key, descending = _split_order(sort)
    names = [name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None
    if names == []:
        raise UsageError("--columns names none", hint="for example --columns id,name,f1_score")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.columns import EVERYTHING, expanded, varying
    from expctl.filters.expression import NO_TRIAL, all_of
    from expctl.render.views import runs_sheet

    store = opened(settings, streams, verbose=verbose)
    query = store.query(
        filter,
        also=all_of(*conditions, *(() if flat or filter.strip() or status else (NO_TRIAL,))),
        order=_order(store, key, descending, everywhere=all_experiments),
        limit=limit + 1 if limit else None,  # one more tells whether there are more
        columns=_fetched(names, vary=vary),
        deleted=deleted,
        everywhere=all_experiments,
    )
    found = store.search(query)
    shown = found[:limit] if limit else found
    if shown:
        _check_columns(store, names or [], everywhere=all_experiments)
    if names is not None:
        from expctl.tracking.runs.metric_history import with_aggregates

        shown = with_aggregates(store, shown, names)
        asked, names = names, expanded(names, shown)
        if shown and not names and not set(asked) <= set(EVERYTHING):  # runs may have no tags at all
            raise UsageError(f"none of these runs has anything that fits {', '.join(asked)}", hint="expctl show latest")
    if vary:
        names = varying(names, shown)
    total = len(found) if len(found) == len(shown) else store.count(query)
    streams.write(runs_sheet(shown, columns=names, total=total, wide=wide), chosen_format, settings)
    if not shown:
        where = "in any experiment" if all_experiments else f"in experiment {settings.experiment!r}"
        streams.note(f"no runs {where}" + (" that match" if filter.strip() or conditions else ""))
    elif total is None:
        streams.note(f"the first {len(shown)} runs (--limit 0 shows all)")
    elif len(shown) < total:
        streams.note(f"{len(shown)} of {total:,} runs (--limit 0 shows all)")
    if shown and not all_experiments:
        tell_page(store, streams, shown[0].experiment_id)
    if len(shown) > 1 and fancy(sys.stdout) and not (all_experiments or deleted or conditions):
        told = [filter] if filter.strip() else []
        streams.note(f"in pictures: {shlex.join(['expctl', 'report', *told])}")
    if any(run.status == "running" for run in shown) and not deleted:
        _tell_orphans(store, shown, streams)


def _tell_orphans(store: Store, shown: list[RunRecord], streams: Streams) -> None:
    from expctl.tracking.runs.lifecycle import orphans, recorder_of

    lost = orphans(store, shown)
    for run in lost[:_ORPHANS]:
        streams.note(f"{run.described} is not running: {recorder_of(run)}, is gone")
    if len(lost) > _ORPHANS:
        streams.note(f"and {len(lost) - _ORPHANS:,} more")
    if lost:
        streams.note(f"expctl doctor --fix closes {agree(len(lost), 'it', 'them')}")


def _of_status(text: str) -> Condition:
    from expctl.filters.expression import attribute

    if text.lower() not in STATUSES:
        raise UsageError(
            f"no status {text!r}{closest(text.lower(), STATUSES)}", hint=f"--status {' | '.join(STATUSES)}"
        )
    return attribute("status", "=", text.upper())


def _started_after(text: str) -> Condition:
    from datetime import UTC, datetime

    from expctl.filters.expression import attribute
    from expctl.filters.resolve import moment

    after = moment(text, datetime.now(UTC))
    if after is None:
        raise UsageError(f"--since {text!r} is no age", hint="for example 30m, 12h, 2d, 1w or 2026-03-01")
    return attribute("start_time", ">", float(after))


def _split_order(text: str) -> tuple[str, bool | None]:
    key, _, direction = text.partition(":")
    if not key or direction not in ("", "asc", "desc"):
        raise UsageError(f"--sort {text!r} is not KEY, KEY:asc or KEY:desc")
    return key, None if not direction else direction == "desc"


def _order(store: Store, name: str, descending: bool | None, *, everywhere: bool) -> list[Order]:
    """The order by a name: without a direction a metric comes best first, a time newest first."""
    from expctl.filters.expression import Order
    from expctl.metrics import higher_is_better

    field = store.field(name, everywhere=everywhere)
    if field is None or field.space == "datasets":
        _check_columns(store, [name], everywhere=everywhere)
        return []
    if descending is None:
        time = field.space == "attributes" and field.key in ("start_time", "end_time")
        descending = time or (field.space == "metrics" and higher_is_better(field.key))
    return [Order(field, descending)]


def _check_columns(store: Store, names: list[str], *, everywhere: bool) -> None:
    """Raise UsageError for a name that no run has, where there are runs that could."""
    from expctl.analysis.columns import aggregate_of, is_glob
    from expctl.analysis.run_values import ATTRIBUTES

    for name in names:
        asked = aggregate_of(name)
        name = name if asked is None else f"metrics.{asked.metric}"
        if is_glob(name) or name in ATTRIBUTES or store.field(name, everywhere=everywhere) is not None:
            continue
        known = [*ATTRIBUTES, *(key for keys in store.keys().values() for key in keys)]
        if store.find(limit=1, everywhere=everywhere):
            raise UsageError(f"no run has {name!r}{closest(name, known)}", hint="expctl show latest")


def _fetched(names: list[str] | None, *, vary: bool) -> Projection:
    """What has to be fetched of the runs for these columns; for the usual ones, all parameters to see what varies."""
    from expctl.analysis.columns import is_glob
    from expctl.tracking.readers.protocol import Projection

    if any(map(is_glob, names or [])) or (vary and names is None):
        return Projection(datasets=False)
    if names is None:
        standing = {f"best_{key}" for one in METRICS for key in (one, f"cv_{one}_mean")} | {"trials_finished"}
        return Projection(None, frozenset({"f1_score", "accuracy"} | standing), _PROCESS | {Tag.SWEEP}, datasets=False)
    keys = frozenset([*names, *(name.partition(".")[2] for name in names)])
    return Projection(keys, keys, keys | _PROCESS, datasets=False)
