"""Do sets of runs over random states tell a difference where there is none? Real trainings on made-up data; a minute.

    python tests/simulation/random_states.py [--samples 1000]

Each sample is a new data set whose features come in two halves alike: a model of either half is as good as the other
in the long run, whatever these rows say. Both are trained with as many random states as the table says, each of which
splits the rows anew, and the two sets are compared as `expctl compare 'old-*' 'new-*'` compares them. False alarms: how
often they get a verdict. Found: how often the better one is found where one half is worth more.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

import numpy as np

from expctl.analysis.groups import compare_groups
from expctl.records import RunRecord

STATES: Final = (5, 10, 20, 50)
SIZES: Final = (200, 1_000)
FEATURES: Final = 10  # in each half
TEST_SIZE: Final = 0.2


def data(rows: int, gain: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, shape (rows,), and two halves, (rows, FEATURES); `gain`: how much further the second's are apart."""
    labels = generator.integers(0, 2, rows)
    halves = [generator.normal(size=(rows, FEATURES)) + apart * labels[:, None] for apart in (0.5, 0.5 + gain)]
    return labels, halves[0], halves[1]


def accuracy(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Of a linear discriminant, which takes a fraction of a millisecond."""
    x, y = features[train], labels[train]
    means = [x[y == side].mean(axis=0) for side in (0, 1)]
    spread = np.cov((x - np.where(y[:, None] == 1, means[1], means[0])).T) + 1e-6 * np.eye(x.shape[1])
    weights = np.linalg.solve(spread, means[1] - means[0])
    cut = weights @ (means[0] + means[1]) / 2
    return float(((features[test] @ weights > cut) == labels[test]).mean())


def run(value: float, state: int, train: int, test: int) -> RunRecord:
    params = {"random_state": str(state), "test_size": str(TEST_SIZE), "train_rows": str(train), "test_rows": str(test)}
    return RunRecord(f"{state:032x}", f"r{state}", "finished", "1", params=params, metrics={"accuracy": value})


def sets(rows: int, gain: float, states: int, generator: np.random.Generator) -> list[list[RunRecord]]:
    """The two sets of runs on one new data set."""
    labels, *halves = data(rows, gain, generator)
    found: list[list[RunRecord]] = [[], []]
    for state in range(states):
        order = np.random.default_rng(state).permutation(rows)
        test, train = np.split(order, [int(rows * TEST_SIZE)])
        for side, half in zip(found, halves, strict=True):
            side.append(run(accuracy(half, labels, train, test), state, len(train), len(test)))
    return found


def share(rows: int, gain: float, states: int, samples: int, *, paired: bool) -> float:
    """How often two sets got a verdict; not `paired`: the second has other random states than the first."""
    generator = np.random.default_rng(rows + states)
    verdicts = 0
    for _ in range(samples):
        if paired:
            one, other = sets(rows, gain, states, generator)
        else:
            both = sets(rows, gain, 2 * states, generator)
            one, other = both[0][:states], both[1][states:]
        (difference,) = compare_groups(one, other)
        verdicts += difference.difference is not None and difference.difference.verdict != "no clear difference"
    return verdicts / samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    sys.stdout.write("| rows | random states | false alarms, the same states | other states | a gain found |\n")
    sys.stdout.write("|---:|---:|---:|---:|---:|\n")
    for rows in SIZES:
        for states in STATES:
            alarms = [share(rows, 0.0, states, samples, paired=paired) for paired in (True, False)]
            found = share(rows, 0.15, states, samples, paired=True)
            sys.stdout.write(f"| {rows:,} | {states} | {alarms[0]:.1%} | {alarms[1]:.1%} | {found:.1%} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
