"""Aggregates over the histories of metrics, as metrics of the runs: `max(f1_score)`, `last(loss)`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from expctl.analysis.columns import AGGREGATES, aggregate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def with_aggregates(store: Store, runs: Sequence[RunRecord], names: Sequence[str]) -> list[RunRecord]:
    """The runs with a metric for each name that asks for an aggregate. NaN counts for nothing."""
    wanted = {name: one for name in names if (one := aggregate_of(name)) is not None}
    found: list[RunRecord] = []
    for run in runs:
        metrics = dict(run.metrics)
        for name, (function, metric) in wanted.items():
            values = [point.value for point in store.reader.history(run.run_id, metric)]
            values = [value for value in values if not math.isnan(value)]
            if values:
                metrics[name] = AGGREGATES[function](values)
        found.append(replace(run, metrics=metrics))
    return found
