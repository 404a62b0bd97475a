"""Do the intervals of `compare` hold what they promise? A simulation with a known truth; some four minutes.

    python -m tests.simulation.coverage [--samples 400] [--keep FILE]

Two classifiers with a known joint distribution of (label, prediction A, prediction B) are sampled again and again.
Coverage: how often the 95 % interval of the change holds the true change. False alarms: how often two equally good
classifiers get the verdict better or worse; each figure of equal ones is the worst of five accuracies, from 0.5 to
0.999. Gain found: how often a model of 88 % accuracy is found better than one of 85.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.significance import JointTable, paired_differences
from tests.simulation.batches import batches, near, quickly, standard_errors, tables, tell, unclear

CELLS = np.array(list(itertools.product((0, 1), repeat=3)))  # label, prediction A, prediction B
METRICS: Final = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc")
ROWS: Final = (20, 50, 200, 1_000, 5_000)
MINORITIES: Final = (0.5, 0.13, 0.03)
ACCURACIES: Final = (0.5, 0.85, 0.95, 0.99, 0.999)
BETTER: Final = (0.85, 0.88)
AGREEMENT: Final = 0.5


def population(minority: float, right_a: float, right_b: float, agreement: float) -> np.ndarray:
    """Probabilities of the eight cells: each classifier is right with its own probability in either class.

    `agreement` is the share of rows on which both stumble or succeed together, beyond chance.
    """
    together = np.minimum(right_a, right_b)
    both = right_a * right_b + agreement * (together - right_a * right_b)
    right = {(1, 1): both, (1, 0): right_a - both, (0, 1): right_b - both, (0, 0): 1 - right_a - right_b + both}
    share = {0: 1 - minority, 1: minority}
    return np.array([share[y] * right[(int(a == y), int(b == y))] for y, a, b in CELLS])


def values(counts: np.ndarray, side: int) -> dict[str, float]:
    """The metrics of one classifier from the counts of the eight cells."""
    hits, predicted, actual = (np.zeros((1, 2)) for _ in range(3))
    for (y, *said), count in zip(CELLS, counts, strict=True):
        actual[0, y] += count
        predicted[0, said[side]] += count
        hits[0, y] += count * (said[side] == y)
    return {key: float(value[0]) for key, value in metrics_from_counts(hits, predicted, actual).items()}


def simulate(
    probabilities: np.ndarray, rows: int, generator: np.random.Generator, samples: int
) -> dict[str, tuple[float, float]]:
    """For each metric (how many intervals hold the truth, how many verdicts are better or worse)."""
    truth = {key: values(probabilities, 1)[key] - values(probabilities, 0)[key] for key in METRICS}
    held, sure = dict.fromkeys(METRICS, samples), dict.fromkeys(METRICS, 0)
    drawn = tables(generator, rows, probabilities, samples)
    label, *said = CELLS.T
    errors = standard_errors(label, said, np.array([counts for _, counts in drawn]), 2)
    for often, counts in itertools.compress(drawn, unclear(errors, {key: (0, truth[key]) for key in METRICS})):
        seen = counts > 0
        table = JointTable(CELLS[seen, 0], CELLS[seen, 1], CELLS[seen, 2], counts[seen], 2)
        with quickly():
            found = paired_differences(table)
        if any(near([found[key]], value) for key in METRICS for value in (0, truth[key])):
            found = paired_differences(table)
        for key in METRICS:
            held[key] -= often * (not found[key].low - 1e-12 <= truth[key] <= found[key].high + 1e-12)
            sure[key] += often * (found[key].verdict != "no clear difference")
    return {key: (held[key], sure[key]) for key in METRICS}


def sums(
    minority: float, right: tuple[float, float], rows: int, generator: np.random.Generator, samples: int
) -> np.ndarray:
    """The same as an array, shape (metrics * 2,)."""
    return np.array(list(simulate(population(minority, *right, AGREEMENT), rows, generator, samples).values())).ravel()


def main() -> None:
    asked = batches(__doc__, 400)
    tell("test rows", "minority class", "metric", "truth held (equally good, better)", "false alarms", "gain found")
    tell("---:", "---:", "---", "---:", "---:", "---:")
    for rows, minority in asked.wanted(itertools.product(ROWS, MINORITIES)):
        held, alarms = np.ones(len(METRICS)), np.zeros(len(METRICS))
        for right in ACCURACIES:
            cell = f"{rows}, {minority}, {right}, {right}"
            share, verdicts = asked.mean(cell, partial(sums, minority, (right, right), rows)).reshape(-1, 2).T
            held, alarms = np.minimum(held, share), np.maximum(alarms, verdicts)
        cell = f"{rows}, {minority}, {BETTER}"
        too, found = asked.mean(cell, partial(sums, minority, BETTER, rows)).reshape(-1, 2).T
        for i, key in enumerate(METRICS):
            shares = f"{held[i]:.1%}, {too[i]:.1%}", f"{alarms[i]:.1%}", f"{found[i]:.1%}"
            tell(f"{rows:,}", f"{minority:.0%}", f"`{key}`", *shares)


if __name__ == "__main__":
    main()
