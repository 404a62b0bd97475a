"""`expctl list`: the runs of an experiment. Owns its arguments and both streams."""

from __future__ import annotations

import re
import time
from typing import Annotated, Final

import typer

from expctl.cli import options
from expctl.cli.options import read_format
from expctl.cli.streams import Streams
from expctl.errors import UsageError, closest
from expctl.metrics import METRICS
from expctl.records import STATUSES, Tag
from expctl.settings import load_settings

_UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def list_runs(
    filter: options.Filter = "",
    sort: Annotated[
        str, typer.Option(metavar="KEY[:asc|desc]", help="A metric (best first), parameter, tag or attribute.")
    ] = "started",
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="How many runs at most; 0: all.")] = 20,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Columns: id, name, status, started, duration, or any parameter, metric or tag."
        ),
    ] = None,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help=f"{', '.join(STATUSES)}.")] = None,
    since: Annotated[str | None, typer.Option(metavar="AGE", help="Started within: 30m, 12h, 2d, 1w.")] = None,
    flat: Annotated[
        bool, typer.Option("--flat", help="The trials of sweeps too, as --filter and --status always do.")
    ] = False,
    all_experiments: Annotated[bool, typer.Option("--all-experiments", help="Runs of every experiment.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted runs in place of the others.")] = False,
    experiment: options.Experiment = None,
    tracking_uri: options.TrackingUri = None,
    format: options.FormatOption = "table",
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """List runs, newest first; a sweep is one row."""
    chosen_format = read_format(format, options.ALL_FORMATS)
    conditions = [filter] if filter.strip() else []
    if status is not None:
        conditions.append(f"attributes.status = '{_status(status)}'")
    if since is not None:
        conditions.append(f"attributes.start_time > {int(time.time() * 1000) - _milliseconds(since)}")
    key, descending = _order(sort)
    names = [name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None
    if names == []:
        raise UsageError("--columns names none", hint="for example --columns id,name,f1_score")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.fields import known_names, sorted_runs, value_of
    from expctl.render.views import runs_sheet
    from expctl.tracking.store import open_store

    store = open_store(settings, verbose=verbose)
    runs = store.find(" and ".join(conditions), deleted=deleted, everywhere=all_experiments)
    if not (flat or filter.strip() or status):
        runs = [run for run in runs if Tag.TRIAL not in run.tags]
    if runs:
        for name in [key, *(names or [])]:
            known = name in known_names(runs) or name.removeprefix("metrics.") in METRICS
            if not known and all(value_of(run, name) is None for run in runs):
                raise UsageError(
                    f"no run has {name!r}{closest(name, known_names(runs))}",
                    hint="expctl show latest",
                )
    shown = sorted_runs(runs, key, descending=descending)[: limit or None]
    streams.write(runs_sheet(shown, columns=names, total=len(runs)), chosen_format, settings)
    if not runs:
        where = "in any experiment" if all_experiments else f"in experiment {settings.experiment!r}"
        streams.note(f"no runs {where}" + (" that match" if conditions else ""))
    elif len(shown) < len(runs):
        streams.note(f"{len(shown)} of {len(runs):,} runs (--limit 0 shows all)")


def _status(text: str) -> str:
    if text.lower() not in STATUSES:
        raise UsageError(
            f"no status {text!r}{closest(text.lower(), STATUSES)}", hint=f"--status {' | '.join(STATUSES)}"
        )
    return text.upper()


def _milliseconds(text: str) -> int:
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if match is None:
        raise UsageError(f"--since {text!r} is no age", hint="for example 30m, 12h, 2d or 1w")
    return int(match[1]) * _UNITS[match[2]] * 1000


def _order(text: str) -> tuple[str, bool | None]:
    key, _, direction = text.partition(":")
    if not key or direction not in ("", "asc", "desc"):
        raise UsageError(f"--sort {text!r} is not KEY, KEY:asc or KEY:desc")
    return key, None if not direction else direction == "desc"
