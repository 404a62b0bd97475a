"""Do the intervals of `compare` hold what they promise? A simulation with a known truth; some four minutes.

    python tests/simulation/coverage.py [--samples 2000]

Two classifiers with a known joint distribution of (label, prediction A, prediction B) are sampled again and again.
Coverage: how often the 95 % interval of the change holds the true change. False alarms: how often two equally good
classifiers get the verdict better or worse. Power: how often a true gain of some points of accuracy is found.
"""

from __future__ import annotations

import argparse
import itertools
import sys

import numpy as np

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.significance import JointTable, paired_differences

CELLS = np.array(list(itertools.product((0, 1), repeat=3)))  # label, prediction A, prediction B
METRICS = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc")


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


def simulate(probabilities: np.ndarray, rows: int, samples: int, seed: int) -> dict[str, tuple[float, float]]:
    """For each metric (share of intervals that hold the truth, share of verdicts better or worse)."""
    truth = {key: values(probabilities, 1)[key] - values(probabilities, 0)[key] for key in METRICS}
    held, sure = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0)
    generator = np.random.default_rng(seed)
    for _ in range(samples):
        counts = generator.multinomial(rows, probabilities)
        seen = counts > 0
        table = JointTable(CELLS[seen, 0], CELLS[seen, 1], CELLS[seen, 2], counts[seen], 2)
        for key, difference in paired_differences(table).items():
            if key in truth:
                held[key] += difference.low <= truth[key] <= difference.high
                sure[key] += difference.verdict != "no clear difference"
    return {key: (held[key] / samples, sure[key] / samples) for key in METRICS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    samples = parser.parse_args().samples
    sys.stdout.write("| rows | minority | true gain | metric | coverage | better or worse |\n")
    sys.stdout.write("|---:|---:|---:|---|---:|---:|\n")
    for seed, (rows, minority, gain) in enumerate(itertools.product((200, 2000), (0.5, 0.13), (0.0, 0.03))):
        found = simulate(population(minority, 0.85, 0.85 + gain, 0.5), rows, samples, seed)
        for key, (coverage, alarms) in found.items():
            sys.stdout.write(f"| {rows} | {minority:.0%} | {gain:.2f} | {key} | {coverage:.1%} | {alarms:.1%} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
