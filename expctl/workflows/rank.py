"""The best run against its rivals, on their recorded predictions: who is tied with it, what choosing it was worth.

Reads predictions; the statistics are those of `analysis`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.predictions import pair
from expctl.analysis.ranking import exclusions, rank, ranking_order
from expctl.analysis.selection import corrected
from expctl.analysis.significance import assess
from expctl.filters.expression import NO_SWEEP, REGULAR_RUNS, Condition, Field, all_of, fit_for
from expctl.metrics import METRICS, is_detail
from expctl.records import Tag
from expctl.tracking.runs.predictions import read_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.ranking import Ranking
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_TRIALS: Final = 500  # more predictions than these are not read for a correction


def with_ties(store: Store, ranking: Ranking, rivals: Sequence[RunRecord]) -> Ranking:
    """The ranking with each rival marked tied with the best or not; those on other test rows stay unmarked."""
    best = ranking.ranked[0]
    rivals = [run for run in rivals if run.test_set is not None and run.test_set == best.test_set]
    mine = read_predictions(store, best) if rivals else None
    if mine is None:
        return ranking
    tied = {best.run_id: True}
    for run in rivals:
        difference = assess(mine, read_predictions(store, run)).differences.get(ranking.metric)
        if difference is not None:
            tied[run.run_id] = difference.verdict == "no clear difference"
    return replace(ranking, tied=tied)


def with_correction(store: Store, ranking: Ranking, *, filter: str = "") -> Ranking:
    """The ranking of a sweep's best with the value that choosing it among the trials does not explain."""
    if ranking.metric not in METRICS or METRICS[ranking.metric].needs != "labels":
        return ranking
    best = ranking.ranked[0]
    parent = best.tags.get(Tag.PARENT)
    if not parent or best.test_set is None:
        return ranking
    siblings = all_of(
        fit_for(ranking.metric),
        Condition(Field("tags", Tag.PARENT), "=", parent),
        Condition(Field("tags", Tag.TEST_SET), "=", best.test_set),
    )
    trials = store.find(filter, also=siblings, order=ranking_order(ranking.metric), limit=_TRIALS + 1)
    if not 2 <= len(trials) <= _TRIALS:
        return ranking
    found = [one for one in (read_predictions(store, run) for run in trials) if one is not None]
    if len(found) < len(trials):
        return ranking
    pairings = [pair(found[0], one) for one in found]
    classes = sorted({name for pairing in pairings for name in pairing.classes})
    position = {name: i for i, name in enumerate(classes)}
    recoded = [[position[name] for name in pairing.classes] for pairing in pairings]
    import numpy as np

    order = np.argsort(pairings[0].first)
    labels = np.array(recoded[0])[pairings[0].labels][order]
    predicted = [
        np.array(codes)[pairing.second_predicted][np.argsort(pairing.first)]
        for codes, pairing in zip(recoded, pairings, strict=True)
    ]
    value = corrected(labels, predicted, len(classes), ranking.metric)
    return (
        replace(ranking, selected=best.metrics[ranking.metric], corrected=value, trials=len(trials))
        if value is not None
        else ranking
    )


def ranked(store: Store, metric: str, *, filter: str = "", top: int) -> Ranking:
    """The top runs by a metric among those a filter lets through.

    Tells which metrics there are where no run ranks. Raises UsageError for a filter that cannot be read.
    """
    query = store.query(filter, also=all_of(NO_SWEEP, REGULAR_RUNS))
    found = store.find(filter, also=all_of(NO_SWEEP, fit_for(metric)), order=ranking_order(metric), limit=top)
    ranking = rank(found, metric)
    if not found and store.find(filter, limit=1):
        present = store.keys()["metrics"]
        ranking = replace(ranking, known=[key for key in present if not is_detail(key, present)])
    tally = store.tally(query, metric)
    return replace(ranking, excluded=None if tally is None else exclusions(tally, metric))
