"""Two recorded runs tested against each other: on their predictions, and on what measured metrics of the user's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from expctl.analysis.clusters import cluster_informative
from expctl.analysis.difference import with_margin
from expctl.analysis.predictions import same_groups
from expctl.analysis.resampled import extra_differences, informative_rows
from expctl.analysis.significance import Assessment, assess
from expctl.tracking.runs.resamples import read_resamples

if TYPE_CHECKING:
    import numpy as np

    from expctl.analysis.predictions import RunPredictions
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

Recorded = tuple["RunRecord", "RunPredictions | None"]


def assess_runs(
    store: Store, baseline: Recorded, challenger: Recorded, *, confidence: float = 0.95, per_class: bool = False
) -> Assessment:
    """`assess` on the predictions of two runs, and the metrics of the user's own that both have.

    These are tested only where the test rows are the same, in the same groups, and were measured by the same source.
    What is practically equal is by the margin of the settings. Raises DataError.
    """
    return _within(_assessed(store, baseline, challenger, confidence, per_class=per_class), store.settings.equal_within)


def _within(test: Assessment, margin: float) -> Assessment:
    """A test whose differences know the margin."""
    return replace(test, differences=with_margin(test.differences, margin), by_class=with_margin(test.by_class, margin))


def _assessed(
    store: Store, baseline: Recorded, challenger: Recorded, confidence: float, *, per_class: bool
) -> Assessment:
    (one, before), (other, after) = baseline, challenger
    test = assess(before, after, confidence=confidence, per_class=per_class)
    if before is None or after is None or test.pairing is None or not test.pairing.complete or not test.differences:
        return test
    pairing = test.pairing
    if not same_groups(_taken(before.groups, pairing.first), _taken(after.groups, pairing.second)):
        return test  # one was resampled by rows, or by other groups
    first, second = read_resamples(store, one), read_resamples(store, other)
    if first is None or second is None:
        return test
    if pairing.groups is None:
        informative = informative_rows(before, after, pairing)
    else:
        informative = cluster_informative(before, after, pairing, pairing.groups)
    extra = extra_differences(first, second, informative=informative, confidence=confidence)
    return replace(test, differences={**test.differences, **extra})


def _taken(groups: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if groups is None else groups[rows]
