"""Is the difference on a metric of the user's own real? By its values on the same resamples of the same test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.analysis.difference import Difference, normal_difference, resampled_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from expctl.analysis.predictions import Pairing, RunPredictions

_FEW: Final = 2  # resamples that both have: fewer have no spread


@dataclass(frozen=True)
class Resamples:
    """The values of a run's own metrics: on all test rows, and on each resample of them, shape (resamples,), by name.

    `sources` say what measured each: values of another source are of another metric.
    """

    values: Mapping[str, float]
    drawn: Mapping[str, np.ndarray]
    sources: Mapping[str, str]


def extra_differences(
    first: Resamples, second: Resamples, *, informative: int, confidence: float = 0.95
) -> dict[str, Difference]:
    """Each metric that both have, challenger (second) minus baseline (first), by the paired bootstrap.

    The resamples must be the same ones of the same rows. `informative` is the number of rows of which the two models
    say something else. Of metrics that another source measured nothing is said.
    Source: Efron and Tibshirani 1993, chapter 13.
    """
    import numpy as np

    found: dict[str, Difference] = {}
    for key, before in first.drawn.items():
        after = second.drawn.get(key)
        same = key in first.sources and first.sources[key] == second.sources.get(key)
        if not same or after is None or len(after) != len(before) or not {key} <= {*first.values} & {*second.values}:
            continue
        drawn = after - before
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) < _FEW:
            continue
        one, other = first.values[key], second.values[key]
        if drawn.any():
            found[key] = resampled_difference(key, one, other, drawn, confidence, informative=informative)
        else:
            found[key] = normal_difference(key, one, other, 0.0, confidence)
    return found


def informative_rows(first: RunPredictions, second: RunPredictions, pairing: Pairing) -> int:
    """Of how many rows two models say something else, by their scores where both have some."""
    if first.scores is None or second.scores is None or first.scores.shape[1] != second.scores.shape[1]:
        return int((pairing.first_predicted != pairing.second_predicted).sum())
    return int((first.scores[pairing.first] != second.scores[pairing.second]).any(axis=1).sum())
