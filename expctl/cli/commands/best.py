"""`expctl best`: the top runs by one metric. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened_among
from expctl.wording import agree, plural


def best(
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help=f"Rank by this metric, in its direction.{common.BY_TASK}",
            autocompletion=completion.metrics,
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-n", min=1, max=common.MOST, metavar="N", help="How many runs.")] = 1,
    filter: common.Filter = "",
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="Among the runs not significantly different from the best, put first by this metric.",
            autocompletion=completion.metrics,
        ),
    ] = None,
    higher_is_better: common.HigherIsBetter = None,
    margin: common.Margin = None,
    experiment: common.Experiments = None,
    all_experiments: common.AllExperiments = False,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Rank runs by a metric. ≈ marks those that cannot be told from the first; NaN never ranks."""
    streams = Streams(quiet=quiet)

    from expctl.render.views import ranking_sheet
    from expctl.workflows.rank import best as best_runs
    from expctl.workflows.wear import wear_of

    store = opened_among(experiment, tracking_uri, streams, everywhere=all_experiments, verbose=verbose, margin=margin)
    found = best_runs(store, metric, top=top, filter=filter, prefer=prefer, higher=higher_is_better)
    ranking = found.ranking
    metric = ranking.metric
    streams.write(ranking_sheet(ranking, experiments=store.several), format, store.settings)
    if found.elsewhere:
        streams.note(
            f"{found.elsewhere:,} of the best {plural(found.near, 'run')} {agree(found.elsewhere, 'was', 'were')}"
            f" tested on other rows than the first: {ranking.metric} does not compare them"
        )
    if found.may_tie:
        shown, they = len(ranking.ranked), agree(found.may_tie, "it", "they")
        others = plural(found.may_tie, "other run" if shown == 1 else "more run")
        streams.note(
            f"{others} {agree(found.may_tie, 'is', 'are')} so near that {they} may be tied with the first:"
            f" expctl best --top {shown + found.may_tie} tells"
        )
    if worn := str(wear_of(store, ranking.ranked[0]) or ""):
        streams.note(worn)
    if ranking.excluded is None:
        streams.note(f"left out: runs that are unfinished or without a finite {ranking.metric}")
    for reason, count in (ranking.excluded or {}).items():
        streams.note(f"left out {plural(count, 'run')} {reason}")


COMMANDS = [Entry("best", best, topic="ranking")]
