"""`expctl compare`: what differs between runs. Owns its arguments and both streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli import options
from expctl.cli.options import read_format
from expctl.cli.streams import Streams
from expctl.errors import RunNotFound, UsageError, closest
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.analysis.comparison import Evidence
    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...", help="Two or more runs; the first is the baseline. See expctl show --help."
        ),
    ],
    metric: Annotated[str | None, typer.Option(metavar="M", help="This metric only.")] = None,
    only_changed: Annotated[bool, typer.Option("--only-changed", help="Leave out what is the same.")] = False,
    per_class: Annotated[bool, typer.Option("--per-class", help="Add F1 of each class.")] = False,
    experiment: options.Experiment = None,
    tracking_uri: options.TrackingUri = None,
    format: options.FormatOption = "table",
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare runs with the first: parameters, metrics, tags and packages that differ."""
    chosen_format = read_format(format, options.ALL_FORMATS)
    if len(runs) < 2:
        raise UsageError("compare needs two runs or more", hint="expctl compare latest~1 latest")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.comparison import compare as compare_runs
    from expctl.render.views import comparison_sheet
    from expctl.tracking.references import resolve
    from expctl.tracking.store import open_store

    store = open_store(settings, verbose=verbose)
    found = [resolve(store, run) for run in runs]
    if metric is not None and not any(metric in run.metrics for run in found):
        known = sorted({key for run in found for key in run.metrics})
        raise RunNotFound(
            f"none of these runs has {metric!r}{closest(metric, known)}", hint=f"they have {', '.join(known)}"
        )
    evidence = [_evidence(store, run, per_class=per_class) for run in found]
    comparison = compare_runs(found, evidence, metric=metric, only_changed=only_changed, per_class=per_class)
    streams.write(comparison_sheet(comparison), chosen_format, settings)
    if comparison.same_test_set is False:
        streams.note("the runs were tested on different rows: their metrics stand side by side, no more")
    if not comparison.lines:
        streams.note("nothing differs")


def _evidence(store: Store, run: RunRecord, *, per_class: bool) -> Evidence:
    import json

    from expctl.analysis.comparison import Evidence

    requirements = store.read_artifact(run, "requirements.txt")
    figures = store.read_artifact(run, "per_class.json") if per_class else None
    lines = requirements.decode("utf-8", "replace").split() if requirements is not None else []
    return Evidence(
        packages=dict(line.split("==", 1) for line in lines if "==" in line) if requirements is not None else None,
        per_class=json.loads(figures) if figures is not None else None,
    )
