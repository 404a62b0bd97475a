"""From how many groups of the rarer class on can ROC AUC and log loss be tested? A simulation; a minute.

    python -m tests.simulation.cluster_scores [--samples 400] [--keep FILE]

Two equally good models score groups of rows, of which just so many are of the rarer class, as many again and more of
the other. False alarms: how often the verdict is better or worse, were there no rule of 20 groups.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.clusters import cluster_score_differences
from expctl.analysis.predictions import RunPredictions, pair
from tests.simulation.batches import batches, tell
from tests.simulation.clusters import KINDS, sizes_of

METRICS: Final = ("roc_auc", "log_loss")
RARER: Final = (5, 10, 15, 20, 30, 50)
OTHERS: Final = (1, 10)  # times as many groups of the other class
_APART: Final = 1.1


def sampled(
    kind: tuple[int, ...], own: float, rarer: int, others: int, generator: np.random.Generator
) -> list[RunPredictions]:
    """Two equally good models on new rows."""
    groups = rarer * (1 + others)
    of_row = np.repeat(np.arange(groups), sizes_of(kind, groups, generator))
    labels, rows = (of_row < rarer).astype(int), len(of_row)
    shared, names = generator.normal(size=groups)[of_row], np.array([f"{i:032d}" for i in of_row], dtype="S32")
    hashes = np.array([f"{i:032d}" for i in range(rows)], dtype="S32")
    runs = []
    for _ in range(2):
        noise = np.sqrt(own) * generator.normal(size=groups)[of_row] + np.sqrt(1 - own) * generator.normal(size=rows)
        scores = np.where(labels, _APART, -_APART) + 0.7 * shared + 0.7 * noise
        positive = 1 / (1 + np.exp(-2 * scores))
        known = RunPredictions(
            np.arange(rows),
            hashes,
            labels,
            (scores > 0).astype(int),
            ["a", "b"],
            None,
            "probability",
            ["a", "b"],
            names,
        )
        runs.append(replace(known, scores=np.stack([1 - positive, positive], axis=1)))
    return runs


def alarms(
    kind: tuple[int, ...], own: float, rarer: int, others: int, generator: np.random.Generator, samples: int
) -> np.ndarray:
    """For each metric how many verdicts there are."""
    found = np.zeros(len(METRICS))
    for _ in range(samples):
        one, other = sampled(kind, own, rarer, others, generator)
        pairing = pair(one, other)
        assert pairing.groups is not None
        tested = cluster_score_differences(one, other, pairing, pairing.groups)
        found += [tested[key].verdict != "no clear difference" for key in METRICS]
    return found


def main() -> None:
    asked = batches(__doc__, 400)
    tell("rows in a group", "groups of the rarer class", "of the other", *(f"`{key}`" for key in METRICS))
    tell("---", *["---:"] * (len(METRICS) + 2))
    for (name, kind, own), others, rarer in asked.wanted(itertools.product(KINDS, OTHERS, RARER)):
        cell = f"{name}, {rarer}, {others}"
        share = asked.mean(cell, partial(alarms, kind, own, rarer, others))
        tell(name, f"{rarer}", f"{rarer * others}", *(f"{one:.1%}" for one in share))


if __name__ == "__main__":
    main()
