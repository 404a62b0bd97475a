"""`expctl best`: the top runs by one metric. Owns its arguments and both streams."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import read_format
from expctl.cli.streams import Streams, opened
from expctl.errors import RunNotFound, UsageError, closest
from expctl.settings import load_settings
from expctl.wording import plural

_CONTESTANTS: Final = 50  # runs whose predictions --prefer reads at most
_NEAR: Final = 20  # of the best runs, those looked at for other test rows than the first has


def best(
    metric: Annotated[
        str, typer.Option(metavar="M", help="Rank by this metric, in its direction.", autocompletion=completion.metrics)
    ] = "f1_score",
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many runs.")] = 1,
    filter: common.Filter = "",
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="Of the runs that cannot be told from the best, put first by this metric.",
            autocompletion=completion.metrics,
        ),
    ] = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Rank runs by a metric. ≈ marks those that cannot be told from the first; NaN never ranks."""
    chosen_format = read_format(format, common.ALL_FORMATS)
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.analysis.ranking import may_tie, preferring
    from expctl.render.views import ranking_sheet
    from expctl.workflows.rank import ranked, with_correction, with_ties

    store = opened(settings, streams, verbose=verbose)
    ranking = ranked(store, metric, filter=filter, top=max(top, _NEAR if prefer is None else _CONTESTANTS + 1))
    if not ranking.ranked:
        known = closest(metric, ranking.known)
        hint = f"they have {', '.join(ranking.known)}" if ranking.known else "expctl list"
        which = "finished run that fits the filter" if filter.strip() else "finished run"
        raise RunNotFound(f"no {which} has {metric}{known}", hint=hint)
    if prefer is not None and not any(prefer in run.metrics for run in ranking.ranked):
        raise UsageError(
            f"--prefer: no run has {prefer!r}{closest(prefer, ranking.known)}", hint="--prefer fit_seconds"
        )
    ranking = with_correction(store, ranking, filter=filter)
    if prefer is not None:
        ranking = preferring(with_ties(store, ranking, may_tie(ranking, _CONTESTANTS)), prefer)
    elif top > 1:
        ranking = with_ties(store, ranking, ranking.ranked[1:top])
    sets = [run.test_set for run in ranking.ranked]
    ranking = replace(ranking, ranked=ranking.ranked[:top])
    streams.write(ranking_sheet(ranking), chosen_format, settings)
    elsewhere = sum(one is not None and one != sets[0] for one in sets)
    if elsewhere and sets[0] is not None:
        streams.note(
            f"{elsewhere:,} of the best {len(sets):,} runs were tested on other rows than the first: {metric} does not"
            " compare them"
        )
    if ranking.excluded is None:
        streams.note(f"left out: runs that are unfinished or without a finite {metric}")
    for reason, count in (ranking.excluded or {}).items():
        streams.note(f"left out {plural(count, 'run')} {reason}")
