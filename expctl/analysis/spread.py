"""How far one recipe's metrics are apart over random states: the noise that a difference has to rise above. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.groups import mean, variance
from expctl.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over some runs: mean, sample standard deviation (None of one run), the least and the largest value."""

    metric: str
    runs: int
    mean: float
    deviation: float | None
    least: float
    largest: float


def spreads(runs: Sequence[RunRecord]) -> list[Spread]:
    """Every metric of the table, and times, that some of the runs have as a finite number."""
    import numpy as np

    found = []
    for metric in METRICS:
        values = [run.metrics[metric] for run in runs if math.isfinite(run.metrics.get(metric, math.nan))]
        if values:
            drawn = np.array(values)
            deviation = math.sqrt(variance(drawn)) if len(values) > 1 else None
            found.append(Spread(metric, len(values), mean(drawn), deviation, min(values), max(values)))
    return found
