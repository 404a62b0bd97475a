"""Do the limits of one run hold the truth? A simulation with a known truth; some minutes.

    python -m tests.simulation.limits [--samples 400] [--keep FILE]

A model whose true accuracy is known is tested on samples of rows; held: how often the 95 % limits of a metric contain
its true value. All classes are predicted as well as each other, or the rarest worse than the rest (four times as many
errors). Each figure is the least of ten: accuracies of 0.5, 0.85, 0.95, 0.99 and 0.999, of both kinds. In brackets the
mean width of the limits at an accuracy of 0.85.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.limits import limits_from_counts
from tests.simulation.batches import batches, standard_errors, tables, tell, unclear

METRICS: Final = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc")
ROWS: Final = (20, 50, 100, 200, 1_000, 5_000)
ACCURACIES: Final = (0.5, 0.85, 0.95, 0.99, 0.999)
WIDTH_OF: Final = 0.85
CLASSES: Final = {  # the rarest first
    "2, 50 %": [0.5, 0.5],
    "2, 13 %": [0.13, 0.87],
    "2, 3 %": [0.03, 0.97],
    "5, 20 %": [0.2] * 5,
    "5, 3 %": [0.03] + [0.2425] * 4,
    "77, 1.3 %": [1 / 77] * 77,
}
NEAR: Final = 5  # classes that a class is taken for


def population(shares: list[float], accuracy: float, *, rarest_worse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Cells (label, prediction), shape (cells, 2), and their probabilities, shape (cells,)."""
    classes, wrong = len(shares), 1 - accuracy
    errors = np.full(classes, wrong)
    if rarest_worse:
        errors[0] = min(4 * wrong, 0.9)
    cells, probabilities = [], []
    for label, share in enumerate(shares):
        others = [(label + step) % classes for step in range(1, min(NEAR, classes - 1) + 1)]
        cells += [(label, label), *((label, other) for other in others)]
        probabilities += [share * (1 - errors[label]), *[share * errors[label] / len(others)] * len(others)]
    return np.array(cells), np.array(probabilities)


def truth(cells: np.ndarray, probabilities: np.ndarray, classes: int) -> dict[str, float]:
    """What the model is worth, were the test rows all the rows there are."""
    label, said = cells.T
    hit = label == said
    parts = ((label[hit], probabilities[hit]), (said, probabilities), (label, probabilities))
    counts = (np.bincount(of, by, classes)[None, :] for of, by in parts)
    return {key: float(value[0]) for key, value in metrics_from_counts(*counts).items() if key in METRICS}


def held(
    shares: list[float], accuracy: float, rows: int, rarest_worse: bool, generator: np.random.Generator, samples: int
) -> np.ndarray:
    """For each metric how many limits hold the truth, and then for each the sum of their widths, if these are told."""
    cells, probabilities = population(shares, accuracy, rarest_worse=rarest_worse)
    expected, classes = truth(cells, probabilities, len(shares)), len(shares)
    found = np.zeros((2, len(METRICS)))
    drawn = tables(generator, rows, probabilities, samples)
    wanted = np.ones(len(drawn), bool)
    if accuracy != WIDTH_OF or rarest_worse:
        label, said = cells.T
        errors = standard_errors(label, [said], np.array([counts for _, counts in drawn]), classes)
        wanted = unclear(errors, {key: (expected[key],) for key in METRICS})
        found[0] = sum(often for (often, _), one in zip(drawn, wanted, strict=True) if not one)
    for often, counts in itertools.compress(drawn, wanted):
        seen = counts > 0
        limits = limits_from_counts(*cells[seen].T, counts[seen], classes)
        low, high = np.array([limits[key] for key in METRICS]).T
        true = np.array([expected[key] for key in METRICS])
        found += often * np.stack([(low - 1e-12 <= true) & (true <= high + 1e-12), high - low])
    return found.ravel()


def main() -> None:
    asked = batches(__doc__, 400)
    tell("classes, rarest", "rows", *(f"`{key}`" for key in METRICS))
    tell("---", *["---:"] * (len(METRICS) + 1))
    for name, rows in asked.wanted(itertools.product(CLASSES, ROWS)):
        shares = CLASSES[name]
        least, width = np.ones(len(METRICS)), np.zeros(len(METRICS))
        for accuracy, worse in itertools.product(ACCURACIES, (False, True)):
            cell = f"{name}, {rows}, {accuracy}, {worse}"
            share, wide = asked.mean(cell, partial(held, shares, accuracy, rows, worse)).reshape(2, -1)
            least = np.minimum(least, share)
            if accuracy == WIDTH_OF and not worse:
                width = wide
        tell(name, f"{rows:,}", *(f"{one:.1%} ({wide:.2f})" for one, wide in zip(least, width, strict=True)))


if __name__ == "__main__":
    main()
