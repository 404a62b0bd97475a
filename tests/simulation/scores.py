"""Do ROC AUC, log loss and Brier score differ where they are equal? A simulation with a known truth; some minutes.

    python -m tests.simulation.scores [--samples 1000] [--keep FILE]

Two models of two classes whose true ROC AUC, log loss or Brier score is the same are compared on samples of rows; a
false alarm is a verdict. AUC: the scores of the one are normal with one spread in both classes, those of the other so
or with twice or half the spread in one class. Losses: the one's probabilities are right, the other knows more and is
too sure, by a factor of 1 to 2.5 of its log odds. Each figure is the largest of five such pairs. Found: how often a
model that is better by 0.05 of AUC (from 0.85), or by a tenth of its loss, is found, where both are right about their
probabilities.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit, ndtri

from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.scores import score_differences
from tests.simulation.batches import batches, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    Loss = Callable[[np.ndarray], np.ndarray]
    Models = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]

MINORITIES: Final = (0.5, 0.13, 0.03)
ROWS: Final = (20, 50, 100, 200, 1_000, 5_000)
LEAST_TESTED: Final = 0.1  # of the samples: of fewer no share is told
AUCS: Final = ((0.75, 1.0, 0.8), (0.9, 1.0, 0.8), (0.9, 2.0, 0.5), (0.98, 2.0, 0.5), (0.98, 0.5, 0.5))
LOSSES: Final = ((0.8, 1.0, 0.5), (0.8, 1.5, 0.5), (0.8, 2.0, 0.8), (1.5, 1.5, 0.8), (1.5, 2.5, 0.5))


def normals(rows: int, common: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise of two models with this correlation."""
    one, own = generator.normal(size=(2, rows))
    return one, common * one + np.sqrt(1 - common**2) * own


def of_auc(minority: float, auc: float, spread: float, common: float, gain: float = 0.0) -> Models:
    """Two models by AUC; the second's other class has this spread."""

    def draw(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = (generator.random(rows) < minority).astype(np.int64)
        one, other = normals(rows, common, generator)
        apart = ndtri(auc) * np.sqrt(2), ndtri(auc + gain) * np.sqrt(1 + spread**2)
        return labels, one + apart[0] * labels, np.where(labels == 1, apart[1] + other, spread * other)

    return draw


def log_loss(wrong: np.ndarray) -> np.ndarray:
    """Of rows by the log odds of what is wrong."""
    return np.logaddexp(0, wrong)


def brier_score(wrong: np.ndarray) -> np.ndarray:
    """Of rows by the log odds of what is wrong."""
    squares: np.ndarray = expit(wrong) ** 2
    return squares


def mean_loss(loss: Loss, strength: float, too_sure: float, minority: float) -> float:
    """The true mean, by Gauss and Hermite's quadrature, for log odds 2 a x, where x is normal about a or -a."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    total, prior = 0.0, np.log(minority / (1 - minority))
    for sign, share in ((1, minority), (-1, 1 - minority)):
        odds = too_sure * (2 * strength * (nodes + sign * strength) + prior)
        total += share * float(weights @ loss(-sign * odds)) / float(weights.sum())
    return total


def strength_of(loss: Loss, wanted: float, too_sure: float, minority: float) -> float:
    """The strength with which a model of this overconfidence has the loss that is wanted."""
    low, high = 0.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_loss(loss, middle, too_sure, minority) > wanted else (low, middle)
    return high


def of_loss(loss: Loss, minority: float, strength: float, too_sure: float, common: float, gain: float = 0.0) -> Models:
    """Two models by a loss; the second is too sure, and the better by a share `gain` of the loss."""
    wanted = (1 - gain) * mean_loss(loss, strength, 1, minority)
    other_strength = strength_of(loss, wanted, too_sure, minority)
    prior = np.log(minority / (1 - minority))

    def draw(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = (generator.random(rows) < minority).astype(np.int64)
        sign, (one, other) = 2 * labels - 1, normals(rows, common, generator)
        first = 2 * strength * (one + sign * strength) + prior
        return labels, first, too_sure * (2 * other_strength * (other + sign * other_strength) + prior)

    return draw


def verdicts(draw: Models, metric: str, rows: int, generator: np.random.Generator, samples: int) -> np.ndarray:
    """How often the two get a verdict, and how often they are tested. Shape (2,)."""
    found, place, names = np.zeros(2), np.arange(rows), ["a", "b"]
    for _ in range(samples):
        labels, *scores = draw(rows, generator)
        given = [np.stack([expit(-one), expit(one)], axis=1) for one in scores]
        one, other = (
            RunPredictions(place, place.astype("S8"), labels, part.argmax(axis=1), names, part, "probability", names)
            for part in given
        )
        tested = score_differences(one, other, pair(one, other)).get(metric)
        found += tested is not None and tested.verdict != "no clear difference", tested is not None
    return found


def main() -> None:
    asked = batches(__doc__, 1000)
    tell("minority", "rows", "`roc_auc`", "found", "`log_loss`", "found", "`brier_score`", "found", "not tested")
    tell(*["---:"] * 9)
    for minority, rows in asked.wanted(itertools.product(MINORITIES, ROWS)):
        cells, tested = [], 0.0
        for metric, models, kinds, gain in (
            ("roc_auc", of_auc, AUCS, (0.85, 1.0, 0.8, 0.05)),
            ("log_loss", partial(of_loss, log_loss), LOSSES, (0.8, 1.0, 0.8, 0.1)),
            ("brier_score", partial(of_loss, brier_score), LOSSES, (0.8, 1.0, 0.8, 0.1)),
        ):
            shares, tests = [], []
            for kind in (*kinds, gain):
                cell = f"{metric}, {minority}, {rows}, {kind}"
                verdict, test = asked.total(cell, partial(verdicts, models(minority, *kind), metric, rows))
                tests.append(test / asked.samples)
                shares.append(verdict / test if tests[-1] >= LEAST_TESTED else math.nan)
            cells += ["–" if math.isnan(share) else f"{share:.1%}" for share in (max(shares[:-1]), shares[-1])]
            tested = max(tested, *tests)
        tell(f"{minority:.0%}", f"{rows:,}", *cells, f"{1 - tested:.0%}")


if __name__ == "__main__":
    main()
