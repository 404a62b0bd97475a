"""Is what test rows are said to find in 80 % of cases found so often? A few minutes.

    python tests/simulation/power.py [--samples 400]

Two classifiers say something else about a tenth of the rows. A sample of each size tells which true difference
such rows find (`expctl power` of two runs); then as many samples are drawn of classifiers that differ by just that, and
compared. Found: how often the verdict is that the better one is better. Needed: the same with as many rows as are said
to be needed for a difference of three points.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

import numpy as np

from expctl.analysis.power import Power, power_of
from expctl.analysis.predictions import Pairing
from expctl.analysis.significance import joint_table, paired_differences

RIGHT: Final = 0.85
DIFFER: Final = 0.1
SIZES: Final = (200, 1_000, 5_000)
MINORITIES: Final = (0.5, 0.13)
METRICS: Final = ("accuracy", "f1_score", "f1_macro")
GAIN: Final = 0.03


def sample(rows: int, minority: float, gain: float, generator: np.random.Generator) -> Pairing:
    """Rows of two classes with what a classifier and one that is right so much more often say of them."""
    labels = (generator.random(rows) < minority).astype(np.int64)
    first = generator.random(rows) < RIGHT
    draws = generator.random(rows)
    second = np.where(first, draws >= (DIFFER - gain) / 2 / RIGHT, draws < (DIFFER + gain) / 2 / (1 - RIGHT))
    every = np.arange(rows)
    said = [np.where(right, labels, 1 - labels) for right in (first, second)]
    return Pairing(every, every, labels, said[0], said[1], ["a", "b"], True)


def found(metric: str, rows: int, minority: float, gain: float, samples: int, generator: np.random.Generator) -> float:
    tables = (joint_table(sample(rows, minority, gain, generator)) for _ in range(samples))
    return sum(paired_differences(table)[metric].verdict == "better" for table in tables) / samples


def told(metric: str, rows: int, minority: float, generator: np.random.Generator) -> Power:
    """What rows are said to find: the middle one of some samples, each of which tells a little else."""
    many = [paired_differences(joint_table(sample(rows, minority, 0.0, generator)))[metric] for _ in range(9)]
    powers = sorted(filter(None, (power_of(one, rows) for one in many)), key=lambda one: one.error)
    return powers[len(powers) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    samples = parser.parse_args().samples
    sys.stdout.write("| test rows | minority class | metric | detects | found | rows needed for 3 points | found |\n")
    sys.stdout.write("|---:|---:|---|---:|---:|---:|---:|\n")
    for rows in SIZES:
        for minority in MINORITIES:
            for metric in METRICS if minority < 0.5 else METRICS[:2]:
                generator = np.random.default_rng(rows)
                power = told(metric, rows, minority, generator)
                # The gain is one of accuracy: what it is of the metric is seen on very many rows.
                scale = _gain(metric, minority)
                gain, needed = min(power.detects / scale, DIFFER), power.rows_for(GAIN * scale)
                shares = [
                    found(metric, many, minority, one, samples, generator)
                    for many, one in ((rows, gain), (needed, GAIN))
                ]
                sys.stdout.write(
                    f"| {rows:,} | {minority:.0%} | `{metric}` | {power.detects:.3f} | {shares[0]:.0%} | {needed:,} |"
                    f" {shares[1]:.0%} |\n"
                )
                sys.stdout.flush()


def _gain(metric: str, minority: float) -> float:
    """How much a metric gains for each point of accuracy."""
    large = joint_table(sample(2_000_000, minority, GAIN, np.random.default_rng(0)))
    return paired_differences(large)[metric].change / GAIN


if __name__ == "__main__":
    main()
