"""The best runs of a store by one metric, as few of them read as are asked for, and why others are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from expctl.analysis.ranking import exclusions, rank, ranking_order
from expctl.filters.expression import FINISHED, MADE_TO_USE, NO_SWEEP, Condition, Field, every
from expctl.metrics import is_detail
from expctl.tracking.reading import STORED_INFINITY

if TYPE_CHECKING:
    from expctl.analysis.ranking import Ranking
    from expctl.filters.expression import Expression
    from expctl.tracking.store import Store


def ranked(store: Store, metric: str, *, filter: str = "", top: int) -> Ranking:
    """The top runs by a metric among those a filter lets through.

    Tells which metrics there are where no run ranks. Raises UsageError for a filter that cannot be read.
    """
    query = store.query(filter, also=every(NO_SWEEP, MADE_TO_USE))
    found = store.find(filter, also=every(NO_SWEEP, fit_for(metric)), order=ranking_order(metric), limit=top)
    ranking = rank(found, metric)
    if not found and store.find(filter, limit=1):
        present = store.keys()["metrics"]
        ranking = replace(ranking, known=[key for key in present if not is_detail(key, present)])
    tally = store.tally(query, metric)
    return replace(ranking, excluded=None if tally is None else exclusions(tally, metric))


def fit_for(metric: str) -> Expression:
    """The runs that can rank: finished, with a finite value, and not made to explain others."""
    value = Field("metrics", metric)
    return every(MADE_TO_USE, FINISHED, Condition(value, ">", -STORED_INFINITY), Condition(value, "<", STORED_INFINITY))
