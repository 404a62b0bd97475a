"""Does the gate pass what is exactly as bad as it may be? A simulation with a known truth; some minutes.

    python -m tests.simulation.boundary [--samples 400] [--keep FILE]

The challenger's true loss is exactly `--max-drop`: it passes by luck alone, and a pass is due in at most 2.5 % of the
samples (the lower limit of a 95 % interval). It loses by breaking rows that the baseline has right, of all classes or
of the rarest alone, and fixes none or some.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.significance import JointTable, paired_differences
from tests.simulation.batches import batches, near, quickly, standard_errors, tables, tell, unclear

METRICS: Final = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc")
CLASSES: Final = {  # the rarest first
    "2, 50 %": [0.5, 0.5],
    "2, 13 %": [0.13, 0.87],
    "2, 3 %": [0.03, 0.97],
    "5, 20 %": [0.2] * 5,
    "77, 1.3 %": [1 / 77] * 77,
}
ROWS: Final = (20, 50, 100, 200, 1_000, 5_000)
# accuracy of the baseline, share of rows broken, share fixed, whether in the rarest class alone
KINDS: Final = (
    (0.85, 0.01, 0.0, False),
    (0.85, 0.03, 0.02, False),
    (0.95, 0.02, 0.0, True),
    (0.99, 0.012, 0.002, False),
)


def population(
    shares: list[float], accuracy: float, broken: float, fixed: float, *, rarest: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Cells (label, prediction A, prediction B), shape (cells, 3), and their probabilities, shape (cells,)."""
    cells, probabilities = [], []
    for label, share in enumerate(shares):
        here = 1.0 if not rarest else (1 / share if label == 0 else 0.0)
        lost, won = min(broken * here, accuracy), fixed * here
        wrong = (label + 1) % len(shares)
        cells += [(label, label, label), (label, label, wrong), (label, wrong, label), (label, wrong, wrong)]
        probabilities += [share * part for part in (accuracy - lost, lost, won, 1 - accuracy - won)]
    return np.array(cells), np.array(probabilities)


def truth(cells: np.ndarray, probabilities: np.ndarray, classes: int) -> dict[str, float]:
    """What the challenger changes, were the test rows all the rows there are."""
    values = []
    for said in (cells[:, 1], cells[:, 2]):
        hit = said == cells[:, 0]
        parts = ((cells[hit, 0], probabilities[hit]), (said, probabilities), (cells[:, 0], probabilities))
        values.append(metrics_from_counts(*(np.bincount(of, by, classes)[None, :] for of, by in parts)))
    return {key: float((values[1][key] - values[0][key])[0]) for key in METRICS}


def passes(
    cells: np.ndarray, probabilities: np.ndarray, rows: int, generator: np.random.Generator, samples: int
) -> np.ndarray:
    """For each metric how often a challenger passes whose true loss is the largest allowed."""
    classes = int(cells.max()) + 1
    change, passed = truth(cells, probabilities, classes), np.zeros(len(METRICS))
    drawn = tables(generator, rows, probabilities, samples)
    label, *said = cells.T
    errors = standard_errors(label, said, np.array([counts for _, counts in drawn]), classes)
    wanted = unclear(errors, {key: (change[key],) for key in METRICS}, above=True)
    for often, counts in itertools.compress(drawn, wanted):
        seen = counts > 0
        table = JointTable(*cells[seen].T, counts[seen], classes)
        with quickly():
            found = paired_differences(table)
        if any(near([found[key]], change[key], p_value=0) for key in METRICS):
            found = paired_differences(table)
        passed += often * np.array([found[key].low > change[key] + 1e-12 for key in METRICS])
    return passed


def main() -> None:
    asked = batches(__doc__, 400)
    tell("classes, rarest", "rows", *(f"`{key}`" for key in METRICS))
    tell("---", *["---:"] * (len(METRICS) + 1))
    for name, rows in asked.wanted(itertools.product(CLASSES, ROWS)):
        worst = np.zeros(len(METRICS))
        for kind in KINDS:
            made = population(CLASSES[name], *kind[:3], rarest=kind[3])
            worst = np.maximum(worst, asked.mean(f"{name}, {rows}, {kind}", partial(passes, *made, rows)))
        tell(name, f"{rows:,}", *(f"{one:.1%}" for one in worst))


if __name__ == "__main__":
    main()
